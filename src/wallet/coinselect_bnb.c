#include <stdlib.h>

#include "util/mem.h"
#include "wallet/coinselect_parts.h"

/* Branch and bound over groups by falling amount: at each group first with it, then
 * without. A node is left when it can no longer lead to a better set. */

#define TRIES 100000

struct search {
    const struct sel_key *keys;
    const int64_t *rest; /* rest[i]: sum of amounts from i on */
    size_t n, next;      /* next: the group to decide upon */
    int64_t target, limit, max_weight;
    int64_t amount, waste, weight;
    struct sel_pick chosen; /* positions in keys */
    struct sel_pick best;
    int64_t best_waste;
    bool costly; /* every input costs: a set only gets worse by adding to it */
    bool too_heavy;
};

static void include(struct search *s)
{
    const struct sel_key *k = &s->keys[s->next];
    s->amount += k->amount;
    s->waste += k->waste;
    s->weight += k->weight;
    sel_pick_add(&s->chosen, (uint32_t)s->next++);
}

/* Leaves out the group chosen last, and with it all that are just like it. */
static void omit_last(struct search *s)
{
    size_t i = s->chosen.v[--s->chosen.n];
    const struct sel_key *k = &s->keys[i];
    s->amount -= k->amount;
    s->waste -= k->waste;
    s->weight -= k->weight;
    s->next = i + 1;
    while (s->next < s->n && s->keys[s->next].amount == k->amount &&
           s->keys[s->next].waste == k->waste && s->keys[s->next].weight >= k->weight)
        s->next++;
}

static void keep_if_best(struct search *s)
{
    int64_t waste = s->waste + s->amount - s->target;
    if (s->best.n > 0 && waste > s->best_waste)
        return;
    s->best_waste = waste;
    sel_pick_set(&s->best, s->chosen.v, s->chosen.n);
}

/* True when nothing below this node is worth a look. */
static bool is_dead_end(struct search *s)
{
    if (s->amount + s->rest[s->next] < s->target || s->amount > s->limit)
        return true;
    if (s->costly && s->best.n > 0 && s->waste > s->best_waste)
        return true;
    if (s->weight > s->max_weight) {
        s->too_heavy = true;
        return true;
    }
    if (s->amount < s->target)
        return false;
    keep_if_best(s);
    return s->costly || s->next == s->n;
}

static void run(struct search *s)
{
    for (int i = 0; i < TRIES; i++) {
        if (!is_dead_end(s)) {
            include(s);
            continue;
        }
        if (s->chosen.n == 0)
            return;
        omit_last(s);
    }
}

static bool all_cost(const struct sel_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (keys[i].waste < 0)
            return false;
    }
    return true;
}

static int64_t *suffix_sums(const struct sel_key *keys, size_t n)
{
    int64_t *rest = xmalloc((n + 1) * sizeof(*rest));
    rest[n] = 0;
    for (size_t i = n; i-- > 0;)
        rest[i] = rest[i + 1] + keys[i].amount;
    return rest;
}

enum sel_status sel_bnb(struct sel_pick *out, const struct sel_group *groups, size_t n,
                        int64_t target, int64_t cost_of_change, int64_t max_weight)
{
    struct sel_key *keys = sel_keys_sorted(groups, n);
    int64_t *rest = suffix_sums(keys, n);
    struct search s = {.keys = keys,
                       .rest = rest,
                       .n = n,
                       .target = target,
                       .limit = target + cost_of_change,
                       .max_weight = max_weight,
                       .costly = all_cost(keys, n)};
    while (s.next < n && keys[s.next].amount > s.limit)
        s.next++; /* too much already when alone */
    run(&s);
    for (size_t i = 0; i < s.best.n; i++)
        sel_pick_add(out, keys[s.best.v[i]].group);
    sel_pick_clear(&s.best);
    sel_pick_clear(&s.chosen);
    free(rest);
    free(keys);
    if (out->n > 0)
        return SEL_FOUND;
    return s.too_heavy ? SEL_TOO_HEAVY : SEL_NONE;
}
