/* Remembers the most recent ids: at least the last @capacity of them, at most half as
 * many more. Three generations, of which the oldest is forgotten when the youngest is
 * full. Of each id 32 bits of a keyed hash are kept at a place that the rest of the
 * hash names: one in 10^8 that are asked about is taken for another, and nobody can
 * choose which. */
#ifndef OCHRE_NET_RECENT_H
#define OCHRE_NET_RECENT_H

#include "util/bytes.h"

#define RECENT_GENERATIONS 3

struct recent {
    uint32_t *tags[RECENT_GENERATIONS]; /* owned tables; NULL: empty */
    unsigned current;
    size_t n, max; /* of the current generation */
    unsigned bits; /* a table has 2^bits places */
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
