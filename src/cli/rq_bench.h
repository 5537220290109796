/* Timing of the RaptorQ codec, for "ochre-rq bench" and test/bench/bench_raptorq. */
#ifndef OCHRE_CLI_RQ_BENCH_H
#define OCHRE_CLI_RQ_BENCH_H
#include <stdint.h>

enum rq_bench_case {
    RQ_BENCH_COLD,   /* plan and intermediate symbols */
    RQ_BENCH_KEPT,   /* intermediate symbols with a kept plan */
    RQ_BENCH_REPAIR, /* kept plan, then 5 % repair symbols */
    RQ_BENCH_LOST5,  /* 5 % of the source symbols lost, no overhead */
    RQ_BENCH_LOST50, /* half of them lost */
    RQ_BENCH_CASES
};

struct rq_bench {
    double mbps[RQ_BENCH_CASES]; /* 10^6 octets of source a second, best run */
    double plan_ms;
    double xors; /* XOR equivalents of a source symbol */
};

extern const char *const rq_bench_names[RQ_BENCH_CASES];

/* Measures blocks of K symbols of T octets with @kernel (NULL: the best) on one thread,
 * each case for about @seconds and at least six times. 0, or an rq_status. */
int rq_bench_run(struct rq_bench *out, uint32_t K, uint32_t T, const char *kernel,
                 double seconds);

/* 10^9 octets a second of memcpy and of XOR of one buffer into another, @n octets, a
 * multiple of 64. */
void rq_bench_memory(uint64_t n, double *copy, double *xored);

/* The CPU's own name, in static storage of the caller's @n octets. */
void rq_bench_cpu(char *out, uint32_t n);

#endif
