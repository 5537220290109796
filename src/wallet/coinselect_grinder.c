#include <stdlib.h>

#include "util/mem.h"
#include "wallet/coinselect_parts.h"

/* CoinGrinder: a search for the least weight among the sets that pay for target and
 * change, by falling amounts. Each step takes in the next group and looks at what it
 * has. Then it goes on deeper; or shifts, that is puts the next group in the place of
 * the last one; or cuts, that is drops the last one and shifts the one before. */

#define TRIES 100000

enum step {
    STEP_DEEPER,
    STEP_SHIFT,
    STEP_CUT,
};

struct after {
    int64_t amount;     /* sum of what comes after a group */
    int64_t min_weight; /* and the least weight among it */
};

struct search {
    const struct sel_key *keys;
    const struct after *after;
    size_t n, next;
    int64_t target, max_weight;
    int64_t amount, weight;
    struct sel_pick chosen, best; /* positions in keys */
    int64_t best_amount, best_weight;
    bool too_heavy;
};

static void include(struct search *s)
{
    s->amount += s->keys[s->next].amount;
    s->weight += s->keys[s->next].weight;
    sel_pick_add(&s->chosen, (uint32_t)s->next++);
}

static size_t drop_last(struct search *s)
{
    size_t i = s->chosen.v[--s->chosen.n];
    s->amount -= s->keys[i].amount;
    s->weight -= s->keys[i].weight;
    return i;
}

static void keep_if_best(struct search *s)
{
    if (s->weight == s->best_weight && s->best.n > 0 && s->amount >= s->best_amount)
        return;
    s->best_weight = s->weight;
    s->best_amount = s->amount;
    sel_pick_set(&s->best, s->chosen.v, s->chosen.n);
}

/* Too heavy with this tail: a lighter one may come later, or not. */
static enum step heavy_step(const struct search *s, size_t tail)
{
    return s->keys[tail].weight <= s->after[tail].min_weight ? STEP_CUT : STEP_SHIFT;
}

/* Least weight of what is still missing: no later group has more amount than the tail,
 * none less weight than min_weight. */
static int64_t weight_to_come(const struct search *s, size_t tail)
{
    int64_t each = s->keys[tail].amount;
    int64_t count = (s->target - s->amount + each - 1) / each;
    int64_t weight;
    if (__builtin_mul_overflow(count, s->after[tail].min_weight, &weight))
        return INT64_MAX / 2;
    return weight;
}

static enum step judge(struct search *s)
{
    size_t tail = s->chosen.v[s->chosen.n - 1];
    if (s->amount + s->after[tail].amount < s->target)
        return STEP_CUT;
    if (s->weight > s->best_weight) {
        s->too_heavy = s->too_heavy || s->weight > s->max_weight;
        return heavy_step(s, tail);
    }
    if (s->amount >= s->target) {
        keep_if_best(s);
        return STEP_SHIFT;
    }
    if (s->best.n > 0 && weight_to_come(s, tail) > s->best_weight - s->weight)
        return heavy_step(s, tail);
    return STEP_DEEPER;
}

/* The next group in the place of the last one; of equal amounts the first one was the
 * lightest, so those after it are passed over. False: there is no such place. */
static bool shift(struct search *s)
{
    while (s->chosen.n > 0) {
        size_t i = drop_last(s);
        s->next = i + 1;
        while (s->next < s->n && s->keys[s->next].amount == s->keys[i].amount)
            s->next++;
        if (s->next < s->n)
            return true;
    }
    return false;
}

static void run(struct search *s)
{
    for (int i = 0; i < TRIES; i++) {
        include(s);
        enum step step = judge(s);
        if (s->next == s->n)
            step = STEP_CUT;
        if (step == STEP_DEEPER)
            continue;
        if (step == STEP_CUT)
            drop_last(s);
        if (!shift(s))
            return;
    }
}

static int compare_keys(const void *a, const void *b)
{
    const struct sel_key *x = a, *y = b;
    if (x->amount != y->amount)
        return x->amount < y->amount ? 1 : -1;
    return (x->weight > y->weight) - (x->weight < y->weight);
}

static struct after *look_ahead(const struct sel_key *keys, size_t n)
{
    struct after *after = xmalloc(n * sizeof(*after));
    struct after sum = {0, INT64_MAX};
    for (size_t i = n; i-- > 0;) {
        after[i] = sum;
        sum.amount += keys[i].amount;
        if (keys[i].weight < sum.min_weight)
            sum.min_weight = keys[i].weight;
    }
    return after;
}

static int64_t total_amount(const struct sel_group *groups, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += groups[i].amount;
    return sum;
}

enum sel_status sel_grinder(struct sel_pick *out, const struct sel_group *groups,
                            size_t n, int64_t target, int64_t change_target,
                            int64_t max_weight)
{
    if (n == 0 || total_amount(groups, n) < target + change_target)
        return SEL_NONE;
    struct sel_key *keys = sel_keys_sorted(groups, n);
    qsort(keys, n, sizeof(*keys), compare_keys);
    struct after *after = look_ahead(keys, n);
    struct search s = {.keys = keys,
                       .after = after,
                       .n = n,
                       .target = target + change_target,
                       .max_weight = max_weight,
                       .best_weight = max_weight};
    run(&s);
    for (size_t i = 0; i < s.best.n; i++)
        sel_pick_add(out, keys[s.best.v[i]].group);
    sel_pick_clear(&s.best);
    sel_pick_clear(&s.chosen);
    free(after);
    free(keys);
    if (out->n > 0)
        return SEL_FOUND;
    return s.too_heavy ? SEL_TOO_HEAVY : SEL_NONE;
}
