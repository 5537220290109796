/* Body of every kernels_*.c. The includer defines
 *   V, VB                 vector type and its octets
 *   LOADU LOADA STOREU STOREA VXOR VZERO
 *   ALPHA(x)              each octet times alpha
 *   EXPAND(p)             VB/8 octets of bits at p as VB octets 0 or 1
 *   VX, PREPARE(x), MULTIPLY(vx, c)   each octet times the constant c
 *   MULX_OUT, MULX_VEC    outputs and vectors held in registers by a product
 *   NV1 NV2 NV3 NV4       vectors of slices of 64, 128, 256 and 512 octets, without the
 *                         wide ones that do not fit the registers
 *   KERNELS, KERNELS_NAME, SLICE_MAX, PRODUCT_COST */
#include <string.h>

#include "storage/raptorq/kernels.h"
#include "storage/raptorq/symbolic.h"
#include "storage/raptorq/tables.h"

#define PREFETCH_AHEAD 12
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
#define UNROLLED(i, n) UNROLL for (int i = 0; i < (n); i++)

#define REP1(M)      M(0)
#define REP2(M)      REP1(M) M(1)
#define REP4(M)      REP2(M) M(2) M(3)
#define REP8(M)      REP4(M) M(4) M(5) M(6) M(7)
#define REP16(M)     REP8(M) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define PASTE_(a, b) a##b
#define PASTE(a, b)  PASTE_(a, b)

static inline const uint8_t *symbol_at(const struct rq_regions *r, uint32_t where)
{
    return r->base[where & 3] + (where >> 2) * r->stride[where & 3];
}

/* The rows of one dependency level come in the order of their symbols, but a strided
 * stream is beyond most hardware prefetchers. */
static inline void prefetch_symbol(const struct rq_gather *g, uint32_t k, size_t w)
{
    const uint8_t *p = symbol_at(g->regions, g->where[k]);

    for (size_t i = 0; i < w; i += 64)
        __builtin_prefetch(p + i);
}

#define NAME(x) x##_64
#define NV      NV1
#define REP     PASTE(REP, NV1)
#include "storage/raptorq/kernels_slice.h"
#ifdef NV2
#define NAME(x) x##_128
#define NV      NV2
#define REP     PASTE(REP, NV2)
#include "storage/raptorq/kernels_slice.h"
#endif
#ifdef NV3
#define NAME(x) x##_256
#define NV      NV3
#define REP     PASTE(REP, NV3)
#include "storage/raptorq/kernels_slice.h"
#endif
#ifdef NV4
#define NAME(x) x##_512
#define NV      NV4
#define REP     PASTE(REP, NV4)
#include "storage/raptorq/kernels_slice.h"
#endif

#ifdef NV2
#define CASE128(call)                                                                  \
    case 128:                                                                          \
        call;                                                                          \
        break;
#else
#define CASE128(call)
#endif
#ifdef NV3
#define CASE256(call)                                                                  \
    case 256:                                                                          \
        call;                                                                          \
        break;
#else
#define CASE256(call)
#endif
#ifdef NV4
#define CASE512(call)                                                                  \
    case 512:                                                                          \
        call;                                                                          \
        break;
#else
#define CASE512(call)
#endif

/* clang-format off */
#define BY_WIDTH(f, ...)                                                                 \
    switch (w) {                                                                         \
    case 64: f##_64(__VA_ARGS__); break;                                                 \
    CASE128(f##_128(__VA_ARGS__))                                                        \
    CASE256(f##_256(__VA_ARGS__))                                                        \
    CASE512(f##_512(__VA_ARGS__))                                                        \
    }
/* clang-format on */

static void gather(const struct rq_gather *g, uint8_t *slots, uint32_t w)
{
    BY_WIDTH(gather, g, slots)
}

static void collect(uint8_t *out, const uint8_t *slots, uint32_t w, const uint16_t *idx,
                    uint32_t n)
{
    BY_WIDTH(collect, out, slots, idx, n)
}

static void hdpc(const struct rq_hdpc *h, const uint8_t *slots, uint8_t *acc,
                 uint32_t w)
{
    BY_WIDTH(hdpc, h, slots, acc)
}

static void mul_add(uint8_t *dst, const uint8_t *src, uint8_t c, size_t n)
{
    for (size_t i = 0; i < n; i += VB) {
        VX x = PREPARE(LOADA(src + i));

        STOREA(dst + i, VXOR(LOADA(dst + i), MULTIPLY(x, c)));
    }
}

static void xor_add(uint8_t *dst, const uint8_t *src, size_t n)
{
    for (size_t i = 0; i < n; i += VB)
        STOREU(dst + i, VXOR(LOADU(dst + i), LOADU(src + i)));
}

static inline const uint8_t *product_input(const struct rq_product *p, uint32_t k)
{
    return p->where ? symbol_at(p->regions, p->where[k]) : p->in + k * p->stride;
}

/* MULX_OUT outputs of MULX_VEC vectors: every input is loaded once for all of them. */
static inline __attribute__((always_inline)) void
product_tile(const struct rq_product *p, uint32_t o, size_t at, const int nout,
             const int nvec)
{
    V acc[MULX_OUT][MULX_VEC];
    const uint8_t *coef = p->coef + o;
    uint32_t k = 0;

    UNROLLED (i, nout)
        UNROLLED (v, nvec)
            acc[i][v] = p->add ? LOADU(p->out[o + i] + at + v * VB) : VZERO;
#ifdef VXOR3
    for (; k + 2 <= p->nin; k += 2, coef += 2 * p->ldc) {
        const uint8_t *in = product_input(p, k) + at,
                      *in1 = product_input(p, k + 1) + at;
        VX x[MULX_VEC], y[MULX_VEC];

        UNROLLED (v, nvec) {
            x[v] = PREPARE(LOADU(in + v * VB));
            y[v] = PREPARE(LOADU(in1 + v * VB));
        }
        UNROLLED (i, nout)
            UNROLLED (v, nvec)
                acc[i][v] = VXOR3(acc[i][v], MULTIPLY(x[v], coef[i]),
                                  MULTIPLY(y[v], coef[p->ldc + i]));
    }
#endif
    for (; k < p->nin; k++, coef += p->ldc) {
        const uint8_t *in = product_input(p, k) + at;
        VX x[MULX_VEC];

        UNROLLED (v, nvec)
            x[v] = PREPARE(LOADU(in + v * VB));
        UNROLLED (i, nout)
            UNROLLED (v, nvec)
                acc[i][v] = VXOR(acc[i][v], MULTIPLY(x[v], coef[i]));
    }
    UNROLLED (i, nout)
        UNROLLED (v, nvec)
            STOREU(p->out[o + i] + at + v * VB, acc[i][v]);
}

/* The outputs from @o on, as many as fit; returns how many they were. */
static uint32_t product_some(const struct rq_product *p, uint32_t o, size_t at)
{
    uint32_t left = p->nout - o;

#if MULX_OUT >= 8
    if (left >= 8) {
        product_tile(p, o, at, 8, MULX_VEC);
        return 8;
    }
#endif
    if (left >= 4) {
        product_tile(p, o, at, 4, MULX_VEC);
        return 4;
    }
    if (left >= 2) {
        product_tile(p, o, at, 2, MULX_VEC);
        return 2;
    }
    product_tile(p, o, at, 1, MULX_VEC);
    return 1;
}

static void product_narrow(const struct rq_product *p, size_t at)
{
    uint32_t o = 0;

    for (; o + 4 <= p->nout; o += 4)
        product_tile(p, o, at, 4, 1);
    for (; o < p->nout; o++)
        product_tile(p, o, at, 1, 1);
}

static void product(const struct rq_product *p, uint32_t w)
{
    size_t at = 0;

    for (; at + MULX_VEC * VB <= w; at += MULX_VEC * VB)
        for (uint32_t o = 0; o < p->nout;)
            o += product_some(p, o, at);
    for (; at < w; at += VB)
        product_narrow(p, at);
}

static void hdpc_bits(const struct rq_hdpc *h, const uint8_t *rows, uint8_t *acc,
                      uint32_t groups)
{
    for (size_t at = 0; at < groups * 64; at += 2 * VB < 64 ? 2 * VB : 64) {
        V g0 = VZERO;
#if VB < 64
        V g1 = VZERO;
#endif

        for (uint32_t j = 0; j < h->ncol; j++) {
            const uint8_t *bits = rows + (size_t)h->slot[j] * 64 + at / 8;
            uint8_t *q = acc + (size_t)h->pair[j] * 512 + at;

            g0 = VXOR(ALPHA(g0), EXPAND(bits));
            STOREA(q, VXOR(LOADA(q), g0));
#if VB < 64
            g1 = VXOR(ALPHA(g1), EXPAND(bits + VB / 8));
            STOREA(q + VB, VXOR(LOADA(q + VB), g1));
#endif
        }
    }
}

static void mul_add_bits(uint8_t *dst, const uint8_t *bits, uint8_t c, uint32_t groups)
{
    for (size_t at = 0; at < groups * 64; at += VB) {
        VX x = PREPARE(EXPAND(bits + at / 8));

        STOREA(dst + at, VXOR(LOADA(dst + at), MULTIPLY(x, c)));
    }
}

static void eliminate(uint8_t *rows, size_t stride, uint32_t n, const uint8_t *pivot,
                      uint32_t bit, uint8_t *marks, size_t mark_stride, uint32_t mark)
{
    for (uint32_t i = 0; i < n; i++, rows += stride, marks += mark_stride) {
        if (!(rows[bit >> 3] >> (bit & 7) & 1))
            continue;
        for (size_t at = 0; at < stride; at += VB)
            STOREA(rows + at, VXOR(LOADA(rows + at), LOADA(pivot + at)));
        marks[mark >> 3] |= (uint8_t)(1u << (mark & 7));
    }
}

static inline void add_64(uint8_t *dst, const V *x)
{
    for (unsigned i = 0; i < 64 / VB; i++)
        STOREA(dst + i * VB, VXOR(LOADA(dst + i * VB), x[i]));
}

static void scatter(const struct rq_gather *g, uint8_t *slots, uint8_t *out,
                    uint32_t total)
{
    const uint16_t *ix = g->idx + total;

    for (uint32_t k = g->n; k-- > 0;) {
        struct rq_fetch f = g->fetch[k];
        uint8_t *q = slots + (g->dst ? g->dst[k] : g->first + k) * (size_t)64;
        const uint16_t *end = ix - f.nact - f.nin;
        const uint16_t *from = g->all ? ix : ix - f.nin;
        V x[64 / VB];

        for (unsigned i = 0; i < 64 / VB; i++)
            x[i] = LOADA(q + i * VB);
        memset(q, 0, 64);
        if (g->where && (g->where[k] & 3) == 0)
            add_64(out + (size_t)(g->where[k] >> 2) * 64, x);
        while (from > end)
            add_64(slots + *--from * (size_t)64, x);
        ix = end;
    }
}

static void hdpc_transposed(const struct rq_hdpc *h, uint8_t *slots, const uint8_t *acc)
{
    V g[64 / VB];

    for (unsigned i = 0; i < 64 / VB; i++)
        g[i] = LOADA(acc + (size_t)h->carry * 64 + i * VB);
    for (uint32_t j = h->ncol; j-- > 0;) {
        const uint8_t *p = acc + (size_t)h->pair[j] * 64;

        for (unsigned i = 0; i < 64 / VB; i++)
            g[i] = VXOR(g[i], LOADA(p + i * VB));
        if (h->slot[j] < h->M)
            add_64(slots + (size_t)h->slot[j] * 64, g);
        for (unsigned i = 0; i < 64 / VB; i++)
            g[i] = ALPHA(g[i]);
    }
}

const struct rq_kernels KERNELS = {
    .name = KERNELS_NAME,
    .slice_max = SLICE_MAX,
    .product_cost = PRODUCT_COST,
    .gather = gather,
    .collect = collect,
    .hdpc = hdpc,
    .product = product,
    .mul_add = mul_add,
    .xor_add = xor_add,
    .hdpc_bits = hdpc_bits,
    .mul_add_bits = mul_add_bits,
    .eliminate = eliminate,
    .scatter = scatter,
    .hdpc_transposed = hdpc_transposed,
};
