/* What tickets of services (storage, sense) have in common: a request, paid for by its
 * user and confirmed by three members of a committee.
 *
 *   "r" pastelid request -> kind u8, txid, height u32 */
#ifndef OCHRE_TICKETS_SERVICE_H
#define OCHRE_TICKETS_SERVICE_H

#include "tickets/quote.h"

/* Where the kind has them. */
struct service_fields {
    size_t request, pastelid, max_fee, effective_fee, sns;
};

struct request_record {
    uint8_t kind;
    struct hash256 txid;
    uint32_t height;
};
/* @key: pastelid, request */
bool request_get(struct state_txn *st, const uint8_t pastelid[57],
                 const uint8_t request[32], struct request_record *out);

/* Functions of a kind that has service_fields and a quote. */

/* The user may ask and has not asked this before, the members stand in order, and
 * limits, amounts and outputs are as quoted. */
bool service_check(const struct ticket *t, const struct ticket_env *env,
                   struct reject *rej);
void service_apply(const struct ticket *t, const struct ticket_env *env);
void service_claims(const struct ticket *t, struct claim_set *out);
/* The key of member @item of those that the ticket names. */
struct bytes service_signer(const struct ticket *t, const struct ticket_env *env,
                            size_t field, size_t item, uint8_t key[57]);
/* The effective fee; 0 when it cannot be told. */
void service_derive_fee(struct buf *out, const struct ticket *t,
                        const struct ticket_env *env, size_t field);

#endif
