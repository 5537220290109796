/* Orphans: single rules, and random operations against a naive model. */
#include <stdlib.h>

#include "net/extra_txs.h"
#include "net/orphanage.h"
#include "util/mem.h"
#include "util/rand.h"

#include "unit.h"

static struct hash256 hash(uint32_t n)
{
    struct hash256 h = {{0}};
    put_le32(h.b, n);
    return h;
}

/* Spends these outputs, has @n_out of its own, and @pad bytes more in the first. */
static struct tx *make_tx(const struct outpoint *ins, size_t n_in, size_t n_out,
                          size_t pad)
{
    struct mtx m;
    uint8_t *script = xcalloc(pad + 1, 1);
    mtx_init(&m);
    for (size_t i = 0; i < n_in; i++)
        mtx_add_in(&m, &ins[i], SEQUENCE_FINAL);
    for (size_t i = 0; i < n_out; i++)
        mtx_add_out(&m, amount_of(1000), bytes_of(script, i ? 1 : pad + 1));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    free(script);
    return tx;
}

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

/* -- Against a model ------------------------------------------------------------------
 */

#define PEERS     4
#define PARENTS   6
#define TXS       60
#define MODEL_MAX 12

struct model {
    struct tx *parents[PARENTS], *txs[TXS];
    /* Who has what, in the order it came; looked through every time. */
    struct {
        int64_t peer;
        size_t x;
    } held[PEERS * TXS];
    size_t n_held;
    int64_t expires[TXS];
    bool work[TXS];
    int64_t now;
};

static bool holds(const struct model *m, int64_t peer, size_t x)
{
    for (size_t i = 0; i < m->n_held; i++)
        if (m->held[i].x == x && (peer < 0 || m->held[i].peer == peer))
            return true;
    return false;
}

static void remove_at(struct model *m, size_t i)
{
    size_t x = m->held[i].x;
    memmove(&m->held[i], &m->held[i + 1], (--m->n_held - i) * sizeof(m->held[0]));
    if (!holds(m, -1, x))
        m->work[x] = false;
}

/* Of one peer or of all, of one transaction or of all: -1 and SIZE_MAX. */
static void forget(struct model *m, int64_t peer, size_t x)
{
    for (size_t i = m->n_held; i > 0; i--)
        if ((peer < 0 || m->held[i - 1].peer == peer) &&
            (x == SIZE_MAX || m->held[i - 1].x == x))
            remove_at(m, i - 1);
}

struct sums {
    int64_t n, weight, peers;
    int64_t peer_n[PEERS], peer_weight[PEERS];
};

static struct sums sum_up(const struct model *m)
{
    struct sums s = {0};
    for (size_t i = 0; i < m->n_held; i++) {
        int64_t p = m->held[i].peer;
        s.peers += s.peer_n[p]++ == 0;
        s.peer_weight[p] += tx_weight(m->txs[m->held[i].x]);
    }
    for (size_t x = 0; x < TXS; x++)
        if (holds(m, -1, x)) {
            s.n++;
            s.weight += tx_weight(m->txs[x]);
        }
    return s;
}

static void limit(struct model *m)
{
    struct sums s;
    while ((s = sum_up(m)).n > MODEL_MAX ||
           s.weight > s.peers * ORPHANAGE_PEER_WEIGHT) {
        const int64_t *by = s.n > MODEL_MAX ? s.peer_n : s.peer_weight;
        int64_t worst = 0;
        for (int64_t p = 1; p < PEERS; p++)
            if (by[p] >= by[worst])
                worst = p;
        size_t i = 0;
        while (m->held[i].peer != worst)
            i++;
        /* Nobody gives up what is within its share. */
        assert_true(s.n > MODEL_MAX ? by[worst] * s.peers > MODEL_MAX
                                    : by[worst] > ORPHANAGE_PEER_WEIGHT);
        remove_at(m, i);
    }
}

static void expire(struct model *m)
{
    for (size_t x = 0; x < TXS; x++)
        if (m->expires[x] <= m->now)
            forget(m, -1, x);
    limit(m);
}

static bool spends_any(const struct tx *a, const struct tx *b)
{
    for (uint32_t i = 0; i < a->n_in; i++)
        for (uint32_t k = 0; k < b->n_in; k++)
            if (outpoint_equal(&a->in[i].prevout, &b->in[k].prevout))
                return true;
    return false;
}

static void mark_children(struct model *m, const struct tx *parent)
{
    for (size_t x = 0; x < TXS; x++)
        for (uint32_t i = 0; i < m->txs[x]->n_in; i++)
            if (hash256_equal(&m->txs[x]->in[i].prevout.txid, &parent->txid) &&
                holds(m, -1, x))
                m->work[x] = true;
}

static void add(struct model *m, struct orphanage *o, int64_t peer, size_t x)
{
    expire(m);
    bool is_new = !holds(m, -1, x);
    assert_int_equal(orphanage_add(o, m->txs[x], peer, m->now), is_new);
    if (holds(m, peer, x))
        return;
    if (is_new)
        m->expires[x] = m->now + 20 * 60;
    m->held[m->n_held].peer = peer;
    m->held[m->n_held++].x = x;
    if (is_new)
        limit(m);
}

static void connect_block(struct model *m, struct orphanage *o, const struct tx *tx)
{
    orphanage_block(o, tx, 1);
    for (size_t x = 0; x < TXS; x++)
        if (spends_any(m->txs[x], tx))
            forget(m, -1, x);
    limit(m);
    mark_children(m, tx);
}

/* Any holder may have been chosen; a lone one must have. */
static void take_work(struct model *m, struct orphanage *o, int64_t peer)
{
    struct tx *tx = orphanage_next(o, peer);
    for (size_t x = 0; x < TXS; x++) {
        if (tx == m->txs[x]) {
            assert_true(m->work[x] && holds(m, peer, x));
            m->work[x] = false;
        }
        bool others = false;
        for (int64_t p = 0; p < PEERS; p++)
            others = others || (p != peer && holds(m, p, x));
        assert_false(!tx && m->work[x] && holds(m, peer, x) && !others);
    }
    tx_unref(tx);
}

static void step(struct model *m, struct orphanage *o, struct rng *rng)
{
    int64_t peer = (int64_t)rng_below(rng, PEERS);
    size_t x = rng_below(rng, TXS);
    const struct tx *parent = m->parents[rng_below(rng, PARENTS)];
    uint64_t op = rng_below(rng, 100);
    if (op < 55) {
        add(m, o, peer, x);
    } else if (op < 65) {
        orphanage_add_children(o, parent);
        mark_children(m, parent);
    } else if (op < 80) {
        take_work(m, o, peer);
    } else if (op < 88) {
        assert_int_equal(orphanage_erase(o, &m->txs[x]->wtxid), holds(m, -1, x));
        forget(m, -1, x);
        limit(m);
    } else if (op < 92) {
        connect_block(m, o, rng_below(rng, 2) ? parent : m->txs[x]);
    } else if (op < 96) {
        orphanage_drop_peer(o, peer);
        forget(m, peer, SIZE_MAX);
        limit(m);
    } else {
        m->now += (int64_t)rng_below(rng, 600);
        orphanage_expire(o, m->now);
        expire(m);
    }
}

static void compare(const struct model *m, const struct orphanage *o)
{
    struct sums s = sum_up(m);
    int64_t peers[PEERS];
    orphanage_check(o);
    assert_int_equal(orphanage_size(o), s.n);
    assert_int_equal(orphanage_weight(o), s.weight);
    for (int64_t p = 0; p < PEERS; p++) {
        assert_int_equal(orphanage_peer_size(o, p), s.peer_n[p]);
        assert_int_equal(orphanage_peer_weight(o, p), s.peer_weight[p]);
        for (size_t x = 0; x < TXS; x++)
            assert_int_equal(orphanage_has_from(o, &m->txs[x]->wtxid, p),
                             holds(m, p, x));
    }
    for (size_t x = 0; x < TXS; x++)
        assert_int_equal(orphanage_peers(o, &m->txs[x]->wtxid, peers, PEERS) > 0,
                         holds(m, -1, x));
}

/* Parents of three outputs, transactions that spend one to three of them; some heavy.
 */
static void make_family(struct model *m, struct rng *rng)
{
    for (uint32_t i = 0; i < PARENTS; i++) {
        struct outpoint root = {hash(i), 0};
        m->parents[i] = make_tx(&root, 1, 3, 0);
    }
    for (uint32_t x = 0; x < TXS; x++) {
        struct outpoint ins[4] = {{hash(1000 + x), 0}};
        size_t n = 1 + rng_below(rng, 3);
        for (size_t i = 1; i <= n; i++)
            ins[i] = (struct outpoint){m->parents[rng_below(rng, PARENTS)]->txid,
                                       (uint32_t)rng_below(rng, 3)};
        m->txs[x] = make_tx(ins, n + 1, 1, rng_below(rng, 8) ? 0 : 80000);
    }
}

static void behaves_like_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct orphanage *o = new_orphanage(MODEL_MAX);
        struct model m = {.now = 1000};
        struct rng rng;
        rng_seed(&rng, seed);
        make_family(&m, &rng);
        for (int i = 0; i < 2000; i++) {
            step(&m, o, &rng);
            compare(&m, o);
        }
        orphanage_free(o);
        for (size_t i = 0; i < PARENTS; i++)
            tx_unref(m.parents[i]);
        for (size_t i = 0; i < TXS; i++)
            tx_unref(m.txs[i]);
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
