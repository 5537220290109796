/* Remembers the most recent ids, at least the last @capacity of them and at most twice
 * as many: two generations, the older of which is forgotten when the younger is full.
 * Ids are kept as 64-bit keyed hashes; memory grows with use. */
#ifndef OCHRE_NET_RECENT_H
#define OCHRE_NET_RECENT_H

#include "util/map.h"

struct recent {
    struct map now, before;
    size_t capacity;
    uint64_t key[2];
};

void recent_init(struct recent *r, size_t capacity);
void recent_clear(struct recent *r); /* frees */
void recent_reset(struct recent *r); /* forgets, stays usable */
void recent_add(struct recent *r, const void *id, size_t len);
bool recent_has(const struct recent *r, const void *id, size_t len);

static inline void recent_add_hash(struct recent *r, const struct hash256 *h)
{
    recent_add(r, h->b, sizeof(h->b));
}
static inline bool recent_has_hash(const struct recent *r, const struct hash256 *h)
{
    return recent_has(r, h->b, sizeof(h->b));
}

#endif
