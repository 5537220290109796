/* Orphans: single rules, and random operations against a naive model. */
#include <stdlib.h>

#include "net/extra_txs.h"
#include "net/orphanage.h"

#include "orphanage_model.h"
#include "unit.h"

static struct tx *child_of(const struct hash256 *parent, uint32_t n)
{
    return make_tx(&(struct outpoint){*parent, n}, 1, 1, 0);
}

static struct orphanage *new_orphanage(size_t max)
{
    static struct rng rng;
    rng_seed(&rng, 1);
    return orphanage_new(NULL, &rng, max);
}

static void add_many(struct orphanage *o, int64_t peer, uint32_t root, uint32_t n)
{
    struct hash256 h = hash(root);
    for (uint32_t i = 0; i < n; i++) {
        struct tx *tx = child_of(&h, i);
        assert_true(orphanage_add(o, tx, peer, 0));
        tx_unref(tx);
    }
}

static void orphans_come_back_with_their_parents(void **state)
{
    struct orphanage *o = new_orphanage(100);
    struct outpoint root = {hash(1), 0};
    struct tx *parent = make_tx(&root, 1, 2, 0);
    struct tx *a = child_of(&parent->txid, 0), *b = child_of(&parent->txid, 1);
    (void)state;
    assert_true(orphanage_add(o, a, 1, 0));
    assert_false(orphanage_add(o, a, 1, 0));
    assert_true(orphanage_add(o, b, 2, 0));
    assert_false(orphanage_has_work(o, 1));
    orphanage_add_children(o, parent);
    assert_true(orphanage_has_work(o, 1));
    struct tx *again = orphanage_next(o, 1);
    assert_true(hash256_equal(&again->wtxid, &a->wtxid));
    tx_unref(again);
    assert_null(orphanage_next(o, 1));
    orphanage_drop_peer(o, 2);
    assert_int_equal(orphanage_size(o), 1);
    tx_unref(parent);
    tx_unref(a);
    tx_unref(b);
    orphanage_free(o);
}

static void an_orphan_stays_while_one_peer_has_it(void **state)
{
    struct orphanage *o = new_orphanage(100);
    struct outpoint root = {hash(1), 0};
    struct tx *parent = make_tx(&root, 1, 1, 0), *child = child_of(&parent->txid, 0);
    (void)state;
    for (int64_t peer = 1; peer <= 3; peer++)
        orphanage_add(o, child, peer, 0);
    assert_int_equal(orphanage_size(o), 1);
    orphanage_add_children(o, parent);
    for (int64_t peer = 1; peer <= 3; peer++) {
        assert_true(orphanage_has_from(o, &child->wtxid, peer));
        orphanage_drop_peer(o, peer);
        /* Whoever was to try it, somebody still is. */
        size_t workers = 0;
        for (int64_t other = 1; other <= 3; other++)
            workers += orphanage_has_work(o, other);
        assert_int_equal(workers, peer < 3);
    }
    assert_int_equal(orphanage_size(o), 0);
    tx_unref(parent);
    tx_unref(child);
    orphanage_free(o);
}

static void a_flood_costs_the_one_who_sends_it(void **state)
{
    struct orphanage *o = new_orphanage(100);
    (void)state;
    add_many(o, 1, 1, 30);
    add_many(o, 2, 2, 1000);
    add_many(o, 3, 3, 5);
    assert_int_equal(orphanage_size(o), 100);
    assert_int_equal(orphanage_peer_size(o, 1), 30);
    assert_int_equal(orphanage_peer_size(o, 2), 65);
    assert_int_equal(orphanage_peer_size(o, 3), 5);
    struct hash256 h = hash(2);
    struct tx *newest = child_of(&h, 999), *oldest = child_of(&h, 0);
    assert_true(orphanage_has(o, &newest->wtxid));
    assert_false(orphanage_has(o, &oldest->wtxid));
    tx_unref(newest);
    tx_unref(oldest);
    orphanage_check(o);
    orphanage_free(o);
}

static void heavy_orphans_push_out_those_of_their_sender(void **state)
{
    struct orphanage *o = new_orphanage(100);
    (void)state;
    add_many(o, 1, 1, 20);
    for (uint32_t i = 0; i < 10; i++) {
        struct outpoint root = {hash(2), i};
        struct tx *tx = make_tx(&root, 1, 1, 90000); /* 360 kWU */
        assert_true(orphanage_add(o, tx, 2, 0));
        tx_unref(tx);
        assert_in_range(orphanage_weight(o), 1, 2 * ORPHANAGE_PEER_WEIGHT);
    }
    assert_int_equal(orphanage_peer_size(o, 1), 20);
    assert_int_equal(orphanage_peer_size(o, 2), 2); /* what the first does not use */
    orphanage_drop_peer(o, 1);
    assert_int_equal(orphanage_size(o), 1); /* its own part only */
    struct outpoint root = {hash(3), 0};
    struct tx *tx = make_tx(&root, 1, 1, 100000);
    assert_false(orphanage_add(o, tx, 3, 0));
    tx_unref(tx);
    orphanage_free(o);
}

static void orphans_get_old(void **state)
{
    struct orphanage *o = new_orphanage(100);
    struct hash256 h = hash(1);
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct tx *tx = child_of(&h, i);
        orphanage_add(o, tx, 1, 60 * i);
        tx_unref(tx);
    }
    orphanage_expire(o, 20 * 60 - 1);
    assert_int_equal(orphanage_size(o), 3);
    orphanage_expire(o, 21 * 60);
    assert_int_equal(orphanage_size(o), 1);
    orphanage_free(o);
}

static void blocks_settle_orphans(void **state)
{
    struct orphanage *o = new_orphanage(100);
    struct outpoint outs[2] = {{hash(1), 0}, {hash(2), 0}};
    struct tx *confirmed = make_tx(outs, 1, 1, 0);
    struct tx *rival = make_tx(outs, 2, 1, 0);
    struct tx *child = child_of(&confirmed->txid, 0);
    (void)state;
    orphanage_add(o, confirmed, 1, 0);
    orphanage_add(o, rival, 1, 0);
    orphanage_add(o, child, 2, 0);
    orphanage_block(o, confirmed, 1);
    assert_int_equal(orphanage_size(o), 1);
    assert_true(orphanage_has_work(o, 2));
    tx_unref(confirmed);
    tx_unref(rival);
    tx_unref(child);
    orphanage_free(o);
}

static bool is_not(void *ctx, const struct tx *child)
{
    return child != ctx;
}

static void expect_child(struct orphanage *o, const struct tx *parent, int64_t peer,
                         const struct tx * not, const struct tx *expected)
{
    struct tx *child = orphanage_child(o, parent, peer, is_not, (void *)not );
    assert_ptr_equal(child, expected);
    tx_unref(child);
}

static void the_newest_child_of_the_same_peer_comes_first(void **state)
{
    struct orphanage *o = new_orphanage(100);
    struct outpoint root = {hash(1), 0};
    struct tx *parent = make_tx(&root, 1, 3, 0), *c[3];
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        c[i] = child_of(&parent->txid, i);
        orphanage_add(o, c[i], i == 2 ? 9 : 1, 0);
    }
    expect_child(o, parent, 1, NULL, c[1]);
    expect_child(o, parent, 1, c[1], c[0]);
    expect_child(o, parent, 9, NULL, c[2]);
    orphanage_drop_peer(o, 1);
    expect_child(o, parent, 1, NULL, c[2]); /* better than none */
    expect_child(o, parent, 1, c[2], NULL);
    for (uint32_t i = 0; i < 3; i++)
        tx_unref(c[i]);
    tx_unref(parent);
    orphanage_free(o);
}

static void extra_transactions_are_bounded(void **state)
{
    struct extra_txs e;
    struct outpoint root = {hash(1), 0};
    (void)state;
    extra_txs_init(&e, 1000);
    struct tx *large = make_tx(&root, 1, 1, 99000), *small = make_tx(&root, 1, 1, 0);
    for (int i = 0; i < 200; i++)
        extra_txs_add(&e, large);
    assert_int_equal(e.n, 10000000 / large->total_size);
    for (int i = 0; i < 2000; i++)
        extra_txs_add(&e, small);
    assert_int_equal(e.n, 1000);
    assert_int_equal(e.bytes, 1000 * small->total_size);
    extra_txs_clear(&e);
    extra_txs_init(&e, 0);
    extra_txs_add(&e, small);
    assert_int_equal(e.n, 0);
    extra_txs_clear(&e);
    tx_unref(large);
    tx_unref(small);
}

static void behaves_like_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct orphanage *o = new_orphanage(MODEL_MAX);
        struct model m = {.now = 1000};
        struct source src = source_of_seed(seed);
        model_init(&m, &src);
        for (int i = 0; i < 2000; i++) {
            model_step(&m, o, &src);
            model_compare(&m, o);
        }
        orphanage_free(o);
        model_clear(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orphans_come_back_with_their_parents),
        cmocka_unit_test(an_orphan_stays_while_one_peer_has_it),
        cmocka_unit_test(a_flood_costs_the_one_who_sends_it),
        cmocka_unit_test(heavy_orphans_push_out_those_of_their_sender),
        cmocka_unit_test(orphans_get_old),
        cmocka_unit_test(blocks_settle_orphans),
        cmocka_unit_test(the_newest_child_of_the_same_peer_comes_first),
        cmocka_unit_test(extra_transactions_are_bounded),
        cmocka_unit_test(behaves_like_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
