/* Fee estimation: rates and waiting times in, answers out; and its file. */
#include "unit.h"

#include "chain/mempool/fee_estimator.h"
#include "crypto/sha256.h"
#include "util/fs.h"

/* One block's worth of transactions, with ids that never repeat. */
struct model {
    struct fee_estimator *f;
    int32_t height;
    uint32_t next_id;
    struct tx mined[256];
    size_t n_mined;
};

static struct hash256 id_of(uint32_t i)
{
    struct hash256 h;
    sha256(h.b, &i, sizeof(i));
    return h;
}

static void model_init(struct model *m)
{
    memset(m, 0, sizeof(*m));
    m->f = fee_estimator_new();
    m->height = 1000;
    fee_estimator_block(m->f, m->height, NULL, 0);
}

/* Returns the first id. */
static uint32_t arrive(struct model *m, size_t n, int64_t feerate)
{
    uint32_t first = m->next_id;
    for (size_t i = 0; i < n; i++) {
        struct hash256 id = id_of(m->next_id++);
        fee_estimator_added(m->f, &id, m->height, feerate);
    }
    return first;
}

static void take(struct model *m, uint32_t first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        m->mined[m->n_mined++].txid = id_of(first + (uint32_t)i);
}

static void block(struct model *m)
{
    fee_estimator_block(m->f, ++m->height, m->mined, m->n_mined);
    m->n_mined = 0;
}

/* A class of transactions that comes with every block and waits so long. */
struct flow {
    int64_t feerate;
    unsigned wait; /* mined in this block after it came; 0: never */
};
#define PER_BLOCK 4
#define MAX_FLOWS 4
#define MAX_WAIT  64

static void run(struct model *m, const struct flow *flows, unsigned blocks)
{
    uint32_t came[MAX_WAIT][MAX_FLOWS];
    for (unsigned b = 0; b < blocks; b++) {
        for (size_t i = 0; i < MAX_FLOWS && flows[i].feerate; i++) {
            came[b % MAX_WAIT][i] = arrive(m, PER_BLOCK, flows[i].feerate);
            if (flows[i].wait && b + 1 >= flows[i].wait)
                take(m, came[(b + 1 - flows[i].wait) % MAX_WAIT][i], PER_BLOCK);
        }
        block(m);
    }
}

static void answers_follow_waiting_times(void **state)
{
    static const struct {
        const char *name;
        struct flow flows[MAX_FLOWS + 1];
        unsigned blocks, target;
        bool conservative;
        int64_t rate;
        unsigned for_target;
    } cases[] = {
        {"nothing seen", {{0}}, 50, 2, false, 0, 0},
        {"one block is no span", {{5000, 1}}, 2, 2, false, 0, 0},
        {"one rate, at once", {{5000, 1}}, 40, 2, false, 5000, 2},
        {"target 1 is answered for 2", {{5000, 1}}, 40, 1, false, 5000, 2},
        {"no farther than half of what was seen", {{5000, 1}}, 41, 40, false, 5000, 20},
        {"slow rates do not count", {{50000, 1}, {5000, 0}}, 60, 2, false, 50000, 2},
        {"nor for a long target", {{50000, 1}, {5000, 0}}, 60, 20, false, 50000, 20},
        {"soon costs more", {{50000, 1}, {5000, 6}}, 200, 4, false, 50000, 4},
        {"later costs less", {{50000, 1}, {5000, 6}}, 200, 14, false, 5000, 14},
        {"too new to tell", {{5000, 30}}, 40, 2, false, 0, 2},
        {"nobody is fast enough", {{5000, 20}}, 120, 4, false, 0, 4},
        {"below the lowest bound", {{100, 1}}, 40, 2, false, 100, 2},
        {"above the highest bound", {{30000000, 1}}, 40, 2, false, 30000000, 2},
        {"both modes agree in a steady world",
         {{50000, 1}, {5000, 6}},
         300,
         14,
         true,
         5000,
         14},
        {"too new for a long memory", {{5000, 1}}, 40, 1008, true, 5000, 19},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct model m;
        model_init(&m);
        run(&m, cases[i].flows, cases[i].blocks);
        struct fee_estimate e =
            fee_estimator_smart(m.f, cases[i].target, cases[i].conservative);
        if (e.feerate != cases[i].rate || e.target != cases[i].for_target)
            fail_msg("%s: %lld for %u", cases[i].name, (long long)e.feerate, e.target);
        fee_estimator_free(m.f);
    }
}

static void conservative_remembers_dear_times(void **state)
{
    static const struct flow dear[] = {{90000, 1}, {5000, 0}, {0}};
    static const struct flow cheap[] = {{90000, 1}, {5000, 1}, {0}};
    struct model m;
    (void)state;
    model_init(&m);
    run(&m, dear, 400);
    fee_estimator_give_up(m.f);
    run(&m, cheap, 250);
    struct fee_estimate now = fee_estimator_smart(m.f, 2, false);
    struct fee_estimate careful = fee_estimator_smart(m.f, 2, true);
    assert_int_equal(now.feerate, 5000);
    assert_int_equal(careful.feerate, 90000);
    assert_int_equal(careful.basis, FEE_BASIS_CONSERVATIVE);
    fee_estimator_free(m.f);
}

static double confirmed(struct fee_estimator *f)
{
    struct fee_evidence e;
    fee_estimator_raw(f, FEE_HORIZON_SHORT, 1, 0, &e);
    return e.pass.mined + e.fail.mined;
}

static void only_what_was_seen_in_time_counts(void **state)
{
    struct model m;
    struct hash256 id;
    (void)state;
    model_init(&m);
    id = id_of(1000000);
    fee_estimator_added(m.f, &id, m.height - 1, 5000); /* another tip */
    m.mined[m.n_mined++].txid = id;
    m.mined[m.n_mined++].txid = id_of(1000001); /* never came */
    block(&m);
    assert_true(confirmed(m.f) == 0);

    uint32_t first = arrive(&m, 2, 5000);
    id = id_of(first);
    fee_estimator_added(m.f, &id, m.height, 90000); /* known */
    take(&m, first, 2);
    block(&m);
    assert_true(confirmed(m.f) == 2);

    first = arrive(&m, 1, 5000);
    take(&m, first, 1);
    fee_estimator_block(m.f, m.height, m.mined, m.n_mined); /* a branch */
    assert_true(confirmed(m.f) == 2);
    block(&m);
    assert_true(confirmed(m.f) > 2.9 && confirmed(m.f) < 3);
    fee_estimator_free(m.f);
}

static void failures_count_whole_periods(void **state)
{
    static const struct {
        enum fee_horizon h;
        unsigned target, left_after;
        double failed;
    } cases[] = {
        {FEE_HORIZON_SHORT, 1, 0, 0},     {FEE_HORIZON_SHORT, 1, 1, 1},
        {FEE_HORIZON_SHORT, 3, 2, 0},     {FEE_HORIZON_SHORT, 3, 3, 1},
        {FEE_HORIZON_MEDIUM, 2, 1, 0},    {FEE_HORIZON_MEDIUM, 2, 2, 1},
        {FEE_HORIZON_MEDIUM, 4, 3, 0},    {FEE_HORIZON_LONG, 24, 23, 0},
        {FEE_HORIZON_LONG, 24, 24, 1},    {FEE_HORIZON_LONG, 25, 47, 0},
        {FEE_HORIZON_LONG, 25, 48, 1},    {FEE_HORIZON_LONG, 1008, 1008, 1},
        {FEE_HORIZON_SHORT, 12, 2000, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct model m;
        struct fee_evidence e;
        model_init(&m);
        struct hash256 id = id_of(arrive(&m, 1, 5000));
        for (unsigned b = 0; b < cases[i].left_after; b++)
            block(&m);
        fee_estimator_raw(m.f, cases[i].h, cases[i].target, 0.5, &e);
        assert_true(e.fail.waiting == (cases[i].left_after >= cases[i].target));
        fee_estimator_removed(m.f, &id);
        fee_estimator_raw(m.f, cases[i].h, cases[i].target, 0.5, &e);
        if (e.fail.failed != cases[i].failed || e.fail.waiting != 0)
            fail_msg("case %zu: %f failed, %f wait", i, e.fail.failed, e.fail.waiting);
        fee_estimator_free(m.f);
    }
}

static void horizons_have_their_shapes(void **state)
{
    static const struct {
        unsigned max, scale;
        double decay;
    } want[FEE_HORIZONS] = {{12, 1, .962}, {48, 2, .9952}, {1008, 24, .99931}};
    struct fee_estimator *f = fee_estimator_new();
    (void)state;
    for (enum fee_horizon h = 0; h < FEE_HORIZONS; h++) {
        struct fee_evidence e;
        assert_int_equal(fee_horizon_max_target(h), want[h].max);
        assert_int_equal(fee_estimator_raw(f, h, 1, 0.95, &e), 0);
        assert_int_equal(e.scale, want[h].scale);
        assert_true(e.decay == want[h].decay);
        assert_true(e.pass.start == -1 && e.fail.start == 0 && e.fail.end == 1e99);
    }
    fee_estimator_free(f);
}

/* -- The file -- */

static const struct flow usual[] = {{50000, 1}, {5000, 6}, {700, 0}, {0}};

static void file_brings_the_answers_back(void **state)
{
    struct model m;
    struct buf first = {0}, second = {0};
    (void)state;
    model_init(&m);
    run(&m, usual, 100);
    fee_estimator_give_up(m.f);
    fee_estimator_write(m.f, &first);
    struct fee_estimator *again = fee_estimator_new();
    assert_int_equal(fee_estimator_read(again, buf_view(&first)), ERR_OK);
    fee_estimator_write(again, &second);
    assert_true(bytes_equal(buf_view(&first), buf_view(&second)));
    for (unsigned t = 1; t <= 40; t++) {
        struct fee_estimate a = fee_estimator_smart(m.f, t, false);
        struct fee_estimate b = fee_estimator_smart(again, t, false);
        assert_int_equal(a.feerate, b.feerate);
        assert_int_equal(a.target, b.target);
    }
    fee_estimator_free(again);
    fee_estimator_free(m.f);
    buf_clear(&first);
    buf_clear(&second);
}

static void seal(struct buf *file)
{
    sha256d(file->data + file->len - 32, file->data, file->len - 32);
}

static void bad_files_leave_no_trace(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        uint8_t xor ;
        bool sealed;
        enum err want;
    } cases[] = {
        {"a bit of the magic", 0, 1, true, ERR_CORRUPT},
        {"a newer version", 8, 3, true, ERR_VERSION},
        {"the run ends above the highest block", 15, 0x80, true, ERR_CORRUPT},
        {"a run that begins after its end", 18, 0x40, true, ERR_CORRUPT},
        {"a number below zero", 24 + 7, 0x80, true, ERR_CORRUPT},
        {"a rate without transactions", 24 + 7, 0x40, true, ERR_CORRUPT},
        {"a bit without a new sum", 5000, 1, false, ERR_CORRUPT},
    };
    struct model m;
    struct buf good = {0}, empty = {0}, left = {0};
    (void)state;
    model_init(&m);
    run(&m, usual, 100);
    fee_estimator_write(m.f, &good);
    struct fee_estimator *f = fee_estimator_new();
    fee_estimator_write(f, &empty);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf bad = {0};
        buf_append(&bad, good.data, good.len);
        bad.data[cases[i].at] ^= cases[i].xor ;
        if (cases[i].sealed)
            seal(&bad);
        enum err e = fee_estimator_read(f, buf_view(&bad));
        if (e != cases[i].want)
            fail_msg("%s: %d", cases[i].name, (int)e);
        buf_clear(&bad);
    }
    for (size_t n = 0; n < good.len; n += n < 100 ? 1 : 997)
        assert_int_equal(fee_estimator_read(f, bytes_of(good.data, n)), ERR_CORRUPT);
    fee_estimator_write(f, &left);
    assert_true(bytes_equal(buf_view(&empty), buf_view(&left)));
    fee_estimator_free(f);
    fee_estimator_free(m.f);
    buf_clear(&good);
    buf_clear(&empty);
    buf_clear(&left);
}

static void old_runs_are_forgotten(void **state)
{
    struct model m;
    struct buf file = {0};
    (void)state;
    model_init(&m);
    run(&m, usual, 100);
    fee_estimator_give_up(m.f);
    fee_estimator_write(m.f, &file);
    struct fee_estimator *f = fee_estimator_new();
    assert_int_equal(fee_estimator_read(f, buf_view(&file)), ERR_OK);
    assert_int_equal(fee_estimator_smart(f, 1008, false).target, 49);
    fee_estimator_block(f, m.height + 6 * FEE_MAX_TARGET, NULL, 0);
    assert_int_equal(fee_estimator_smart(f, 1008, false).target, 49);
    fee_estimator_block(f, m.height + 6 * FEE_MAX_TARGET + 1, NULL, 0);
    assert_int_equal(fee_estimator_smart(f, 1008, false).target, 0);
    fee_estimator_free(f);
    fee_estimator_free(m.f);
    buf_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_follow_waiting_times),
        cmocka_unit_test(conservative_remembers_dear_times),
        cmocka_unit_test(only_what_was_seen_in_time_counts),
        cmocka_unit_test(failures_count_whole_periods),
        cmocka_unit_test(horizons_have_their_shapes),
        cmocka_unit_test(file_brings_the_answers_back),
        cmocka_unit_test(bad_files_leave_no_trace),
        cmocka_unit_test(old_runs_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
