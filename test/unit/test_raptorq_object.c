/* Objects of several blocks: encoded and decoded through callbacks, in any memory. */
#include <time.h>

#include "raptorq_tools.h"

/* An object and its symbols in memory. */
struct store {
    struct rq_oti oti;
    uint8_t *object, *restored;
    uint8_t **symbols; /* of block b, id i: symbols[b * per_block + i] */
    uint32_t per_block;
    uint32_t keep;         /* ids below it are lost */
    uint32_t refuse;       /* this id is listed but not to be had */
    uint32_t refuse_below; /* these, too */
    size_t largest;        /* octets of the largest read or write */
    uint64_t progress;
    int fail_after; /* progress calls */
};

static int on_read(void *self, uint64_t offset, void *buf, size_t n)
{
    struct store *s = self;

    assert_true(offset + n <= s->oti.F);
    memcpy(buf, s->object + offset, n);
    s->largest = n > s->largest ? n : s->largest;
    return 0;
}

static int on_write(void *self, uint64_t offset, const void *buf, size_t n)
{
    struct store *s = self;

    assert_true(offset + n <= s->oti.F);
    memcpy(s->restored + offset, buf, n);
    s->largest = n > s->largest ? n : s->largest;
    return 0;
}

static uint8_t **symbol_of(struct store *s, const struct rq_payload_id *id)
{
    assert_true(id->sbn < s->oti.Z && id->esi < s->per_block);
    return &s->symbols[id->sbn * s->per_block + id->esi];
}

static int on_put(void *self, const struct rq_payload_id *id, uint32_t col,
                  const void *buf, size_t n)
{
    struct store *s = self;
    uint8_t **symbol = symbol_of(s, id);

    assert_true(col + n <= s->oti.T);
    if (!*symbol)
        *symbol = must_alloc(s->oti.T);
    memcpy(*symbol + col, buf, n);
    return 0;
}

static int on_get(void *self, const struct rq_payload_id *id, uint32_t col, void *buf,
                  size_t n)
{
    struct store *s = self;

    if (id->esi == s->refuse || id->esi < s->refuse_below)
        return 1;
    memcpy(buf, *symbol_of(s, id) + col, n);
    return 0;
}

static size_t on_list(void *self, uint32_t sbn, uint32_t *esi, size_t max)
{
    struct store *s = self;
    size_t n = 0;

    for (uint32_t i = s->per_block; i-- > s->keep && n < max;)
        if (s->symbols[sbn * s->per_block + i])
            esi[n++] = i;
    if (n > 1 && n + 2 <= max) { /* callers may be careless */
        esi[n++] = esi[0];
        esi[n++] = RQ_ESI_MAX + 1;
    }
    return n;
}

static int on_progress(void *self, uint64_t done, uint64_t total)
{
    struct store *s = self;

    assert_true(done > s->progress && done <= total && total == s->oti.F);
    s->progress = done;
    return s->fail_after-- == 0;
}

static struct rq_object_io io_of(struct store *s)
{
    return (struct rq_object_io){.read = on_read,
                                 .put_symbol = on_put,
                                 .list_symbols = on_list,
                                 .get_symbol = on_get,
                                 .write = on_write,
                                 .progress = on_progress,
                                 .self = s};
}

static void store_open(struct store *s, const struct rq_oti *oti, uint32_t repair)
{
    struct rng r = {oti->F * 7 + oti->T};
    struct rq_block b;

    *s = (struct store){.oti = *oti, .refuse = UINT32_MAX, .fail_after = -1};
    assert_int_equal(rq_oti_block(oti, 0, &b), RQ_OK);
    s->per_block = b.K + repair;
    s->object = must_alloc(oti->F);
    s->restored = must_alloc(oti->F);
    s->symbols = must_alloc((size_t)oti->Z * s->per_block * sizeof(*s->symbols));
    rng_fill(&r, s->object, oti->F);
}

static void store_close(struct store *s)
{
    for (size_t i = 0; i < (size_t)s->oti.Z * s->per_block; i++)
        free(s->symbols[i]);
    free(s->symbols);
    free(s->object);
    free(s->restored);
}

/* Symbol @esi of a block as the block encoder sees it. */
static void check_symbol(struct rq_ctx *ctx, struct store *s, uint32_t sbn,
                         uint32_t esi)
{
    struct rq_payload_id id = {(uint8_t)sbn, esi};
    struct rq_block b;
    struct rq_shape shape;
    uint8_t *block, *symbol = must_alloc(s->oti.T);
    struct rq_enc *enc;

    assert_int_equal(rq_oti_block(&s->oti, sbn, &b), RQ_OK);
    shape = (struct rq_shape){b.K, s->oti.T, s->oti.N, s->oti.Al};
    block = must_alloc((size_t)b.K * s->oti.T);
    memcpy(block, s->object + b.offset, b.length);
    assert_int_equal(rq_enc_new(ctx, &enc), RQ_OK);
    assert_int_equal(rq_enc_open(enc, &shape, block, (size_t)b.K * s->oti.T), RQ_OK);
    assert_int_equal(rq_enc_run(enc, esi, 1, symbol), RQ_OK);
    assert_memory_equal(symbol, *symbol_of(s, &id), s->oti.T);
    rq_enc_free(enc);
    free(block);
    free(symbol);
}

static void round_trip(const struct rq_oti *oti, size_t memory, unsigned threads,
                       bool in_place, bool concurrent)
{
    struct rq_pool *pool = rq_pool_new(threads);
    struct rq_config config = {.workers = rq_pool_workers(pool)};
    uint32_t repair = 25, sbn = 99;
    struct rq_object_io io;
    struct store s;
    struct rq_ctx *ctx;

    store_open(&s, oti, repair);
    io = io_of(&s);
    assert_int_equal(rq_ctx_new(&ctx, &config), RQ_OK);
    io.concurrent = concurrent;
    io.memory = in_place ? s.object : NULL;
    assert_int_equal(rq_object_encode(ctx, oti, repair, true, memory, &io), RQ_OK);
    io.memory = in_place ? s.restored : NULL;
    assert_int_equal(s.progress, oti->F);
    check_symbol(ctx, &s, 0, 1);
    check_symbol(ctx, &s, oti->Z - 1, s.per_block - 3);
    s.keep = 17;
    s.refuse = 20;
    s.progress = 0;
    assert_int_equal(rq_object_decode(ctx, oti, memory, &io, &sbn), RQ_OK);
    assert_int_equal(s.progress, oti->F);
    assert_memory_equal(s.object, s.restored, oti->F);
    if (memory >= (size_t)s.per_block * 2 * 64) /* 64 columns are the least */
        assert_true(s.largest <= memory);
    rq_ctx_free(ctx);
    rq_pool_free(pool);
    store_close(&s);
}

static void objects_of_all_shapes(void **state)
{
    static const struct rq_oti otis[] = {
        {1, 8, 1, 1, 1},           {100003, 64, 1, 1, 1}, {100003, 64, 3, 1, 8},
        {65536, 128, 4, 4, 8},     {99991, 120, 5, 3, 4}, {12345, 40, 2, 5, 1},
        {262144, 1024, 2, 8, 8},   {54321, 56, 7, 2, 4},  {300001, 1500, 3, 1, 1},
        {1000000, 10007, 1, 1, 1},
    };
    static const size_t memories[] = {0, 400000, 100000};

    (void)state;
    for (size_t i = 0; i < sizeof(otis) / sizeof(otis[0]); i++)
        for (size_t m = 0; m < 3; m++)
            for (unsigned threads = 1; threads <= 3; threads++)
                round_trip(&otis[i], memories[m], threads, (i + m + threads) % 2,
                           (i + m + threads) / 2 % 2);
}

static void what_is_missing_is_told(void **state)
{
    static const struct rq_oti oti = {50000, 100, 4, 1, 1};
    struct rq_object_io io;
    struct store s;
    struct rq_ctx *ctx;
    uint32_t sbn = 99;

    (void)state;
    store_open(&s, &oti, 10);
    io = io_of(&s);
    assert_int_equal(rq_ctx_new(&ctx, NULL), RQ_OK);
    assert_int_equal(rq_object_encode(ctx, &oti, 10, true, 0, &io), RQ_OK);
    for (uint32_t i = 0; i < 20; i++) { /* more than 10 symbols of block 2 */
        free(s.symbols[2 * s.per_block + i]);
        s.symbols[2 * s.per_block + i] = NULL;
    }
    s.progress = 0;
    assert_int_equal(rq_object_decode(ctx, &oti, 0, &io, &sbn), RQ_NEED_MORE);
    assert_int_equal(sbn, 2);
    assert_int_equal(s.progress, 25000);
    s.progress = 0;
    s.fail_after = 1;
    assert_int_equal(rq_object_encode(ctx, &oti, 10, true, 0, &io), RQ_ERR_IO);
    assert_int_equal(rq_object_encode(ctx, &oti, RQ_ESI_MAX, true, 0, &io), RQ_ERR_ESI);
    rq_ctx_free(ctx);
    store_close(&s);
}

/* Repair symbols take the place of any number of listed source symbols. */
static void many_listed_symbols_are_not_to_be_had(void **state)
{
    static const struct rq_oti oti = {1000000, 1000, 1, 1, 1};

    (void)state;
    for (int concurrent = 0; concurrent <= 1; concurrent++) {
        struct rq_pool *pool = rq_pool_new(2);
        struct rq_config config = {.workers = rq_pool_workers(pool)};
        struct rq_object_io io;
        struct store s;
        struct rq_ctx *ctx;
        uint32_t sbn;

        store_open(&s, &oti, 250);
        io = io_of(&s);
        io.concurrent = concurrent;
        assert_int_equal(rq_ctx_new(&ctx, &config), RQ_OK);
        assert_int_equal(rq_object_encode(ctx, &oti, 250, true, 0, &io), RQ_OK);
        s.progress = 0;
        s.refuse_below = 200;
        assert_int_equal(rq_object_decode(ctx, &oti, 0, &io, &sbn), RQ_OK);
        assert_memory_equal(s.restored, s.object, oti.F);
        rq_ctx_free(ctx);
        rq_pool_free(pool);
        store_close(&s);
    }
}

/* ---- Threads ---- */

static double wall(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int put_nothing(void *self, const struct rq_payload_id *id, uint32_t col,
                       const void *buf, size_t n)
{
    (void)self, (void)id, (void)col, (void)buf, (void)n;
    return 0;
}

/* Not asserted here, where other programs may run at the same time: bench_raptorq
 * measures it. */
static void two_threads_share_the_work(void **state)
{
    static const struct rq_oti oti = {8000000, 1280, 1, 1, 1};
    double best[3] = {0};

    (void)state;
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct rq_pool *pool = rq_pool_new(threads);
        struct rq_config config = {.workers = rq_pool_workers(pool)};
        struct rq_object_io io;
        struct store s;
        struct rq_ctx *ctx;

        store_open(&s, &oti, 600);
        io = io_of(&s);
        io.put_symbol = put_nothing;
        io.memory = s.object;
        assert_int_equal(rq_ctx_new(&ctx, &config), RQ_OK);
        for (int run = 0; run < 3; run++) {
            double start = wall(), time;

            s.progress = 0;
            assert_int_equal(rq_object_encode(ctx, &oti, 600, true, 0, &io), RQ_OK);
            time = wall() - start;
            best[threads] = run == 0 || time < best[threads] ? time : best[threads];
        }
        rq_ctx_free(ctx);
        rq_pool_free(pool);
        store_close(&s);
    }
    print_message("8 MB object: two threads are %.2f times as fast as one\n",
                  best[1] / best[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_of_all_shapes),
        cmocka_unit_test(what_is_missing_is_told),
        cmocka_unit_test(many_listed_symbols_are_not_to_be_had),
        cmocka_unit_test(two_threads_share_the_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
