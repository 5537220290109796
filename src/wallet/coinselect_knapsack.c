#include <stdlib.h>

#include "util/mem.h"
#include "wallet/coinselect_parts.h"

/* Knapsack: the coins below target plus change are put together at random, many times,
 * and the sum nearest above the target wins; unless the smallest single coin above does
 * better. */

#define ROUNDS 1000
#define STEPS  2000000 /* rounds times groups, at most: huge pools get fewer rounds */

struct knapsack {
    const struct sel_key *keys; /* those below, by falling amounts */
    size_t n;
    int64_t total; /* their sum */
    int64_t max_weight;
    uint64_t *in, *best; /* owned: bit sets over keys */
    size_t words;
    int64_t best_amount;
    struct rng *rng;
};

static bool bit_test(const uint64_t *set, size_t i)
{
    return (set[i / 64] >> (i % 64) & 1) != 0;
}

struct sum {
    int64_t amount, weight;
};

/* Adds the groups of @add (or all that are not in yet) one by one. Whenever that
 * reaches the target the sum is compared with the best, and the last one taken out
 * again, for a smaller one may fit better. */
static bool pass(struct knapsack *k, struct sum *s, int64_t target, bool random)
{
    bool reached = false;
    uint64_t coin = 0;
    for (size_t i = 0; i < k->n; i++) {
        if (i % 64 == 0)
            coin = random ? rng_u64(k->rng) : ~k->in[i / 64];
        if ((coin >> (i % 64) & 1) == 0)
            continue;
        s->amount += k->keys[i].amount;
        s->weight += k->keys[i].weight;
        k->in[i / 64] |= UINT64_C(1) << (i % 64);
        if (s->amount < target || s->weight > k->max_weight)
            continue;
        reached = true;
        if (s->amount < k->best_amount) {
            k->best_amount = s->amount;
            memcpy(k->best, k->in, k->words * 8);
        }
        s->amount -= k->keys[i].amount;
        s->weight -= k->keys[i].weight;
        k->in[i / 64] &= ~(UINT64_C(1) << (i % 64));
    }
    return reached;
}

/* Best set for @target into k->best; to begin with that is all of them. */
static void approximate(struct knapsack *k, int64_t target)
{
    size_t rounds = STEPS / (k->n + 1) + 1;
    memset(k->best, 0xff, k->words * 8);
    k->best_amount = k->total;
    for (size_t i = 0; i < rounds && i < ROUNDS && k->best_amount != target; i++) {
        struct sum s = {0, 0};
        memset(k->in, 0, k->words * 8);
        if (!pass(k, &s, target, true))
            pass(k, &s, target, false);
    }
}

static int64_t best_weight(const struct knapsack *k)
{
    int64_t weight = 0;
    for (size_t i = 0; i < k->n; i++) {
        if (bit_test(k->best, i))
            weight += k->keys[i].weight;
    }
    return weight;
}

static void pick_best(const struct knapsack *k, struct sel_pick *out)
{
    for (size_t i = 0; i < k->n; i++) {
        if (bit_test(k->best, i))
            sel_pick_add(out, k->keys[i].group);
    }
}

/* The smallest single one that pays for target and change. */
#define NO_LARGER SIZE_MAX

static enum sel_status pick_larger(struct sel_pick *out, size_t larger)
{
    if (larger == NO_LARGER)
        return SEL_NONE;
    sel_pick_add(out, (uint32_t)larger);
    return SEL_FOUND;
}

static enum sel_status solve(struct sel_pick *out, struct knapsack *k,
                             const struct sel_group *groups, size_t larger,
                             int64_t target, int64_t change_target)
{
    if (k->total < target)
        return pick_larger(out, larger);
    approximate(k, target);
    if (k->best_amount != target && k->total >= target + change_target)
        approximate(k, target + change_target);
    bool poor = k->best_amount != target && k->best_amount < target + change_target;
    if (larger != NO_LARGER && (poor || groups[larger].amount <= k->best_amount))
        return pick_larger(out, larger);
    if (best_weight(k) > k->max_weight)
        return larger == NO_LARGER ? SEL_TOO_HEAVY : pick_larger(out, larger);
    pick_best(k, out);
    return SEL_FOUND;
}

/* Parts the groups: one that is the target by itself ends the search. */
struct parts {
    struct sel_group *below; /* owned */
    uint32_t *from;          /* owned: their indices in groups */
    size_t n_below, larger, exact;
    bool too_heavy;
};

static void part(struct parts *p, const struct sel_group *groups, size_t n,
                 int64_t target, int64_t change_target, int64_t max_weight)
{
    *p = (struct parts){.larger = NO_LARGER, .exact = NO_LARGER};
    p->below = xmalloc((n + 1) * sizeof(*p->below));
    p->from = xmalloc((n + 1) * sizeof(*p->from));
    for (size_t i = 0; i < n; i++) {
        const struct sel_group *g = &groups[i];
        if (g->weight > max_weight) {
            p->too_heavy = true;
        } else if (g->amount == target) {
            p->exact = i;
        } else if (g->amount < target + change_target) {
            p->from[p->n_below] = (uint32_t)i;
            p->below[p->n_below++] = *g;
        } else if (p->larger == NO_LARGER || g->amount < groups[p->larger].amount) {
            p->larger = i;
        }
    }
}

static enum sel_status solve_parts(struct sel_pick *out, const struct parts *p,
                                   const struct sel_group *groups, int64_t target,
                                   int64_t change_target, int64_t max_weight,
                                   struct rng *rng)
{
    struct sel_key *keys = sel_keys_sorted(p->below, p->n_below);
    struct knapsack k = {.keys = keys,
                         .n = p->n_below,
                         .max_weight = max_weight,
                         .words = p->n_below / 64 + 1,
                         .rng = rng};
    for (size_t i = 0; i < k.n; i++) {
        k.total += keys[i].amount;
        keys[i].group = p->from[keys[i].group];
    }
    k.in = xcalloc(k.words, 8);
    k.best = xcalloc(k.words, 8);
    enum sel_status status = solve(out, &k, groups, p->larger, target, change_target);
    free(k.in);
    free(k.best);
    free(keys);
    return status;
}

enum sel_status sel_knapsack(struct sel_pick *out, const struct sel_group *groups,
                             size_t n, int64_t target, int64_t change_target,
                             int64_t max_weight, struct rng *rng)
{
    struct parts p;
    enum sel_status status;
    part(&p, groups, n, target, change_target, max_weight);
    if (p.exact != NO_LARGER)
        status = pick_larger(out, p.exact);
    else
        status = solve_parts(out, &p, groups, target, change_target, max_weight, rng);
    if (status == SEL_NONE && p.too_heavy)
        status = SEL_TOO_HEAVY;
    free(p.below);
    free(p.from);
    return status;
}
