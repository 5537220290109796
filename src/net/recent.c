/* A table is probed from the place that the low bits of the hash name; what stands in a
 * place is its high bits, never 0, which marks a free one. At most four fifths are
 * full.
 */
#include "net/recent.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "util/mem.h"
#include "util/rand.h"

void recent_init(struct recent *r, size_t capacity)
{
    *r = (struct recent){.max = capacity / 2 + capacity % 2, .bits = 3};
    while (((size_t)1 << r->bits) * 4 / 5 < r->max)
        r->bits++;
    rand_bytes(r->key, sizeof(r->key));
}

void recent_clear(struct recent *r)
{
    for (unsigned i = 0; i < RECENT_GENERATIONS; i++) {
        free(r->tags[i]);
        r->tags[i] = NULL;
    }
    r->n = 0;
}

void recent_reset(struct recent *r)
{
    recent_clear(r);
}

struct spot {
    size_t at;
    uint32_t tag;
};

static struct spot spot_of(const struct recent *r, const void *id, size_t len)
{
    uint64_t h = siphash(r->key[0], r->key[1], id, len);
    uint32_t tag = (uint32_t)(h >> 32);
    return (struct spot){h & (((size_t)1 << r->bits) - 1), tag ? tag : 1};
}

/* The place where the tag stands, or the free one where it belongs. */
static uint32_t *probe(const struct recent *r, uint32_t *tags, struct spot s)
{
    size_t mask = ((size_t)1 << r->bits) - 1;
    while (tags[s.at] && tags[s.at] != s.tag)
        s.at = (s.at + 1) & mask;
    return &tags[s.at];
}

/* The oldest generation makes room for a new one. */
static void next_generation(struct recent *r)
{
    r->current = (r->current + 1) % RECENT_GENERATIONS;
    free(r->tags[r->current]);
    r->tags[r->current] = NULL;
    r->n = 0;
}

void recent_add(struct recent *r, const void *id, size_t len)
{
    if (r->n == r->max)
        next_generation(r);
    if (!r->tags[r->current])
        r->tags[r->current] = xcalloc((size_t)1 << r->bits, sizeof(uint32_t));
    struct spot s = spot_of(r, id, len);
    uint32_t *place = probe(r, r->tags[r->current], s);
    r->n += *place == 0;
    *place = s.tag;
}

bool recent_has(const struct recent *r, const void *id, size_t len)
{
    struct spot s = spot_of(r, id, len);
    for (unsigned i = 0; i < RECENT_GENERATIONS; i++)
        if (r->tags[i] && *probe(r, r->tags[i], s))
            return true;
    return false;
}
