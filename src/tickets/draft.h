/* A ticket in the making: what its maker says, what follows from that, and signatures
 * as they come in. */
#ifndef OCHRE_TICKETS_DRAFT_H
#define OCHRE_TICKETS_DRAFT_H

#include "tickets/committee.h"
#include "tickets/lists.h"
#include "tickets/quote.h"

/* Tickets name the committee of a block that no usual reorganisation reaches. */
#define DRAFT_COMMITTEE_DEPTH 6

/* Whose signature a place wants; no length: none, it stays empty. */
struct draft_key {
    uint8_t octets[57]; /* a key or a script */
    uint8_t len;
};

struct ticket_draft {
    const struct chain_params *params;
    const struct ticket_kind *kind;
    struct buf raw[TICKET_MAX_FIELDS]; /* owned: values as they stand in the payload */
    bool given[TICKET_MAX_FIELDS];     /* else it is to be derived or signed */
    struct committee committee;
    struct quote quote;
    bool pays; /* quote says what */
    struct amount burn;
    struct draft_key keys[TICKET_MAX_FIELDS][TRIO];
};

void ticket_draft_init(struct ticket_draft *d, const struct chain_params *params,
                       const struct ticket_kind *kind);
void ticket_draft_clear(struct ticket_draft *d);

/* Whether the maker may leave the field out. */
bool ticket_draft_knows(const struct ticket_field *f);
/* Adds what was left out: the committee (of the block six below the tip), its three
 * best members, derived fields, the burn (NULL: the least), and finds who is to sign.
 * @next is the block that follows the tip: its height, the state and the coins at the
 * tip. False: *error (caller frees). */
NODISCARD bool ticket_draft_complete(struct ticket_draft *d, struct rule_env *next,
                                     const struct amount *burn, char **error);

/* Whether what was given can be a ticket at all: nothing below may be called before.
 * False: *error (caller frees). */
NODISCARD bool ticket_draft_check(const struct ticket_draft *d, char **error);

/* The payload as it is, with zeros where signatures are to come. */
void ticket_draft_payload(const struct ticket_draft *d, struct buf *out);

/* One signature that is to be made. */
struct ticket_signing {
    const struct ticket_field *field;
    enum sig_scheme scheme;
    struct hash256 message;
    struct bytes key;
};
/* Octets of a signature of this scheme under this key. */
size_t ticket_sig_size(enum sig_scheme scheme, struct bytes key);
/* The hash that a place signs: fields before it must be final. */
struct hash256 ticket_draft_hash(const struct ticket_draft *d, size_t field,
                                 const struct outpoint *prevout);
/* Calls sign for every signature that is missing (quorums and records are never made
 * here), in order, for a transaction whose input 0 spends prevout. False: sign failed.
 */
NODISCARD bool ticket_draft_sign(struct ticket_draft *d, const struct outpoint *prevout,
                                 bool (*sign)(void *ctx,
                                              const struct ticket_signing *what,
                                              uint8_t *sig),
                                 void *ctx);

#endif
