/* Decisions of property tests and fuzz targets: random, or read from an input. */
#ifndef OCHRE_TEST_SOURCE_H
#define OCHRE_TEST_SOURCE_H

#include "util/bytes.h"
#include "util/rand.h"

struct source {
    struct rng rng;   /* when there is no input */
    const uint8_t *p; /* borrowed input, or NULL */
    size_t left;
};

static inline struct source source_of_seed(uint64_t seed)
{
    struct source s = {0};
    rng_seed(&s.rng, seed);
    return s;
}

static inline struct source source_of_input(const uint8_t *data, size_t size)
{
    return (struct source){.p = data, .left = size};
}

/* A number below @n, which is at most 256 for inputs; 0 when these are used up. */
static inline uint64_t pick(struct source *s, uint64_t n)
{
    if (!s->p)
        return rng_below(&s->rng, n);
    if (!s->left)
        return 0;
    s->left--;
    return *s->p++ % n;
}

#endif
