#include "storage/raptorq/kernels.h"

#include <string.h>

#include "storage/raptorq/kernels_cpu.h"
#include "storage/raptorq/raptorq.h"

/* What a kernel needs, as bits. */
enum { HAS_SSSE3 = 1, HAS_AVX2 = 2, HAS_GFNI = 4, HAS_AVX512BW = 8 };

#if defined(__x86_64__)
#include <cpuid.h>

/* The register sets the operating system saves (XCR0). */
static uint64_t saved_registers(void)
{
    uint32_t lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

static unsigned cpu_features(void)
{
    unsigned a, b, c, d, features = 0;
    uint64_t saved;

    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    if (c & bit_SSSE3)
        features |= HAS_SSSE3;
    if (!(c & bit_OSXSAVE))
        return features;
    saved = saved_registers();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (saved & 0x06) != 0x06)
        return features;
    if (b & bit_AVX2)
        features |= HAS_AVX2;
    if (c & bit_GFNI)
        features |= HAS_GFNI;
    if ((b & bit_AVX512F) && (b & bit_AVX512BW) && (saved & 0xe6) == 0xe6)
        features |= HAS_AVX512BW;
    return features;
}
#else
static unsigned cpu_features(void)
{
    return 0;
}
#endif

static const struct {
    const struct rq_kernels *kernels;
    unsigned needs;
} table[] = {
#if defined(__x86_64__)
    {&rq_kernels_avx512, HAS_AVX2 | HAS_AVX512BW | HAS_GFNI},
    {&rq_kernels_avx2_gfni, HAS_AVX2 | HAS_GFNI},
    {&rq_kernels_avx2, HAS_AVX2},
    {&rq_kernels_ssse3, HAS_SSSE3},
#elif defined(__aarch64__)
    {&rq_kernels_neon, 0},
#endif
    {&rq_kernels_portable, 0},
};

const struct rq_kernels *rq_kernels_at(unsigned i)
{
    unsigned features = cpu_features();

    for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++)
        if ((table[k].needs & ~features) == 0 && i-- == 0)
            return table[k].kernels;
    return NULL;
}

const struct rq_kernels *rq_kernels_find(const char *name)
{
    const struct rq_kernels *k = rq_kernels_at(0);

    for (unsigned i = 1; name && k && strcmp(k->name, name) != 0; i++)
        k = rq_kernels_at(i);
    return k;
}

const char *rq_kernel_name(unsigned i)
{
    const struct rq_kernels *k = rq_kernels_at(i);

    return k ? k->name : NULL;
}
