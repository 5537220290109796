/* Transactions that a peer is to be told of: parents first, then the better fee rate.
 * Their order of arrival is nobody's business. Adding and taking one out costs the
 * logarithm of their number. An id added twice comes out twice. */
#ifndef OCHRE_NET_RELAY_QUEUE_H
#define OCHRE_NET_RELAY_QUEUE_H

#include "util/bytes.h"
#include "util/heap.h"

struct relay_item {
    struct hash256 hash;
    uint64_t n_ancestors; /* itself included */
    int64_t fee, vsize;
};

struct relay_queue {
    struct heap items; /* of struct relay_item, best first */
};
static inline size_t relay_queue_len(const struct relay_queue *q)
{
    return q->items.n;
}

void relay_queue_clear(struct relay_queue *q); /* frees; stays usable */
void relay_queue_add(struct relay_queue *q, const struct relay_item *item);
/* Takes the best one; false: empty. */
bool relay_queue_take(struct relay_queue *q, struct relay_item *out);
/* Drops all that @keep refuses. */
void relay_queue_sift(struct relay_queue *q,
                      bool (*keep)(void *ctx, const struct relay_item *item),
                      void *ctx);

#endif
