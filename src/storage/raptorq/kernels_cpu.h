/* The kernels of this build. */
#ifndef OCHRE_RAPTORQ_KERNELS_CPU_H
#define OCHRE_RAPTORQ_KERNELS_CPU_H
#include "storage/raptorq/kernels.h"

extern const struct rq_kernels rq_kernels_portable;
#if defined(__x86_64__)
extern const struct rq_kernels rq_kernels_ssse3, rq_kernels_avx2, rq_kernels_avx2_gfni,
    rq_kernels_avx512;
#elif defined(__aarch64__)
extern const struct rq_kernels rq_kernels_neon;
#endif

#endif
