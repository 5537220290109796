/* Every kernel does exactly what the portable one does, and touches nothing else. */
#include "raptorq_tools.h"

#include "storage/raptorq/kernels_cpu.h"
#include "storage/raptorq/symbolic.h"

#define SLOTS 40
#define ROWS  30

struct arena {
    uint8_t *raw, *slots; /* slots aligned to 64 */
};

static struct arena new_arena(size_t n)
{
    struct arena a;

    a.raw = must_alloc(n + 64);
    a.slots = a.raw + (64 - (uintptr_t)a.raw % 64);
    return a;
}

typedef void (*check_fn)(const struct rq_kernels *k, struct rng *r, uint32_t w);

static void for_all_kernels(check_fn check)
{
    struct rng r = {0xfeed};

    for (unsigned i = 0; rq_kernels_at(i); i++)
        for (uint32_t w = 64; w <= rq_kernels_at(i)->slice_max; w *= 2)
            for (int round = 0; round < 20; round++)
                check(rq_kernels_at(i), &r, w);
}

/* ---- Slices; the reference works on single octets ---- */

static void check_gather(const struct rq_kernels *k, struct rng *r, uint32_t w)
{
    size_t n = (size_t)SLOTS * w, shift = rng_below(r, 64);
    struct arena a = new_arena(n), b = new_arena(n);
    uint8_t *symbols = must_alloc((ROWS + 1) * (size_t)w + 64), zero[512] = {0};
    uint32_t where[ROWS + RQ_WHERE_PAD], at = 0;
    struct rq_fetch fetch[ROWS];
    uint16_t idx[ROWS * 12], dst[ROWS];
    struct rq_regions regions = {.base = {symbols + shift, NULL, zero},
                                 .stride = {w, 0, 0}};
    struct rq_gather g = {.first = 5,
                          .n = ROWS,
                          .all = rng_below(r, 2),
                          .dst = rng_below(r, 2) ? dst : NULL,
                          .fetch = fetch,
                          .idx = idx,
                          .where = rng_below(r, 4) ? where : NULL,
                          .regions = &regions};

    rng_fill(r, a.slots, n);
    memcpy(b.slots, a.slots, n);
    rng_fill(r, symbols, (ROWS + 1) * (size_t)w);
    for (uint32_t i = 0; i < ROWS + RQ_WHERE_PAD; i++)
        where[i] =
            i < ROWS && rng_below(r, 3) ? rng_below(r, ROWS) << 2 : RQ_REGION_ZERO;
    for (uint32_t i = 0; i < ROWS; i++) {
        fetch[i] =
            (struct rq_fetch){(uint16_t)rng_below(r, 7), (uint16_t)rng_below(r, 4)};
        dst[i] = (uint16_t)rng_below(r, SLOTS);
        for (uint32_t e = fetch[i].nact + fetch[i].nin; e > 0; e--)
            idx[at++] = (uint16_t)rng_below(r, SLOTS);
    }
    k->gather(&g, a.slots, w);
    at = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        uint8_t sum[512] = {0};

        if (g.where && where[i] != RQ_REGION_ZERO)
            memcpy(sum, symbols + shift + (where[i] >> 2) * w, w);
        for (uint32_t e = 0; e < fetch[i].nact + (g.all ? fetch[i].nin : 0u); e++)
            row_add(sum, b.slots + idx[at + e] * w, 1, w);
        at += fetch[i].nact + fetch[i].nin;
        memcpy(b.slots + (g.dst ? dst[i] : 5 + i) * w, sum, w);
    }
    assert_memory_equal(a.slots, b.slots, n);
    free(a.raw);
    free(b.raw);
    free(symbols);
}

static void check_collect(const struct rq_kernels *k, struct rng *r, uint32_t w)
{
    struct arena a = new_arena((size_t)SLOTS * w);
    uint8_t out[512 + 192], want[512] = {0};
    uint32_t n = 1 + rng_below(r, 33), shift = rng_below(r, 64);
    uint16_t idx[33];

    rng_fill(r, a.slots, (size_t)SLOTS * w);
    memset(out, 0x5a, sizeof(out));
    for (uint32_t i = 0; i < n; i++) {
        idx[i] = (uint16_t)rng_below(r, SLOTS);
        row_add(want, a.slots + idx[i] * w, 1, w);
    }
    k->collect(out + 64 + shift, a.slots, w, idx, n);
    assert_memory_equal(out + 64 + shift, want, w);
    for (uint32_t i = 0; i < 64 + shift; i++)
        assert_int_equal(out[i], 0x5a);
    for (uint32_t i = 64 + shift + w; i < sizeof(out); i++)
        assert_int_equal(out[i], 0x5a);
    free(a.raw);
}

static void check_hdpc(const struct rq_kernels *k, struct rng *r, uint32_t w)
{
    enum { COLS = 50, PAIRS = 45 };
    struct arena a = new_arena((size_t)SLOTS * w),
                 acc = new_arena((PAIRS + 2) * (size_t)w);
    uint8_t *want = must_alloc((PAIRS + 2) * (size_t)w), g[512] = {0}, pair[COLS];
    uint16_t slot[COLS];
    struct rq_hdpc h = {COLS, SLOTS - 10, PAIRS + 1, slot, pair};

    rng_fill(r, a.slots, (size_t)SLOTS * w);
    memset(acc.slots, 0, (PAIRS + 2) * (size_t)w);
    for (uint32_t j = 0; j < COLS; j++) {
        slot[j] = (uint16_t)rng_below(r, SLOTS);
        pair[j] = (uint8_t)(j == COLS - 1 ? PAIRS : rng_below(r, PAIRS));
        for (uint32_t i = 0; i < w; i++)
            g[i] = rq_mul(2, g[i]) ^ (slot[j] < h.M ? a.slots[slot[j] * w + i] : 0);
        row_add(want + pair[j] * w, g, 1, w);
    }
    memcpy(want + h.carry * w, g, w);
    k->hdpc(&h, a.slots, acc.slots, w);
    assert_memory_equal(acc.slots, want, (PAIRS + 2) * (size_t)w);
    free(a.raw);
    free(acc.raw);
    free(want);
}

static void check_product(const struct rq_kernels *k, struct rng *r, uint32_t unused)
{
    uint32_t nin = rng_below(r, 20), nout = 1 + rng_below(r, 20);
    uint32_t w = 64 * (1 + rng_below(r, 9)), ld = (nout + 7) / 8 * 8;
    size_t stride = w + rng_below(r, 100);
    uint8_t *in = must_alloc(21 * stride), *out = must_alloc(nout * stride);
    uint8_t *want = must_alloc(nout * stride), *coef = must_alloc(21 * ld), *ptr[20];
    uint32_t where[20];
    struct rq_regions regions = {.base = {in}, .stride = {stride}};
    struct rq_product p = {.out = ptr,
                           .nout = nout,
                           .nin = nin,
                           .where = rng_below(r, 2) ? where : NULL,
                           .regions = &regions,
                           .in = in,
                           .stride = stride,
                           .coef = coef,
                           .ldc = ld,
                           .add = rng_below(r, 2)};

    (void)unused;
    rng_fill(r, in, 21 * stride);
    rng_fill(r, out, nout * stride);
    rng_fill(r, coef, 21 * ld);
    memcpy(want, out, nout * stride);
    for (uint32_t i = 0; i < 20; i++)
        where[i] = rng_below(r, 20) << 2;
    for (uint32_t o = 0; o < nout; o++) {
        ptr[o] = out + o * stride;
        if (!p.add)
            memset(want + o * stride, 0, w);
        for (uint32_t i = 0; i < nin; i++)
            row_add(want + o * stride, in + (p.where ? where[i] >> 2 : i) * stride,
                    coef[i * ld + o], w);
    }
    k->product(&p, w);
    assert_memory_equal(out, want, nout * stride);
    free(in);
    free(out);
    free(want);
    free(coef);
}

static void check_rows(const struct rq_kernels *k, struct rng *r, uint32_t unused)
{
    uint32_t n = 64 * (1 + rng_below(r, 20)), groups = n / 64;
    struct arena dst = new_arena(n), src = new_arena(n);
    uint8_t *want = must_alloc(n), c = (uint8_t)rng_next(r);

    (void)unused;
    rng_fill(r, dst.slots, n);
    rng_fill(r, src.slots, n);
    memcpy(want, dst.slots, n);
    row_add(want, src.slots, c, n);
    k->mul_add(dst.slots, src.slots, c, n);
    assert_memory_equal(dst.slots, want, n);
    row_add(want, src.slots, 1, n);
    k->xor_add(dst.slots, src.slots, n);
    assert_memory_equal(dst.slots, want, n);
    for (uint32_t i = 0; i < n; i++)
        want[i] ^= src.slots[i / 8] >> i % 8 & 1 ? c : 0;
    k->mul_add_bits(dst.slots, src.slots, c, groups);
    assert_memory_equal(dst.slots, want, n);
    free(dst.raw);
    free(src.raw);
    free(want);
}

static void check_bits(const struct rq_kernels *k, struct rng *r, uint32_t unused)
{
    enum { COLS = 40, PAIRS = 10 };
    struct arena rows = new_arena(SLOTS * 64), acc = new_arena((PAIRS + 1) * 512);
    uint32_t groups = 1 + rng_below(r, 8);
    uint8_t want[(PAIRS + 1) * 512] = {0}, g[512] = {0}, pair[COLS];
    uint16_t slot[COLS];
    struct rq_hdpc h = {COLS, 0, 0, slot, pair};

    (void)unused;
    rng_fill(r, rows.slots, SLOTS * 64);
    memset(acc.slots, 0, (PAIRS + 1) * 512);
    for (uint32_t j = 0; j < COLS; j++) {
        slot[j] = (uint16_t)rng_below(r, SLOTS);
        pair[j] = (uint8_t)(j == COLS - 1 ? PAIRS : rng_below(r, PAIRS));
        for (uint32_t i = 0; i < groups * 64; i++)
            g[i] = rq_mul(2, g[i]) ^ (rows.slots[slot[j] * 64 + i / 8] >> i % 8 & 1);
        row_add(want + pair[j] * 512, g, 1, groups * 64);
    }
    k->hdpc_bits(&h, rows.slots, acc.slots, groups);
    for (uint32_t x = 0; x <= PAIRS; x++)
        assert_memory_equal(acc.slots + x * 512, want + x * 512, groups * 64);
    free(rows.raw);
    free(acc.raw);
}

static void check_eliminate(const struct rq_kernels *k, struct rng *r, uint32_t unused)
{
    enum { N = 12 };
    uint32_t stride = 64 * (1 + rng_below(r, 3)), bit = rng_below(r, stride * 8);
    uint32_t mark = rng_below(r, 64);
    struct arena rows = new_arena((N + 1) * stride);
    uint8_t *want = must_alloc(N * stride), marks[N * 8] = {0}, want_marks[N * 8] = {0};
    uint8_t *pivot = rows.slots + N * stride;

    (void)unused;
    rng_fill(r, rows.slots, (N + 1) * stride);
    memcpy(want, rows.slots, N * stride);
    for (uint32_t i = 0; i < N; i++)
        if (want[i * stride + bit / 8] >> bit % 8 & 1) {
            row_add(want + i * stride, pivot, 1, stride);
            want_marks[i * 8 + mark / 8] |= (uint8_t)(1u << mark % 8);
        }
    k->eliminate(rows.slots, stride, N, pivot, bit, marks, 8, mark);
    assert_memory_equal(rows.slots, want, N * stride);
    assert_memory_equal(marks, want_marks, sizeof(marks));
    free(rows.raw);
    free(want);
}

static void gathers(void **state)
{
    (void)state;
    for_all_kernels(check_gather);
}

static void collects(void **state)
{
    (void)state;
    for_all_kernels(check_collect);
}

static void recurrences(void **state)
{
    (void)state;
    for_all_kernels(check_hdpc);
    for_all_kernels(check_bits);
}

static void products(void **state)
{
    (void)state;
    for_all_kernels(check_product);
}

static void rows(void **state)
{
    (void)state;
    for_all_kernels(check_rows);
    for_all_kernels(check_eliminate);
}

static void kernels_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(rq_kernels_find(NULL), rq_kernels_at(0));
    for (unsigned i = 0; rq_kernels_at(i); i++)
        assert_ptr_equal(rq_kernels_find(rq_kernels_at(i)->name), rq_kernels_at(i));
    assert_ptr_equal(rq_kernels_find("portable"), &rq_kernels_portable);
    assert_null(rq_kernels_find("sliderule"));
    print_message("kernels of this CPU:");
    for (unsigned i = 0; rq_kernel_name(i); i++)
        print_message(" %s", rq_kernel_name(i));
    print_message("\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gathers),     cmocka_unit_test(collects),
        cmocka_unit_test(recurrences), cmocka_unit_test(products),
        cmocka_unit_test(rows),        cmocka_unit_test(kernels_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
