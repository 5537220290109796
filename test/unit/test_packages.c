/* Packages on a real chain: by example, and at random against a model of the rules. */
#include "unit.h"

#include "chain/mempool/accept.h"
#include "chain/mempool/package.h"
#include "crypto/sha256.h"
#include "mempool_world.h"
#include "package_model.h"
#include "util/rand.h"

struct package_call {
    struct mempool *mp;
    const struct tx *const *txs;
    size_t n;
    struct accept_result *results;
    struct reject rej;
};

static void package_job(void *arg)
{
    struct package_call *c = arg;
    mempool_test_package(c->mp, c->txs, c->n, c->results, &c->rej);
}

static const char *test_package(struct world *w, const struct tx *const *txs, size_t n,
                                struct accept_result *results)
{
    struct package_call c = {w->mp, txs, n, results, {0}};
    assert_int_equal(chainman_call(w->f.cm, package_job, &c), ERR_OK);
    return reject_code_text(c.rej.code);
}

static void packages_are_tested_as_a_whole(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    int64_t v = subsidy(&w);
    struct accept_result r[3];
    struct tx *a = make_spend(&w.coinbase[1], 0, v - 10000);
    struct tx *b = make_spend(&a->txid, 0, v - 20000);
    struct tx *c = make_spend(&w.coinbase[1], 0, v - 30000);
    struct tx *poor = make_spend(&b->txid, 0, v - 20001);
    const struct tx *sorted[] = {a, b}, *unsorted[] = {b, a}, *twice[] = {a, a};
    const struct tx *clash[] = {a, c}, *bad[] = {a, b, poor};

    assert_string_equal(test_package(&w, sorted, 2, r), "");
    assert_true(r[0].accepted && r[1].accepted);
    assert_int_equal(r[1].fee.v, 10000);
    assert_string_equal(test_package(&w, unsorted, 2, r), "package-not-sorted");
    assert_string_equal(test_package(&w, twice, 2, r), "package-contains-duplicates");
    assert_string_equal(test_package(&w, clash, 2, r), "conflict-in-package");
    assert_string_equal(test_package(&w, bad, 3, r), "transaction failed");
    assert_string_equal(reject_code_text(r[2].rej.code), "min relay fee not met");
    assert_int_equal(mempool_count(w.mp), 0);
    assert_string_equal(accept_tx(&w, c, false), "");
    assert_string_equal(test_package(&w, sorted, 2, r), "transaction failed");
    assert_string_equal(reject_code_text(r[0].rej.code),
                        "bip125-replacement-disallowed");
    tx_unref(a);
    tx_unref(b);
    tx_unref(c);
    tx_unref(poor);
    world_close(&w);
}

static void packages_have_a_size(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    struct accept_result r[MAX_PACKAGE_COUNT + 1];
    const struct tx *many[MAX_PACKAGE_COUNT + 1], *large[2];
    struct hash256 nowhere = {{3}};
    static uint8_t script[50500];

    for (uint32_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = make_spend(&nowhere, i, 1000);
    assert_string_equal(test_package(&w, many, ARRAY_LEN(many), r),
                        "package-too-many-transactions");
    assert_string_equal(test_package(&w, many, MAX_PACKAGE_COUNT, r),
                        "transaction failed");
    for (uint32_t i = 0; i < 2; i++) {
        struct outpoint o = {nowhere, i};
        struct mtx m;
        mtx_init(&m);
        mtx_add_in(&m, &o, SEQUENCE_FINAL);
        mtx_add_out(&m, amount_of(1), bytes_of(script, sizeof(script)));
        large[i] = mtx_to_tx(&m);
        mtx_clear(&m);
    }
    assert_true(tx_weight(large[0]) + tx_weight(large[1]) > MAX_PACKAGE_WEIGHT);
    assert_string_equal(test_package(&w, large, 2, r), "package-too-large");
    assert_string_equal(test_package(&w, large, 1, r), "transaction failed");
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        tx_unref((struct tx *)many[i]);
    tx_unref((struct tx *)large[0]);
    tx_unref((struct tx *)large[1]);
    world_close(&w);
}

/* Version 3, so that the parent may pay nothing. */
static struct tx *make_truc(const struct hash256 *txid, uint32_t n, int64_t value)
{
    struct mtx m;
    struct tx *tx = make_spend(txid, n, value);
    mtx_from_tx(&m, tx);
    tx_unref(tx);
    m.version = 3;
    tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

struct submit_call {
    struct mempool *mp;
    const struct tx *const *txs;
    size_t n;
    struct package_tx out[3];
    struct reject rej;
};

static void submit_package_job(void *arg)
{
    struct submit_call *c = arg;
    mempool_submit_package(c->mp, c->txs, c->n, 0, c->out, &c->rej);
    for (size_t i = 0; i < c->n; i++)
        accept_result_clear(&c->out[i].r);
}

static void children_pay_for_their_parents(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    int64_t v = subsidy(&w);
    struct tx *parent = make_truc(&w.coinbase[1], 0, v);
    struct tx *poor = make_truc(&parent->txid, 0, v - 20);
    struct tx *rich = make_truc(&parent->txid, 0, v - 20000);
    const struct tx *too_little[] = {parent, poor}, *enough[] = {parent, rich};
    const struct tx *no_parent[] = {rich, parent};

    assert_string_equal(accept_tx(&w, parent, false), "min relay fee not met");
    struct submit_call c = {.mp = w.mp, .txs = too_little, .n = 2};
    assert_int_equal(chainman_call(w.f.cm, submit_package_job, &c), ERR_OK);
    assert_string_equal(reject_code_text(c.rej.code), "transaction failed");
    assert_int_equal(c.out[0].verdict, PACKAGE_REFUSED);
    assert_string_equal(reject_code_text(c.out[0].r.rej.code), "min relay fee not met");
    assert_int_equal(mempool_count(w.mp), 0);

    c = (struct submit_call){.mp = w.mp, .txs = no_parent, .n = 2};
    assert_int_equal(chainman_call(w.f.cm, submit_package_job, &c), ERR_OK);
    assert_string_equal(reject_code_text(c.rej.code), "package-not-sorted");

    c = (struct submit_call){.mp = w.mp, .txs = enough, .n = 2};
    assert_int_equal(chainman_call(w.f.cm, submit_package_job, &c), ERR_OK);
    assert_int_equal(c.rej.code, REJECT_NONE);
    assert_int_equal(c.out[0].verdict, PACKAGE_ACCEPTED);
    assert_int_equal(c.out[1].verdict, PACKAGE_ACCEPTED);
    assert_int_equal(c.out[0].effective_feerate, c.out[1].effective_feerate);
    assert_int_equal(mempool_count(w.mp), 2);

    assert_int_equal(chainman_call(w.f.cm, submit_package_job, &c), ERR_OK);
    assert_int_equal(c.out[1].verdict, PACKAGE_IN_POOL);
    tx_unref(parent);
    tx_unref(poor);
    tx_unref(rich);
    world_close(&w);
}

static void version_3_families_are_pairs(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    int64_t v = subsidy(&w);
    struct mtx m;
    struct tx *parent = make_truc(&w.coinbase[1], 0, v / 2);
    mtx_from_tx(&m, parent);
    tx_unref(parent);
    mtx_add_out(&m, amount_of(v / 4), bytes_of("\x51", 1)); /* output 2 */
    parent = mtx_to_tx(&m);
    mtx_clear(&m);
    struct tx *child = make_truc(&parent->txid, 0, v / 2 - 10000);
    struct tx *grandchild = make_truc(&child->txid, 0, v / 2 - 20000);
    struct tx *sibling = make_truc(&parent->txid, 2, v / 4 - 10000);
    struct tx *richer = make_truc(&parent->txid, 2, v / 4 - 50000);
    struct tx *other = make_spend(&parent->txid, 0, v / 2 - 90000);

    assert_string_equal(accept_tx(&w, parent, false), "");
    assert_string_equal(accept_tx(&w, other, false), "TRUC-violation");
    assert_string_equal(accept_tx(&w, child, false), "");
    assert_string_equal(accept_tx(&w, grandchild, false), "TRUC-violation");
    assert_string_equal(accept_tx(&w, sibling, false),
                        "insufficient fee (including sibling eviction)");
    assert_string_equal(accept_tx(&w, richer, false), "");
    assert_null(mempool_find(w.mp, &child->txid));
    assert_int_equal(mempool_count(w.mp), 2);
    tx_unref(parent);
    tx_unref(child);
    tx_unref(grandchild);
    tx_unref(sibling);
    tx_unref(richer);
    tx_unref(other);
    world_close(&w);
}

/* ---- tickets ---- */

static struct tx *with_version(struct tx *take_tx, int32_t version)
{
    struct mtx m;
    mtx_from_tx(&m, take_tx);
    tx_unref(take_tx);
    m.version = version;
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

/* What single transactions may not do to each other, members of a package may not. */
static void claims_are_used_once_in_a_package(void **state)
{
    (void)state;
    struct world w;
    toy_world_open(&w);
    int64_t v = subsidy(&w);
    struct accept_result r[2];
    struct tx *a = with_version(make_ticket(&w.coinbase[1], v, 'a', true), 3);
    struct tx *same = with_version(make_ticket(&a->txid, v - 20000, 'a', true), 3);
    struct tx *other = with_version(make_ticket(&a->txid, v - 20000, 'b', true), 3);
    struct tx *forged = with_version(make_ticket(&a->txid, v - 30000, 'b', false), 3);
    struct tx *dear = make_ticket(&w.coinbase[2], v - 30000, 'a', true);
    struct tx *poor = make_ticket(&w.coinbase[3], v - 20000, 'a', true);
    const struct tx *clash[] = {a, same}, *bad[] = {a, forged}, *good[] = {a, other};

    struct submit_call c = {.mp = w.mp, .txs = clash, .n = 2};
    assert_int_equal(chainman_call(w.f.cm, submit_package_job, &c), ERR_OK);
    assert_string_equal(reject_code_text(c.rej.code), "conflict-in-package");
    c = (struct submit_call){.mp = w.mp, .txs = bad, .n = 2};
    assert_int_equal(chainman_call(w.f.cm, submit_package_job, &c), ERR_OK);
    assert_string_equal(reject_code_text(c.out[1].r.rej.code), "ticket-signature");
    assert_int_equal(mempool_count(w.mp), 0);
    c = (struct submit_call){.mp = w.mp, .txs = good, .n = 2};
    assert_int_equal(chainman_call(w.f.cm, submit_package_job, &c), ERR_OK);
    assert_int_equal(c.rej.code, REJECT_NONE);
    /* Who claims a name of the pool competes with its family, and pays for it. */
    assert_string_equal(accept_tx(&w, poor, false), "insufficient fee");
    assert_string_equal(accept_tx(&w, dear, false), "");
    assert_int_equal(mempool_count(w.mp), 1);

    /* And a pair competes for a name with what is there. */
    c = (struct submit_call){.mp = w.mp, .txs = good, .n = 2};
    assert_int_equal(chainman_call(w.f.cm, submit_package_job, &c), ERR_OK);
    assert_string_equal(reject_code_text(c.rej.code), "package RBF failed");
    assert_non_null(mempool_find(w.mp, &dear->txid));
    struct tx *rich = with_version(make_ticket(&a->txid, v - 90000, 'b', true), 3);
    const struct tx *better[] = {a, rich};
    c = (struct submit_call){.mp = w.mp, .txs = better, .n = 2};
    assert_int_equal(chainman_call(w.f.cm, submit_package_job, &c), ERR_OK);
    assert_int_equal(c.rej.code, REJECT_NONE);
    assert_null(mempool_find(w.mp, &dear->txid));
    assert_int_equal(mempool_count(w.mp), 2);

    /* A trial replaces nothing and sees the members' claims as well. */
    struct tx *x = make_ticket(&w.coinbase[4], v - 20000, 'c', true);
    struct tx *y = make_ticket(&w.coinbase[5], v - 20000, 'c', true);
    const struct tx *twice[] = {x, y}, *taken[] = {poor, x};
    assert_string_equal(test_package(&w, twice, 2, r), "conflict-in-package");
    assert_string_equal(test_package(&w, taken, 2, r), "transaction failed");
    assert_string_equal(reject_code_text(r[0].rej.code),
                        "bip125-replacement-disallowed");
    struct tx *all[] = {a, same, other, forged, dear, poor, rich, x, y};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        tx_unref(all[i]);
    world_close(&w);
}

/* ---- names ---- */

static void a_package_has_one_name(void **state)
{
    (void)state;
    struct hash256 base = {{7}};
    struct tx *a = make_spend(&base, 0, 1), *b = make_spend(&base, 1, 2);
    struct tx *c = make_spend(&base, 2, 3);
    const struct tx *one[] = {a, b, c}, *two[] = {c, a, b}, *pair[] = {a, b};
    struct hash256 x = package_hash(one, 3), y = package_hash(two, 3);
    struct hash256 z = package_hash(pair, 2), want;
    char hex[3][65];

    assert_true(hash256_equal(&x, &y));
    assert_false(hash256_equal(&x, &z));
    /* in the order of their texts */
    bool a_first = strcmp(hash256_to_hex(hex[0], &a->wtxid),
                          hash256_to_hex(hex[1], &b->wtxid)) < 0;
    const struct hash256 ids[] = {a_first ? a->wtxid : b->wtxid,
                                  a_first ? b->wtxid : a->wtxid};
    sha256(want.b, ids, sizeof(ids));
    assert_true(hash256_equal(&z, &want));
    tx_unref(a);
    tx_unref(b);
    tx_unref(c);
}

/* ---- diagrams ---- */

/* Entries 2i and 2i+1 may be parent and child. */
struct family_case {
    const char *rule;
    int64_t fee, vsize; /* of the newcomer */
    struct {
        int64_t fee, vsize;
        int parent; /* -1: none */
        bool conflicts;
    } old[4];
    bool improves;
};

static const struct family_case diagrams[] = {
    {"more fee in less space", 200, 100, {{100, 150, -1, true}}, true},
    {"the same is no better", 100, 100, {{100, 100, -1, true}}, false},
    {"more fee, but later", 300, 400, {{200, 100, -1, true}}, false},
    {"the same rate, and more of it", 200, 200, {{100, 100, -1, true}}, true},
    {"less in all", 90, 10, {{100, 100, -1, true}}, false},
    {"a child that pays counts with its parent",
     205,
     200,
     {{0, 100, -1, true}, {200, 100, 0, false}},
     true},
    {"a parent that pays more stands first",
     201,
     200,
     {{150, 100, -1, true}, {50, 100, 0, false}},
     false},
    {"what stays behind is counted",
     300,
     100,
     {{100, 100, -1, false}, {200, 100, 0, true}},
     true},
    {"a poor parent that loses its child costs space at the end",
     205,
     100,
     {{0, 100, -1, false}, {200, 100, 0, true}},
     true},
    {"two families at once",
     500,
     200,
     {{100, 100, -1, true}, {-1, 0, 0, false}, {300, 100, -1, true}},
     false},
    {"two families, better than both",
     700,
     200,
     {{100, 100, -1, true}, {-1, 0, 0, false}, {300, 100, -1, true}},
     true},
};

static struct mempool_entry *plain_entry(struct mempool *mp,
                                         const struct hash256 *parent, uint32_t tag,
                                         int64_t fee, int64_t vsize)
{
    struct tx *tx = make_spend(parent, tag, 1000);
    struct mempool_entry *e = pool_entry_new(tx);
    e->fee = amount_of(fee);
    e->vsize = vsize;
    pool_add(mp, e);
    tx_unref(tx);
    return e;
}

static bool judge_diagram(const struct family_case *c, char why[256])
{
    struct mempool_options opt = mempool_default_options();
    struct mempool *mp = mempool_new(NULL, &opt);
    struct mempool_entry *e[4] = {NULL};
    struct entry_list conflicts = {0}, replaced = {0};
    struct hash256 base = {{9}};

    walk_begin(mp);
    for (uint32_t i = 0; i < 4; i++) {
        if (c->old[i].vsize == 0)
            continue;
        int p = c->old[i].parent;
        e[i] = plain_entry(mp, p < 0 ? &base : &e[p]->tx->txid, p < 0 ? i : 0,
                           c->old[i].fee, c->old[i].vsize);
        if (c->old[i].conflicts)
            entry_list_add(&conflicts, e[i]);
    }
    walk_begin(mp);
    for (size_t i = 0; i < conflicts.n; i++) {
        if (!walk_visit(mp, conflicts.v[i]))
            continue;
        entry_list_add(&replaced, conflicts.v[i]);
        walk_descendants(mp, &replaced, conflicts.v[i]);
    }
    bool ok = diagram_improves(&conflicts, &replaced, c->fee, c->vsize, why);
    entry_list_clear(&conflicts);
    entry_list_clear(&replaced);
    mempool_free(mp);
    return ok;
}

static void replacing_improves_the_diagram(void **state)
{
    (void)state;
    char why[256];
    for (size_t i = 0; i < ARRAY_LEN(diagrams); i++) {
        bool ok = judge_diagram(&diagrams[i], why);
        if (ok != diagrams[i].improves)
            fail_msg("%s: %s", diagrams[i].rule, ok ? "taken" : why);
        if (!ok)
            assert_string_equal(
                why, "insufficient feerate: does not improve feerate diagram");
    }
}

/* ---- at random, against the model ---- */

#define COINS  16 /* confirmed ones */
#define OUTS   3  /* of each transaction */
#define ROUNDS 250
#define STEPS  45

struct random_world {
    struct world w;
    struct rng r;
    struct model m;
    struct tx *fan;                 /* confirmed: COINS outputs */
    size_t counts[5][2];            /* by size and success */
    size_t replacing, not_improved; /* pairs that replaced, or failed by the diagram */
};

/* Spends @ins, into equal outputs, after the fee. */
static size_t make_member(struct random_world *rw, const struct outpoint *ins, size_t n,
                          int64_t fee, int32_t version, size_t padding)
{
    struct model *m = &rw->m;
    int64_t value = 0;
    struct mtx x;
    uint8_t pad[10100] = {0x51};

    mtx_init(&x);
    x.version = version;
    x.locktime = 0;
    for (size_t i = 0; i < n; i++) {
        int p = model_find(m, &ins[i].txid);
        const struct tx *from = p < 0 ? rw->fan : m->t[p].tx;
        value += from->out[ins[i].n].value.v;
        /* no two are alike */
        mtx_add_in(&x, &ins[i],
                   SEQUENCE_FINAL - 1 - (uint32_t)rng_below(&rw->r, 1 << 20));
    }
    for (int i = 0; i < OUTS; i++)
        mtx_add_out(&x, amount_of((value - fee) / OUTS), bytes_of("\x51", 1));
    x.out[0].value.v += (value - fee) % OUTS;
    if (padding)
        mtx_add_out(&x, amount_of(0), bytes_of(pad, padding));
    assert_true(m->n < MODEL_TXS);
    m->t[m->n] = (struct model_tx){.tx = mtx_to_tx(&x), .fee = fee};
    m->t[m->n].vsize = tx_vsize(m->t[m->n].tx);
    mtx_clear(&x);
    return m->n++;
}

static struct outpoint confirmed_coin(struct random_world *rw)
{
    return (struct outpoint){rw->fan->txid, (uint32_t)rng_below(&rw->r, COINS)};
}

/* Confirmed, of the pool, or of anything there ever was. */
static struct outpoint any_coin(struct random_world *rw)
{
    struct model *m = &rw->m;
    if (m->n == 0 || rng_below(&rw->r, 3) == 0)
        return confirmed_coin(rw);
    for (int tries = 0; tries < 8; tries++) {
        size_t i = rng_below(&rw->r, m->n);
        if (m->t[i].in_pool || rng_below(&rw->r, 12) == 0)
            return (struct outpoint){m->t[i].tx->txid,
                                     (uint32_t)rng_below(&rw->r, OUTS)};
    }
    return confirmed_coin(rw);
}

static int64_t any_fee(struct random_world *rw)
{
    static const int64_t fees[] = {0, 90, 115, 130, 150, 200, 300, 500, 900, 3000};
    return fees[rng_below(&rw->r, ARRAY_LEN(fees))] + (int64_t)rng_below(&rw->r, 3);
}

static size_t any_padding(struct random_world *rw)
{
    switch (rng_below(&rw->r, 12)) {
    case 0:
        return 850 + rng_below(&rw->r, 200); /* about a version 3 child's limit */
    case 1:
        return 100 + rng_below(&rw->r, 300);
    case 2:
        return rng_below(&rw->r, 4) ? 0 : 9800 + rng_below(&rw->r, 200);
    }
    return 0;
}

/* Coins that a package spends: none twice. */
struct coin_list {
    struct outpoint v[16];
    size_t n;
};

static bool take_coin(struct coin_list *l, struct outpoint o)
{
    for (size_t i = 0; i < l->n; i++)
        if (outpoint_equal(&l->v[i], &o))
            return false;
    l->v[l->n++] = o;
    return true;
}

static int32_t any_version(struct random_world *rw, int32_t usual)
{
    return rng_below(&rw->r, 15) ? usual : 5 - usual;
}

/* A coin for parent @i: parents may stand on each other, too. */
static struct outpoint parent_coin(struct random_world *rw, const size_t *ats, size_t i)
{
    if (i > 0 && rng_below(&rw->r, 8) == 0)
        return (struct outpoint){rw->m.t[ats[i - 1]].tx->txid,
                                 (uint32_t)rng_below(&rw->r, OUTS)};
    return rng_below(&rw->r, 3) ? confirmed_coin(rw) : any_coin(rw);
}

/* Parents and a child of all of them. Fills ats; 0: they would conflict. */
static size_t make_package(struct random_world *rw, size_t ats[4])
{
    struct coin_list all = {.n = 0}, ins = {.n = 0};
    size_t n = rng_below(&rw->r, 8) ? 1 + rng_below(&rw->r, 2) : rng_below(&rw->r, 4);
    int32_t version = rng_below(&rw->r, 2) ? 3 : 2;
    struct outpoint extra = any_coin(rw);

    if (n == 0 || rng_below(&rw->r, 4) == 0)
        take_coin(&ins, extra);
    all = ins;
    for (size_t i = 0; i < n; i++) {
        struct outpoint o = parent_coin(rw, ats, i);
        if (!take_coin(&all, o))
            return 0;
        ats[i] = make_member(rw, &o, 1, any_fee(rw), any_version(rw, version),
                             any_padding(rw));
        o = (struct outpoint){rw->m.t[ats[i]].tx->txid,
                              (uint32_t)rng_below(&rw->r, OUTS)};
        take_coin(&all, o);
        take_coin(&ins, o);
    }
    ats[n] = make_member(rw, ins.v, ins.n, any_fee(rw), any_version(rw, version),
                         any_padding(rw));
    return n + 1;
}

static enum model_verdict verdict_of(const struct package_tx *t)
{
    if (t->verdict == PACKAGE_ACCEPTED)
        return MODEL_OK;
    if (t->verdict == PACKAGE_IN_POOL)
        return MODEL_IN_POOL;
    if (package_tx_reconsiderable(t))
        return MODEL_FEE;
    return t->r.rej.class == TX_MISSING_INPUTS ? MODEL_MISSING : MODEL_HARD;
}

static void same_pools(const struct random_world *rw)
{
    size_t n = 0;
    for (size_t i = 0; i < rw->m.n; i++) {
        const struct model_tx *t = &rw->m.t[i];
        n += t->in_pool;
        assert_int_equal(mempool_find(rw->w.mp, &t->tx->txid) != NULL, t->in_pool);
    }
    assert_int_equal(n, mempool_count(rw->w.mp));
}

/* A child whose other inputs are unconfirmed has no place in a package. */
static bool has_all_parents(const struct random_world *rw, const size_t *ats, size_t n)
{
    const struct tx *child = rw->m.t[ats[n - 1]].tx;
    for (uint32_t i = 0; i < child->n_in && n > 1; i++) {
        int p = model_find(&rw->m, &child->in[i].prevout.txid);
        bool found = p < 0;
        for (size_t j = 0; j + 1 < n; j++)
            found |= p == (int)ats[j];
        if (!found)
            return false;
    }
    return true;
}

static void compare_submission(struct random_world *rw, const size_t *ats, size_t n)
{
    const struct tx *txs[4] = {NULL};
    struct package_tx out[4];
    enum model_verdict want[4];
    struct reject package = {0};
    char text[512];

    for (size_t i = 0; i < n; i++)
        txs[i] = rw->m.t[ats[i]].tx;
    bool ok = mempool_submit_package(rw->w.mp, txs, n, 0, out, &package);
    assert_int_equal(ok, package.code == REJECT_NONE);
    if (!has_all_parents(rw, ats, n)) {
        assert_int_equal(package.code, REJECT_PACKAGE_NOT_UNCONFIRMED_PARENTS);
        return;
    }
    bool want_ok = model_submit(&rw->m, ats, n, want);
    if (ok != want_ok)
        fail_msg("%s instead of %s", reject_text(&package, text),
                 want_ok ? "success" : "a failure");
    rw->replacing += ok && out[0].grouped && out[0].r.n_replaced;
    rw->not_improved += strstr(package.suffix, "diagram") != NULL;
    for (size_t i = 0; i < n; i++) {
        if (verdict_of(&out[i]) != want[i])
            fail_msg("member %zu of %zu: %d instead of %d (%s)", i, n,
                     (int)verdict_of(&out[i]), (int)want[i],
                     reject_text(&out[i].r.rej, text));
        accept_result_clear(&out[i].r);
    }
    rw->counts[n][ok]++;
}

static void random_step(struct random_world *rw)
{
    size_t ats[4], n = make_package(rw, ats);
    if (n == 0)
        return;
    compare_submission(rw, ats, n);
    same_pools(rw);
    if (rng_below(&rw->r, 6) == 0) /* once more, now that some are there */
        compare_submission(rw, ats, n);
    mempool_check(rw->w.mp);
}

static void random_round(void *arg)
{
    struct random_world *rw = arg;
    for (int i = 0; i < STEPS; i++)
        random_step(rw);
    while (mempool_count(rw->w.mp)) {
        pool_lock(rw->w.mp);
        pool_remove_family(rw->w.mp, rw->w.mp->oldest, TX_REMOVED_EXPIRY);
        pool_unlock(rw->w.mp);
    }
    for (size_t i = 0; i < rw->m.n; i++)
        tx_unref((struct tx *)rw->m.t[i].tx);
    rw->m.n = 0;
}

static struct tx *make_fan(const struct world *w)
{
    struct outpoint o = {.txid = w->coinbase[1]};
    struct mtx m;
    mtx_init(&m);
    mtx_add_in(&m, &o, SEQUENCE_FINAL);
    for (int i = 0; i < COINS; i++)
        mtx_add_out(&m, amount_of(subsidy(w) / COINS - 1000), bytes_of("\x51", 1));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

static void packages_follow_the_model(void **state)
{
    (void)state;
    struct random_world *rw = xcalloc(1, sizeof(*rw));
    world_open(&rw->w);
    rng_seed(&rw->r, 28);
    rw->w.mp->opt.max_ancestors = rw->m.max_ancestors = 5;
    rw->w.mp->opt.max_descendants = rw->m.max_descendants = 6;
    rw->m.relay = rw->w.mp->opt.min_relay_feerate;
    rw->m.incremental = rw->w.mp->opt.incremental_feerate;
    rw->fan = make_fan(&rw->w);
    put_block(&rw->w, 111, &rw->fan, 1);
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(chainman_call(rw->w.f.cm, random_round, rw), ERR_OK);
    for (size_t n = 1; n < 4; n++) /* all of it was met */
        assert_true(rw->counts[n][0] > 10 && rw->counts[n][1] > 10);
    assert_true(rw->replacing > 10 && rw->not_improved > 10);
    tx_unref(rw->fan);
    world_close(&rw->w);
    free(rw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packages_are_tested_as_a_whole),
        cmocka_unit_test(packages_have_a_size),
        cmocka_unit_test(children_pay_for_their_parents),
        cmocka_unit_test(version_3_families_are_pairs),
        cmocka_unit_test(claims_are_used_once_in_a_package),
        cmocka_unit_test(a_package_has_one_name),
        cmocka_unit_test(replacing_improves_the_diagram),
        cmocka_unit_test(packages_follow_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
