/* The pool's families kept by random change, and the pool on a real chain: acceptance,
 * replacement, limits, reorgs, mempool.dat, templates. */
#include "unit.h"

#include "chain/mining/bump_fees.h"
#include "chain/mining/miner.h"
#include "mempool_world.h"
#include "util/rand.h"

/* ---- the pool alone ---- */

#define RANDOM_ENTRIES 400

static struct tx *random_tx(struct rng *r, struct hash256 *made, size_t n)
{
    struct mtx m;
    mtx_init(&m);
    m.locktime = (uint32_t)rng_u64(r);
    int inputs = 1 + (int)rng_below(r, 3);
    for (int i = 0; i < inputs; i++) {
        struct outpoint o = {.n = (uint32_t)rng_below(r, 8)};
        if (n && rng_below(r, 3))
            o.txid = made[rng_below(r, n)];
        else
            put_le64(o.txid.b, rng_u64(r));
        mtx_add_in(&m, &o, SEQUENCE_FINAL);
    }
    for (int i = 0; i < 8; i++)
        mtx_add_out(&m, amount_of(1000), bytes_of("\x51", 1));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

static bool conflicts(const struct mempool *mp, const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (mempool_spender(mp, &tx->in[i].prevout))
            return true;
        for (uint32_t j = 0; j < i; j++)
            if (outpoint_equal(&tx->in[i].prevout, &tx->in[j].prevout))
                return true;
    }
    return false;
}

static void add_random(struct mempool *mp, struct rng *r, const struct tx *tx)
{
    struct mempool_entry *e = pool_entry_new(tx);
    e->fee = amount_of((int64_t)rng_below(r, 10000));
    e->vsize = tx_vsize(tx);
    e->sigop_cost = (uint32_t)rng_below(r, 20);
    e->time = (int64_t)rng_below(r, 1000);
    pool_add(mp, e);
    families_adopt(mp, &(struct entry_list){.v = &e, .n = 1});
}

static void check_heap(const struct mempool *mp)
{
    for (size_t i = 1; i < mempool_count(mp); i++)
        assert_int_equal(eviction_at(mp, i)->heap_pos, i);
}

/* Transactions arrive in any order (as after a reorg, children may be there before),
 * leave with their families, and change their fees. */
static void families_stay_consistent(void **state)
{
    (void)state;
    struct mempool_options opt = mempool_default_options();
    struct mempool *mp = mempool_new(NULL, &opt);
    struct hash256 made[RANDOM_ENTRIES];
    struct tx *txs[RANDOM_ENTRIES];
    struct rng r;

    rng_seed(&r, 7);
    for (size_t i = 0; i < RANDOM_ENTRIES; i++) {
        txs[i] = random_tx(&r, made, i);
        made[i] = txs[i]->txid;
    }
    for (int step = 0; step < 2000; step++) {
        const struct tx *tx = txs[rng_below(&r, RANDOM_ENTRIES)];
        struct mempool_entry *e = pool_find(mp, &tx->txid);
        if (!e && !conflicts(mp, tx))
            add_random(mp, &r, tx);
        else if (e && rng_below(&r, 4) == 0)
            pool_remove_family(mp, e, TX_REMOVED_CONFLICT);
        else
            mempool_prioritise(mp, &tx->txid,
                               amount_of((int64_t)rng_below(&r, 2000) - 1000));
        mempool_check(mp);
        check_heap(mp);
    }
    assert_true(mempool_count(mp) > 20);
    size_t n;
    const struct mempool_entry **all = mempool_sorted(mp, &n);
    assert_int_equal(n, mempool_count(mp));
    for (size_t i = 1; i < n; i++)
        assert_true(all[i - 1]->n_ancestors <= all[i]->n_ancestors);
    free(all);
    while (mempool_count(mp))
        pool_remove_family(mp, eviction_at(mp, 0), TX_REMOVED_SIZE_LIMIT);
    assert_int_equal(mempool_memory(mp), 0);
    mempool_free(mp);
    for (size_t i = 0; i < RANDOM_ENTRIES; i++)
        tx_unref(txs[i]);
}

/* Confirmed entries leave from the root of a family. */
static void confirmed_parents_leave_their_children(void **state)
{
    (void)state;
    struct mempool_options opt = mempool_default_options();
    struct mempool *mp = mempool_new(NULL, &opt);
    struct rng r;
    rng_seed(&r, 1);
    struct hash256 base = {{1}};
    struct tx *a = make_spend(&base, 0, 1000);
    struct tx *b = make_spend(&a->txid, 0, 900);
    struct tx *c = make_spend(&b->txid, 0, 800);
    add_random(mp, &r, a);
    add_random(mp, &r, b);
    add_random(mp, &r, c);
    pool_remove(mp, pool_find(mp, &a->txid), TX_REMOVED_BLOCK);
    mempool_check(mp);
    assert_int_equal(mempool_find(mp, &c->txid)->n_ancestors, 2);
    assert_int_equal(mempool_find(mp, &b->txid)->n_ancestors, 1);
    mempool_free(mp);
    tx_unref(a);
    tx_unref(b);
    tx_unref(c);
}

/* Adds a transaction of 100 vbytes that spends output @n of @parent. */
static struct tx *add_sized(struct mempool *mp, const struct hash256 *parent,
                            uint32_t n, int64_t fee)
{
    struct mtx m;
    const struct outpoint o = {*parent, n};
    mtx_init(&m);
    mtx_add_in(&m, &o, SEQUENCE_FINAL);
    for (int i = 0; i < 3; i++)
        mtx_add_out(&m, amount_of(1000), bytes_of("\x51", 1));
    struct tx *tx = mtx_to_tx(&m);
    struct mempool_entry *e = pool_entry_new(tx);
    e->fee = amount_of(fee);
    e->vsize = 100;
    pool_add(mp, e);
    mtx_clear(&m);
    return tx;
}

static int64_t bump(struct mempool *mp, const struct tx *tx, uint32_t n,
                    int64_t feerate)
{
    const struct outpoint o = {tx->txid, n};
    struct amount fee;
    mempool_bump_fees(mp, &o, 1, feerate, &fee);
    return fee.v;
}

/* Whoever spends poor parents pays what they lack, unless a miner takes them anyway. */
static void spenders_pay_for_poor_ancestors(void **state)
{
    (void)state;
    struct mempool_options opt = mempool_default_options();
    struct mempool *mp = mempool_new(NULL, &opt);
    const struct hash256 base = {{1}}, other = {{2}}, unknown = {{3}};
    struct tx *grandparent = add_sized(mp, &base, 0, 100);
    struct tx *parent = add_sized(mp, &grandparent->txid, 0, 200);
    struct tx *rich = add_sized(mp, &other, 0, 5000);
    const struct outpoint outs[] = {{parent->txid, 0},
                                    {parent->txid, 1},
                                    {grandparent->txid, 1},
                                    {rich->txid, 0},
                                    {unknown, 0}};
    assert_int_equal(bump(mp, grandparent, 1, 1000), 0);
    assert_int_equal(bump(mp, grandparent, 1, 3000), 200);
    assert_int_equal(bump(mp, parent, 0, 3000), 300); /* 600 - 100 - 200 */
    assert_int_equal(bump(mp, rich, 0, 3000), 0);
    assert_int_equal(mempool_combined_bump_fee(mp, outs, 5, 3000).v, 300);
    assert_int_equal(mempool_combined_bump_fee(mp, outs + 3, 2, 3000).v, 0);

    /* a rich child carries both; spending what it spends puts an end to that */
    struct tx *child = add_sized(mp, &parent->txid, 2, 9000);
    assert_int_equal(bump(mp, parent, 0, 3000), 0);
    assert_int_equal(bump(mp, grandparent, 1, 3000), 0);
    assert_int_equal(bump(mp, parent, 2, 3000), 300);
    mempool_free(mp);
    tx_unref(grandparent);
    tx_unref(parent);
    tx_unref(rich);
    tx_unref(child);
}

static int64_t base_time = 1000000;

static void eviction_takes_the_worst_and_raises_the_minimum(void **state)
{
    (void)state;
    struct clock clock;
    struct mempool_options opt = mempool_default_options();
    clock_init(&clock);
    clock_set_mock(&clock, base_time);
    opt.clock = &clock;
    opt.max_bytes = 20000;
    struct mempool *mp = mempool_new(NULL, &opt);
    int64_t fee = 1000;
    for (uint8_t i = 1; mp->usage <= 20000; i++, fee += 100) {
        struct hash256 base = {{i}};
        struct tx *tx = make_spend(&base, 0, 1000);
        struct mempool_entry *e = pool_entry_new(tx);
        e->fee = amount_of(fee);
        e->vsize = 100;
        e->time = base_time;
        pool_add(mp, e);
        tx_unref(tx);
    }
    size_t before = mempool_count(mp);
    pool_limit(mp);
    assert_true(mempool_count(mp) < before && mp->usage <= 20000);
    assert_int_equal(mempool_min_feerate(mp),
                     1000 * 10 + 1000); /* what left, and a step */
    for (const struct mempool_entry *e = mp->oldest; e; e = e->newer)
        assert_true(e->fee.v > 1000);
    clock_set_mock(&clock, base_time + 86400);
    assert_int_equal(mempool_min_feerate(mp),
                     11000); /* does not sink without a block */
    pool_rolling_block(mp);
    clock_set_mock(&clock, base_time + 86400 + 43200);
    assert_int_equal(mempool_min_feerate(mp), 5500); /* halves in twelve hours */
    clock_set_mock(&clock, base_time + 86400 + 40 * 43200);
    assert_int_equal(mempool_min_feerate(mp), 0);
    mempool_free(mp);
}

static void old_transactions_expire_with_their_children(void **state)
{
    (void)state;
    struct clock clock;
    struct mempool_options opt = mempool_default_options();
    clock_init(&clock);
    clock_set_mock(&clock, base_time);
    opt.clock = &clock;
    struct mempool *mp = mempool_new(NULL, &opt);
    struct rng r;
    struct hash256 one = {{1}}, two = {{2}};
    struct tx *a = make_spend(&one, 0, 1000), *b = make_spend(&a->txid, 0, 900);
    struct tx *c = make_spend(&two, 0, 1000);
    rng_seed(&r, 1);
    add_random(mp, &r, a);
    add_random(mp, &r, b);
    add_random(mp, &r, c);
    pool_find(mp, &a->txid)->time = base_time;
    mp->oldest_time = base_time;
    pool_find(mp, &b->txid)->time = pool_find(mp, &c->txid)->time = base_time + 10;
    clock_set_mock(&clock, base_time + opt.expiry_s);
    pool_limit(mp);
    assert_int_equal(mempool_count(mp), 3);
    clock_set_mock(&clock, base_time + opt.expiry_s + 1);
    pool_limit(mp);
    assert_int_equal(mempool_count(mp), 1);
    assert_non_null(mempool_find(mp, &c->txid));
    mempool_free(mp);
    tx_unref(a);
    tx_unref(b);
    tx_unref(c);
}

/* ---- on a chain ---- */

static void transactions_are_accepted_or_refused(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    struct hash256 nowhere = {{9}};
    int64_t v = subsidy(&w);
    struct tx *good = make_spend(&w.coinbase[1], 0, v - 10000);
    struct tx *child = make_spend(&good->txid, 0, v - 20000);
    struct tx *poor = make_spend(&w.coinbase[2], 0, v - 1);
    struct tx *young = make_spend(&w.coinbase[50], 0, v - 10000);
    struct tx *orphan = make_spend(&nowhere, 0, 1000);
    struct tx *greedy = make_spend(&w.coinbase[2], 0, v + 1);

    assert_string_equal(accept_tx(&w, child, false), "bad-txns-inputs-missingorspent");
    assert_string_equal(accept_tx(&w, good, true), "");
    assert_int_equal(mempool_count(w.mp), 0);
    assert_string_equal(accept_tx(&w, good, false), "");
    assert_string_equal(accept_tx(&w, good, false), "txn-already-in-mempool");
    assert_string_equal(accept_tx(&w, child, false), "");
    assert_string_equal(accept_tx(&w, poor, false), "min relay fee not met");
    assert_string_equal(accept_tx(&w, young, false),
                        "bad-txns-premature-spend-of-coinbase");
    assert_string_equal(accept_tx(&w, orphan, false), "bad-txns-inputs-missingorspent");
    assert_string_equal(accept_tx(&w, greedy, false), "bad-txns-in-belowout");
    assert_int_equal(mempool_count(w.mp), 2);
    tx_unref(good);
    tx_unref(child);
    tx_unref(poor);
    tx_unref(young);
    tx_unref(orphan);
    tx_unref(greedy);
    world_close(&w);
}

static void better_fees_replace(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    int64_t v = subsidy(&w);
    struct tx *old = make_spend(&w.coinbase[1], 0, v - 10000);
    struct tx *child = make_spend(&old->txid, 0, v - 20000);
    struct tx *same = make_spend(&w.coinbase[1], 0, v - 10001);
    struct tx *less = make_spend(&w.coinbase[1], 0, v - 9999);
    struct tx *more = make_spend(&w.coinbase[1], 0, v - 30000);

    assert_string_equal(accept_tx(&w, old, false), "");
    assert_string_equal(accept_tx(&w, child, false), "");
    assert_string_equal(accept_tx(&w, less, false), "insufficient fee");
    assert_string_equal(accept_tx(&w, same, false),
                        "insufficient fee"); /* for the child */
    assert_string_equal(accept_tx(&w, more, false), "");
    assert_int_equal(mempool_count(w.mp), 1);
    assert_non_null(mempool_find(w.mp, &more->txid));
    tx_unref(old);
    tx_unref(child);
    tx_unref(same);
    tx_unref(less);
    tx_unref(more);
    world_close(&w);
}

static void chains_have_a_limit(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    int64_t v = subsidy(&w);
    struct hash256 last = w.coinbase[1];
    for (int i = 0; i < 26; i++) {
        v -= 1000;
        struct tx *tx = make_spend(&last, 0, v);
        assert_string_equal(accept_tx(&w, tx, false),
                            i < 25 ? "" : "too-long-mempool-chain");
        last = tx->txid;
        tx_unref(tx);
    }
    assert_int_equal(mempool_count(w.mp), 25);
    world_close(&w);
}

static void blocks_confirm_and_reorgs_bring_back(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    int64_t v = subsidy(&w);
    struct hash256 fork = w.tip;
    struct tx *a = make_spend(&w.coinbase[1], 0, v - 10000);
    struct tx *b = make_spend(&a->txid, 0, v - 20000);
    struct tx *young = make_spend(&w.coinbase[11], 0, v - 10000);

    assert_string_equal(accept_tx(&w, a, false), "");
    assert_string_equal(accept_tx(&w, b, false), "");
    put_block(&w, 111, &a, 1);
    assert_int_equal(mempool_count(w.mp), 1);
    assert_int_equal(mempool_find(w.mp, &b->txid)->n_ancestors, 1);
    assert_string_equal(accept_tx(&w, a, false), "txn-already-known");
    put_block(&w, 112, &b, 1);
    assert_int_equal(mempool_count(w.mp), 0);
    assert_string_equal(accept_tx(&w, young, false),
                        ""); /* matures at 111, spent in 113 */

    /* A longer branch from 110 without any of them. */
    w.tip = fork;
    world_mine(&w, 111, 3, 5);
    assert_int_equal(mempool_count(w.mp), 3);
    assert_int_equal(mempool_find(w.mp, &b->txid)->n_ancestors, 2);

    /* A block that spends a's coin otherwise throws both out. */
    struct tx *other = make_spend(&w.coinbase[1], 0, v - 5);
    put_block(&w, 114, &other, 1);
    assert_int_equal(mempool_count(w.mp), 1);
    tx_unref(a);
    tx_unref(b);
    tx_unref(young);
    tx_unref(other);
    world_close(&w);
}

struct invalidate_call {
    struct chainman *cm;
    struct block_index *bi;
};

static void invalidate_job(void *arg)
{
    struct invalidate_call *c = arg;
    chainman_invalidate(c->cm, c->bi);
}

static void reorgs_drop_what_became_immature(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    struct tx *young = make_spend(&w.coinbase[12], 0, subsidy(&w) - 10000);
    struct tx *child = make_spend(&young->txid, 0, subsidy(&w) - 20000);

    put_block(&w, 111, NULL, 0);
    assert_string_equal(accept_tx(&w, young, false), ""); /* to be spent in 112 */
    assert_string_equal(accept_tx(&w, child, false), "");
    struct invalidate_call c = {w.f.cm, block_tree_find(w.f.cm, &w.tip)};
    assert_int_equal(chainman_call(w.f.cm, invalidate_job, &c), ERR_OK);
    assert_int_equal(mempool_count(w.mp), 0);
    tx_unref(young);
    tx_unref(child);
    world_close(&w);
}

struct marks_call {
    struct mempool *mp;
    struct hash256 raised, absent, ours;
};

static void marks_job(void *arg)
{
    struct marks_call *c = arg;
    mempool_prioritise(c->mp, &c->raised, amount_of(777));
    mempool_prioritise(c->mp, &c->absent, amount_of(-5));
    mempool_unbroadcast_add(c->mp, &c->ours);
}

static void the_pool_survives_on_disk(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    int64_t v = subsidy(&w);
    struct tx *a = make_spend(&w.coinbase[1], 0, v - 10000);
    struct tx *b = make_spend(&a->txid, 0, v - 20000);
    struct hash256 other = {{77}};
    char *path = path_join(w.f.dir, "mempool.dat");

    assert_string_equal(accept_tx(&w, a, false), "");
    assert_string_equal(accept_tx(&w, b, false), "");
    struct marks_call marks = {w.mp, a->txid, other, b->txid};
    assert_int_equal(chainman_call(w.f.cm, marks_job, &marks), ERR_OK);
    assert_int_equal(mempool_save(w.mp, path), ERR_OK);

    struct mempool_options opt = *mempool_get_options(w.mp);
    struct mempool *again = mempool_new(w.f.cm, &opt);
    assert_int_equal(mempool_load(again, path, false, true, true), ERR_OK);
    assert_int_equal(mempool_count(again), 2);
    assert_int_equal(entry_modified_fee(mempool_find(again, &a->txid)), 10777);
    assert_int_equal(pool_delta(again, &other), -5);
    assert_true(mempool_is_unbroadcast(again, &b->txid));
    assert_false(mempool_is_unbroadcast(again, &a->txid));
    mempool_free(w.mp);
    w.mp = again;

    /* Cut short anywhere, it is corrupt, never a crash. */
    struct buf data = {0};
    assert_int_equal(fs_read_file(path, SIZE_MAX, &data), ERR_OK);
    for (size_t n = 0; n < data.len; n += 3) {
        assert_int_equal(fs_write_atomic(path, data.data, n, 0600), ERR_OK);
        assert_int_equal(mempool_load(again, path, false, false, false), ERR_CORRUPT);
    }
    buf_clear(&data);
    free(path);
    tx_unref(a);
    tx_unref(b);
    world_close(&w);
}

struct template_call {
    struct world *w;
    struct block_template *t;
};

static void template_job(void *arg)
{
    struct template_call *c = arg;
    struct miner_options opt = miner_default_options(c->w->mp);
    struct reject rej = {0};
    char text[512];
    c->t = block_template_new(c->w->f.cm, c->w->mp, &opt, bytes_of("\x51", 1), &rej);
    if (!c->t)
        print_message("template: %s\n", reject_text(&rej, text));
}

static struct block_template *make_template(struct world *w)
{
    struct template_call c = {.w = w};
    assert_int_equal(chainman_call(w->f.cm, template_job, &c), ERR_OK);
    assert_non_null(c.t);
    return c.t;
}

static void templates_take_the_best_packages_first(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    int64_t v = subsidy(&w);
    struct tx *parent = make_spend(&w.coinbase[1], 0, v - 200); /* poor */
    struct tx *child = make_spend(&parent->txid, 0, v - 90000); /* pays for both */
    struct tx *middle = make_spend(&w.coinbase[2], 0, v - 10000);
    struct tx *rich = make_spend(&w.coinbase[3], 0, v - 200000);
    const struct tx *order[] = {rich, parent, child, middle};

    assert_string_equal(accept_tx(&w, middle, false), "");
    assert_string_equal(accept_tx(&w, parent, false), "");
    assert_string_equal(accept_tx(&w, child, false), "");
    assert_string_equal(accept_tx(&w, rich, false), "");
    struct block_template *t = make_template(&w);
    assert_int_equal(t->n_txs, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(hash256_equal(&t->txs[i].tx->txid, &order[i]->txid));
    assert_int_equal(t->fees.v, 90000 + 10000 + 200000);
    assert_int_equal(t->coinbase_value.v, v + t->fees.v);

    uint64_t tries = 1000000;
    struct block *b = mine_block(t->block, &w.f.params, &tries, NULL);
    assert_non_null(b);
    assert_true(submit(&w.f, b).accepted);
    assert_int_equal(mempool_count(w.mp), 0);
    assert_int_equal(chain_height(w.f.cm), 111);
    block_unref(b);
    block_template_unref(t);
    tx_unref(parent);
    tx_unref(child);
    tx_unref(middle);
    tx_unref(rich);
    world_close(&w);
}

static void a_missing_reserved_value_is_completed(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    struct block_template *t = make_template(&w);
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    block_write(t->block, &s, false);
    struct block *bare = block_from_buf(&raw);
    assert_false(bare->txs[0].has_witness);
    struct block *full = block_complete_witness(bare, &w.f.params, t->height);
    assert_true(hash256_equal(&full->hash, &t->block->hash));
    assert_true(hash256_equal(&full->txs[0].wtxid, &t->block->txs[0].wtxid));
    struct block *same = block_complete_witness(full, &w.f.params, t->height);
    assert_ptr_equal(same, full);
    block_unref(same);
    block_unref(full);
    block_unref(bare);
    block_template_unref(t);
    world_close(&w);
}

/* ---- everything at random ---- */

struct random_call {
    struct world *w;
    struct rng *r;
    struct hash256 made[3000]; /* txids accepted at one time */
    int64_t value[3000];       /* of their outputs 0 */
    size_t n_made;
};

/* Spends anything that there ever was: some of it is gone, some confirmed, some in the
 * pool. */
static void random_tx_job(void *arg)
{
    struct random_call *c = arg;
    struct accept_result r;
    struct hash256 txid = c->w->coinbase[1 + rng_below(c->r, 100)];
    int64_t value = subsidy(c->w);
    if (c->n_made && rng_below(c->r, 4)) {
        size_t i = rng_below(c->r, c->n_made);
        txid = c->made[i];
        value = c->value[i];
    }
    value -= 1000 + (int64_t)rng_below(c->r, 100000);
    struct tx *tx = make_spend(&txid, 0, value);
    if (mempool_accept(c->w->mp, tx, false, false, 0, &r)) {
        c->made[c->n_made] = tx->txid;
        c->value[c->n_made++] = value;
    }
    accept_result_clear(&r);
    tx_unref(tx);
}

/* Some of the pool's transactions into a block, on the tip or below it. */
static void random_block_job(void *arg)
{
    struct random_call *c = arg;
    struct miner_options opt = miner_default_options(c->w->mp);
    struct reject rej = {0};
    uint8_t script[] = {0x51, 0x51, (uint8_t)rng_u64(c->r)};
    uint64_t tries = 1000000;
    bool is_new;
    opt.max_weight = 4000 + (int64_t)rng_below(c->r, 6000);
    struct block_template *t = block_template_new(
        c->w->f.cm, c->w->mp, &opt, bytes_of(script, sizeof(script)), &rej);
    assert_non_null(t);
    struct block *b = mine_block(t->block, &c->w->f.params, &tries, NULL);
    chainman_process_block(c->w->f.cm, b, true, true, &is_new, &rej);
    block_unref(b);
    block_template_unref(t);
}

static void random_reorg_job(void *arg)
{
    struct random_call *c = arg;
    struct chainman *cm = c->w->f.cm;
    int32_t depth = (int32_t)rng_below(c->r, 4);
    struct block_index *bi = chain_at(cm, chain_height(cm) - depth);
    if (bi->height <= 110)
        return;
    chainman_invalidate(cm, bi);
    for (uint64_t n = rng_below(c->r, 6); n > 0; n--)
        random_block_job(c);
    if (rng_below(c->r, 2))
        chainman_reconsider(cm, bi);
}

/* check_ratio is 1: whenever the tip settles, all that the pool knows is computed anew.
 */
static void the_pool_follows_any_chain(void **state)
{
    (void)state;
    struct world w;
    struct rng r;
    world_open(&w);
    rng_seed(&r, 3);
    struct random_call c = {.w = &w, .r = &r};
    size_t most = 0;
    for (int i = 0; i < 3000; i++) {
        uint64_t what = rng_below(&r, 40);
        clock_set_mock(&w.f.clock, 1600000000 + i * 30);
        assert_int_equal(chainman_call(w.f.cm,
                                       what == 0   ? random_reorg_job
                                       : what == 1 ? random_block_job
                                                   : random_tx_job,
                                       &c),
                         ERR_OK);
        most = mempool_count(w.mp) > most ? mempool_count(w.mp) : most;
    }
    assert_int_equal(w.f.stops, 0);
    assert_true(chain_height(w.f.cm) > 150 && block_tree_size(w.f.cm) > 200);
    assert_true(most > 20);
    world_close(&w);
}

static void tickets_compete_for_their_claims(void **state)
{
    (void)state;
    struct world w;
    toy_world_open(&w);
    int64_t v = subsidy(&w);
    struct tx *first = make_ticket(&w.coinbase[1], v - 10000, 'a', true);
    struct tx *cheap = make_ticket(&w.coinbase[2], v - 10010, 'a', true);
    struct tx *dear = make_ticket(&w.coinbase[3], v - 30000, 'a', true);
    struct tx *forged = make_ticket(&w.coinbase[4], v - 10000, 'b', false);
    struct tx *other = make_ticket(&w.coinbase[5], v - 10000, 'c', true);
    struct tx *child = make_spend(&dear->txid, 0, v - 40000);

    assert_string_equal(accept_tx(&w, first, false), "");
    assert_string_equal(accept_tx(&w, cheap, false), "insufficient fee");
    assert_string_equal(accept_tx(&w, forged, false), "ticket-signature");
    assert_string_equal(accept_tx(&w, dear, false), ""); /* replaces the first */
    assert_null(mempool_find(w.mp, &first->txid));
    assert_string_equal(accept_tx(&w, child, false), "");
    assert_string_equal(accept_tx(&w, other, false), "");
    assert_true(toy_dropped > 0);

    /* A block registers the name: the pooled ticket leaves with its child. */
    put_block(&w, 111, &first, 1);
    assert_int_equal(mempool_count(w.mp), 1);
    assert_string_equal(accept_tx(&w, dear, false), "ticket-conflict");

    /* The block goes: the registered ticket comes back. */
    struct invalidate_call c = {w.f.cm, block_tree_find(w.f.cm, &w.tip)};
    assert_int_equal(chainman_call(w.f.cm, invalidate_job, &c), ERR_OK);
    assert_non_null(mempool_find(w.mp, &first->txid));
    assert_int_equal(mempool_count(w.mp), 2);

    struct block_template *t = make_template(&w);
    assert_int_equal(t->n_txs, 2);
    assert_int_equal(t->n_required, 1);
    assert_int_equal(t->coinbase_value.v, v - 1000 + 20000);
    assert_int_equal(t->block->txs[0].out[0].value.v, v - 1000 + 20000 - 500);
    assert_int_equal(t->block->txs[0].out[1].value.v, 500);
    block_template_unref(t);
    tx_unref(first);
    tx_unref(cheap);
    tx_unref(dear);
    tx_unref(forged);
    tx_unref(other);
    tx_unref(child);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_stay_consistent),
        cmocka_unit_test(confirmed_parents_leave_their_children),
        cmocka_unit_test(eviction_takes_the_worst_and_raises_the_minimum),
        cmocka_unit_test(old_transactions_expire_with_their_children),
        cmocka_unit_test(transactions_are_accepted_or_refused),
        cmocka_unit_test(better_fees_replace),
        cmocka_unit_test(chains_have_a_limit),
        cmocka_unit_test(blocks_confirm_and_reorgs_bring_back),
        cmocka_unit_test(reorgs_drop_what_became_immature),
        cmocka_unit_test(the_pool_survives_on_disk),
        cmocka_unit_test(templates_take_the_best_packages_first),
        cmocka_unit_test(a_missing_reserved_value_is_completed),
        cmocka_unit_test(spenders_pay_for_poor_ancestors),
        cmocka_unit_test(the_pool_follows_any_chain),
        cmocka_unit_test(tickets_compete_for_their_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
