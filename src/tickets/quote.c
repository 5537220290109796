#include "tickets/quote.h"

#include "tickets/fee.h"

static bool finish(struct quote *q, const struct committee_member *const *members,
                   uint64_t median_share)
{
    q->paid = 0;
    for (size_t i = 0; i < PAID_MEMBERS; i++) {
        q->member[i] = members[i];
        q->paid += q->share[i]; /* each at most MAX_MONEY + 1 */
    }
    q->median = PAID_MEMBERS * median_share;
    if (q->paid > MAX_MONEY || q->median > MAX_MONEY)
        return false;
    q->burn = fee_burn(q->paid, q->median);
    return true;
}

bool quote_storage(struct quote *out, const struct committee *c,
                   const struct committee_member *const members[PAID_MEMBERS],
                   uint64_t factor, uint64_t octets)
{
    for (size_t i = 0; i < PAID_MEMBERS; i++)
        out->share[i] = fee_price(members[i]->storage_fee, factor, octets);
    return finish(out, members,
                  fee_price(committee_median_storage_fee(c), factor, octets));
}

bool quote_sense(struct quote *out, const struct committee *c,
                 const struct committee_member *const members[PAID_MEMBERS])
{
    for (size_t i = 0; i < PAID_MEMBERS; i++)
        out->share[i] = members[i]->sense_fee;
    return finish(out, members, committee_median_sense_fee(c));
}

bool quote_space(struct quote *out, const struct committee *c, uint64_t octets)
{
    const struct committee_member *best[PAID_MEMBERS];
    uint64_t price = fee_price(committee_median_storage_fee(c),
                               fee_factor(DEFAULT_RATIO, DEFAULT_REDUNDANCY), octets);
    ASSERT(c->n >= PAID_MEMBERS);
    for (size_t i = 0; i < PAID_MEMBERS; i++) {
        best[i] = &c->members[i];
        out->share[i] = price;
    }
    return finish(out, best, price);
}

bool quote_members(const struct committee_member *out[PAID_MEMBERS],
                   const struct committee *c, const uint8_t *sns, struct reject *rej)
{
    int last = -1;
    for (size_t i = 0; i < PAID_MEMBERS; i++) {
        int rank = committee_rank(c, sns + 32 * i);
        if (rank < 0)
            return reject_suffix(rej, REJECT_TICKET_STATE, "-sn-not-in-committee");
        if (rank <= last)
            return reject_suffix(rej, REJECT_TICKET_STATE, "-sn-order");
        out[i] = &c->members[rank];
        last = rank;
    }
    return true;
}

static uint64_t owed_to(const struct quote *q, struct bytes script)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < PAID_MEMBERS; i++)
        if (bytes_equal(q->member[i]->payout_script, script))
            sum += q->share[i];
    return sum;
}

static uint64_t paid_to(const struct tx *tx, struct bytes script)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (bytes_equal(tx->out[i].script, script))
            sum += (uint64_t)tx->out[i].value.v;
    return sum;
}

bool quote_check_payment(const struct quote *q, const struct tx *tx, struct reject *rej)
{
    for (size_t i = 0; i < PAID_MEMBERS; i++) {
        struct bytes script = q->member[i]->payout_script;
        uint64_t owed = owed_to(q, script), paid = paid_to(tx, script);
        if (paid < owed)
            return reject_detail(rej, REJECT_TICKET_PAYMENT,
                                 "supernode %zu gets %llu of %llu", i,
                                 (unsigned long long)paid, (unsigned long long)owed);
    }
    return true;
}

struct amount quote_min_burn(const struct ticket *t, const struct ticket_env *env)
{
    struct quote q;
    return amount_of(t->kind->quote(&q, t, env) ? (int64_t)q.burn : 0);
}
