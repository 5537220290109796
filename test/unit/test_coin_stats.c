/* -coinstatsindex against a walk over the whole set, over random chains with
 * reorganisations and restarts. */
#include "unit.h"

#include "chain/store/coins_cache.h"
#include "chain/store/coinstats_index.h"
#include "chain/store/utxo_hash.h"
#include "chain_fixture.h"
#include "util/rand.h"

#define MATURE    101 /* blocks that the walk begins with */
#define STEPS     120
#define MAX_COINS 512

/* A coin of ours that may be spent, on the branch that we are on. */
struct known_coin {
    struct hash256 txid;
    uint32_t n;
    int64_t value;
};

struct walk {
    struct fixture f;
    struct rng rng;
    uint32_t extra; /* tells blocks apart */
    struct known_coin coins[MAX_COINS];
    size_t n_coins;
};

struct totals {
    uint64_t txouts, bogosize;
    int64_t total;
    struct muhash set;
};

static bool count_coin(void *ctx, const struct outpoint *o, const struct coin *c)
{
    struct totals *t = ctx;
    struct buf octets = {0};
    t->txouts++;
    t->bogosize += 50 + c->script.len;
    t->total += c->value.v;
    utxo_octets(&octets, o, c);
    muhash_insert(&t->set, octets.data, octets.len);
    buf_clear(&octets);
    return true;
}

/* All that was created up to the tip: the genesis block's 50 coins too. */
static int64_t subsidies(const struct walk *w)
{
    int64_t sum = 0;
    for (int32_t h = 0; h <= chain_height(w->f.cm); h++)
        sum += block_subsidy(&w->f.params, h).v;
    return sum;
}

static void check(struct walk *w)
{
    struct totals t = {0};
    struct coin_stats s;
    uint8_t want[32], got[32];
    muhash_init(&t.set);
    assert_int_equal(chainman_utxo_walk(w->f.cm, count_coin, &t, NULL), ERR_OK);
    assert_int_equal(coinstats_index_find(chainman_coinstats(w->f.cm),
                                          &chain_tip(w->f.cm)->hash, &s),
                     ERR_OK);
    assert_int_equal(s.txouts, t.txouts);
    assert_int_equal(s.bogosize, t.bogosize);
    assert_int_equal(s.total, t.total);
    assert_int_equal(s.total + s.unspendable, subsidies(w));
    muhash_final(&t.set, want);
    muhash_final(&s.set, got);
    assert_memory_equal(got, want, 32);
}

/* -- Random steps -- */

static void remember(struct walk *w, const struct tx *tx)
{
    for (uint32_t n = 0; n < tx->n_out; n++)
        if (!script_is_unspendable(tx->out[n].script) && w->n_coins < MAX_COINS)
            w->coins[w->n_coins++] =
                (struct known_coin){tx->txid, n, tx->out[n].value.v};
}

/* Spends a coin of ours, with a fee that the coinbase leaves now and then. */
static struct tx *spend_any(struct walk *w)
{
    size_t i = rng_u64(&w->rng) % w->n_coins;
    struct known_coin c = w->coins[i];
    w->coins[i] = w->coins[--w->n_coins];
    struct tx *tx = make_spend(&c.txid, c.n, c.value - (int64_t)(rng_u64(&w->rng) % 3));
    remember(w, tx);
    return tx;
}

static void add_block(struct walk *w, uint32_t n_txs)
{
    struct tx *txs[8];
    const struct block_index *tip = chain_tip(w->f.cm);
    uint32_t n = 0;
    while (n < n_txs && w->n_coins > 0)
        txs[n++] = spend_any(w);
    struct block *b =
        make_block(&w->f, &tip->hash, tip->height + 1, ++w->extra, txs, n);
    assert_true(submit(&w->f, b).accepted);
    assert_memory_equal(chain_tip(w->f.cm)->hash.b, b->hash.b, 32);
    block_unref(b);
    for (uint32_t i = 0; i < n; i++)
        tx_unref(txs[i]);
}

struct cut {
    struct chainman *cm;
    struct block_index *bi;
};

static void cut_job(void *arg)
{
    struct cut *c = arg;
    assert_true(chainman_invalidate(c->cm, c->bi));
}

/* Takes up to three blocks off. The coins that we knew are gone or unspent again: we
 * go on with coinbases, which are not. */
static void cut_back(struct walk *w)
{
    int32_t n = 1 + (int32_t)(rng_u64(&w->rng) % 3);
    struct cut c = {w->f.cm, chain_at(w->f.cm, chain_height(w->f.cm) - n + 1)};
    assert_int_equal(chainman_call(w->f.cm, cut_job, &c), ERR_OK);
    w->n_coins = 0;
}

/* The coinbase that has matured last, if it is still unspent. */
static void mature(struct walk *w)
{
    struct block *b;
    struct coin coin;
    struct arena mem;
    const struct block_index *bi =
        chain_at(w->f.cm, chain_height(w->f.cm) - MATURE + 1);
    assert_int_equal(chainman_read_block(w->f.cm, &b, bi), ERR_OK);
    struct outpoint o = {.txid = b->txs[0].txid};
    arena_init(&mem, 1024);
    if (bi->height > 0 && coins_peek(chainman_coins(w->f.cm), &o, &coin, &mem))
        remember(w, &b->txs[0]);
    arena_clear(&mem);
    block_unref(b);
}

static void restart(struct walk *w)
{
    fixture_close(&w->f);
    assert_true(fixture_open(&w->f));
}

static void step(struct walk *w)
{
    switch (rng_u64(&w->rng) % 8) {
    case 0:
        cut_back(w);
        break;
    case 1:
        if (rng_u64(&w->rng) % 4 == 0)
            restart(w);
        break;
    default:
        mature(w);
        add_block(w, (uint32_t)(rng_u64(&w->rng) % 8));
    }
}

static void the_index_equals_a_walk(void **state)
{
    static struct walk w;
    (void)state;
    fixture_init(&w.f);
    w.f.opt.coinstats_index = true;
    w.f.opt.check_block_index = false;
    rng_seed(&w.rng, 3072);
    assert_true(fixture_open(&w.f));
    check(&w);
    mine_on(&w.f, w.f.params.genesis_hash, 0, MATURE, 0, NULL);
    w.extra = MATURE;
    for (int i = 0; i < STEPS; i++) {
        step(&w);
        check(&w);
    }
    fixture_clear(&w.f);
}

static void undo_data_of_another_block_is_refused(void **state)
{
    struct fixture f;
    struct coin_stats s;
    struct block_undo none = {.n_tx = 3};
    (void)state;
    fixture_init(&f);
    struct block *b = chain_params_genesis(&f.params);
    coin_stats_init(&s);
    assert_false(coin_stats_add_block(&s, b, &none, 1, amount_of(0), f.workers));
    block_unref(b);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_equals_a_walk),
        cmocka_unit_test(undo_data_of_another_block_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
