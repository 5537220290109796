#include "net/relay_queue.h"

static bool comes_before(const void *x, const void *y)
{
    const struct relay_item *a = x, *b = y;
    if (a->n_ancestors != b->n_ancestors)
        return a->n_ancestors < b->n_ancestors;
    double fa = (double)a->fee * (double)b->vsize,
           fb = (double)b->fee * (double)a->vsize;
    if (fa != fb)
        return fa > fb;
    return memcmp(a->hash.b, b->hash.b, sizeof(a->hash)) < 0;
}

static const struct heap_kind best_first = {sizeof(struct relay_item), comes_before,
                                            NULL};

static struct relay_item *item_at(const struct relay_queue *q, size_t pos)
{
    return heap_at(&q->items, &best_first, pos);
}

void relay_queue_clear(struct relay_queue *q)
{
    heap_clear(&q->items);
}

void relay_queue_add(struct relay_queue *q, const struct relay_item *item)
{
    heap_add(&q->items, &best_first, item);
}

bool relay_queue_take(struct relay_queue *q, struct relay_item *out)
{
    if (!q->items.n)
        return false;
    *out = *item_at(q, 0);
    heap_del(&q->items, &best_first, 0);
    if (!q->items.n)
        relay_queue_clear(q);
    return true;
}

void relay_queue_sift(struct relay_queue *q,
                      bool (*keep)(void *ctx, const struct relay_item *item), void *ctx)
{
    size_t n = 0;
    for (size_t i = 0; i < q->items.n; i++)
        if (keep(ctx, item_at(q, i)))
            *item_at(q, n++) = *item_at(q, i);
    q->items.n = n;
    heap_build(&q->items, &best_first);
}
