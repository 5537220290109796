/* AVX-512BW with GFNI: 512 bit vectors, bit masks, one instruction per product. */
#if defined(__x86_64__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,avx512f,avx512bw,gfni"))),    \
                             apply_to = function)
#else
#pragma GCC target("avx2,avx512f,avx512bw,gfni")
#endif
#include <stdint.h>
#include <string.h>
#include <immintrin.h>

typedef __m512i V;
#define VB 64

static inline V expand(const uint8_t *p)
{
    uint64_t bits;

    memcpy(&bits, p, 8);
    return _mm512_maskz_mov_epi8(bits, _mm512_set1_epi8(1));
}

typedef V VX;
static inline V matrix(uint64_t m)
{
    V x = _mm512_set1_epi64((long long)m);

#ifdef __clang__
    /* Keeps it out of the instruction: clang 14 encodes the displacement of an embedded
     * broadcast of GF2P8AFFINEQB wrongly. */
    __asm__("" : "+v"(x));
#endif
    return x;
}

#define MATRIX(c)      matrix(rq_affine[c])
#define LOADU(p)       _mm512_loadu_si512((const void *)(p))
#define LOADA(p)       _mm512_load_si512((const void *)(p))
#define STOREU(p, x)   _mm512_storeu_si512((void *)(p), x)
#define STOREA(p, x)   _mm512_store_si512((void *)(p), x)
#define VXOR(a, b)     _mm512_xor_si512(a, b)
#define VXOR3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define VZERO          _mm512_setzero_si512()
#define ALPHA(x)       _mm512_gf2p8affine_epi64_epi8(x, MATRIX(2), 0)
#define EXPAND(p)      expand(p)
#define PREPARE(x)     (x)
#define MULTIPLY(x, c) _mm512_gf2p8affine_epi64_epi8(x, MATRIX(c), 0)
#define MULX_OUT       8
#define MULX_VEC       2
#define NV1            1
#define NV2            2
#define NV3            4
#define NV4            8
#define KERNELS        rq_kernels_avx512
#define KERNELS_NAME   "avx512-gfni"
#define SLICE_MAX      512
#define PRODUCT_COST   8

#include "storage/raptorq/kernels_cpu.h"
#include "storage/raptorq/kernels_body.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
