/* AVX2; products by two table look-ups of VPSHUFB. */
#if defined(__x86_64__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif
#include "storage/raptorq/kernels_avx2_base.h"

static inline V times_alpha(V x)
{
    V carry = _mm256_cmpgt_epi8(_mm256_setzero_si256(), x);

    return _mm256_xor_si256(_mm256_add_epi8(x, x),
                            _mm256_and_si256(carry, _mm256_set1_epi8(0x1d)));
}

typedef struct {
    V low, high;
} VX;

static inline VX prepare(V x)
{
    const V mask = _mm256_set1_epi8(15);

    return (VX){_mm256_and_si256(x, mask),
                _mm256_and_si256(_mm256_srli_epi64(x, 4), mask)};
}

#define TABLE(p)                                                                       \
    _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)(p)))
#define ALPHA(x)   times_alpha(x)
#define PREPARE(x) prepare(x)
#define MULTIPLY(x, c)                                                                 \
    VXOR(_mm256_shuffle_epi8(TABLE(rq_nibble[c]), (x).low),                            \
         _mm256_shuffle_epi8(TABLE(rq_nibble[c] + 16), (x).high))
#define MULX_OUT     4
#define MULX_VEC     2
#define KERNELS      rq_kernels_avx2
#define KERNELS_NAME "avx2"
#define PRODUCT_COST 31

#include "storage/raptorq/kernels_cpu.h"
#include "storage/raptorq/kernels_body.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
