/* A chain with a mempool on top of it, and toy tickets. */
#ifndef OCHRE_TEST_MEMPOOL_WORLD_H
#define OCHRE_TEST_MEMPOOL_WORLD_H

#include "chain/mempool/mempool.h"
#include "chain/mempool/pool.h"
#include "chain/state/state.h"
#include "chain_fixture.h"

struct world {
    struct fixture f;
    struct mempool *mp;
    struct hash256 tip;
    struct hash256 coinbase[130]; /* txids by height */
};

UNUSED static int64_t subsidy(const struct world *w)
{
    return block_subsidy(&w->f.params, 1).v;
}

UNUSED static void world_mine(struct world *w, int32_t height, int n, uint32_t extra)
{
    for (int i = 0; i < n; i++) {
        struct block *b = make_block(&w->f, &w->tip, height + i, extra, NULL, 0);
        assert_true(submit(&w->f, b).accepted);
        w->tip = b->hash;
        w->coinbase[height + i] = b->txs[0].txid;
        block_unref(b);
    }
}

UNUSED static void world_open(struct world *w)
{
    memset(w, 0, sizeof(*w));
    fixture_init(&w->f);
    assert_true(fixture_open(&w->f));
    struct mempool_options opt = mempool_default_options();
    opt.clock = &w->f.clock;
    opt.require_standard = false;
    opt.check_ratio = 1;
    w->mp = mempool_new(w->f.cm, &opt);
    w->tip = w->f.params.genesis_hash;
    world_mine(w, 1, 110, 0);
}

UNUSED static void world_close(struct world *w)
{
    fixture_close(&w->f);
    mempool_free(w->mp);
    fixture_clear(&w->f);
}

struct accept_call {
    struct mempool *mp;
    const struct tx *tx;
    bool test_only;
    struct accept_result r;
};

UNUSED static void accept_job(void *arg)
{
    struct accept_call *c = arg;
    mempool_accept(c->mp, c->tx, c->test_only, false, 0, &c->r);
}

/* The reason, or "" when accepted; static storage. */
UNUSED static const char *accept_tx(struct world *w, const struct tx *tx,
                                    bool test_only)
{
    static char reason[192];
    struct accept_call c = {.mp = w->mp, .tx = tx, .test_only = test_only};
    assert_int_equal(chainman_call(w->f.cm, accept_job, &c), ERR_OK);
    reject_reason(&c.r.rej, reason);
    accept_result_clear(&c.r);
    return reason;
}

/* Submits a block that holds @txs, on w->tip. */
UNUSED static struct hash256 put_block(struct world *w, int32_t height,
                                       struct tx *const *txs, uint32_t n)
{
    struct block *b = make_block(&w->f, &w->tip, height, 99, txs, n);
    assert_true(submit(&w->f, b).accepted);
    struct hash256 hash = b->hash;
    w->tip = hash;
    block_unref(b);
    return hash;
}

/* ---- tickets: a toy rule, "a name is taken once" ---- */

/* The name is the octet after OP_RETURN and a push of two; the octet after it says
 * whether its signature is good. */
UNUSED static const uint8_t *toy_name(const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (tx->out[i].script.len == 4 &&
            !memcmp(tx->out[i].script.data, "\x6a\x02", 2))
            return tx->out[i].script.data + 2;
    return NULL;
}

UNUSED static bool toy_active(void *ctx, const struct chain_params *params,
                              int32_t height)
{
    (void)ctx;
    (void)params;
    return height > 0;
}

UNUSED static bool toy_begin(void *ctx, struct rule_env *env, const struct block *b,
                             struct amount subsidy_, struct amount *max_value,
                             struct reject *rej)
{
    (void)ctx;
    (void)env;
    (void)b;
    (void)rej;
    *max_value = subsidy_;
    return true;
}

UNUSED static bool toy_end(void *ctx, struct rule_env *env, const struct block *b,
                           struct reject *rej)
{
    (void)ctx;
    (void)env;
    (void)b;
    (void)rej;
    return true;
}

static int toy_dropped;

UNUSED static bool toy_signature(void *arg)
{
    return *(uint8_t *)arg == 1;
}

UNUSED static void toy_drop(void *arg)
{
    (void)arg;
    toy_dropped++;
}

UNUSED static bool toy_tx(void *ctx, struct rule_env *env, const struct tx *tx,
                          const struct coin *const *spent, struct claim_set *claims,
                          struct reject *rej)
{
    (void)ctx;
    assert_non_null(spent[0]);
    const uint8_t *name = toy_name(tx);
    if (!name)
        return true;
    if (state_get(env->state, bytes_of(name, 1), NULL))
        return reject(rej, REJECT_TICKET_CONFLICT, NULL);
    state_put(env->state, bytes_of(name, 1), bytes_of("x", 1));
    if (claims) {
        memset(&claims->key[0], *name, sizeof(claims->key[0]));
        claims->n = 1;
    }
    if (env->defer)
        env->defer(env->defer_ctx, toy_signature, toy_drop, (void *)(name + 1));
    return true;
}

UNUSED static size_t toy_outputs(void *ctx, struct rule_env *env,
                                 struct amount subsidy_, struct amount *max_value,
                                 struct arena *mem, struct required_output out[8])
{
    (void)ctx;
    (void)env;
    *max_value = amount_of(subsidy_.v - 1000);
    out[0] = (struct required_output){bytes_of(arena_dup(mem, "\x52", 1), 1),
                                      amount_of(500), "toy"};
    return 1;
}

UNUSED static const struct consensus_hooks toy_hooks = {
    .active = toy_active,
    .block_begin = toy_begin,
    .tx = toy_tx,
    .block_end = toy_end,
    .coinbase_outputs = toy_outputs,
};

UNUSED static struct tx *make_ticket(const struct hash256 *txid, int64_t value,
                                     char name, bool good)
{
    uint8_t script[] = {0x6a, 2, (uint8_t)name, good};
    struct mtx m;
    mtx_init(&m);
    struct outpoint o = {.txid = *txid};
    mtx_add_in(&m, &o, SEQUENCE_FINAL);
    mtx_add_out(&m, amount_of(value), bytes_of("\x51", 1));
    mtx_add_out(&m, amount_of(0), bytes_of(script, sizeof(script)));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

UNUSED static void toy_world_open(struct world *w)
{
    memset(w, 0, sizeof(*w));
    fixture_init(&w->f);
    w->f.opt.hooks = &toy_hooks;
    assert_true(fixture_open(&w->f));
    struct mempool_options opt = mempool_default_options();
    opt.clock = &w->f.clock;
    opt.require_standard = false;
    opt.check_ratio = 1;
    opt.hooks = &toy_hooks;
    w->mp = mempool_new(w->f.cm, &opt);
    w->tip = w->f.params.genesis_hash;
    world_mine(w, 1, 110, 0);
}

#endif
