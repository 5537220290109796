/* Tickets: what a carrier's payload says. A kind is a table of fields, which drives
 * reading, writing, JSON and the index, and a few small functions; see kinds.def. */
#ifndef OCHRE_TICKETS_TICKET_H
#define OCHRE_TICKETS_TICKET_H

#include "chain/params/params.h"
#include "chain/rules/reject.h"
#include "chain/state/state.h"
#include "chain/validation/hooks.h"
#include "util/json.h"

#define TICKET_MAX_FIELDS 24

enum field_type {
    FIELD_PASTELID, /* 57 octets: an Ed448 public key */
    FIELD_SCRIPT,   /* var(42): P2PKH, P2SH, P2WPKH, P2WSH or P2TR */
    FIELD_HASH,     /* 32 octets; shown as they stand */
    FIELD_TXID,     /* 32 octets, a supernode or token; shown as txids are */
    FIELD_OUTPOINT, /* 36 octets */
    FIELD_U8,       /* integers are little-endian */
    FIELD_U16,
    FIELD_U32,
    FIELD_U64,
    FIELD_AMOUNT,          /* u64 of the smallest unit; decimals in JSON */
    FIELD_MEGABYTES,       /* u64 octets; JSON shows 2^20 of them as 1, too */
    FIELD_XONLY_KEY,       /* 32 octets that lift to a point of secp256k1 */
    FIELD_ED25519_KEY,     /* 32 octets */
    FIELD_ED25519_KEY_OPT, /* var(32) */
    FIELD_NAME,            /* var(64): UTF-8 without control characters */
    FIELD_CID,             /* var(64): any octets */
    FIELD_ENDPOINT,        /* u8 network, address, u16 port; shown as host:port */
    FIELD_COMMITTEE,       /* u32 height, block hash */
    FIELD_SUPERNODES,      /* 3 x 32 octets; shown as txids */
    FIELD_SYNC_LIST, /* varint 1..64 x { token, u64 sequence, u64 used, var(64) cid,
                        Ed25519 signature [64] } */
    /* Signatures: the field has a role. */
    FIELD_ED448_SIG,       /* 114 octets */
    FIELD_SUPERNODE_SIGS,  /* 3 x 114 octets, by those of FIELD_SUPERNODES */
    FIELD_ED25519_SIG,     /* 64 octets */
    FIELD_ED25519_SIG_OPT, /* var(64), empty where the rules want none */
    FIELD_BIP340_SIG_OPT,  /* var(64), likewise */
    FIELD_SCRIPT_SIG_OPT,  /* var(65), likewise: by the key of a P2PKH or P2WPKH script
                              (a Bitcoin signed message) or a P2TR script (BIP 340) */
    FIELD_QUORUM,          /* varint n x { u8 rank, BIP 340 signature [64] } */
};

/* What a role signs, see ticket_sign_hash. */
enum ticket_cover {
    COVER_INPUT_AND_BODY, /* outpoint of input 0, body */
    COVER_BODY,           /* up to the first signature field */
    COVER_ALL_BEFORE,     /* up to the signature's own field */
    COVER_INPUT_AND_ALL_BEFORE,
};

#define SIGNER_BY_KIND SIZE_MAX

struct ticket_field {
    const char *name; /* in JSON; a script's address is called "<name>" with _address
                         for _script */
    enum field_type type;
    bool indexed;     /* tickets can be found by it */
    const char *role; /* of a signature: who signs, see ticket_sign_hash */
    enum ticket_cover cover;
    size_t signer; /* of a signature: the field that holds the key; SIGNER_BY_KIND: the
                      kind's signer tells. Quorums are signed by the committee. */
    bool derived;  /* who makes a ticket may leave it out: the kind's derive knows */
    unsigned
        decimals; /* of an integer: JSON has the point so many digits further left */
};

struct ticket_value {
    struct bytes raw; /* the octets of the value itself, without the length of a var */
    size_t offset;    /* of the field in the payload */
};

struct ticket_kind;

/* Everything is borrowed from the payload. */
struct ticket {
    const struct ticket_kind *kind;
    struct bytes payload;
    struct ticket_value v[TICKET_MAX_FIELDS];
};

struct committee;
struct quote;
struct service_fields;
struct supernode_view;

/* What the rules of a kind may look at. */
struct ticket_env {
    const struct chain_params *params;
    int32_t height; /* of the block that includes the ticket */
    const struct tx *tx;
    const struct coin *const *spent; /* the coin of each input */
    struct amount burn;              /* value of the carrier */
    struct state_txn *state;
    struct rule_env *block; /* what the hook was given: coins, marks, counts */
    /* The one that the ticket's committee field names, already checked; NULL when the
     * kind has no such field. */
    const struct committee *committee;
    const struct supernode_view *supernodes;
};

/* A signature that is to be verified (signatures.h). */
enum sig_scheme {
    SIG_ED448,   /* key: 57 octets; 4 units */
    SIG_ED25519, /* key: 32 octets */
    SIG_BIP340,  /* key: 32 octets, x-only */
    SIG_SCRIPT,  /* key: a P2PKH, P2WPKH or P2TR script */
};

struct ticket_kind {
    uint8_t id; /* on the wire: never reused */
    const char *name;
    const char *help;
    const struct ticket_field *fields;
    size_t n_fields;
    /* What the carrier burns at the least; NULL: nothing. */
    struct amount (*min_burn)(const struct ticket *t, const struct ticket_env *env);
    /* The state rules; pure. Signatures that must be empty are its business. */
    bool (*check)(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej);
    /* What it changes, once everything is checked but its signatures. */
    void (*apply)(const struct ticket *t, const struct ticket_env *env);
    /* Names of which only one pending ticket may have each. */
    void (*claims)(const struct ticket *t, struct claim_set *out);
    /* The key (57 octets at most) of a signature whose field says SIGNER_BY_KIND, from
     * the state before apply; item counts those of a FIELD_SYNC_LIST. Called when check
     * has passed. */
    struct bytes (*signer)(const struct ticket *t, const struct ticket_env *env,
                           size_t field, size_t item, uint8_t key[57]);

    /* For whoever makes a ticket; NULL where the kind has no such thing. */
    /* What the transaction has to pay; false: it cannot be told, or is out of range. */
    bool (*quote)(struct quote *out, const struct ticket *t,
                  const struct ticket_env *env);
    /* The value of a field marked derived, from the fields before it, the committee and
     * the burn. */
    void (*derive)(struct buf *out, const struct ticket *t,
                   const struct ticket_env *env, size_t field);
    /* Where its fields stand, of a service (service.h); NULL: it is none. */
    const struct service_fields *service;
    bool carries_token; /* output 1 is to be a token's anchor */
};

/* NULL: unknown. */
const struct ticket_kind *ticket_kind_by_id(uint8_t id);
const struct ticket_kind *ticket_kind_by_name(const char *name);
const struct ticket_kind *ticket_kind_at(size_t i); /* all of them; NULL at the end */

enum ticket_decode {
    TICKET_OK,
    TICKET_UNKNOWN, /* another version or kind: no meaning */
    TICKET_MALFORMED,
};
/* Reads a payload that carrier_parse gave. */
enum ticket_decode ticket_decode(struct ticket *out, struct bytes payload);
/* Writes the payload of kind from values (raw set, offsets not). */
void ticket_encode(struct buf *out, const struct ticket_kind *kind,
                   const struct ticket_value *values);

/* TH(tag, m) of doc/spec/tickets.md; tag is "ochre/<kind>/<role>". */
struct hash256 ticket_hash(const struct chain_params *params, const char *kind,
                           const char *role, struct bytes m1, struct bytes m2);
/* What signature field @field signs; @prevout is that of the transaction's input 0. For
 * a FIELD_SYNC_LIST see sync_item_hash. */
struct hash256 ticket_sign_hash(const struct chain_params *params,
                                const struct ticket *t, size_t field,
                                const struct outpoint *prevout);
/* Units of the block's budget of signature checks: 4 for Ed448, 1 for any other. */
unsigned ticket_sigops(const struct ticket *t);
#define TICKET_MAX_SIGOPS 16000

struct amount ticket_min_burn(const struct ticket *t, const struct ticket_env *env);

void claim(struct claim_set *out, const char *name, struct bytes value);

/* Members of the JSON object of a ticket: one for each field. */
void ticket_write_fields(const struct ticket *t, const struct chain_params *params,
                         struct json_writer *w);
/* One field from JSON into out (the raw octets); false: *error (from mem) says what is
 * wrong. A signature may be absent: out stays empty. */
NODISCARD bool ticket_field_from_json(struct buf *out, const struct ticket_field *f,
                                      const struct chain_params *params,
                                      const struct json *obj, struct arena *mem,
                                      const char **error);
/* The value that a user's text (a PastelID, an address, hex) stands for in this field.
 */
NODISCARD bool ticket_field_from_text(struct buf *out, const struct ticket_field *f,
                                      const struct chain_params *params,
                                      const char *text);

#endif
