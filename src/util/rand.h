/* Randomness. rand_bytes is the operating system's generator; struct rng is a fast,
 * seedable generator for everything that needs no secrecy. */
#ifndef OCHRE_UTIL_RAND_H
#define OCHRE_UTIL_RAND_H

#include "util/err.h"

void rand_bytes(void *out, size_t n); /* getrandom(2); aborts if that fails */
uint64_t rand_u64(void);

struct rng {
    uint64_t s[4];
};
void rng_seed(struct rng *r, uint64_t seed); /* same seed, same sequence */
void rng_seed_random(struct rng *r);
uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* uniform in [0, n), n > 0 */
/* Every order of the @n items of @size octets, at most 256, is equally likely. */
void rng_shuffle(struct rng *r, void *items, size_t n, size_t size);

#endif
