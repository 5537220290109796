#include <stdlib.h>

#include "util/mem.h"
#include "wallet/coinselect_parts.h"

const char *sel_algorithm_name(enum sel_algorithm a)
{
    static const char *const names[] = {
        [SEL_MANUAL] = "manual", [SEL_BNB] = "bnb",    [SEL_KNAPSACK] = "knapsack",
        [SEL_SRD] = "srd",       [SEL_GRINDER] = "cg",
    };
    return names[a];
}

const char *sel_status_text(enum sel_status s)
{
    static const char *const texts[] = {
        [SEL_FOUND] = "",
        [SEL_NONE] = "",
        [SEL_TOO_HEAVY] =
            "The inputs size exceeds the maximum weight. Please try sending a smaller "
            "amount or manually consolidating your wallet's UTXOs",
        [SEL_NO_ROOM] = "Maximum transaction weight is less than transaction weight "
                        "without inputs",
        [SEL_NO_CHANGE] = "Maximum transaction weight is too low, can not accommodate "
                          "change output",
        [SEL_LONG_CHAIN] =
            "Unconfirmed UTXOs are available, but spending them creates a chain of "
            "transactions that will be rejected by the mempool",
        [SEL_CLUSTER] =
            "Failed to calculate bump fees, because unconfirmed UTXOs depend on "
            "enormous cluster of unconfirmed transactions.",
    };
    return texts[s];
}

void sel_result_clear(struct sel_result *r)
{
    free(r->coins);
    *r = (struct sel_result){0};
}

void sel_result_add(struct sel_result *r, const struct sel_coin *coins, uint32_t i,
                    bool subtract_fee)
{
    const struct sel_coin *c = &coins[i];
    if (r->n == r->cap) {
        r->cap = r->cap * 2 + 8;
        r->coins = xrealloc_array(r->coins, r->cap, sizeof(*r->coins));
    }
    r->coins[r->n++] = i;
    r->amount += subtract_fee ? c->value : c->value - c->fee;
    r->value += c->value;
    r->fee += c->fee;
    r->long_term_fee += c->long_term_fee;
    r->bump_fee += c->bump_fee;
    r->weight += c->weight;
}

int64_t sel_result_change(const struct sel_result *r, const struct sel_params *p)
{
    int64_t change = r->amount - r->target;
    if (!p->subtract_fee) /* else the outputs pay all fees, that of the change too */
        change += r->bump_discount - p->change_fee;
    return change < p->min_viable_change ? 0 : change;
}

void sel_result_set_waste(struct sel_result *r, const struct sel_params *p)
{
    r->waste = r->fee - r->long_term_fee - r->bump_discount;
    if (sel_result_change(r, p) > 0)
        r->waste += p->cost_of_change;
    else
        r->waste += r->amount + (p->subtract_fee ? 0 : r->bump_discount) - r->target;
}

bool sel_result_better(const struct sel_result *a, const struct sel_result *b)
{
    return a->waste < b->waste || (a->waste == b->waste && a->n > b->n);
}

int64_t sel_change_target(int64_t payment, int64_t change_fee, struct rng *rng)
{
    if (payment <= SEL_CHANGE_LOWER / 2)
        return change_fee + SEL_CHANGE_LOWER;
    int64_t upper = payment < SEL_CHANGE_UPPER / 2 ? payment * 2 : SEL_CHANGE_UPPER;
    return change_fee + SEL_CHANGE_LOWER +
           (int64_t)rng_below(rng, (uint64_t)(upper - SEL_CHANGE_LOWER));
}
