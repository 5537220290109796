/* The constant tables of RFC 6330 and of GF(256) = GF(2)[x]/(x^8+x^4+x^3+x^2+1). */
#ifndef OCHRE_RAPTORQ_TABLES_H
#define OCHRE_RAPTORQ_TABLES_H
#include <stdint.h>

#define RQ_N_SYSTEMATIC 477

/* RFC 6330 5.6, with P1, the smallest prime >= P, beside it. */
struct rq_systematic {
    uint16_t Kp, J, S, H, W, P1;
};

extern const uint32_t rq_V[4][256];        /* 5.5 */
extern const uint32_t rq_degree[31];       /* 5.3.5.2 */
extern const uint8_t rq_degree_start[128]; /* the least Deg[v] by the top 7 bits of v */
extern const struct rq_systematic rq_systematic[RQ_N_SYSTEMATIC];

extern const uint8_t rq_exp[510];     /* alpha^i, doubled: no reduction needed */
extern const uint8_t rq_log[256];     /* log 0 is 0 and must not be used */
extern const uint64_t rq_affine[256]; /* x -> c x for GF2P8AFFINEQB */
extern _Alignas(32) const uint8_t rq_nibble[256][32]; /* c x: low, high nibbles x */

static inline uint8_t rq_mul(uint8_t a, uint8_t b)
{
    return a && b ? rq_exp[rq_log[a] + rq_log[b]] : 0;
}

static inline uint8_t rq_inv(uint8_t a)
{
    return rq_exp[255 - rq_log[a]];
}

#endif
