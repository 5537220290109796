#include "unit.h"

#include <stdatomic.h>
#include <unistd.h>

#include "util/pool.h"

static const unsigned worker_counts[] = {0, 1, 3};

static void add_one(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void every_job_runs_before_the_pool_is_gone(void **state)
{
    (void)state;
    for (size_t w = 0; w < ARRAY_LEN(worker_counts); w++) {
        struct pool *p = pool_new(worker_counts[w], "test");
        atomic_int n = 0;
        for (int i = 0; i < 1000; i++)
            pool_submit(p, add_one, &n);
        pool_free(p);
        assert_int_equal(n, 1000);
    }
}

struct marks {
    _Atomic uint8_t seen[10000];
    size_t bad;
};

static bool mark(void *ctx, size_t i)
{
    struct marks *m = ctx;
    atomic_fetch_add(&m->seen[i], 1);
    return i != m->bad;
}

static void a_loop_visits_each_index_once(void **state)
{
    static struct marks m;
    (void)state;
    for (size_t w = 0; w < ARRAY_LEN(worker_counts); w++) {
        struct pool *p = pool_new(worker_counts[w], "test");
        for (size_t chunk = 1; chunk < 5000; chunk *= 7) {
            memset(&m, 0, sizeof(m));
            m.bad = SIZE_MAX;
            assert_true(pool_for(p, 10000, chunk, mark, &m));
            for (size_t i = 0; i < 10000; i++)
                assert_int_equal(m.seen[i], 1);
        }
        assert_true(pool_for(p, 0, 1, mark, &m));
        m.bad = 5000;
        assert_false(pool_for(p, 10000, 10, mark, &m));
        pool_free(p);
    }
}

struct check {
    int id;
    bool good;
};
static atomic_int checks_run;

static bool run_check(void *ctx, void *item)
{
    const struct check *c = item;
    (void)ctx;
    atomic_fetch_add(&checks_run, 1);
    for (volatile int i = 0; i < 200; i++) {
    }
    return c->good;
}

static void add_checks(struct check_queue *q, int n, int bad1, int bad2)
{
    for (int i = 0; i < n;) {
        struct check c[5];
        int part = n - i < 5 ? n - i : 5;
        for (int j = 0; j < part; j++, i++)
            c[j] = (struct check){i, i != bad1 && i != bad2};
        check_queue_add(q, c, (size_t)part);
    }
}

static void a_queue_runs_all_checks_and_can_be_used_again(void **state)
{
    (void)state;
    for (size_t w = 0; w < ARRAY_LEN(worker_counts); w++) {
        struct pool *p = pool_new(worker_counts[w], "test");
        struct check_queue *q = check_queue_new(p, sizeof(struct check), 64, run_check, NULL);
        for (int round = 0; round < 50; round++) {
            checks_run = 0;
            add_checks(q, round * 10, -1, -1);
            assert_true(check_queue_wait(q, NULL));
            assert_int_equal(checks_run, round * 10);
        }
        check_queue_free(q);
        pool_free(p);
    }
}

static void the_lowest_failing_check_is_named(void **state)
{
    static const size_t sizes[] = {16, 1000}; /* with and without turning round */
    (void)state;
    for (size_t w = 0; w < ARRAY_LEN(worker_counts); w++) {
        for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
            struct pool *p = pool_new(worker_counts[w], "test");
            struct check_queue *q =
                check_queue_new(p, sizeof(struct check), sizes[s], run_check, NULL);
            for (int round = 0; round < 50; round++) {
                struct check failed;
                add_checks(q, 200, 120, 40 + round);
                assert_false(check_queue_wait(q, &failed));
                assert_int_equal(failed.id, 40 + round);
                add_checks(q, 20, -1, -1);
                assert_true(check_queue_wait(q, &failed));
            }
            check_queue_free(q);
            pool_free(p);
        }
    }
}

static void an_abandoned_queue_is_empty(void **state)
{
    struct pool *p = pool_new(2, "test");
    struct check_queue *q = check_queue_new(p, sizeof(struct check), 1000, run_check, NULL);
    (void)state;
    for (int round = 0; round < 20; round++) {
        add_checks(q, 500, 3, -1);
        check_queue_abandon(q);
        add_checks(q, 10, -1, -1);
        assert_true(check_queue_wait(q, NULL));
    }
    add_checks(q, 500, -1, -1);
    check_queue_free(q);
    pool_free(p);
}

static void sleep_a_little(void *arg)
{
    (void)arg;
    usleep(50000);
}

static void waiting_needs_no_free_worker(void **state)
{
    struct pool *p = pool_new(1, "test");
    struct check_queue *q = check_queue_new(p, sizeof(struct check), 100, run_check, NULL);
    (void)state;
    for (int i = 0; i < 3; i++) {
        pool_submit(p, sleep_a_little, NULL);
        add_checks(q, 50, -1, -1);
        assert_true(check_queue_wait(q, NULL));
    }
    check_queue_free(q);
    pool_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_before_the_pool_is_gone),
        cmocka_unit_test(a_loop_visits_each_index_once),
        cmocka_unit_test(a_queue_runs_all_checks_and_can_be_used_again),
        cmocka_unit_test(the_lowest_failing_check_is_named),
        cmocka_unit_test(an_abandoned_queue_is_empty),
        cmocka_unit_test(waiting_needs_no_free_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
