#include <unistd.h>

#include "unit.h"

#include "chain/prim/coin.h"
#include "chain/store/coins_cache.h"
#include "chain_fixture.h"

struct job {
    struct fixture *f;
    struct hash256 hash;
    bool ok;
};

static struct hash256 tip_hash(struct fixture *f)
{
    chainman_read_lock(f->cm);
    struct hash256 h = chain_tip(f->cm)->hash;
    chainman_read_unlock(f->cm);
    return h;
}

static int32_t height(struct fixture *f)
{
    chainman_read_lock(f->cm);
    int32_t h = chain_height(f->cm);
    chainman_read_unlock(f->cm);
    return h;
}

static void invalidate_job(void *arg)
{
    struct job *j = arg;
    j->ok = chainman_invalidate(j->f->cm, block_tree_find(j->f->cm, &j->hash));
}

static void reconsider_job(void *arg)
{
    struct job *j = arg;
    j->ok = chainman_reconsider(j->f->cm, block_tree_find(j->f->cm, &j->hash));
}

static void precious_job(void *arg)
{
    struct job *j = arg;
    j->ok = chainman_precious(j->f->cm, block_tree_find(j->f->cm, &j->hash));
}

static void verify_job(void *arg)
{
    struct job *j = arg;
    j->ok = chainman_verify(j->f->cm, 4, 0);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void run(struct fixture *f, void (*fn)(void *), const struct hash256 *hash)
{
    struct job j = {.f = f};
    if (hash)
        j.hash = *hash;
    assert_int_equal(chainman_call(f->cm, fn, &j), ERR_OK);
    assert_true(j.ok);
}

/* The import has ended. */
static void settle(struct fixture *f)
{
    while (chainman_importing(f->cm))
        usleep(1000);
    assert_int_equal(chainman_call(f->cm, nothing, NULL), ERR_OK);
}

struct utxo_sum {
    size_t n;
    int64_t value;
};

static bool sum_coin(void *ctx, const struct outpoint *o, const struct coin *c)
{
    struct utxo_sum *s = ctx;
    (void)o;
    s->n++;
    s->value += c->value.v;
    return true;
}

static struct utxo_sum sum_utxos(struct fixture *f)
{
    struct utxo_sum s = {0};
    assert_int_equal(chainman_utxo_walk(f->cm, sum_coin, &s, NULL), ERR_OK);
    return s;
}

static void a_new_chain_stands_at_genesis(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_true(fixture_open(&f));
    struct hash256 tip = tip_hash(&f);
    assert_true(hash256_equal(&tip, &f.params.genesis_hash));
    assert_int_equal(height(&f), 0);
    assert_int_equal(sum_utxos(&f).n, 0);
    fixture_clear(&f);
}

static void blocks_connect_and_survive_a_restart(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_true(fixture_open(&f));
    struct hash256 tip = mine_on(&f, f.params.genesis_hash, 0, 105, 0, NULL);
    assert_int_equal(height(&f), 105);
    struct utxo_sum before = sum_utxos(&f);
    assert_int_equal(before.n, 105);
    assert_int_equal(before.value, 105 * INT64_C(5000000000));
    fixture_close(&f);
    assert_true(fixture_open(&f));
    settle(&f);
    struct hash256 again = tip_hash(&f);
    assert_true(hash256_equal(&tip, &again));
    assert_int_equal(sum_utxos(&f).value, before.value);
    run(&f, verify_job, NULL);
    assert_int_equal(f.stops, 0);
    fixture_clear(&f);
}

static void the_chain_is_rebuilt_from_files(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_true(fixture_open(&f));
    /* A side branch first, so that the files hold blocks out of order. */
    struct hash256 tip = mine_on(&f, f.params.genesis_hash, 0, 3, 1, NULL);
    tip = mine_on(&f, f.params.genesis_hash, 0, 20, 0, NULL);
    fixture_close(&f);
    for (int i = 0; i < 2; i++) {
        f.opt.reindex = i == 0;
        f.opt.reindex_chainstate = i == 1;
        assert_true(fixture_open(&f));
        settle(&f);
        struct hash256 again = tip_hash(&f);
        assert_true(hash256_equal(&tip, &again));
        assert_int_equal(sum_utxos(&f).n, 20);
        assert_int_equal(block_tree_size(f.cm), 24);
        fixture_close(&f);
    }
    fixture_clear(&f);
}

static void more_work_wins_and_coins_follow(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_true(fixture_open(&f));
    struct hash256 base = mine_on(&f, f.params.genesis_hash, 0, 101, 0, NULL);
    struct block *first;
    chainman_read_lock(f.cm);
    assert_int_equal(chainman_read_block(f.cm, &first, chain_at(f.cm, 1)), ERR_OK);
    chainman_read_unlock(f.cm);
    struct tx *spend = make_spend(&first->txs[0].txid, 0, 4000000000);
    struct block *b = make_block(&f, &base, 102, 0, &spend, 1);
    assert_int_equal(submit(&f, b).rej.code, REJECT_NONE);
    assert_int_equal(height(&f), 102);
    /* 102 coinbases, one spent, one output added */
    assert_int_equal(sum_utxos(&f).n, 102);
    /* Equal work: the first one stays. More: it moves. */
    struct hash256 side = mine_on(&f, base, 101, 1, 7, NULL);
    struct hash256 tip = tip_hash(&f);
    assert_true(hash256_equal(&tip, &b->hash));
    side = mine_on(&f, side, 102, 1, 7, NULL);
    tip = tip_hash(&f);
    assert_true(hash256_equal(&tip, &side));
    assert_int_equal(sum_utxos(&f).n, 103);
    assert_int_equal(sum_utxos(&f).value, 103 * INT64_C(5000000000));
    tx_unref(spend);
    block_unref(b);
    block_unref(first);
    fixture_clear(&f);
}

static void users_may_choose_among_branches(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_true(fixture_open(&f));
    struct hash256 a[10], b[10];
    mine_on(&f, f.params.genesis_hash, 0, 10, 1, a);
    mine_on(&f, f.params.genesis_hash, 0, 9, 2, b);
    run(&f, invalidate_job, &a[4]);
    struct hash256 tip = tip_hash(&f);
    assert_true(hash256_equal(&tip, &b[8]));
    run(&f, reconsider_job, &a[4]);
    tip = tip_hash(&f);
    assert_true(hash256_equal(&tip, &a[9]));
    run(&f, invalidate_job, &a[9]);
    tip = tip_hash(&f); /* nine against nine: the first to come */
    assert_true(hash256_equal(&tip, &a[8]));
    run(&f, precious_job, &b[8]);
    tip = tip_hash(&f);
    assert_true(hash256_equal(&tip, &b[8]));
    run(&f, precious_job, &a[8]);
    tip = tip_hash(&f);
    assert_true(hash256_equal(&tip, &a[8]));
    assert_int_equal(sum_utxos(&f).n, 9);
    fixture_clear(&f);
}

static void bad_blocks_leave_no_trace(void **state)
{
    (void)state;
    struct fixture f;
    char reason[192];
    fixture_init(&f);
    assert_true(fixture_open(&f));
    struct hash256 base = mine_on(&f, f.params.genesis_hash, 0, 101, 0, NULL);
    struct utxo_sum before = sum_utxos(&f);
    struct block *first, *second;
    chainman_read_lock(f.cm);
    assert_int_equal(chainman_read_block(f.cm, &first, chain_at(f.cm, 1)), ERR_OK);
    assert_int_equal(chainman_read_block(f.cm, &second, chain_at(f.cm, 2)), ERR_OK);
    chainman_read_unlock(f.cm);
    struct tx *good = make_spend(&first->txs[0].txid, 0, 5000000000);
    struct tx *inflating = make_spend(&good->txid, 0, 5000000001);
    struct tx *twice = make_spend(&first->txs[0].txid, 0, 1);
    struct tx *immature = make_spend(&second->txs[0].txid, 0, 1);
    struct {
        struct tx *txs[2];
        uint32_t n;
        const char *reason;
    } cases[] = {
        {{good, inflating}, 2, "bad-txns-in-belowout"},
        {{good, twice}, 2, "bad-txns-inputs-missingorspent"},
        {{inflating}, 1, "bad-txns-inputs-missingorspent"},
        {{good, immature}, 2, "bad-txns-premature-spend-of-coinbase"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct block *b =
            make_block(&f, &base, 102, 10 + (uint32_t)i, cases[i].txs, cases[i].n);
        /* The second coinbase matures one block later. */
        struct submit s = submit(&f, b);
        if (i == 3) {
            assert_int_equal(s.rej.code, REJECT_NONE);
        } else {
            assert_string_equal(reject_reason(&s.rej, reason), cases[i].reason);
            s = submit(&f, b);
            assert_false(s.accepted);
            assert_string_equal(reject_reason(&s.rej, reason), "duplicate-invalid");
            struct utxo_sum after = sum_utxos(&f);
            assert_int_equal(after.n, before.n);
            assert_int_equal(after.value, before.value);
        }
        block_unref(b);
    }
    tx_unref(good);
    tx_unref(inflating);
    tx_unref(twice);
    tx_unref(immature);
    block_unref(first);
    block_unref(second);
    fixture_clear(&f);
}

static void an_altered_block_does_not_damn_its_header(void **state)
{
    (void)state;
    struct fixture f;
    char reason[192];
    fixture_init(&f);
    assert_true(fixture_open(&f));
    struct block *good = make_block(&f, &f.params.genesis_hash, 1, 0, NULL, 0);
    struct tx *other = make_coinbase(1, 1, 99);
    struct block *bad = block_assemble(&good->header, (const struct tx *[]){other}, 1);
    struct submit s = submit(&f, bad);
    assert_false(s.accepted);
    assert_string_equal(reject_reason(&s.rej, reason), "bad-txnmrklroot");
    s = submit(&f, good);
    assert_true(s.accepted && s.is_new);
    assert_int_equal(height(&f), 1);
    s = submit(&f, good);
    assert_true(s.accepted && !s.is_new);
    tx_unref(other);
    block_unref(bad);
    block_unref(good);
    fixture_clear(&f);
}

static void a_small_cache_flushes_often(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.opt.dbcache = 1;
    assert_true(fixture_open(&f));
    struct hash256 tip = mine_on(&f, f.params.genesis_hash, 0, 60, 0, NULL);
    mine_on(&f, f.params.genesis_hash, 0, 40, 3, NULL);
    struct hash256 again = tip_hash(&f);
    assert_true(hash256_equal(&tip, &again));
    assert_int_equal(sum_utxos(&f).n, 60);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_chain_stands_at_genesis),
        cmocka_unit_test(blocks_connect_and_survive_a_restart),
        cmocka_unit_test(the_chain_is_rebuilt_from_files),
        cmocka_unit_test(more_work_wins_and_coins_follow),
        cmocka_unit_test(users_may_choose_among_branches),
        cmocka_unit_test(bad_blocks_leave_no_trace),
        cmocka_unit_test(an_altered_block_does_not_damn_its_header),
        cmocka_unit_test(a_small_cache_flushes_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
