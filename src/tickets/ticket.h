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
    FIELD_PASTELID,  /* 57 octets: an Ed448 public key */
    FIELD_SCRIPT,    /* var(42): P2PKH, P2SH, P2WPKH, P2WSH or P2TR */
    FIELD_ED448_SIG, /* 114 octets */
};

struct ticket_field {
    const char *name; /* in JSON; a script's address is called "<name>" with _address
                         for _script */
    enum field_type type;
    bool indexed;     /* tickets can be found by it */
    const char *role; /* of a signature: who signs, see ticket_sign_hash */
    size_t signer;    /* of a signature: the field that holds the key */
};

struct ticket_value {
    struct bytes raw; /* the octets of the value itself, without a length */
    size_t offset;    /* of the field in the payload */
};

struct ticket_kind;

/* Everything is borrowed from the payload. */
struct ticket {
    const struct ticket_kind *kind;
    struct bytes payload;
    struct ticket_value v[TICKET_MAX_FIELDS];
};

/* What the rules of a kind may look at. */
struct ticket_env {
    const struct chain_params *params;
    int32_t height; /* of the block that includes the ticket */
    const struct tx *tx;
    const struct coin *const *spent; /* the coin of each input */
    struct amount burn;              /* value of the carrier */
    struct state_txn *state;
};

struct ticket_kind {
    uint8_t id; /* on the wire: never reused */
    const char *name;
    const char *help;
    const struct ticket_field *fields;
    size_t n_fields;
    struct amount (*min_burn)(const struct ticket *t, const struct ticket_env *env);
    /* The state rules; pure. */
    bool (*check)(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej);
    /* What it changes, once everything is checked but its signatures. */
    void (*apply)(const struct ticket *t, const struct ticket_env *env);
    /* Names of which only one pending ticket may have each. */
    void (*claims)(const struct ticket *t, struct claim_set *out);
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
/* What the owner of signature field @field signs; @prevout is that of the transaction's
 * input 0. */
struct hash256 ticket_sign_hash(const struct chain_params *params,
                                const struct ticket *t, size_t field,
                                const struct outpoint *prevout);
/* Units of the block's budget of signature checks. */
unsigned ticket_sigops(const struct ticket *t);
#define TICKET_MAX_SIGOPS 16000

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
