/* A binary heap: the item that comes before all others is found at once; adding,
 * removing and moving one costs the logarithm of their number. Items are copied, so
 * they are small values or pointers; who has to find an item again hears where it is.
 *
 * A use has a constant `struct heap_kind` of its own and gives it to every call: all is
 * inline, so that the compiler sees the order and the size. */
#ifndef OCHRE_UTIL_HEAP_H
#define OCHRE_UTIL_HEAP_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define HEAP_ITEM_MAX 64

struct heap_kind {
    size_t size; /* of an item; at most HEAP_ITEM_MAX */
    bool (*before)(const void *a, const void *b);
    void (*moved)(void *item, size_t pos); /* NULL: nobody has to know */
};

struct heap {
    uint8_t *items; /* owned; [0] is the first one */
    size_t n, cap;
};

#define HEAP_FN static inline __attribute__((always_inline))

static inline void heap_clear(struct heap *h) /* frees; stays usable */
{
    free(h->items);
    *h = (struct heap){0};
}

HEAP_FN void *heap_at(const struct heap *h, const struct heap_kind *k, size_t pos)
{
    return h->items + pos * k->size;
}

HEAP_FN void heap_put(struct heap *h, const struct heap_kind *k, size_t pos,
                      const void *item)
{
    memcpy(heap_at(h, k, pos), item, k->size);
    if (k->moved)
        k->moved(heap_at(h, k, pos), pos);
}

/* Where @item belongs, not being in the heap, when @pos is free. */
HEAP_FN size_t heap_climb(struct heap *h, const struct heap_kind *k, size_t pos,
                          const void *item)
{
    for (; pos > 0 && k->before(item, heap_at(h, k, (pos - 1) / 2));
         pos = (pos - 1) / 2)
        heap_put(h, k, pos, heap_at(h, k, (pos - 1) / 2));
    return pos;
}

HEAP_FN size_t heap_sink(struct heap *h, const struct heap_kind *k, size_t pos,
                         const void *item)
{
    for (size_t child; (child = 2 * pos + 1) < h->n; pos = child) {
        if (child + 1 < h->n &&
            k->before(heap_at(h, k, child + 1), heap_at(h, k, child)))
            child++;
        if (!k->before(heap_at(h, k, child), item))
            break;
        heap_put(h, k, pos, heap_at(h, k, child));
    }
    return pos;
}

/* Puts @item, which stands nowhere else in the heap, where it belongs from @pos on. */
HEAP_FN void heap_settle(struct heap *h, const struct heap_kind *k, size_t pos,
                         const void *item)
{
    size_t up = heap_climb(h, k, pos, item);
    heap_put(h, k, up == pos ? heap_sink(h, k, pos, item) : up, item);
}

HEAP_FN void heap_reserve_one(struct heap *h, const struct heap_kind *k)
{
    if (h->n < h->cap)
        return;
    h->cap = h->cap ? 2 * h->cap : 16;
    h->items = xrealloc_array(h->items, h->cap, k->size);
}

HEAP_FN void heap_add(struct heap *h, const struct heap_kind *k, const void *item)
{
    heap_reserve_one(h, k);
    size_t pos = h->n++;
    heap_put(h, k, heap_climb(h, k, pos, item), item);
}

/* Adds in any order what heap_build is to order before anything else is done. */
HEAP_FN void heap_append(struct heap *h, const struct heap_kind *k, const void *item)
{
    heap_reserve_one(h, k);
    memcpy(heap_at(h, k, h->n++), item, k->size);
}

/* The item at @pos has changed. */
HEAP_FN void heap_fix(struct heap *h, const struct heap_kind *k, size_t pos)
{
    _Alignas(16) uint8_t item[HEAP_ITEM_MAX];
    memcpy(item, heap_at(h, k, pos), k->size);
    heap_settle(h, k, pos, item);
}

/* Removes the item at @pos. */
HEAP_FN void heap_del(struct heap *h, const struct heap_kind *k, size_t pos)
{
    _Alignas(16) uint8_t last[HEAP_ITEM_MAX];
    if (pos == --h->n)
        return;
    memcpy(last, heap_at(h, k, h->n), k->size);
    heap_settle(h, k, pos, last);
}

/* Orders items that stand in any order. */
HEAP_FN void heap_build(struct heap *h, const struct heap_kind *k)
{
    _Alignas(16) uint8_t item[HEAP_ITEM_MAX];
    for (size_t pos = h->n; pos-- > 0;) {
        memcpy(item, heap_at(h, k, pos), k->size);
        heap_put(h, k, heap_sink(h, k, pos, item), item);
    }
}

/* Whether everything is in its order; for tests. */
HEAP_FN bool heap_is_ordered(const struct heap *h, const struct heap_kind *k)
{
    for (size_t pos = 1; pos < h->n; pos++)
        if (k->before(heap_at(h, k, pos), heap_at(h, k, (pos - 1) / 2)))
            return false;
    return true;
}

#endif
