/* Tuples and LT rows, prepared for many symbols of one block (RFC 6330 5.3.5). */
#ifndef OCHRE_RAPTORQ_TUPLE_H
#define OCHRE_RAPTORQ_TUPLE_H
#include <stdint.h>

#include "storage/raptorq/raptorq.h"
#include "storage/raptorq/tables.h"

#define RQ_LT_MAX 33 /* most columns of an LT row: d <= 30, d1 <= 3 */

/* x mod m for 32 bit x by two multiplications; inverse = ceil(2^64 / m). */
struct rq_modulus {
    uint64_t inverse;
    uint32_t m;
};

static inline struct rq_modulus rq_modulus(uint32_t m)
{
    return (struct rq_modulus){UINT64_MAX / m + 1, m};
}

static inline uint32_t rq_mod(const struct rq_modulus *mod, uint32_t x)
{
    __extension__ typedef unsigned __int128 u128;
    uint64_t fraction = mod->inverse * x;

    return (uint32_t)((u128)fraction * mod->m >> 64);
}

/* Rand of 5.3.5.1 before the reduction. */
static inline uint32_t rq_rand_word(uint32_t y, uint32_t i)
{
    return rq_V[0][(y + i) & 255] ^ rq_V[1][((y >> 8) + i) & 255] ^
           rq_V[2][((y >> 16) + i) & 255] ^ rq_V[3][((y >> 24) + i) & 255];
}

struct rq_tupler {
    uint32_t A, offset, W, P, P1;
    struct rq_modulus mod_W1, mod_W, mod_P11, mod_P1;
};

static inline void rq_tupler_init(struct rq_tupler *t, const struct rq_params *p)
{
    t->A = (53591 + 997 * p->J) | 1;
    t->offset = 10267 * (p->J + 1);
    t->W = p->W;
    t->P = p->P;
    t->P1 = p->P1;
    t->mod_W1 = rq_modulus(p->W - 1);
    t->mod_W = rq_modulus(p->W);
    t->mod_P11 = rq_modulus(p->P1 - 1);
    t->mod_P1 = rq_modulus(p->P1);
}

/* Deg of 5.3.5.2. */
static inline uint32_t rq_deg(uint32_t v, uint32_t W)
{
    uint32_t d = rq_degree_start[v >> 13];

    while (v >= rq_degree[d])
        d++;
    return d < W - 2 ? d : W - 2;
}

static inline struct rq_tuple rq_tupler_get(const struct rq_tupler *t, uint32_t X)
{
    uint32_t y = t->offset + X * t->A;
    struct rq_tuple out;

    out.d = rq_deg(rq_rand_word(y, 0) & 0xfffff, t->W);
    out.a = 1 + rq_mod(&t->mod_W1, rq_rand_word(y, 1));
    out.b = rq_mod(&t->mod_W, rq_rand_word(y, 2));
    out.d1 = out.d < 4 ? 2 + (rq_rand_word(X, 3) & 1) : 2;
    out.a1 = 1 + rq_mod(&t->mod_P11, rq_rand_word(X, 4));
    out.b1 = rq_mod(&t->mod_P1, rq_rand_word(X, 5));
    return out;
}

/* Columns of the LT row of @X. */
static inline uint32_t rq_lt_weight(const struct rq_tupler *t, uint32_t X)
{
    uint32_t d = rq_deg(rq_rand_word(t->offset + X * t->A, 0) & 0xfffff, t->W);

    return d + (d < 4 ? 2 + (rq_rand_word(X, 3) & 1) : 2);
}

/* The d1 columns of the PI part, at least W; returns d1. */
static inline uint32_t rq_pi_columns(const struct rq_tupler *t,
                                     const struct rq_tuple *tuple, uint16_t *out)
{
    uint32_t b1 = tuple->b1;

    for (uint32_t n = 0; n < tuple->d1; n++) {
        while (b1 >= t->P) {
            b1 += tuple->a1;
            b1 = b1 >= t->P1 ? b1 - t->P1 : b1;
        }
        out[n] = (uint16_t)(t->W + b1);
        b1 += tuple->a1;
        b1 = b1 >= t->P1 ? b1 - t->P1 : b1;
    }
    return tuple->d1;
}

/* Writes the d + d1 columns of the LT row, those below W first (5.3.5.3). */
static inline uint32_t rq_lt_columns(const struct rq_tupler *t,
                                     const struct rq_tuple *tuple, uint16_t *out)
{
    uint32_t b = tuple->b;

    for (uint32_t n = 0; n < tuple->d; n++) {
        out[n] = (uint16_t)b;
        b += tuple->a;
        b = b >= t->W ? b - t->W : b;
    }
    return tuple->d + rq_pi_columns(t, tuple, out + tuple->d);
}

#endif
