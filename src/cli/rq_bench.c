#include "cli/rq_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "storage/raptorq/raptorq.h"
#include "util/mem.h"

#define RUNS_MIN 6

const char *const rq_bench_names[RQ_BENCH_CASES] = {
    "cold encode", "encode with a kept plan", "encode, then 5 % repair symbols",
    "decode, 5 % lost", "decode, 50 % lost"};

struct bench {
    struct rq_ctx *ctx;
    struct rq_enc *enc;
    struct rq_dec *dec;
    struct rq_shape shape;
    size_t n;
    uint8_t *src, *received, *out, *repair;
    uint32_t *order, repairs;
    uint64_t random;
};

/* Processor time: what other programs do at the same time counts little. */
static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t next_random(struct bench *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return b->random;
}

static int encode(struct bench *b, bool cold, uint32_t n)
{
    int rc;

    if (cold)
        rq_ctx_drop_plans(b->ctx);
    rc = rq_enc_open(b->enc, &b->shape, b->src, b->n);
    if (rc == RQ_OK && n == 1) /* these cases time the intermediate symbols */
        rc = rq_enc_prepare(b->enc);
    return rc == RQ_OK ? rq_enc_run(b->enc, b->shape.K, n, b->repair) : rc;
}

/* The first @lost of order[] do not arrive. Symbols are copied in, and the block out,
 * as a codec behind a network would. */
static int decode(struct bench *b, uint32_t lost)
{
    uint32_t T = b->shape.T;
    int rc = rq_dec_open(b->dec, &b->shape, b->received, b->n, 0);

    for (uint32_t i = lost; i < b->shape.K && rc >= 0; i++)
        rc = rq_dec_add(b->dec, b->order[i], b->src + (size_t)b->order[i] * T);
    for (uint32_t i = 0; i < lost && rc >= 0; i++)
        rc = rq_dec_add(b->dec, b->shape.K + i, b->repair + (size_t)i * T);
    if (rc >= 0)
        rc = rq_dec_solve(b->dec);
    for (uint32_t i = lost; rc == RQ_NEED_MORE && i < lost + 8; i++) {
        rc = rq_dec_add(b->dec, b->shape.K + i, b->repair + (size_t)i * T);
        rc = rc < 0 ? rc : rq_dec_solve(b->dec);
    }
    if (rc == RQ_DECODED)
        memcpy(b->out, b->received, b->n);
    return rc;
}

/* A new loss pattern; order ascending among those that arrive. */
static void lose(struct bench *b, uint32_t lost)
{
    uint32_t K = b->shape.K, at = lost;
    uint8_t *gone = xcalloc(K, 1);

    for (uint32_t i = 0; i < lost;) {
        uint32_t m = (uint32_t)(next_random(b) % K);

        if (gone[m])
            continue;
        gone[m] = 1;
        b->order[i++] = m;
    }
    for (uint32_t m = 0; m < K; m++)
        if (!gone[m])
            b->order[at++] = m;
    free(gone);
}

static int run_case(struct bench *b, enum rq_bench_case which, uint32_t few)
{
    switch (which) {
    case RQ_BENCH_COLD:
        return encode(b, true, 1);
    case RQ_BENCH_KEPT:
        return encode(b, false, 1);
    case RQ_BENCH_REPAIR:
        return encode(b, false, few);
    case RQ_BENCH_LOST5:
        return decode(b, few);
    case RQ_BENCH_LOST50:
        return decode(b, (b->shape.K + 1) / 2);
    case RQ_BENCH_CASES:
        break;
    }
    return RQ_ERR_STATE;
}

static int measure(struct bench *b, enum rq_bench_case which, double seconds,
                   double *mbps)
{
    uint32_t few = b->shape.K / 20 ? b->shape.K / 20 : 1;
    double best = 0, spent = 0;

    for (int runs = 0; runs < RUNS_MIN || spent < seconds; runs++) {
        double start, time;
        int rc;

        if (which == RQ_BENCH_LOST5)
            lose(b, few);
        if (which == RQ_BENCH_LOST50)
            lose(b, (b->shape.K + 1) / 2);
        start = now();
        rc = run_case(b, which, few);
        time = now() - start;
        if (rc != RQ_OK && rc != RQ_DECODED)
            return rc < 0 ? rc : RQ_ERR_STATE;
        if (rc == RQ_DECODED && memcmp(b->out, b->src, b->n) != 0)
            return RQ_ERR_DATA;
        if (runs == 0 || time < best)
            best = time;
        spent += time;
    }
    *mbps = (double)b->n / best / 1e6;
    return RQ_OK;
}

static int measure_plan(struct bench *b, double seconds, struct rq_bench *out)
{
    double spent = 0;

    for (int runs = 0; runs < RUNS_MIN || spent < seconds; runs++) {
        double start = now(), time;
        struct rq_plan *plan;
        int rc = rq_plan_new(b->ctx, &plan, b->shape.K);

        if (rc < 0)
            return rc;
        time = now() - start;
        if (runs == 0 || time * 1e3 < out->plan_ms)
            out->plan_ms = time * 1e3;
        spent += time;
        out->xors = (double)rq_plan_xors(plan) / b->shape.K;
        rq_plan_unref(plan);
    }
    return RQ_OK;
}

static int start_bench(struct bench *b, const char *kernel)
{
    struct rq_config config = {.kernel = kernel};
    int rc = rq_ctx_new(&b->ctx, &config);

    if (rc == RQ_OK)
        rc = rq_enc_new(b->ctx, &b->enc);
    if (rc == RQ_OK)
        rc = rq_dec_new(b->ctx, &b->dec);
    if (rc < 0)
        return rc;
    b->src = xmalloc(b->n);
    b->received = xmalloc(b->n);
    b->out = xmalloc(b->n);
    b->repair = xmalloc((size_t)b->repairs * b->shape.T);
    b->order = xmalloc(b->shape.K * sizeof(*b->order));
    for (size_t i = 0; i < b->n; i++)
        b->src[i] = (uint8_t)(next_random(b) >> 24);
    rc = rq_enc_open(b->enc, &b->shape, b->src, b->n);
    return rc == RQ_OK ? rq_enc_run(b->enc, b->shape.K, b->repairs, b->repair) : rc;
}

int rq_bench_run(struct rq_bench *out, uint32_t K, uint32_t T, const char *kernel,
                 double seconds)
{
    struct bench b = {.shape = {K, T, 1, 1},
                      .n = (size_t)K * T,
                      .repairs = (K + 1) / 2 + 8,
                      .random = UINT64_C(0x9e3779b97f4a7c15)};
    int rc;

    if (K < RQ_K_MIN || K > RQ_K_MAX)
        return RQ_ERR_K;
    if (T == 0 || T > RQ_T_MAX)
        return RQ_ERR_T;
    rc = start_bench(&b, kernel);
    for (int i = 0; i < RQ_BENCH_CASES && rc == RQ_OK; i++)
        rc = measure(&b, (enum rq_bench_case)i, seconds, &out->mbps[i]);
    if (rc == RQ_OK)
        rc = measure_plan(&b, seconds, out);
    free(b.src);
    free(b.received);
    free(b.out);
    free(b.repair);
    free(b.order);
    rq_enc_free(b.enc);
    rq_dec_free(b.dec);
    rq_ctx_free(b.ctx);
    return rc;
}

/* Vectors that every x86-64 and AArch64 has. */
typedef uint64_t wide __attribute__((vector_size(16)));

static void xor_into(wide *to, const wide *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] ^= from[i];
}

void rq_bench_memory(uint64_t n, double *copy, double *xored)
{
    wide *a = aligned_alloc(64, n), *b = aligned_alloc(64, n);

    *copy = *xored = 0;
    if (!a || !b)
        goto out;
    memset(a, 1, n);
    memset(b, 2, n);
    for (int runs = 0; runs < 10; runs++) {
        double start = now(), mid;

        memcpy(a, b, n);
        __asm__ volatile("" : : "r"(a) : "memory");
        mid = now();
        xor_into(b, a, n / sizeof(*a));
        __asm__ volatile("" : : "r"(b) : "memory");
        if ((double)n / (mid - start) / 1e9 > *copy)
            *copy = (double)n / (mid - start) / 1e9;
        if ((double)n / (now() - mid) / 1e9 > *xored)
            *xored = (double)n / (now() - mid) / 1e9;
    }
out:
    free(a);
    free(b);
}

void rq_bench_cpu(char *out, uint32_t n)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");

    snprintf(out, n, "unknown");
    while (f && fgets(line, sizeof(line), f)) {
        char *colon = strchr(line, ':');

        if (strncmp(line, "model name", 10) == 0 && colon) {
            colon[strcspn(colon, "\n")] = 0;
            snprintf(out, n, "%s", colon + 2);
            break;
        }
    }
    if (f)
        fclose(f);
}
