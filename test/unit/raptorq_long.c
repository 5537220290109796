/* make check-raptorq-long: a million sets of K+2 symbols, of which at most two may fail
 * to decode, each proved by plain elimination to lack full rank; and random round
 * trips.
 *
 *   raptorq_long [SETS [SEED]]      defaults 1000000 and 6330 */
#include "raptorq_tools.h"

static const uint32_t ks[] = {10, 12, 18, 26, 32, 49, 55, 75, 101};

#define N_KS (sizeof(ks) / sizeof(ks[0]))

/* @n distinct ids: some source symbols, the rest repair symbols from all over. */
static void draw(struct rng *r, uint32_t K, uint32_t n, uint32_t *esi)
{
    uint32_t have = 0;

    while (have < n) {
        uint32_t id = rng_below(r, 2) ? rng_below(r, 2 * K)
                                      : rng_below(r, RQ_ESI_MAX + 1),
                 i = 0;

        while (i < have && esi[i] != id)
            i++;
        if (i == have)
            esi[have++] = id;
    }
}

static bool decodes(struct rq_dec *dec, uint32_t K, const uint32_t *esi, uint32_t n)
{
    struct rq_shape shape = {K, 1, 1, 1};
    uint8_t dst[128], zero = 0;
    int rc;

    assert_int_equal(rq_dec_open(dec, &shape, dst, K, n), RQ_OK);
    for (uint32_t i = 0; i < n; i++) {
        rc = rq_dec_add(dec, esi[i], &zero);
        if (rc == RQ_DECODED)
            return true;
        assert_true(rc == RQ_OK || rc == RQ_NEED_MORE);
    }
    rc = rq_dec_check(dec);
    assert_true(rc == RQ_OK || rc == RQ_NEED_MORE);
    return rc == RQ_OK;
}

static uint64_t run_sets(struct rq_dec *dec, struct rng *r, uint64_t sets,
                         uint32_t extra)
{
    uint64_t failed = 0;

    for (uint64_t i = 0; i < sets; i++) {
        uint32_t K = ks[i % N_KS], esi[128];
        struct rq_params p;

        draw(r, K, K + extra, esi);
        if (decodes(dec, K, esi, K + extra))
            continue;
        failed++;
        assert_int_equal(rq_params_init(&p, K), RQ_OK);
        if (plain_rank(&p, esi, K + extra) == p.L) {
            fprintf(stderr, "set %llu of K = %u has full rank but did not decode\n",
                    (unsigned long long)i, K);
            exit(1);
        }
    }
    return failed;
}

int main(int argc, char **argv)
{
    static const double most[] = {0.007, 5e-5, 2e-6}; /* of sets may fail */
    uint64_t sets = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 6330;
    struct rng r = {seed * 2 + 1};
    struct rq_config config = {.mode = RQ_MODE_SLICES};
    struct rq_ctx *ctx;
    struct rq_dec *dec;
    int rc = 0;

    printf("seed %llu\n", (unsigned long long)seed);
    if (rq_ctx_new(&ctx, &config) != RQ_OK || rq_dec_new(ctx, &dec) != RQ_OK)
        return 1;
    for (uint32_t extra = 0; extra < 3; extra++) {
        uint64_t n = extra == 2 ? sets : sets / 5;
        uint64_t failed = run_sets(dec, &r, n, extra);
        bool good = (double)failed <= most[extra] * (double)n + 1e-9;

        printf("K+%u: %llu of %llu sets failed, all without full rank%s\n", extra,
               (unsigned long long)failed, (unsigned long long)n,
               good ? "" : ": TOO MANY");
        fflush(stdout);
        rc |= !good;
    }
    rq_dec_free(dec);
    rq_ctx_free(ctx);
    return rc;
}
