/* Pending tickets after blocks: whatever a block may have overturned is judged again,
 * and nothing else. The rules are a toy that looks at everything rules may look at. */
#include "unit.h"

#include "chain/mining/miner.h"
#include "chain/prim/coin.h"
#include "mempool_world.h"
#include "util/rand.h"

/* ---- the rules ---- */

/* What a ticket says: OP_RETURN and a push of these octets. */
struct ruling {
    uint8_t kind;        /* see judge */
    uint8_t name;        /* of a value of the state */
    uint8_t coin;        /* which coinbase */
    uint8_t first, last; /* heights */
};
#define RULING_SIZE 5

static struct world *world;
static size_t judged; /* verdicts asked for, of tickets */

static const uint8_t *ruling_of(const struct tx *tx)
{
    static const uint8_t head[] = {0x6a, RULING_SIZE};
    for (uint32_t i = 0; i < tx->n_out; i++) {
        struct bytes s = tx->out[i].script;
        if (s.len == sizeof(head) + RULING_SIZE && !memcmp(s.data, head, sizeof(head)))
            return s.data + sizeof(head);
    }
    return NULL;
}

static bool has_value(struct rule_env *env, char sort, uint8_t name)
{
    uint8_t key[2] = {(uint8_t)sort, name};
    return state_get(env->state, bytes_of(key, 2), NULL);
}

static void put_value(struct rule_env *env, char sort, uint8_t name, bool present)
{
    uint8_t key[2] = {(uint8_t)sort, name};
    if (present)
        state_put(env->state, bytes_of(key, 2), bytes_of("x", 1));
    else
        state_del(env->state, bytes_of(key, 2));
}

static bool in_time(struct rule_env *env, const struct ruling *r)
{
    int32_t first = 100 + r->first, last = first + r->last;
    rule_env_heights(env, first, last);
    return env->height >= first && env->height <= last;
}

static bool coin_is_there(struct rule_env *env, const struct ruling *r)
{
    struct outpoint o = {.txid = world->coinbase[1 + r->coin % 25]};
    struct coin c;
    return env->coin(env->coin_ctx, &o, &c);
}

/* A marked coin stands for a value under its txid. */
static bool spends_marked(struct rule_env *env, const struct tx *tx,
                          const struct coin *const *spent)
{
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (rule_env_marked(env, &tx->in[i].prevout, spent[i], COIN_MARK_ANCHOR) &&
            has_value(env, 'm', tx->in[i].prevout.txid.b[0]))
            return true;
    return false;
}

static bool judge(struct rule_env *env, const struct ruling *r, const struct tx *tx,
                  const struct coin *const *spent)
{
    switch (r->kind) {
    case 'f': /* the name is free */
        return !has_value(env, 'n', r->name);
    case 't': /* it is taken */
        return has_value(env, 'n', r->name);
    case 'h':
        return in_time(env, r);
    case 'c':
        return coin_is_there(env, r);
    case 'm': /* marks its first output */
    case 'u': /* claims its name */
        return true;
    case 'p': /* spends no mark */
        return !spends_marked(env, tx, spent);
    default: /* several of these */
        return in_time(env, r) && !has_value(env, 'n', r->name) &&
               !spends_marked(env, tx, spent);
    }
}

static void take_effect(struct rule_env *env, const struct ruling *r,
                        const struct tx *tx)
{
    if (r->kind == 'f' || r->kind == 't')
        put_value(env, 'n', r->name, r->kind == 'f');
    if (r->kind == 'm') {
        struct outpoint o = {.txid = tx->txid};
        put_value(env, 'm', tx->txid.b[0], true);
        rule_env_mark(env, &o, COIN_MARK_ANCHOR);
    }
}

static bool lab_tx(void *ctx UNUSED, struct rule_env *env, const struct tx *tx,
                   const struct coin *const *spent, struct claim_set *claims,
                   struct reject *rej)
{
    struct ruling r;
    const uint8_t *raw = ruling_of(tx);
    if (!raw)
        return true;
    memcpy(&r, raw, RULING_SIZE);
    judged++;
    if (!judge(env, &r, tx, spent))
        return reject(rej, REJECT_TICKET_STATE, NULL);
    if (!env->verdict_only)
        take_effect(env, &r, tx);
    if (claims && r.kind == 'u')
        memset(&claims->key[claims->n++], r.name, sizeof(claims->key[0]));
    return true;
}

static const struct consensus_hooks lab_hooks = {
    .active = toy_active,
    .block_begin = toy_begin,
    .tx = lab_tx,
    .block_end = toy_end,
    .coinbase_outputs = toy_outputs,
};

static void lab_open(struct world *w, int check_ratio)
{
    memset(w, 0, sizeof(*w));
    world = w;
    fixture_init(&w->f);
    w->f.opt.hooks = &lab_hooks;
    assert_true(fixture_open(&w->f));
    struct mempool_options opt = mempool_default_options();
    opt.clock = &w->f.clock;
    opt.require_standard = false;
    opt.check_ratio = check_ratio;
    opt.hooks = &lab_hooks;
    w->mp = mempool_new(w->f.cm, &opt);
    w->tip = w->f.params.genesis_hash;
    world_mine(w, 1, 125, 0);
}

static struct tx *make_lab_tx(const struct hash256 *txid, int64_t value,
                              const struct ruling *r)
{
    uint8_t script[2 + RULING_SIZE] = {0x6a, RULING_SIZE};
    struct outpoint o = {.txid = *txid};
    struct mtx m;
    memcpy(script + 2, r, RULING_SIZE);
    mtx_init(&m);
    mtx_add_in(&m, &o, SEQUENCE_FINAL);
    mtx_add_out(&m, amount_of(value), bytes_of("\x51", 1));
    if (!r->kind) /* padded beyond 64 octets */
        script[1]--;
    mtx_add_out(&m, amount_of(0), bytes_of(script, sizeof(script) - !r->kind));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

static struct tx *pend(struct world *w, unsigned coinbase, const struct ruling *r)
{
    struct tx *tx = make_lab_tx(&w->coinbase[coinbase], subsidy(w) - 10000, r);
    assert_string_equal(accept_tx(w, tx, false), "");
    return tx;
}

/* ---- one ground after the other ---- */

/* Connects a block with @tx (NULL: with none) and tells how many were judged again. */
static size_t judged_after(struct world *w, int32_t height, struct tx *tx)
{
    size_t before = judged + (tx != NULL); /* in the block itself */
    put_block(w, height, &tx, tx != NULL);
    return judged - before;
}

static void only_shaken_verdicts_are_asked_for_again(void **state)
{
    (void)state;
    struct world w;
    lab_open(&w, 0);
    struct tx *plain = pend(&w, 1, &(struct ruling){0});
    struct tx *free_a = pend(&w, 2, &(struct ruling){.kind = 'f', .name = 'a'});
    struct tx *free_b = pend(&w, 3, &(struct ruling){.kind = 'f', .name = 'b'});
    struct tx *in_time =
        pend(&w, 4, &(struct ruling){.kind = 'h', .first = 20, .last = 8});
    struct tx *taker = make_lab_tx(&w.coinbase[5], subsidy(&w) - 1,
                                   &(struct ruling){.kind = 'f', .name = 'a'});

    assert_int_equal(judged_after(&w, 126, NULL), 0);
    assert_int_equal(judged_after(&w, 127, taker), 1); /* free_a, which has to go */
    assert_null(mempool_find(w.mp, &free_a->txid));
    assert_non_null(mempool_find(w.mp, &in_time->txid));
    assert_int_equal(judged_after(&w, 128, NULL), 1); /* 128 was the last for in_time */
    assert_null(mempool_find(w.mp, &in_time->txid));
    assert_int_equal(judged_after(&w, 129, NULL), 0);
    assert_int_equal(mempool_count(w.mp), 2);

    struct tx *coin = pend(&w, 6, &(struct ruling){.kind = 'c', .coin = 19});
    assert_int_equal(judged_after(&w, 130, NULL), 1); /* it is asked every time */
    struct tx *spender = pend(&w, 20, &(struct ruling){0});
    assert_int_equal(judged_after(&w, 131, NULL), 1);
    assert_null(mempool_find(w.mp, &coin->txid));
    assert_int_equal(mempool_count(w.mp), 3);
    struct tx *all[] = {plain, free_a, free_b, in_time, taker, coin, spender};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        tx_unref(all[i]);
    world_close(&w);
}

/* Confirmed, the parent marks the coin that the child spends. */
static void a_mark_shakes_the_spender_of_its_coin(void **state)
{
    (void)state;
    struct world w;
    lab_open(&w, 0);
    struct tx *parent = pend(&w, 1, &(struct ruling){.kind = 'm'});
    struct tx *child =
        make_lab_tx(&parent->txid, subsidy(&w) - 20000, &(struct ruling){.kind = 'p'});
    assert_string_equal(accept_tx(&w, child, false), "");
    assert_int_equal(judged_after(&w, 126, parent), 1);
    assert_int_equal(mempool_count(w.mp), 0);
    tx_unref(parent);
    tx_unref(child);
    world_close(&w);
}

/* The memory that grounds take comes back. */
static void grounds_leave_nothing_behind(void **state)
{
    (void)state;
    struct world w;
    lab_open(&w, 1);
    struct tx *txs[20];
    for (uint8_t i = 0; i < 20; i++)
        txs[i] =
            pend(&w, 1 + i,
                 &(struct ruling){
                     .kind = i % 2 ? 'f' : 'h', .name = (uint8_t)(i / 4), .last = 35});
    assert_int_equal(w.mp->grounds.len, 5 + 2);
    for (uint8_t i = 0; i < 20; i += 2)
        put_block(&w, 126 + i / 2, &txs[i], 1);
    assert_int_equal(w.mp->grounds.len, 5);
    for (uint8_t i = 1; i < 20; i += 4) /* two competed for each name */
        put_block(&w, 136 + i / 4, &txs[i], 1);
    assert_int_equal(mempool_count(w.mp), 0);
    assert_int_equal(w.mp->grounds.len, 0);
    assert_int_equal(w.mp->doubtful.n, 0);
    assert_int_equal(mempool_memory(w.mp), 0);
    for (uint8_t i = 0; i < 20; i++)
        tx_unref(txs[i]);
    world_close(&w);
}

static void invalidate_job(void *arg)
{
    struct world *w = arg;
    chainman_invalidate(w->f.cm, chain_at(w->f.cm, 126));
}

/* Of two that claim the same, both confirmed and both taken off, the better one comes
 * back; what was pending upon the other goes with it. */
static void what_came_back_may_be_replaced(void **state)
{
    (void)state;
    struct world w;
    lab_open(&w, 1);
    struct ruling claim = {.kind = 'u', .name = 'a'};
    struct tx *poor = make_lab_tx(&w.coinbase[1], subsidy(&w) - 1000, &claim);
    struct tx *rich = make_lab_tx(&w.coinbase[2], subsidy(&w) - 90000, &claim);
    put_block(&w, 126, &poor, 1);
    put_block(&w, 127, &rich, 1);
    struct tx *child =
        make_lab_tx(&poor->txid, subsidy(&w) - 9000, &(struct ruling){0});
    struct tx *other =
        make_lab_tx(&rich->txid, subsidy(&w) - 99000, &(struct ruling){0});
    assert_string_equal(accept_tx(&w, child, false), "");
    assert_string_equal(accept_tx(&w, other, false), "");
    assert_int_equal(chainman_call(w.f.cm, invalidate_job, &w), ERR_OK);
    assert_int_equal(mempool_count(w.mp), 2);
    assert_int_equal(mempool_find(w.mp, &rich->txid)->n_descendants, 2);
    assert_int_equal(mempool_find(w.mp, &other->txid)->n_ancestors, 2);
    struct tx *all[] = {poor, rich, child, other};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        tx_unref(all[i]);
    world_close(&w);
}

/* ---- everything at random ---- */

struct walk {
    struct world *w;
    struct rng *r;
    struct hash256 made[4000];
    int64_t value[4000];
    size_t n_made;
    size_t tickets; /* accepted */
};

static struct ruling random_ruling(struct rng *r, int32_t height)
{
    static const char kinds[] = "ffttthhcmmpppu*";
    return (struct ruling){.kind = (uint8_t)kinds[rng_below(r, sizeof(kinds))],
                           .name = (uint8_t)rng_below(r, 12),
                           .coin = (uint8_t)rng_below(r, 100),
                           .first = (uint8_t)(height - 100 - (int)rng_below(r, 8)),
                           .last = (uint8_t)rng_below(r, 12)};
}

static void step_tx(void *arg)
{
    struct walk *k = arg;
    struct accept_result res;
    struct hash256 txid = k->w->coinbase[1 + rng_below(k->r, 25)];
    int64_t value = subsidy(k->w);
    if (k->n_made && rng_below(k->r, 4)) {
        size_t back = rng_below(k->r, k->n_made < 100 ? k->n_made : 100);
        txid = k->made[k->n_made - 1 - back];
        value = k->value[k->n_made - 1 - back];
    }
    value -= 1000 + (int64_t)rng_below(k->r, 100000);
    struct ruling r = random_ruling(k->r, chain_height(k->w->f.cm) + 1);
    struct tx *tx = make_lab_tx(&txid, value, &r);
    if (mempool_accept(k->w->mp, tx, false, false, 0, &res)) {
        k->made[k->n_made] = tx->txid;
        k->value[k->n_made++] = value;
        k->tickets += r.kind != 0;
    }
    accept_result_clear(&res);
    tx_unref(tx);
}

static void step_block(void *arg)
{
    struct walk *k = arg;
    struct miner_options opt = miner_default_options(k->w->mp);
    struct reject rej = {0};
    uint8_t script[] = {0x51, 0x51, (uint8_t)rng_u64(k->r)};
    uint64_t tries = 1000000;
    bool is_new;
    opt.max_weight = 4000 + (int64_t)rng_below(k->r, 4000);
    struct block_template *t = block_template_new(
        k->w->f.cm, k->w->mp, &opt, bytes_of(script, sizeof(script)), &rej);
    assert_non_null(t);
    struct block *b = mine_block(t->block, &k->w->f.params, &tries, NULL);
    chainman_process_block(k->w->f.cm, b, true, true, &is_new, &rej);
    block_unref(b);
    block_template_unref(t);
}

static void step_reorg(void *arg)
{
    struct walk *k = arg;
    struct chainman *cm = k->w->f.cm;
    struct block_index *bi =
        chain_at(cm, chain_height(cm) - (int32_t)rng_below(k->r, 8));
    if (bi->height <= 125)
        return;
    chainman_invalidate(cm, bi);
    for (uint64_t n = rng_below(k->r, 10); n > 0; n--)
        step_block(k);
    if (rng_below(k->r, 2))
        chainman_reconsider(cm, bi);
}

/* check_ratio is 1: whenever the tip settles, every pending ticket is judged in full
 * and must be found valid. */
static void nothing_invalid_stays_on_any_chain(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct world w;
        struct rng r;
        struct walk k = {.w = &w, .r = &r};
        lab_open(&w, 1);
        rng_seed(&r, seed);
        for (int i = 0; i < 3000; i++) {
            uint64_t what = rng_below(&r, 40);
            clock_set_mock(&w.f.clock, 1600000000 + i * 30);
            assert_int_equal(chainman_call(w.f.cm,
                                           what == 0  ? step_reorg
                                           : what < 4 ? step_block
                                                      : step_tx,
                                           &k),
                             ERR_OK);
        }
        assert_int_equal(w.f.stops, 0);
        assert_true(k.tickets > 150 && chain_height(w.f.cm) > 200);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_shaken_verdicts_are_asked_for_again),
        cmocka_unit_test(a_mark_shakes_the_spender_of_its_coin),
        cmocka_unit_test(grounds_leave_nothing_behind),
        cmocka_unit_test(what_came_back_may_be_replaced),
        cmocka_unit_test(nothing_invalid_stays_on_any_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
