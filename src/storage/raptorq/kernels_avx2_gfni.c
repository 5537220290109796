/* AVX2 with GFNI: a product is one GF2P8AFFINEQB by an 8x8 bit matrix. */
#if defined(__x86_64__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,gfni"))), apply_to = function)
#else
#pragma GCC target("avx2,gfni")
#endif
#include "storage/raptorq/kernels_avx2_base.h"

typedef V VX;
#define MATRIX(c)      _mm256_set1_epi64x((long long)rq_affine[c])
#define ALPHA(x)       _mm256_gf2p8affine_epi64_epi8(x, MATRIX(2), 0)
#define PREPARE(x)     (x)
#define MULTIPLY(x, c) _mm256_gf2p8affine_epi64_epi8(x, MATRIX(c), 0)
#define MULX_OUT       4
#define MULX_VEC       2
#define KERNELS        rq_kernels_avx2_gfni
#define KERNELS_NAME   "avx2-gfni"
#define PRODUCT_COST   18

#include "storage/raptorq/kernels_cpu.h"
#include "storage/raptorq/kernels_body.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
