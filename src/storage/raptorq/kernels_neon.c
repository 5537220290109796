/* AArch64 Advanced SIMD: 128 bit vectors; products by two table look-ups. */
#if defined(__aarch64__)
#include <stdint.h>
#include <string.h>
#include <arm_neon.h>

typedef uint8x16_t V;
#define VB 16

static inline V times_alpha(V x)
{
    V carry = vreinterpretq_u8_s8(vshrq_n_s8(vreinterpretq_s8_u8(x), 7));

    return veorq_u8(vshlq_n_u8(x, 1), vandq_u8(carry, vdupq_n_u8(0x1d)));
}

static inline V expand(const uint8_t *p)
{
    const uint8x8_t bit = vcreate_u8(UINT64_C(0x8040201008040201));
    V bits = vcombine_u8(vdup_n_u8(p[0]), vdup_n_u8(p[1]));

    return vandq_u8(vtstq_u8(bits, vcombine_u8(bit, bit)), vdupq_n_u8(1));
}

typedef struct {
    V low, high;
} VX;

static inline VX prepare(V x)
{
    return (VX){vandq_u8(x, vdupq_n_u8(15)), vshrq_n_u8(x, 4)};
}

#define LOADU(p)     vld1q_u8(p)
#define LOADA(p)     vld1q_u8(p)
#define STOREU(p, x) vst1q_u8(p, x)
#define STOREA(p, x) vst1q_u8(p, x)
#define VXOR(a, b)   veorq_u8(a, b)
#define VZERO        vdupq_n_u8(0)
#define ALPHA(x)     times_alpha(x)
#define EXPAND(p)    expand(p)
#define PREPARE(x)   prepare(x)
#define MULTIPLY(x, c)                                                                 \
    VXOR(vqtbl1q_u8(LOADA(rq_nibble[c]), (x).low),                                     \
         vqtbl1q_u8(LOADA(rq_nibble[c] + 16), (x).high))
#define MULX_OUT     4
#define MULX_VEC     2
#define NV1          4
#define NV2          8
#define NV3          16
#define KERNELS      rq_kernels_neon
#define KERNELS_NAME "neon"
#define SLICE_MAX    256
#define PRODUCT_COST 30

#include "storage/raptorq/kernels_cpu.h"
#include "storage/raptorq/kernels_body.h"
#endif
