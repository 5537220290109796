/* Random blocks, loss patterns and a plain rank computation for the RaptorQ tests. */
#ifndef OCHRE_TEST_RAPTORQ_TOOLS_H
#define OCHRE_TEST_RAPTORQ_TOOLS_H
#include "unit.h"

#include "storage/raptorq/raptorq.h"
#include "storage/raptorq/tables.h"

/* Under sanitizers, which take ten times as long, tests look at a sample. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED                                                                      \
    (__has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||            \
     __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

/* xorshift64*: the same numbers everywhere for a seed. */
struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

static inline void rng_fill(struct rng *r, void *p, size_t n)
{
    uint8_t *out = p;

    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(rng_next(r) >> 56);
}

static inline void *must_alloc(size_t n)
{
    void *p = calloc(n ? n : 1, 1);

    assert_non_null(p);
    return p;
}

/* @out becomes a random order of 0 .. n-1. */
static inline void rng_shuffle(struct rng *r, uint32_t *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = rng_below(r, i + 1);

        out[i] = out[j];
        out[j] = i;
    }
}

/* Adds @c times row @from to row @to. */
static inline void row_add(uint8_t *to, const uint8_t *from, uint8_t c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        to[i] ^= rq_mul(c, from[i]);
}

static inline void rank_fill_ldpc(uint8_t *m, const struct rq_params *p)
{
    for (uint32_t i = 0; i < p->B; i++) {
        uint32_t a = 1 + i / p->S, b = i % p->S;

        for (int k = 0; k < 3; k++, b = (b + a) % p->S)
            m[(size_t)b * p->L + i] ^= 1;
    }
    for (uint32_t i = 0; i < p->S; i++) {
        m[(size_t)i * p->L + p->B + i] ^= 1;
        m[(size_t)i * p->L + p->W + i % p->P] ^= 1;
        m[(size_t)i * p->L + p->W + (i + 1) % p->P] ^= 1;
    }
}

static inline void rank_fill_lt(uint8_t *row, const struct rq_params *p, uint32_t isi)
{
    struct rq_tuple t = rq_tuple(p, isi);
    uint32_t b = t.b, b1 = t.b1;

    for (uint32_t i = 0; i < t.d; i++, b = (b + t.a) % p->W)
        row[b] ^= 1;
    for (uint32_t i = 0; i < t.d1; b1 = (b1 + t.a1) % p->P1)
        if (b1 < p->P) {
            row[p->W + b1] ^= 1;
            i++;
        }
}

/* Rank of the constraint matrix (5.3.3.4) for the symbols esi[0..n), by schoolbook
 * elimination that shares nothing with the codec but Rand, the tuples and the field. */
static inline uint32_t plain_rank(const struct rq_params *p, const uint32_t *esi,
                                  uint32_t n)
{
    uint32_t pad = p->Kp - p->K, rows = p->S + p->H + pad + n, rank = 0;
    uint8_t *m = must_alloc((size_t)rows * p->L);
    uint8_t *hdpc = must_alloc((size_t)p->H * (p->Kp + p->S));

    rank_fill_ldpc(m, p);
    rq_hdpc_matrix(p, hdpc);
    for (uint32_t i = 0; i < p->H; i++) {
        uint8_t *row = m + (size_t)(p->S + i) * p->L;

        memcpy(row, hdpc + (size_t)i * (p->Kp + p->S), p->Kp + p->S);
        row[p->Kp + p->S + i] = 1;
    }
    for (uint32_t i = 0; i < pad + n; i++)
        rank_fill_lt(m + (size_t)(p->S + p->H + i) * p->L, p,
                     i < pad
                         ? p->K + i
                         : (esi[i - pad] < p->K ? esi[i - pad] : esi[i - pad] + pad));
    for (uint32_t c = 0; c < p->L && rank < rows; c++) {
        uint8_t *top = m + (size_t)rank * p->L, *row = top;
        uint32_t r = rank;

        while (r < rows && m[(size_t)r * p->L + c] == 0)
            r++;
        if (r == rows)
            continue;
        row = m + (size_t)r * p->L;
        if (r != rank)
            row_add(top, row, 1, p->L);
        for (r = rank + 1; r < rows; r++) {
            row = m + (size_t)r * p->L;
            if (row[c])
                row_add(row, top, rq_mul(row[c], rq_inv(top[c])), p->L);
        }
        rank++;
    }
    free(m);
    free(hdpc);
    return rank;
}

#endif
