/* Which transactions to ask whom for: single rules, and random operations against a
 * naive model. */
#include <stdlib.h>

#include "net/txrequest.h"
#include "util/sink.h"

#include "txrequest_model.h"
#include "unit.h"

static struct hash256 hash(uint32_t n)
{
    struct hash256 h = {{0}};
    put_le32(h.b, n);
    return h;
}

static size_t due(struct txrequest *t, int64_t peer, int64_t now)
{
    struct gtxid out[8];
    size_t expired;
    return txrequest_due(t, peer, now, out, 8, &expired);
}

static void one_peer_is_asked_at_a_time(void **state)
{
    struct txrequest *t = txrequest_new();
    struct gtxid id = {hash(1), true};
    (void)state;
    txrequest_announce(t, 1, &id, false, 100);
    txrequest_announce(t, 2, &id, true, 100);
    assert_int_equal(due(t, 2, 99), 0);  /* too early */
    assert_int_equal(due(t, 1, 100), 0); /* a preferred one has it, too */
    assert_int_equal(due(t, 2, 100), 1);
    txrequest_requested(t, 2, &id.hash, 200);
    assert_int_equal(due(t, 1, 150), 0);
    assert_int_equal(txrequest_in_flight(t, 2), 1);
    assert_int_equal(due(t, 1, 200), 1); /* the time of peer 2 is up */
    assert_int_equal(txrequest_in_flight(t, 2), 0);
    txrequest_requested(t, 1, &id.hash, 300);
    txrequest_answered(t, 1, &id.hash); /* notfound */
    assert_int_equal(txrequest_size(t), 0);
    txrequest_free(t);
}

static void delays_give_way_to_those_without(void **state)
{
    struct txrequest *t = txrequest_new();
    struct gtxid id = {hash(1), true};
    (void)state;
    txrequest_announce(t, 1, &id, true, 500);
    txrequest_announce(t, 2, &id, false, 100);
    assert_int_equal(due(t, 2, 100), 1); /* the preferred one is not due yet */
    txrequest_announce(t, 2, &id, false, 0);
    assert_int_equal(txrequest_count(t, 2), 1); /* twice is once */
    assert_int_equal(due(t, 1, 500), 1);        /* now it is, and comes first */
    assert_int_equal(due(t, 2, 500), 0);
    txrequest_free(t);
}

static void what_we_have_and_who_left_is_forgotten(void **state)
{
    struct txrequest *t = txrequest_new();
    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        for (int64_t peer = 0; peer < 3; peer++) {
            struct gtxid id = {hash(i), true};
            txrequest_announce(t, peer, &id, peer == 0, 0);
        }
    struct hash256 h = hash(7);
    txrequest_forget(t, &h);
    assert_int_equal(txrequest_size(t), 297);
    txrequest_drop_peer(t, 1);
    assert_int_equal(txrequest_size(t), 198);
    assert_int_equal(txrequest_count(t, 1), 0);
    assert_int_equal(txrequest_candidates(t, 0), 99);
    struct gtxid out[200];
    size_t expired, n = txrequest_due(t, 0, 1, out, 200, &expired);
    assert_int_equal(n, 99);
    for (size_t i = 1; i < n; i++) /* in the order of announcement */
        assert_true(get_le32(out[i].hash.b) > get_le32(out[i - 1].hash.b));
    txrequest_drop_peer(t, 0);
    txrequest_drop_peer(t, 2);
    assert_int_equal(txrequest_size(t), 0);
    txrequest_free(t);
}

static void each_is_asked_by_the_id_it_announced(void **state)
{
    struct txrequest *t = txrequest_new();
    struct gtxid by_txid = {hash(1), false}, by_wtxid = {hash(1), true}, out;
    size_t expired;
    (void)state;
    txrequest_announce(t, 1, &by_txid, true, 0); /* no witness: both ids are equal */
    txrequest_announce(t, 2, &by_wtxid, false, 0);
    assert_int_equal(txrequest_due(t, 1, 0, &out, 1, &expired), 1);
    assert_false(out.is_wtxid);
    txrequest_drop_peer(t, 1);
    assert_int_equal(txrequest_due(t, 2, 0, &out, 1, &expired), 1);
    assert_true(out.is_wtxid);
    txrequest_free(t);
}

static void time_outs_are_told_once(void **state)
{
    struct txrequest *t = txrequest_new();
    struct gtxid out[4];
    size_t expired;
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct gtxid id = {hash(i), true};
        txrequest_announce(t, 1, &id, true, 0);
        assert_int_equal(txrequest_due(t, 1, 0, out, 4, &expired), 1);
        txrequest_requested(t, 1, &id.hash, 60);
    }
    assert_int_equal(txrequest_due(t, 1, 59, out, 4, &expired), 0);
    assert_int_equal(expired, 0);
    assert_int_equal(txrequest_due(t, 2, 60, out, 4, &expired), 0);
    assert_int_equal(txrequest_due(t, 1, 60, out, 4, &expired), 0);
    assert_int_equal(expired, 3);
    assert_int_equal(txrequest_due(t, 1, 60, out, 4, &expired), 0);
    assert_int_equal(expired, 0);
    assert_int_equal(txrequest_size(t), 0);
    txrequest_free(t);
}

static void nobody_is_first_for_everything(void **state)
{
    struct txrequest *t = txrequest_new();
    size_t first = 0;
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        struct gtxid id = {hash(i), true}, out;
        size_t expired;
        txrequest_announce(t, 1, &id, false, 0);
        txrequest_announce(t, 2, &id, false, 0);
        first += txrequest_due(t, 1, 0, &out, 1, &expired);
        txrequest_forget(t, &id.hash);
    }
    assert_in_range(first, 350, 650);
    txrequest_free(t);
}

static void behaves_like_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct txrequest *t = txrequest_new();
        struct model m = {.now = 100};
        struct source src = source_of_seed(seed);
        for (int i = 0; i < 2000; i++) {
            model_step(&m, t, &src);
            model_compare(&m, t);
        }
        txrequest_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_peer_is_asked_at_a_time),
        cmocka_unit_test(delays_give_way_to_those_without),
        cmocka_unit_test(what_we_have_and_who_left_is_forgotten),
        cmocka_unit_test(each_is_asked_by_the_id_it_announced),
        cmocka_unit_test(time_outs_are_told_once),
        cmocka_unit_test(nobody_is_first_for_everything),
        cmocka_unit_test(behaves_like_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
