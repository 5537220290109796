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

/* The user may ask and has not asked this before, and the members stand in order. */
bool service_check_request(const struct ticket *t, const struct ticket_env *env,
                           const struct service_fields *f, struct reject *rej);
/* Limits, amounts and outputs against the quote. */
bool service_check_fees(const struct ticket *t, const struct ticket_env *env,
                        const struct service_fields *f, const struct quote *q,
                        struct reject *rej);
void service_apply(const struct ticket *t, const struct ticket_env *env,
                   const struct service_fields *f);
void service_claims(const struct ticket *t, const struct service_fields *f,
                    struct claim_set *out);
/* Appends the effective fee; q NULL: it cannot be told, and is 0. */
void service_derive_fee(struct buf *out, const struct quote *q,
                        const struct ticket_env *env);
/* The key of member @item of those that the ticket names. */
struct bytes service_signer(const struct ticket *t, const struct ticket_env *env,
                            const struct service_fields *f, size_t item,
                            uint8_t key[57]);

#endif
