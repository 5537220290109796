#include "util/rand.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

void rand_bytes(void *out, size_t n)
{
    uint8_t *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        ASSERT(got > 0);
        p += got;
        n -= (size_t)got;
    }
}

uint64_t rand_u64(void)
{
    uint64_t v;
    rand_bytes(&v, sizeof(v));
    return v;
}

/* SplitMix64 spreads a seed over the state (Steele, Lea, Flood 2014). */
static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix(&seed);
}

void rng_seed_random(struct rng *r)
{
    rng_seed(r, rand_u64());
}

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

/* xoshiro256** (Blackman, Vigna 2018) */
uint64_t rng_u64(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    ASSERT(n > 0);
    uint64_t reject_under = (0 - n) % n; /* 2^64 mod n: what would bias the remainder */
    uint64_t v;
    do {
        v = rng_u64(r);
    } while (v < reject_under);
    return v % n;
}

void rng_shuffle(struct rng *r, void *items, size_t n, size_t size)
{
    uint8_t *at = items, t[256];
    ASSERT(size <= sizeof(t));
    for (size_t i = n; i > 1; i--) {
        uint8_t *a = at + (i - 1) * size, *b = at + rng_below(r, i) * size;
        memcpy(t, a, size);
        memmove(a, b, size);
        memcpy(b, t, size);
    }
}
