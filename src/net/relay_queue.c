#include "net/relay_queue.h"

#include <stdlib.h>

#include "util/mem.h"

void relay_queue_clear(struct relay_queue *q)
{
    free(q->items);
    *q = (struct relay_queue){0};
}

static bool comes_before(const struct relay_item *a, const struct relay_item *b)
{
    if (a->n_ancestors != b->n_ancestors)
        return a->n_ancestors < b->n_ancestors;
    double fa = (double)a->fee * (double)b->vsize,
           fb = (double)b->fee * (double)a->vsize;
    if (fa != fb)
        return fa > fb;
    return memcmp(a->hash.b, b->hash.b, sizeof(a->hash)) < 0;
}

static void move_up(struct relay_queue *q, size_t pos)
{
    struct relay_item item = q->items[pos];
    for (; pos && comes_before(&item, &q->items[(pos - 1) / 2]); pos = (pos - 1) / 2)
        q->items[pos] = q->items[(pos - 1) / 2];
    q->items[pos] = item;
}

static void move_down(struct relay_queue *q, size_t pos)
{
    struct relay_item item = q->items[pos];
    for (size_t child; (child = 2 * pos + 1) < q->n; pos = child) {
        if (child + 1 < q->n && comes_before(&q->items[child + 1], &q->items[child]))
            child++;
        if (!comes_before(&q->items[child], &item))
            break;
        q->items[pos] = q->items[child];
    }
    q->items[pos] = item;
}

void relay_queue_add(struct relay_queue *q, const struct relay_item *item)
{
    if (q->n == q->cap) {
        q->cap = q->cap ? q->cap * 2 : 16;
        q->items = xrealloc_array(q->items, q->cap, sizeof(*q->items));
    }
    q->items[q->n] = *item;
    move_up(q, q->n++);
}

bool relay_queue_take(struct relay_queue *q, struct relay_item *out)
{
    if (!q->n)
        return false;
    *out = q->items[0];
    q->items[0] = q->items[--q->n];
    if (q->n)
        move_down(q, 0);
    else
        relay_queue_clear(q);
    return true;
}

void relay_queue_sift(struct relay_queue *q,
                      bool (*keep)(void *ctx, const struct relay_item *item), void *ctx)
{
    size_t n = 0;
    for (size_t i = 0; i < q->n; i++)
        if (keep(ctx, &q->items[i]))
            q->items[n++] = q->items[i];
    q->n = n;
    for (size_t i = n / 2; i > 0; i--)
        move_down(q, i - 1);
}
