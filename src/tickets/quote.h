/* What a ticket pays to supernodes and burns (doc/spec/tickets.md, "Fees"). */
#ifndef OCHRE_TICKETS_QUOTE_H
#define OCHRE_TICKETS_QUOTE_H

#include "tickets/committee.h"

#define PAID_MEMBERS 3

struct quote {
    const struct committee_member *member[PAID_MEMBERS];
    uint64_t share[PAID_MEMBERS]; /* what each is paid */
    uint64_t paid;                /* P: the sum of the shares */
    uint64_t median;              /* P_m: the same by the committee's median fee */
    uint64_t burn;                /* the carrier's least value */
};

/* The members that the ticket names (three of the committee). False: something is above
 * all the money there is; nothing but the members is set then. */
NODISCARD bool quote_storage(struct quote *out, const struct committee *c,
                             const struct committee_member *const members[PAID_MEMBERS],
                             uint64_t factor, uint64_t octets);
NODISCARD bool quote_sense(struct quote *out, const struct committee *c,
                           const struct committee_member *const members[PAID_MEMBERS]);
/* Room in a token: the three best-ranked members, at the median fee. The committee has
 * at least three. */
NODISCARD bool quote_space(struct quote *out, const struct committee *c,
                           uint64_t octets);

/* The members that three ids name, ranks rising: else ticket-state-sn-... */
bool quote_members(const struct committee_member *out[PAID_MEMBERS],
                   const struct committee *c, const uint8_t *sns, struct reject *rej);

/* Whether the transaction pays: to every script among the payout scripts at least the
 * sum of its shares. Else ticket-payment. */
bool quote_check_payment(const struct quote *q, const struct tx *tx,
                         struct reject *rej);
/* The min_burn of kinds with a quote. What cannot be quoted burns nothing: it does not
 * pass the check either. */
struct amount quote_min_burn(const struct ticket *t, const struct ticket_env *env);

#endif
