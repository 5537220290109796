/* Plain C on 64 bit words. */
#include <stdint.h>
#include <string.h>

typedef uint64_t V;
#define VB   8
#define ONES UINT64_C(0x0101010101010101)

static inline V load(const uint8_t *p)
{
    V x;

    memcpy(&x, p, 8);
    return x;
}

static inline void store(uint8_t *p, V x)
{
    memcpy(p, &x, 8);
}

static inline V times_alpha(V x)
{
    return (x & ONES * 0x7f) << 1 ^ (x >> 7 & ONES) * 0x1d;
}

/* Octet i of the result, in memory order, is bit i of *p. */
static inline V expand(const uint8_t *p)
{
    V spread = *p * ONES;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    spread &= UINT64_C(0x8040201008040201);
#else
    spread &= UINT64_C(0x0102040810204080);
#endif
    return (spread + ONES * 0x7f) >> 7 & ONES;
}

/* The eight products by alpha^i; a product by any constant is the sum of some. */
typedef struct {
    V power[8];
} VX;

static inline VX prepare(V x)
{
    VX out;

    for (int i = 0; i < 8; i++, x = times_alpha(x))
        out.power[i] = x;
    return out;
}

static inline V multiply(const VX *x, uint8_t c)
{
    V sum = 0;

    for (int i = 0; i < 8; i++)
        sum ^= x->power[i] & (0 - (V)(c >> i & 1));
    return sum;
}

#define LOADU(p)       load(p)
#define LOADA(p)       load(p)
#define STOREU(p, x)   store(p, x)
#define STOREA(p, x)   store(p, x)
#define VXOR(a, b)     ((a) ^ (b))
#define VZERO          ((V)0)
#define ALPHA(x)       times_alpha(x)
#define EXPAND(p)      expand(p)
#define PREPARE(x)     prepare(x)
#define MULTIPLY(x, c) multiply(&(x), c)
#define MULX_OUT       8
#define MULX_VEC       2
#define NV1            8
#define KERNELS        rq_kernels_portable
#define KERNELS_NAME   "portable"
#define SLICE_MAX      64
#define PRODUCT_COST   255

#include "storage/raptorq/kernels_cpu.h"
#include "storage/raptorq/kernels_body.h"
