#include <stdlib.h>

#include "util/mem.h"
#include "wallet/coinselect_parts.h"

/* -- One pool of groups: every algorithm, the least waste -- */

struct choice {
    const struct sel_coin *coins;
    size_t n;
    int64_t target;
    const struct sel_params *p;
    const struct sel_pool *pool; /* of the algorithm that runs */
    int64_t max_weight;          /* for it */
    struct sel_result *best;     /* n 0: none yet */
    enum sel_status failure;     /* the first that is more than SEL_NONE */
};

static void note_failure(struct choice *c, enum sel_status s)
{
    if (s != SEL_FOUND && s != SEL_NONE && c->failure == SEL_NONE)
        c->failure = s;
}

/* Shared ancestors are paid for once. */
static bool set_discount(struct choice *c, struct sel_result *r)
{
    const struct sel_params *p = c->p;
    if (r->bump_fee == 0 || p->combined_bump == NULL)
        return true;
    int64_t combined = p->combined_bump(p->combined_ctx, r->coins, r->n);
    if (combined < 0)
        return false;
    r->bump_discount = r->bump_fee - combined;
    return true;
}

static void take_if_better(struct choice *c, struct sel_result *take_r)
{
    sel_result_set_waste(take_r, c->p);
    if (c->best->n > 0 && !sel_result_better(take_r, c->best)) {
        sel_result_clear(take_r);
        return;
    }
    sel_result_clear(c->best);
    *c->best = *take_r;
}

/* What an algorithm came to, for comparison with what the others did. */
static void consider(struct choice *c, enum sel_algorithm algorithm,
                     enum sel_status status, struct sel_pick *take_pick)
{
    struct sel_result r = {.algorithm = algorithm, .target = c->target};
    for (size_t i = 0; i < take_pick->n; i++) {
        const struct sel_group *g = &c->pool->groups[take_pick->v[i]];
        for (uint32_t m = 0; m < g->n; m++)
            sel_result_add(&r, c->coins, c->pool->members[g->first + m],
                           c->p->subtract_fee);
    }
    sel_pick_clear(take_pick);
    if (status == SEL_FOUND && !set_discount(c, &r))
        status = SEL_CLUSTER;
    note_failure(c, status);
    if (status == SEL_FOUND)
        take_if_better(c, &r);
    else
        sel_result_clear(&r);
}

static void try_bnb(struct choice *c)
{
    struct sel_pick pick = {0};
    enum sel_status s = sel_bnb(&pick, c->pool->groups, c->pool->n, c->target,
                                c->p->cost_of_change, c->max_weight);
    consider(c, SEL_BNB, s, &pick);
}

static void try_knapsack(struct choice *c)
{
    struct sel_pick pick = {0};
    enum sel_status s = sel_knapsack(&pick, c->pool->groups, c->pool->n, c->target,
                                     c->p->min_change_target, c->max_weight, c->p->rng);
    consider(c, SEL_KNAPSACK, s, &pick);
}

static void try_grinder(struct choice *c)
{
    struct sel_pick pick = {0};
    enum sel_status s = sel_grinder(&pick, c->pool->groups, c->pool->n, c->target,
                                    c->p->min_change_target, c->max_weight);
    consider(c, SEL_GRINDER, s, &pick);
}

static void try_srd(struct choice *c)
{
    struct sel_pick pick = {0};
    enum sel_status s = sel_srd(&pick, c->pool->groups, c->pool->n, c->target,
                                c->p->change_fee, c->max_weight, c->p->rng);
    consider(c, SEL_SRD, s, &pick);
}

/* Branch and bound leaves no change, so it has the change's weight for inputs. With
 * fees taken from the outputs it would overpay, so it is left out then. CoinGrinder
 * pays off when fees are high: three times what they are in the long run. */
static enum sel_status run_algorithms(struct choice *c, const struct sel_pool *positive,
                                      const struct sel_pool *mixed)
{
    const struct sel_params *p = c->p;
    c->max_weight = p->max_weight;
    c->pool = positive;
    if (c->max_weight <= 0)
        return SEL_NO_ROOM;
    if (!p->subtract_fee)
        try_bnb(c);
    c->max_weight -= p->change_weight;
    if (c->max_weight < 0)
        return c->best->n > 0 ? SEL_FOUND : SEL_NO_CHANGE;
    c->pool = mixed;
    try_knapsack(c);
    c->pool = positive;
    if (p->feerate > 3 * p->long_term_feerate)
        try_grinder(c);
    try_srd(c);
    return c->best->n > 0 ? SEL_FOUND : c->failure;
}

static enum sel_status choose(struct sel_result *best, const struct sel_coin *coins,
                              size_t n, int64_t target, const struct sel_params *p,
                              const struct sel_filter *f, uint32_t type)
{
    struct sel_pool positive = {0}, mixed = {0};
    struct choice c = {.coins = coins,
                       .n = n,
                       .target = target,
                       .p = p,
                       .best = best,
                       .failure = SEL_NONE};
    sel_pool_fill(&positive, coins, n, p, f, type, true);
    sel_pool_fill(&mixed, coins, n, p, f, type, false);
    enum sel_status s = mixed.n == 0 ? SEL_NONE : run_algorithms(&c, &positive, &mixed);
    sel_pool_clear(&positive);
    sel_pool_clear(&mixed);
    return s;
}

/* -- Types: one by one, then mixed -- */

static unsigned types_present(const struct sel_coin *coins, size_t n)
{
    unsigned present = 0;
    for (size_t i = 0; i < n; i++)
        present |= 1u << coins[i].type;
    return present;
}

struct attempt {
    const struct sel_coin *coins;
    size_t n;
    int64_t target;
    const struct sel_params *p;
    unsigned types;
    enum sel_status failure;
};

static bool attempt_type(struct attempt *a, struct sel_result *out,
                         const struct sel_filter *f, uint32_t type)
{
    struct sel_result r = {0};
    enum sel_status s = choose(&r, a->coins, a->n, a->target, a->p, f, type);
    if (s != SEL_FOUND) {
        if (s != SEL_NONE && a->failure == SEL_NONE)
            a->failure = s;
        return false;
    }
    if (out->n > 0 && !sel_result_better(&r, out)) {
        sel_result_clear(&r);
        return true;
    }
    sel_result_clear(out);
    *out = r;
    return true;
}

static bool attempt_filter(struct attempt *a, struct sel_result *out,
                           const struct sel_filter *f, bool may_mix)
{
    bool found = false;
    for (uint32_t t = 0; t < SEL_TYPES; t++) {
        if ((a->types >> t & 1) != 0)
            found = attempt_type(a, out, f, t) || found;
    }
    bool several = (a->types & (a->types - 1)) != 0;
    if (!found && may_mix && several)
        found = attempt_type(a, out, f, SEL_ANY_TYPE);
    return found;
}

/* -- Filters: from what is best left alone least to what may not even be relayed -- */

#define NO_LIMIT    UINT32_MAX
#define MAX_FILTERS 8

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static size_t make_filters(struct sel_filter out[MAX_FILTERS],
                           const struct sel_params *p)
{
    uint32_t a = p->max_ancestors, d = p->max_descendants;
    size_t n = 0;
    out[n++] = (struct sel_filter){1, 6, 0, 0, false};
    out[n++] = (struct sel_filter){1, 1, 0, 0, false};
    if (!p->spend_zero_conf_change)
        return n;
    out[n++] = (struct sel_filter){0, 1, 2, 2, false};
    out[n++] = (struct sel_filter){0, 1, least(4, a / 3), least(4, d / 3), false};
    out[n++] = (struct sel_filter){0, 1, a / 2, d / 2, false};
    out[n++] = (struct sel_filter){0, 1, a - 1, d - 1, true};
    if (p->include_unsafe)
        out[n++] = (struct sel_filter){0, 0, a - 1, d - 1, true};
    if (!p->reject_long_chains)
        out[n++] = (struct sel_filter){0, 1, NO_LIMIT, NO_LIMIT, true};
    return n;
}

/* Whether only the limits on mempool families stand in the way. */
static bool is_long_chain(const struct attempt *a)
{
    const struct sel_params *p = a->p;
    int32_t others = p->include_unsafe ? 0 : 1;
    struct sel_filter any = {0, others, NO_LIMIT, NO_LIMIT, true};
    struct sel_filter relayed = {0, others, p->max_ancestors - 1,
                                 p->max_descendants - 1, true};
    struct sel_pool all = {0}, fit = {0};
    int64_t have_all = 0, have_fit = 0;
    sel_pool_fill(&all, a->coins, a->n, p, &any, SEL_ANY_TYPE, true);
    sel_pool_fill(&fit, a->coins, a->n, p, &relayed, SEL_ANY_TYPE, true);
    for (size_t i = 0; i < all.n; i++)
        have_all += all.groups[i].amount;
    for (size_t i = 0; i < fit.n; i++)
        have_fit += fit.groups[i].amount;
    sel_pool_clear(&all);
    sel_pool_clear(&fit);
    return have_fit < a->target && have_all >= a->target;
}

/* Of all coins that bring more than they cost. */
static int64_t total_amount(const struct sel_coin *coins, size_t n,
                            const struct sel_params *p)
{
    int64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t amount = coins[i].value - (p->subtract_fee ? 0 : coins[i].fee);
        total += amount > 0 ? amount : 0;
    }
    return total;
}

enum sel_status sel_automatic(struct sel_result *out, const struct sel_coin *coins,
                              size_t n, int64_t target, const struct sel_params *p)
{
    struct sel_filter filters[MAX_FILTERS];
    size_t n_filters = make_filters(filters, p);
    struct attempt a = {.coins = coins,
                        .n = n,
                        .target = target,
                        .p = p,
                        .types = types_present(coins, n),
                        .failure = SEL_NONE};
    if (total_amount(coins, n, p) < target)
        return SEL_NONE;
    for (size_t i = 0; i < n_filters; i++) {
        if (attempt_filter(&a, out, &filters[i], i > 0))
            return SEL_FOUND;
    }
    if (a.failure == SEL_NONE && p->spend_zero_conf_change && is_long_chain(&a))
        return SEL_LONG_CHAIN;
    return a.failure;
}
