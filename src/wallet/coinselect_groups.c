#include <stdlib.h>

#include "util/mem.h"
#include "wallet/coinselect_parts.h"

void sel_pool_clear(struct sel_pool *p)
{
    free(p->groups);
    free(p->members);
    *p = (struct sel_pool){0};
}

void sel_pick_clear(struct sel_pick *p)
{
    free(p->v);
    *p = (struct sel_pick){0};
}

static void pick_reserve(struct sel_pick *p, size_t n)
{
    if (n <= p->cap)
        return;
    p->cap = n + n / 2 + 8;
    p->v = xrealloc_array(p->v, p->cap, sizeof(*p->v));
}

void sel_pick_add(struct sel_pick *p, uint32_t group)
{
    pick_reserve(p, p->n + 1);
    p->v[p->n++] = group;
}

void sel_pick_set(struct sel_pick *p, const uint32_t *v, size_t n)
{
    pick_reserve(p, n);
    if (n > 0)
        memcpy(p->v, v, n * sizeof(*v));
    p->n = n;
}

static int compare_keys(const void *a, const void *b)
{
    const struct sel_key *x = a, *y = b;
    if (x->amount != y->amount)
        return x->amount < y->amount ? 1 : -1;
    if (x->waste != y->waste)
        return x->waste < y->waste ? -1 : 1;
    return (x->weight > y->weight) - (x->weight < y->weight);
}

struct sel_key *sel_keys_sorted(const struct sel_group *groups, size_t n)
{
    struct sel_key *keys = xmalloc((n + 1) * sizeof(*keys));
    for (size_t i = 0; i < n; i++)
        keys[i] = (struct sel_key){groups[i].amount, groups[i].waste, groups[i].weight,
                                   (uint32_t)i};
    qsort(keys, n, sizeof(*keys), compare_keys);
    return keys;
}

/* -- Groups -- */

static int64_t coin_amount(const struct sel_coin *c, const struct sel_params *p)
{
    return p->subtract_fee ? c->value : c->value - c->fee;
}

/* What decides about a group's eligibility. */
struct standing {
    int32_t depth;
    uint64_t ancestors, descendants;
    bool from_me;
};

/* Ancestors add up, as the spending transaction would have all of them. */
static void standing_add(struct standing *s, const struct sel_coin *c)
{
    if (c->depth < s->depth)
        s->depth = c->depth;
    s->ancestors += c->ancestors;
    if (c->descendants > s->descendants)
        s->descendants = c->descendants;
    s->from_me = s->from_me && c->from_me;
}

static struct standing standing_of(const struct sel_coin *coins,
                                   const uint32_t *members, size_t n)
{
    struct standing s = {.depth = INT32_MAX, .from_me = true};
    for (size_t i = 0; i < n; i++)
        standing_add(&s, &coins[members[i]]);
    return s;
}

static bool passes(const struct standing *s, const struct sel_filter *f)
{
    return s->depth >= (s->from_me ? f->depth_mine : f->depth_others) &&
           s->ancestors <= f->max_ancestors && s->descendants <= f->max_descendants;
}

static void add_group(struct sel_pool *out, const struct sel_coin *coins,
                      const struct sel_params *p, const uint32_t *members, size_t n)
{
    struct sel_group g = {.first = (uint32_t)out->n_members, .n = (uint32_t)n};
    for (size_t i = 0; i < n; i++) {
        const struct sel_coin *c = &coins[members[i]];
        g.amount += coin_amount(c, p);
        g.waste += c->fee - c->long_term_fee;
        g.weight += c->weight;
        out->members[out->n_members++] = members[i];
    }
    out->groups[out->n++] = g;
}

/* Coins of one script, in groups of at most SEL_GROUP_MAX: the last one may not be
 * full, and is taken only when partial groups may be. */
static void add_script(struct sel_pool *out, const struct sel_coin *coins,
                       const struct sel_params *p, const struct sel_filter *f,
                       const uint32_t *members, size_t n)
{
    for (size_t i = 0; i < n; i += SEL_GROUP_MAX) {
        size_t len = n - i < SEL_GROUP_MAX ? n - i : SEL_GROUP_MAX;
        struct standing s = standing_of(coins, members + i, len);
        bool is_last = i + len == n;
        if (passes(&s, f) && (f->partial || !is_last || i == 0))
            add_group(out, coins, p, members + i, len);
    }
}

struct member {
    uint64_t script_key;
    uint32_t type, coin;
};

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->script_key != y->script_key)
        return x->script_key < y->script_key ? -1 : 1;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return (x->coin > y->coin) - (x->coin < y->coin);
}

static bool same_script(const struct member *a, const struct member *b)
{
    return a->script_key == b->script_key && a->type == b->type;
}

static void add_by_script(struct sel_pool *out, const struct sel_coin *coins,
                          const struct sel_params *p, const struct sel_filter *f,
                          const uint32_t *wanted, size_t n)
{
    struct member *m = xmalloc((n + 1) * sizeof(*m));
    uint32_t *run = xmalloc((n + 1) * sizeof(*run));
    for (size_t i = 0; i < n; i++)
        m[i] = (struct member){coins[wanted[i]].script_key, coins[wanted[i]].type,
                               wanted[i]};
    qsort(m, n, sizeof(*m), compare_members);
    for (size_t i = 0, len; i < n; i += len) {
        for (len = 0; i + len < n && same_script(&m[i], &m[i + len]); len++)
            run[len] = m[i + len].coin;
        add_script(out, coins, p, f, run, len);
    }
    free(run);
    free(m);
}

static size_t coins_wanted(uint32_t *out, const struct sel_coin *coins, size_t n,
                           const struct sel_params *p, uint32_t type, bool positive)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        bool fits = type == SEL_ANY_TYPE || coins[i].type == type;
        if (fits && (!positive || coin_amount(&coins[i], p) > 0))
            out[found++] = (uint32_t)i;
    }
    return found;
}

void sel_pool_fill(struct sel_pool *out, const struct sel_coin *coins, size_t n,
                   const struct sel_params *p, const struct sel_filter *f,
                   uint32_t type, bool positive)
{
    uint32_t *wanted = xmalloc((n + 1) * sizeof(*wanted));
    size_t n_wanted = coins_wanted(wanted, coins, n, p, type, positive);
    out->groups = xrealloc_array(out->groups, n_wanted + 1, sizeof(*out->groups));
    out->members = xrealloc_array(out->members, n_wanted + 1, sizeof(*out->members));
    out->n = out->n_members = 0;
    if (p->avoid_partial_spends) {
        add_by_script(out, coins, p, f, wanted, n_wanted);
    } else {
        for (size_t i = 0; i < n_wanted; i++)
            add_script(out, coins, p, f, &wanted[i], 1);
    }
    free(wanted);
}
