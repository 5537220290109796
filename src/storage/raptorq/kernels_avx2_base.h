/* 256 bit vectors: what both AVX2 kernels share. */
#include <stdint.h>
#include <string.h>
#include <immintrin.h>

typedef __m256i V;
#define VB 32

static inline V expand(const uint8_t *p)
{
    const V bit = _mm256_set1_epi64x((long long)0x8040201008040201u);
    const V octet = _mm256_set_epi8(3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 1,
                                    1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    uint32_t bits;
    V x;

    memcpy(&bits, p, 4);
    x = _mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), octet);
    x = _mm256_cmpeq_epi8(_mm256_and_si256(x, bit), bit);
    return _mm256_and_si256(x, _mm256_set1_epi8(1));
}

#define LOADU(p)     _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define LOADA(p)     _mm256_load_si256((const __m256i *)(const void *)(p))
#define STOREU(p, x) _mm256_storeu_si256((__m256i *)(void *)(p), x)
#define STOREA(p, x) _mm256_store_si256((__m256i *)(void *)(p), x)
#define VXOR(a, b)   _mm256_xor_si256(a, b)
#define VZERO        _mm256_setzero_si256()
#define EXPAND(p)    expand(p)
#define NV1          2
#define NV2          4
#define NV3          8
#define SLICE_MAX    256
