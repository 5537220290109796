/* RaptorQ: what must hold for every block, beyond the published vectors. */
#include "raptorq_tools.h"

#define SEED UINT64_C(0x6330)

/* ---- One random block, encoded, thinned out, decoded ---- */

struct trial {
    struct rq_shape shape;
    size_t len;      /* octets of the block */
    uint32_t losses; /* source symbols that do not arrive */
    uint32_t extra;  /* repair symbols beyond the losses */
    uint32_t first;  /* ESI of the first repair symbol */
    bool prepare;    /* encode from kept intermediate symbols */
};

struct codec {
    struct rq_ctx *ctx;
    struct rq_enc *enc;
    struct rq_dec *dec;
};

static void codec_open(struct codec *c, const struct rq_config *config)
{
    assert_int_equal(rq_ctx_new(&c->ctx, config), RQ_OK);
    assert_int_equal(rq_enc_new(c->ctx, &c->enc), RQ_OK);
    assert_int_equal(rq_dec_new(c->ctx, &c->dec), RQ_OK);
}

static void codec_close(struct codec *c)
{
    rq_enc_free(c->enc);
    rq_dec_free(c->dec);
    rq_ctx_free(c->ctx);
}

static struct trial random_trial(struct rng *r, uint32_t k_max)
{
    struct trial t = {.first = 0};
    uint32_t units;

    t.shape.K = 1 + rng_below(r, rng_below(r, 2) ? k_max : 70);
    t.shape.Al = 1 + rng_below(r, 5);
    units = 1 + rng_below(r, rng_below(r, 2) ? 300 : 30);
    t.shape.T = t.shape.Al * units;
    t.shape.N = rng_below(r, 3) ? 1 : 1 + rng_below(r, units);
    t.len = (size_t)t.shape.K * t.shape.T;
    if (t.shape.N == 1)
        t.len -= rng_below(r, t.shape.T);
    switch (rng_below(r, 4)) {
    case 0:
        t.losses = t.shape.K;
        break;
    case 1:
        t.losses = rng_below(r, t.shape.K + 1);
        break;
    default:
        t.losses = rng_below(r, t.shape.K / 8 + 2);
    }
    if (t.losses > t.shape.K)
        t.losses = t.shape.K;
    t.extra = rng_below(r, 3);
    t.first = t.shape.K + (rng_below(r, 2) ? rng_below(r, 5000) : RQ_ESI_MAX - 70000);
    t.prepare = rng_below(r, 3) == 0;
    return t;
}

static int add_source(struct codec *c, const struct trial *t, uint32_t esi, bool slot)
{
    uint8_t *symbol = must_alloc(t->shape.T);
    void *out[] = {symbol};
    int rc;

    assert_int_equal(rq_enc_symbols(c->enc, &esi, 1, out), RQ_OK);
    if (slot) {
        void *to = rq_dec_slot(c->dec, esi);

        assert_non_null(to);
        assert_ptr_equal(to, rq_dec_slot(c->dec, esi));
        memcpy(to, symbol, t->shape.T);
        rc = rq_dec_have(c->dec, esi);
    } else {
        rc = rq_dec_add(c->dec, esi, symbol);
    }
    if (rc != RQ_DECODED) {
        assert_int_equal(rq_dec_add(c->dec, esi, symbol), RQ_DUPLICATE);
        assert_null(rq_dec_slot(c->dec, esi));
    }
    free(symbol);
    return rc;
}

/* Adds @n repair symbols from @esi on in some order; returns the last answer. */
static int add_repair(struct codec *c, const struct trial *t, struct rng *r,
                      uint32_t esi, uint32_t n)
{
    uint8_t *symbols = must_alloc((size_t)n * t->shape.T);
    uint32_t *order = must_alloc(n * sizeof(*order));
    int rc = RQ_OK;

    rng_shuffle(r, order, n);
    assert_int_equal(rq_enc_run(c->enc, esi, n, symbols), RQ_OK);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *symbol = symbols + (size_t)order[i] * t->shape.T;

        rc = rq_dec_add(c->dec, esi + order[i], symbol);
        assert_true(rc == RQ_OK || rc == RQ_NEED_MORE || rc == RQ_DECODED);
        if (rc != RQ_DECODED)
            assert_int_equal(rq_dec_add(c->dec, esi + order[i], symbol), RQ_DUPLICATE);
    }
    free(symbols);
    free(order);
    return rc;
}

/* Returns how many more repair symbols it took than losses and extra. */
static uint32_t run_trial(struct codec *c, const struct trial *t, struct rng *r)
{
    uint8_t *src = must_alloc(t->len), *dst = must_alloc(t->len + 64);
    uint32_t *order = must_alloc(t->shape.K * sizeof(*order)), more = 0;
    uint32_t repair = t->losses ? t->losses + t->extra : 0;
    int rc = RQ_NEED_MORE;

    rng_fill(r, src, t->len);
    memset(dst, 0xee, t->len + 64);
    rng_shuffle(r, order, t->shape.K);
    assert_int_equal(rq_enc_open(c->enc, &t->shape, src, t->len), RQ_OK);
    if (t->prepare)
        assert_int_equal(rq_enc_prepare(c->enc), RQ_OK);
    assert_int_equal(rq_dec_open(c->dec, &t->shape, dst, t->len, 0), RQ_OK);
    for (uint32_t i = t->losses; i < t->shape.K; i++)
        rc = add_source(c, t, order[i], rng_below(r, 2));
    if (repair)
        rc = add_repair(c, t, r, t->first, repair);
    while (rc != RQ_DECODED) {
        rc = rq_dec_solve(c->dec);
        assert_true(rc == RQ_DECODED || rc == RQ_NEED_MORE);
        if (rc == RQ_DECODED)
            break;
        assert_int_equal(add_repair(c, t, r, t->first + repair + more, 1), RQ_OK);
        more++;
    }
    assert_memory_equal(src, dst, t->len);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(dst[t->len + i], 0xee);
    assert_int_equal(rq_dec_solve(c->dec), RQ_DECODED);
    assert_int_equal(rq_dec_add(c->dec, t->first, src), RQ_DECODED);
    free(src);
    free(dst);
    free(order);
    return more;
}

static void decoding_undoes_encoding(void **state)
{
    struct rng r = {SEED};
    struct codec c;
    uint32_t more = 0;

    (void)state;
    codec_open(&c, NULL);
    for (int i = 0; i < 400; i++) {
        struct trial t = random_trial(&r, 900);

        more += run_trial(&c, &t, &r);
    }
    assert_true(more < 10); /* about 0.005 a trial without extra symbols */
    codec_close(&c);
}

static void every_mode_and_kernel_decodes(void **state)
{
    (void)state;
    for (unsigned k = 0; rq_kernel_name(k); k++)
        for (int mode = RQ_MODE_SLICES; mode <= RQ_MODE_PATCH; mode++) {
            struct rq_config config = {.kernel = rq_kernel_name(k),
                                       .mode = (enum rq_mode)mode};
            struct rng r = {SEED + 1};
            struct codec c;

            codec_open(&c, &config);
            for (int i = 0; i < 60; i++) {
                struct trial t = random_trial(&r, 300);

                run_trial(&c, &t, &r);
            }
            codec_close(&c);
        }
}

/* The first K with this K', K' itself, and the K' whose P is prime among them. */
static void boundaries_of_the_table(void **state)
{
    struct rng r = {SEED + 2};
    struct codec c;
    unsigned prime = 0;

    (void)state;
    codec_open(&c, NULL);
    for (uint32_t i = 0; i < RQ_N_SYSTEMATIC && rq_systematic[i].Kp < 1200; i++) {
        uint32_t ks[] = {rq_systematic[i].Kp, i ? rq_systematic[i - 1].Kp + 1u : 1};

        prime += rq_systematic[i].P1 == rq_systematic[i].Kp + rq_systematic[i].S +
                                            rq_systematic[i].H - rq_systematic[i].W;
        for (size_t n = 0; n < 2; n++) {
            struct trial t = {.shape = {ks[n], 4, 1, 1},
                              .len = (size_t)ks[n] * 4,
                              .losses = n ? ks[n] : ks[n] / 3,
                              .first = ks[n]};

            run_trial(&c, &t, &r);
        }
    }
    assert_true(prime > 10);
    codec_close(&c);
}

/* ---- All ways to the same octets ---- */

static void modes_and_kernels_agree(void **state)
{
    static const uint32_t ks[] = {1, 10, 26, 101, 257, 1002};
    struct rng r = {SEED + 3};

    (void)state;
    for (size_t n = 0; n < sizeof(ks) / sizeof(ks[0]); n++) {
        struct rq_shape shape = {ks[n], 203, 1, 1};
        size_t len = (size_t)shape.K * shape.T;
        uint8_t *src = must_alloc(len), *want = must_alloc(64 * 203);
        uint8_t *got = must_alloc(64 * 203);

        rng_fill(&r, src, len);
        for (unsigned k = 0; rq_kernel_name(k); k++)
            for (int way = 0; way < 3; way++) {
                struct rq_config config = {.kernel = rq_kernel_name(k),
                                           .mode = way == 1 ? RQ_MODE_GENERATOR
                                                            : RQ_MODE_SLICES};
                struct codec c;

                codec_open(&c, &config);
                assert_string_equal(rq_ctx_kernel(c.ctx), rq_kernel_name(k));
                assert_int_equal(rq_enc_open(c.enc, &shape, src, len), RQ_OK);
                if (way == 2)
                    assert_int_equal(rq_enc_prepare(c.enc), RQ_OK);
                assert_int_equal(rq_enc_run(c.enc, shape.K, 64, got), RQ_OK);
                if (k == 0 && way == 0)
                    memcpy(want, got, 64 * 203);
                assert_memory_equal(want, got, 64 * 203);
                codec_close(&c);
            }
        free(src);
        free(want);
        free(got);
    }
}

static void coefficients_give_the_symbols(void **state)
{
    static const uint32_t esi[] = {0, 5, 36, 37, 1000, RQ_ESI_MAX};
    struct rq_shape shape = {37, 5, 1, 1};
    struct rng r = {SEED + 4};
    uint8_t src[37 * 5], coef[6 * 37], symbol[5], want[5];
    struct codec c;

    (void)state;
    codec_open(&c, NULL);
    rng_fill(&r, src, sizeof(src));
    assert_int_equal(rq_coefficients(c.ctx, 37, esi, 6, coef), RQ_OK);
    assert_int_equal(rq_enc_open(c.enc, &shape, src, sizeof(src)), RQ_OK);
    for (int i = 0; i < 6; i++) {
        void *out[] = {symbol};

        memset(want, 0, sizeof(want));
        for (int k = 0; k < 37; k++)
            row_add(want, src + 5 * k, coef[37 * i + k], 5);
        assert_int_equal(rq_enc_symbols(c.enc, &esi[i], 1, out), RQ_OK);
        assert_memory_equal(symbol, want, 5);
    }
    codec_close(&c);
}

/* ---- Rank ---- */

/* @n random symbols of a block of @K: does the codec say what plain elimination says?
 */
static bool check_set(struct codec *c, struct rng *r, uint32_t K, uint32_t n,
                      bool prove_always)
{
    struct rq_shape shape = {K, 1, 1, 1};
    uint8_t dst[256], zero = 0;
    uint32_t esi[300], have = 0;
    struct rq_params p;
    int rc = RQ_NEED_MORE;

    assert_int_equal(rq_params_init(&p, K), RQ_OK);
    assert_int_equal(rq_dec_open(c->dec, &shape, dst, K, n), RQ_OK);
    while (have < n) {
        esi[have] = rng_below(r, 4) ? rng_below(r, 2 * K) : rng_below(r, RQ_ESI_MAX);
        rc = rq_dec_add(c->dec, esi[have], &zero);
        if (rc == RQ_DECODED)
            return true;
        have += rc != RQ_DUPLICATE;
    }
    rc = rq_dec_check(c->dec);
    assert_true(rc == RQ_OK || rc == RQ_NEED_MORE);
    if (rc != RQ_OK || prove_always)
        assert_int_equal(plain_rank(&p, esi, n) == p.L, rc == RQ_OK);
    return rc == RQ_OK;
}

static void failures_are_true_and_rare(void **state)
{
    static const uint32_t ks[] = {10, 11, 26, 60, 101};
    struct rng r = {SEED + 5};
    struct codec c;
    uint32_t failed[3] = {0};

    (void)state;
    codec_open(&c, NULL);
    for (int i = 0; i < 6000; i++)
        for (uint32_t extra = 0; extra < 3; extra++)
            failed[extra] += !check_set(&c, &r, ks[i % 5], ks[i % 5] + extra, i < 100);
    print_message("of 6000 sets each of K, K+1, K+2 symbols failed %u, %u, %u\n",
                  failed[0], failed[1], failed[2]);
    assert_true(failed[0] <= 60);
    assert_true(failed[1] <= 3);
    assert_int_equal(failed[2], 0);
    codec_close(&c);
}

/* ---- Memory ---- */

struct counted {
    uint64_t calls;
    size_t held;
};

static void *counted_alloc(void *self, size_t size)
{
    struct counted *c = self;

    c->calls++;
    c->held += size;
    return aligned_alloc(64, (size + 63) / 64 * 64);
}

static void counted_free(void *self, void *p, size_t size)
{
    struct counted *c = self;

    c->held -= size;
    free(p);
}

static void check_allocations(const char *kernel)
{
    static const uint32_t losses[] = {3, 40, 100, 250};
    struct counted count = {0};
    struct rq_alloc alloc = {counted_alloc, counted_free, &count};
    struct rq_config config = {.alloc = &alloc, .kernel = kernel};
    struct rng r = {SEED + 6};
    struct codec c;
    uint64_t warm = 0;

    codec_open(&c, &config);
    for (int round = 0; round < 20; round++) {
        if (round == 8)
            warm = count.calls;
        for (size_t i = 0; i < 4; i++) {
            struct trial t = {.shape = {500, 256, 1, 1},
                              .len = 500 * 256,
                              .losses = losses[i],
                              .extra = 1,
                              .first = 500,
                              .prepare = round % 2};
            run_trial(&c, &t, &r);
        }
    }
    assert_int_equal(count.calls, warm);
    codec_close(&c);
    assert_int_equal(count.held, 0);
}

static void no_allocation_after_warm_up(void **state)
{
    const char *kernel;

    (void)state;
    for (unsigned i = 0; (kernel = rq_kernel_name(i)) != NULL; i++)
        check_allocations(kernel);
}

static void the_limit_holds(void **state)
{
    struct rq_config config = {.memory_limit = 200000};
    struct rq_shape small = {50, 64, 1, 1}, large = {5000, 1024, 1, 1};
    size_t n = (size_t)large.K * large.T;
    uint8_t *src = must_alloc(n), *out = must_alloc(1024), *dst = must_alloc(n);
    struct rq_stats stats;
    struct codec c;

    (void)state;
    codec_open(&c, &config);
    assert_int_equal(rq_enc_open(c.enc, &small, src, 50 * 64), RQ_OK);
    assert_int_equal(rq_enc_run(c.enc, 50, 1, out), RQ_OK);
    memset(out, 0x55, 1024);
    assert_int_equal(rq_enc_open(c.enc, &large, src, n), RQ_OK);
    assert_int_equal(rq_enc_run(c.enc, 5000, 1, out), RQ_ERR_LIMIT);
    assert_int_equal(rq_enc_prepare(c.enc), RQ_ERR_LIMIT);
    for (int i = 0; i < 1024; i++)
        assert_int_equal(out[i], 0x55);
    assert_int_equal(rq_dec_open(c.dec, &large, dst, n, 0), RQ_ERR_LIMIT);
    assert_int_equal(rq_dec_have(c.dec, 0), RQ_ERR_STATE);
    rq_ctx_stats(c.ctx, &stats);
    assert_true(stats.memory <= 200000);
    codec_close(&c);
    free(src);
    free(out);
    free(dst);
}

/* doc/raptorq.md: XOR equivalents for every source symbol, and octets of a plan with
 * the four of each row that its user adds. */
static void plans_are_as_small_as_promised(void **state)
{
    struct rq_plan *plan;
    struct rq_params p;
    struct codec c;

    (void)state;
    codec_open(&c, NULL);
    for (uint32_t i = 0; i < RQ_N_SYSTEMATIC; i += SANITIZED ? 16 : 1) {
        uint32_t Kp = rq_systematic[i].Kp;

        if (Kp < 100)
            continue;
        assert_int_equal(rq_params_init(&p, Kp), RQ_OK);
        assert_int_equal(rq_plan_new(c.ctx, &plan, Kp), RQ_OK);
        assert_true(2 * rq_plan_xors(plan) <= 45 * (uint64_t)Kp);
        assert_true(rq_plan_size(plan) + 4 * (Kp + p.S) <= 40 * (size_t)Kp + 64);
        rq_plan_unref(plan);
    }
    codec_close(&c);
}

static void check_encoder(uint32_t K)
{
    enum { T = 1280 };
    struct rq_config config = {.mode = RQ_MODE_SLICES};
    struct rq_shape shape = {K, T, 1, 1};
    uint8_t *src = must_alloc((size_t)K * T), *out = must_alloc(20 * (size_t)T);
    struct rq_params p;
    struct rq_stats before, after;
    struct rq_plan *plan;
    struct codec c;

    codec_open(&c, &config);
    assert_int_equal(rq_params_init(&p, K), RQ_OK);
    assert_int_equal(rq_plan_new(c.ctx, &plan, K), RQ_OK);
    rq_ctx_stats(c.ctx, &before); /* with the workspace of the symbolic phase */
    rq_ctx_keep_plan(c.ctx, plan);
    assert_int_equal(rq_enc_open(c.enc, &shape, src, (size_t)K * T), RQ_OK);
    assert_int_equal(rq_enc_run(c.enc, K, 20, out), RQ_OK);
    rq_ctx_stats(c.ctx, &after);
    assert_true(after.memory - before.memory <= 40 * p.Kp + 256 * p.L + 49152);
    rq_plan_unref(plan);
    codec_close(&c);
    free(src);
    free(out);
}

/* A fused encoder holds a plan, one slice of 256 octets of every slot, and lists. */
static void encoders_are_as_small_as_promised(void **state)
{
    static const uint32_t ks[] = {100, 181, 1000, 5000, 27000, RQ_K_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(ks) / sizeof(ks[0]); i++)
        check_encoder(ks[i]);
}

static void plans_can_be_kept_elsewhere(void **state)
{
    static const uint32_t ks[] = {10, 42, 500};
    struct codec c, d;

    (void)state;
    codec_open(&c, NULL);
    codec_open(&d, NULL);
    for (size_t i = 0; i < 3; i++) {
        struct rq_shape shape = {ks[i], 8, 1, 1};
        uint8_t *src = must_alloc((size_t)ks[i] * 8), a[80], b[80], *file;
        struct rq_plan *plan, *copy;
        struct rng r = {SEED + 7};
        size_t n;

        rng_fill(&r, src, (size_t)ks[i] * 8);
        assert_int_equal(rq_plan_new(c.ctx, &plan, ks[i]), RQ_OK);
        n = rq_plan_size(plan);
        file = must_alloc(n);
        rq_plan_write(plan, file);
        assert_int_equal(rq_plan_read(d.ctx, &copy, file, n), RQ_OK);
        assert_int_equal(rq_plan_Kp(copy), rq_plan_Kp(plan));
        assert_int_equal(rq_plan_xors(copy), rq_plan_xors(plan));
        rq_ctx_keep_plan(d.ctx, copy);
        rq_plan_unref(copy);
        assert_int_equal(rq_enc_open(c.enc, &shape, src, (size_t)ks[i] * 8), RQ_OK);
        assert_int_equal(rq_enc_open(d.enc, &shape, src, (size_t)ks[i] * 8), RQ_OK);
        assert_int_equal(rq_enc_run(c.enc, ks[i], 10, a), RQ_OK);
        assert_int_equal(rq_enc_run(d.enc, ks[i], 10, b), RQ_OK);
        assert_memory_equal(a, b, 80);
        assert_int_equal(rq_plan_read(d.ctx, &copy, file, n - 1), RQ_ERR_DATA);
        for (int k = 0; k < 200; k++) {
            size_t at = rng_below(&r, (uint32_t)n);

            file[at] ^= 1;
            assert_int_equal(rq_plan_read(d.ctx, &copy, file, n), RQ_ERR_DATA);
            file[at] ^= 1;
        }
        rq_plan_unref(plan);
        free(src);
        free(file);
    }
    codec_close(&c);
    codec_close(&d);
}

/* ---- Bad input ---- */

static void every_cause_has_its_error(void **state)
{
    static const struct {
        struct rq_shape shape;
        size_t len;
        int want;
    } shapes[] = {
        {{0, 8, 1, 1}, 0, RQ_ERR_K},        {{56404, 8, 1, 1}, 56404 * 8, RQ_ERR_K},
        {{10, 0, 1, 1}, 0, RQ_ERR_T},       {{10, 65536, 1, 1}, 655360, RQ_ERR_T},
        {{10, 9, 1, 4}, 90, RQ_ERR_T},      {{10, 8, 0, 1}, 80, RQ_ERR_N},
        {{10, 8, 3, 4}, 80, RQ_ERR_N},      {{10, 8, 1, 0}, 80, RQ_ERR_AL},
        {{10, 8, 1, 1}, 81, RQ_ERR_LENGTH}, {{10, 8, 1, 1}, 72, RQ_ERR_LENGTH},
        {{10, 8, 2, 1}, 79, RQ_ERR_LENGTH},
    };
    uint8_t buf[80] = {0}, out[8];
    void *outs[] = {out};
    uint32_t high = RQ_ESI_MAX + 1;
    struct rq_shape good = {10, 8, 1, 1};
    struct rq_config unknown = {.kernel = "abacus"};
    struct rq_ctx *none;
    struct codec c;

    (void)state;
    assert_int_equal(rq_ctx_new(&none, &unknown), RQ_ERR_KERNEL);
    codec_open(&c, NULL);
    assert_int_equal(rq_enc_run(c.enc, 0, 1, out), RQ_ERR_STATE);
    assert_int_equal(rq_dec_have(c.dec, 0), RQ_ERR_STATE);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        assert_int_equal(rq_enc_open(c.enc, &shapes[i].shape, buf, shapes[i].len),
                         shapes[i].want);
        assert_int_equal(rq_dec_open(c.dec, &shapes[i].shape, buf, shapes[i].len, 0),
                         shapes[i].want);
        assert_int_equal(rq_enc_run(c.enc, 0, 1, out), RQ_ERR_STATE);
        assert_int_equal(rq_dec_solve(c.dec), RQ_ERR_STATE);
    }
    assert_int_equal(rq_enc_open(c.enc, &good, buf, 80), RQ_OK);
    assert_int_equal(rq_enc_symbols(c.enc, &high, 1, outs), RQ_ERR_ESI);
    assert_int_equal(rq_enc_run(c.enc, RQ_ESI_MAX, 2, out), RQ_ERR_ESI);
    assert_int_equal(rq_enc_intermediate(c.enc, 0, out), RQ_ERR_STATE);
    assert_int_equal(rq_coefficients(c.ctx, 10, &high, 1, out), RQ_ERR_ESI);
    assert_int_equal(rq_dec_open(c.dec, &good, buf, 80, 3), RQ_OK);
    assert_int_equal(rq_dec_add(c.dec, high, out), RQ_ERR_ESI);
    assert_null(rq_dec_slot(c.dec, high));
    assert_int_equal(rq_dec_have(c.dec, 10), RQ_ERR_STATE);
    assert_int_equal(rq_dec_solve(c.dec), RQ_NEED_MORE);
    for (uint32_t esi = 10; esi < 13; esi++)
        assert_int_equal(rq_dec_add(c.dec, esi, out), RQ_NEED_MORE);
    assert_int_equal(rq_dec_add(c.dec, 13, out), RQ_FULL);
    codec_close(&c);
}

static void objects_that_cannot_be(void **state)
{
    static const struct {
        struct rq_oti oti;
        int want;
    } cases[] = {
        {{0, 8, 1, 1, 1}, RQ_ERR_F},
        {{RQ_F_MAX + 1, 65535, 255, 1, 1}, RQ_ERR_F},
        {{RQ_F_MAX, 65535, 255, 1, 1}, RQ_OK},
        {{RQ_F_MAX, 65535, 254, 1, 1}, RQ_ERR_K},
        {{100, 0, 1, 1, 1}, RQ_ERR_T},
        {{100, 65536, 1, 1, 1}, RQ_ERR_T},
        {{100, 9, 1, 1, 2}, RQ_ERR_T},
        {{100, 8, 0, 1, 1}, RQ_ERR_Z},
        {{100, 8, 256, 1, 1}, RQ_ERR_Z},
        {{100, 8, 14, 1, 1}, RQ_ERR_Z},
        {{100, 8, 13, 1, 1}, RQ_OK},
        {{100, 8, 1, 0, 1}, RQ_ERR_N},
        {{100, 8, 1, 3, 4}, RQ_ERR_N},
        {{100, 8, 1, 2, 4}, RQ_OK},
        {{100, 8, 1, 1, 0}, RQ_ERR_AL},
        {{56404, 1, 1, 1, 1}, RQ_ERR_K},
    };
    uint8_t octets[RQ_OTI_SIZE];
    struct rq_oti oti;
    struct rq_block block;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(rq_oti_check(&cases[i].oti), cases[i].want);
        assert_int_equal(rq_oti_block(&cases[i].oti, 0, &block), cases[i].want);
    }
    rq_oti_put(octets, &cases[2].oti);
    assert_int_equal(rq_oti_get(&oti, octets), RQ_OK);
    assert_int_equal(oti.F, RQ_F_MAX);
    octets[5] = 1;
    assert_int_equal(rq_oti_get(&oti, octets), RQ_ERR_DATA);
    assert_int_equal(rq_oti_block(&cases[10].oti, 13, &block), RQ_ERR_SBN);
    assert_int_equal(rq_oti_derive(&oti, 0, 1280, 8, 8, 1 << 20), RQ_ERR_F);
    assert_int_equal(rq_oti_derive(&oti, 100, 1280, 0, 8, 1 << 20), RQ_ERR_AL);
    assert_int_equal(rq_oti_derive(&oti, 100, 4, 8, 8, 1 << 20), RQ_ERR_T);
    assert_int_equal(rq_oti_derive(&oti, 100, 64, 8, 9, 1 << 20), RQ_ERR_N);
    assert_int_equal(rq_oti_derive(&oti, 100, 64, 8, 8, 64), RQ_ERR_N);
    assert_int_equal(rq_oti_derive(&oti, RQ_F_MAX, 64, 8, 8, 1 << 20), RQ_ERR_Z);
    for (int s = -16; s <= 5; s++)
        assert_true(strlen(rq_strerror(s)) > 0);
}

/* ---- State ---- */

/* Symbols that arrive between two attempts, and another decoder's work between them. */
static void attempts_go_on_where_they_stopped(void **state)
{
    struct rq_config config = {.mode = RQ_MODE_SLICES};
    struct rng r = {SEED + 8};
    struct rq_dec *other;
    struct codec c;
    unsigned failed = 0;

    (void)state;
    codec_open(&c, &config);
    assert_int_equal(rq_dec_new(c.ctx, &other), RQ_OK);
    for (int i = 0; i < 1500; i++) {
        struct rq_shape shape = {20, 4, 1, 1};
        uint8_t src[80], dst[80], symbol[4];
        uint32_t esi = 0;
        int rc = RQ_NEED_MORE, tries = 0;

        rng_fill(&r, src, sizeof(src));
        assert_int_equal(rq_enc_open(c.enc, &shape, src, 80), RQ_OK);
        assert_int_equal(rq_dec_open(c.dec, &shape, dst, 80, 0), RQ_OK);
        while (rc != RQ_DECODED) {
            void *out[] = {symbol};

            esi = rng_below(&r, 3) ? 20 + rng_below(&r, 60) : rng_below(&r, 20);
            assert_int_equal(rq_enc_symbols(c.enc, &esi, 1, out), RQ_OK);
            rc = rq_dec_add(c.dec, esi, symbol);
            if (rc != RQ_OK)
                continue;
            rc = rq_dec_solve(c.dec);
            failed += rc == RQ_NEED_MORE;
            if (rc == RQ_NEED_MORE && tries++ % 2) {
                uint8_t elsewhere[80];

                assert_int_equal(rq_dec_open(other, &shape, elsewhere, 80, 0), RQ_OK);
                for (uint32_t e = 1; e < 22; e++)
                    (void)!rq_dec_add(other, e, symbol);
                (void)!rq_dec_solve(other);
            }
        }
        assert_memory_equal(src, dst, 80);
    }
    assert_true(failed > 3);
    rq_dec_free(other);
    codec_close(&c);
}

/* The same losses again need no new plan. */
static void known_losses_find_their_plan(void **state)
{
    struct rq_config config = {.mode = RQ_MODE_SLICES};
    struct rq_shape shape = {300, 64, 1, 1};
    struct rng r = {SEED + 9};
    size_t n = 300 * 64;
    uint8_t *src = must_alloc(n), *dst = must_alloc(n), *repair = must_alloc(100 * 64);
    struct codec c;

    (void)state;
    codec_open(&c, &config);
    for (int round = 0; round < 8; round++) {
        rng_fill(&r, src, n);
        assert_int_equal(rq_enc_open(c.enc, &shape, src, n), RQ_OK);
        assert_int_equal(rq_enc_run(c.enc, 300, 100, repair), RQ_OK);
        assert_int_equal(rq_dec_open(c.dec, &shape, dst, n, 0), RQ_OK);
        for (uint32_t i = 0; i < 300; i++)
            if (i % (3 + (unsigned)round % 2))
                (void)!rq_dec_add(c.dec, i, src + i * 64);
        for (uint32_t i = 0; i < 100; i++)
            (void)!rq_dec_add(c.dec, 300 + i, repair + i * 64);
        assert_int_equal(rq_dec_solve(c.dec), RQ_DECODED);
        assert_memory_equal(src, dst, n);
    }
    codec_close(&c);
    free(src);
    free(dst);
    free(repair);
}

static void threads_change_nothing(void **state)
{
    struct rq_pool *pool = rq_pool_new(3);
    struct rq_config config = {.workers = rq_pool_workers(pool)};
    struct rng r = {SEED + 10};
    struct codec c;

    (void)state;
    assert_non_null(pool);
    codec_open(&c, &config);
    for (int i = 0; i < 120; i++) {
        struct trial t = random_trial(&r, 600);

        t.shape.T *= 3;
        t.len = (size_t)t.shape.K * t.shape.T;
        run_trial(&c, &t, &r);
    }
    codec_close(&c);
    rq_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_undoes_encoding),
        cmocka_unit_test(every_mode_and_kernel_decodes),
        cmocka_unit_test(boundaries_of_the_table),
        cmocka_unit_test(modes_and_kernels_agree),
        cmocka_unit_test(coefficients_give_the_symbols),
        cmocka_unit_test(failures_are_true_and_rare),
        cmocka_unit_test(no_allocation_after_warm_up),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(plans_are_as_small_as_promised),
        cmocka_unit_test(encoders_are_as_small_as_promised),
        cmocka_unit_test(plans_can_be_kept_elsewhere),
        cmocka_unit_test(every_cause_has_its_error),
        cmocka_unit_test(objects_that_cannot_be),
        cmocka_unit_test(attempts_go_on_where_they_stopped),
        cmocka_unit_test(known_losses_find_their_plan),
        cmocka_unit_test(threads_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
