#include <stdlib.h>

#include "util/mem.h"
#include "wallet/coinselect_parts.h"

/* Single random draw. What was drawn stands in a heap with the least amount on top, so
 * that it leaves first when the draw becomes too heavy. */

struct draw {
    const struct sel_group *groups;
    uint32_t *heap; /* owned */
    size_t n;
    int64_t amount, weight;
    bool too_heavy;
};

static bool less(const struct draw *d, size_t a, size_t b)
{
    return d->groups[d->heap[a]].amount < d->groups[d->heap[b]].amount;
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t t = *a;
    *a = *b;
    *b = t;
}

static void push(struct draw *d, uint32_t group)
{
    size_t i = d->n++;
    d->heap[i] = group;
    d->amount += d->groups[group].amount;
    d->weight += d->groups[group].weight;
    for (; i > 0 && less(d, i, (i - 1) / 2); i = (i - 1) / 2)
        swap(&d->heap[i], &d->heap[(i - 1) / 2]);
}

static void pop(struct draw *d)
{
    d->amount -= d->groups[d->heap[0]].amount;
    d->weight -= d->groups[d->heap[0]].weight;
    d->heap[0] = d->heap[--d->n];
    for (size_t i = 0, child; (child = 2 * i + 1) < d->n; i = child) {
        if (child + 1 < d->n && less(d, child + 1, child))
            child++;
        if (!less(d, child, i))
            return;
        swap(&d->heap[child], &d->heap[i]);
    }
}

static bool draw_one(struct draw *d, uint32_t group, int64_t max_weight)
{
    push(d, group);
    while (d->weight > max_weight && d->n > 0) {
        d->too_heavy = true;
        pop(d);
    }
    return d->n > 0;
}

/* Shuffles as it goes: only what is drawn is moved. */
static bool draw_until(struct draw *d, uint32_t *order, size_t n, int64_t target,
                       int64_t max_weight, struct rng *rng)
{
    for (size_t i = 0; i < n; i++) {
        swap(&order[i], &order[i + rng_below(rng, n - i)]);
        if (draw_one(d, order[i], max_weight) && d->amount >= target)
            return true;
    }
    return false;
}

enum sel_status sel_srd(struct sel_pick *out, const struct sel_group *groups, size_t n,
                        int64_t target, int64_t change_fee, int64_t max_weight,
                        struct rng *rng)
{
    struct draw d = {.groups = groups, .heap = xmalloc((n + 1) * sizeof(*d.heap))};
    uint32_t *order = xmalloc((n + 1) * sizeof(*order));
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    bool found = draw_until(&d, order, n, target + SEL_CHANGE_LOWER + change_fee,
                            max_weight, rng);
    if (found)
        sel_pick_set(out, d.heap, d.n);
    free(order);
    free(d.heap);
    if (found)
        return SEL_FOUND;
    return d.too_heavy ? SEL_TOO_HEAVY : SEL_NONE;
}
