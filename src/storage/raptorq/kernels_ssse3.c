/* 128 bit vectors; products by two table look-ups of PSHUFB. */
#if defined(__x86_64__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("ssse3"))), apply_to = function)
#else
#pragma GCC target("ssse3")
#endif
#include <stdint.h>
#include <string.h>
#include <immintrin.h>

typedef __m128i V;
#define VB 16

static inline V times_alpha(V x)
{
    V carry = _mm_cmpgt_epi8(_mm_setzero_si128(), x);

    return _mm_xor_si128(_mm_add_epi8(x, x), _mm_and_si128(carry, _mm_set1_epi8(0x1d)));
}

static inline V expand(const uint8_t *p)
{
    const V bit = _mm_set1_epi64x((long long)0x8040201008040201u);
    const V octet = _mm_set_epi8(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    uint16_t bits;
    V x;

    memcpy(&bits, p, 2);
    x = _mm_and_si128(_mm_shuffle_epi8(_mm_set1_epi16((short)bits), octet), bit);
    return _mm_and_si128(_mm_cmpeq_epi8(x, bit), _mm_set1_epi8(1));
}

typedef struct {
    V low, high;
} VX;

static inline VX prepare(V x)
{
    const V mask = _mm_set1_epi8(15);

    return (VX){_mm_and_si128(x, mask), _mm_and_si128(_mm_srli_epi64(x, 4), mask)};
}

#define LOADU(p)     _mm_loadu_si128((const __m128i *)(const void *)(p))
#define LOADA(p)     _mm_load_si128((const __m128i *)(const void *)(p))
#define STOREU(p, x) _mm_storeu_si128((__m128i *)(void *)(p), x)
#define STOREA(p, x) _mm_store_si128((__m128i *)(void *)(p), x)
#define VXOR(a, b)   _mm_xor_si128(a, b)
#define VZERO        _mm_setzero_si128()
#define ALPHA(x)     times_alpha(x)
#define EXPAND(p)    expand(p)
#define PREPARE(x)   prepare(x)
#define MULTIPLY(x, c)                                                                 \
    VXOR(_mm_shuffle_epi8(LOADA(rq_nibble[c]), (x).low),                               \
         _mm_shuffle_epi8(LOADA(rq_nibble[c] + 16), (x).high))
#define MULX_OUT     4
#define MULX_VEC     2
#define NV1          4
#define NV2          8
#define KERNELS      rq_kernels_ssse3
#define KERNELS_NAME "ssse3"
#define SLICE_MAX    128
#define PRODUCT_COST 40

#include "storage/raptorq/kernels_cpu.h"
#include "storage/raptorq/kernels_body.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
