/* The goals of doc/raptorq.md, beside what this computer does.
 *
 *   bench_raptorq [SECONDS [KERNEL]]     seconds for each case, default 0.5 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/rq_bench.h"
#include "storage/raptorq/raptorq.h"

/* MB/s on a Zen 5 core with AVX-512 and GFNI; the plan alone in ms. */
static const struct goal {
    uint32_t K, T;
    double mbps[RQ_BENCH_CASES];
    double plan_ms;
} goals[] = {
    {10, 1280, {1800, 6700, 8400, 6100, 5100}, .004},
    {100, 1280, {4200, 6700, 24000, 14000, 2700}, .011},
    {1000, 1280, {4000, 5800, 6100, 4600, 2400}, .09},
    {10000, 1280, {1950, 3400, 3200, 1800, 1400}, 2.2},
    {50000, 1280, {1400, 2100, 1950, 1200, 1100}, 15},
    {1000, 50000, {4700, 4800, 4400, 2800, 2800}, .09},
};

static int blocks(double seconds, const char *kernel)
{
    for (size_t i = 0; i < sizeof(goals) / sizeof(goals[0]); i++) {
        const struct goal *g = &goals[i];
        struct rq_bench b = {{0}, 0, 0};
        int rc = rq_bench_run(&b, g->K, g->T, kernel, seconds);

        if (rc != RQ_OK) {
            fprintf(stderr, "bench_raptorq: %s\n", rq_strerror(rc));
            return 1;
        }
        printf(
            "\nK = %u, T = %u: %.2f XOR equivalents per source symbol (goal 22.5 from "
            "K = 100)\n",
            g->K, g->T, b.xors);
        for (int c = 0; c < RQ_BENCH_CASES; c++)
            printf("  %-32s %8.0f MB/s   goal %6.0f   %4.0f %%\n", rq_bench_names[c],
                   b.mbps[c], g->mbps[c], b.mbps[c] * 100 / g->mbps[c]);
        printf("  %-32s %8.4f ms     goal %6.3f   %4.0f %%\n", "plan alone", b.plan_ms,
               g->plan_ms, g->plan_ms * 100 / b.plan_ms);
        fflush(stdout);
    }
    return 0;
}

/* ---- Objects on one and two threads ---- */

static double read_clock(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct object {
    struct rq_oti oti;
    uint8_t *octets, *restored, *repair;
    uint32_t n_repair, lost; /* repair symbols of a block; source symbols it lacks */
    uint32_t K;              /* of the first block */
};

static uint8_t *repair_at(const struct object *o, const struct rq_payload_id *id)
{
    struct rq_block b;

    if (rq_oti_block(&o->oti, id->sbn, &b) != RQ_OK)
        abort();
    return o->repair + ((size_t)id->sbn * o->n_repair + id->esi - b.K) * o->oti.T;
}

static int on_put(void *self, const struct rq_payload_id *id, uint32_t col,
                  const void *buf, size_t n)
{
    memcpy(repair_at(self, id) + col, buf, n);
    return 0;
}

static int on_get(void *self, const struct rq_payload_id *id, uint32_t col, void *buf,
                  size_t n)
{
    struct object *o = self;
    struct rq_block b;

    if (rq_oti_block(&o->oti, id->sbn, &b) != RQ_OK)
        return -1;
    if (id->esi < b.K)
        memcpy(buf, o->octets + b.offset + (size_t)id->esi * o->oti.T + col, n);
    else
        memcpy(buf, repair_at(o, id) + col, n);
    return 0;
}

static size_t on_list(void *self, uint32_t sbn, uint32_t *esi, size_t max)
{
    struct object *o = self;
    struct rq_block b;
    size_t n = 0;

    if (rq_oti_block(&o->oti, sbn, &b) != RQ_OK)
        return 0;
    for (uint32_t i = o->lost; i < b.K + o->n_repair && n < max; i++)
        esi[n++] = i;
    return n;
}

/* Best of six runs: seconds on the wall, and of processor time on the busier of the two
 * threads: what the wall would show were no other program running. */
struct timing {
    double wall, busy;
};

static bool best_of(struct rq_ctx *ctx, struct object *o, bool decode,
                    struct timing *out)
{
    struct rq_object_io io = {.memory = decode ? o->restored : o->octets,
                              .put_symbol = on_put,
                              .list_symbols = on_list,
                              .get_symbol = on_get,
                              .concurrent = true,
                              .self = o};
    uint32_t sbn;

    *out = (struct timing){1e9, 1e9};
    for (int run = 0; run < 6; run++) {
        double wall = read_clock(CLOCK_MONOTONIC);
        double all = read_clock(CLOCK_PROCESS_CPUTIME_ID);
        double own = read_clock(CLOCK_THREAD_CPUTIME_ID);
        int rc = decode ? rq_object_decode(ctx, &o->oti, 0, &io, &sbn)
                        : rq_object_encode(ctx, &o->oti, o->n_repair, false, 0, &io);

        if (rc != RQ_OK)
            return false;
        wall = read_clock(CLOCK_MONOTONIC) - wall;
        own = read_clock(CLOCK_THREAD_CPUTIME_ID) - own;
        all = read_clock(CLOCK_PROCESS_CPUTIME_ID) - all;
        own = own > all - own ? own : all - own;
        out->wall = wall < out->wall ? wall : out->wall;
        out->busy = own < out->busy ? own : out->busy;
    }
    return true;
}

static int objects(const char *kernel)
{
    static const struct rq_oti otis[] = {{51200000, 1280, 1, 1, 1},
                                         {51200000, 1280, 8, 1, 1},
                                         {50000000, 50000, 1, 1, 1}};

    printf(
        "\nObjects of 50 MB in memory, a tenth of repair symbols, 2 %% of the source "
        "lost, one thread and two:\n");
    for (size_t i = 0; i < sizeof(otis) / sizeof(otis[0]); i++) {
        struct timing time[2][3];

        for (unsigned threads = 1; threads <= 2; threads++) {
            struct rq_pool *pool = rq_pool_new(threads);
            struct rq_config config = {.workers = rq_pool_workers(pool),
                                       .kernel = kernel};
            struct object o = {.oti = otis[i]};
            struct rq_block b = {0};
            struct rq_ctx *ctx;

            if (!pool || rq_ctx_new(&ctx, &config) != RQ_OK ||
                rq_oti_block(&o.oti, 0, &b) != RQ_OK)
                return 1;
            o.n_repair = b.K / 10;
            o.lost = b.K / 50;
            o.octets = malloc(o.oti.F);
            o.restored = malloc(o.oti.F);
            o.repair = malloc((size_t)o.oti.Z * o.n_repair * o.oti.T);
            if (!o.octets || !o.restored || !o.repair)
                return 1;
            for (uint64_t k = 0; k < o.oti.F; k++)
                o.octets[k] = (uint8_t)(k * 0x9e3779b97f4a7c15 >> 56);
            if (!best_of(ctx, &o, false, &time[0][threads]) ||
                !best_of(ctx, &o, true, &time[1][threads]) ||
                memcmp(o.octets, o.restored, o.oti.F) != 0)
                return 1;
            free(o.octets);
            free(o.restored);
            free(o.repair);
            rq_ctx_free(ctx);
            rq_pool_free(pool);
        }
        for (int d = 0; d < 2; d++)
            printf("  T = %5u, Z = %u, %s: %6.1f and %6.1f ms, %.2f times; processor "
                   "time of the busier thread %6.1f and %6.1f ms, %.2f times\n",
                   otis[i].T, otis[i].Z, d ? "decode" : "encode", time[d][1].wall * 1e3,
                   time[d][2].wall * 1e3, time[d][1].wall / time[d][2].wall,
                   time[d][1].busy * 1e3, time[d][2].busy * 1e3,
                   time[d][1].busy / time[d][2].busy);
    }
    return 0;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 0.5, copy, xored;
    const char *kernel = argc > 2 ? argv[2] : NULL;
    char cpu[128];

    rq_bench_cpu(cpu, sizeof(cpu));
    rq_bench_memory((uint64_t)64 << 20, &copy, &xored);
    printf("%s, kernel %s, one thread\n", cpu, kernel ? kernel : rq_kernel_name(0));
    printf("memcpy %.1f GB/s, XOR %.1f GB/s over 64 MiB", copy, xored);
    rq_bench_memory((uint64_t)512 << 10, &copy, &xored);
    printf("; %.1f and %.1f GB/s over 512 KiB\n", copy, xored);
    return blocks(seconds, kernel) || objects(kernel);
}
