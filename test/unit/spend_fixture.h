/* What spending needs of the made-up chain beyond wallet_fixture.h: an empty mempool
 * with the usual limits, fees, and coins. */
#ifndef OCHRE_TEST_SPEND_FIXTURE_H
#define OCHRE_TEST_SPEND_FIXTURE_H

#include "util/rand.h"
#include "wallet/spend.h"
#include "wallet_fixture.h"

static inline struct chain_policy spend_policy(void *ctx)
{
    (void)ctx;
    return (struct chain_policy){.min_relay_feerate = 1000,
                                 .incremental_feerate = 1000,
                                 .dust_feerate = 3000,
                                 .max_ancestors = 25,
                                 .max_descendants = 25};
}

static inline void spend_ancestry(void *ctx, const struct hash256 *txid,
                                  struct chain_ancestry *out)
{
    (void)ctx, (void)txid;
    *out = (struct chain_ancestry){0};
}

static inline bool spend_check_limits(void *ctx, const struct tx *tx, char **error)
{
    (void)ctx, (void)tx, (void)error;
    return true;
}

static inline void spend_bump_fees(void *ctx, const struct outpoint *outs, size_t n,
                                   int64_t feerate, struct amount *out)
{
    (void)ctx, (void)outs, (void)feerate;
    memset(out, 0, n * sizeof(*out));
}

static inline struct amount spend_combined_bump_fee(void *ctx,
                                                    const struct outpoint *outs,
                                                    size_t n, int64_t feerate)
{
    (void)ctx, (void)outs, (void)n, (void)feerate;
    return amount_of(0);
}

static inline void spend_fixture_complete(struct wallet_fixture *f)
{
    struct chain_source *c = &f->chain.source;
    c->policy = spend_policy;
    c->ancestry = spend_ancestry;
    c->check_limits = spend_check_limits;
    c->bump_fees = spend_bump_fees;
    c->combined_bump_fee = spend_combined_bump_fee;
    f->opt.min_fee = 1000;
    f->opt.fallback_fee = 20000;
    f->opt.discard_fee = 10000;
    f->opt.consolidate_fee = 10000;
    f->opt.max_fee = 10000000;
    f->opt.reject_long_chains = true;
}

/* Two coins of random values on random scripts. */
static inline struct tx *random_income(struct rng *rng, const struct buf *scripts,
                                       size_t n_scripts)
{
    struct mtx m;
    struct outpoint from = {.n = 0};
    mtx_init(&m);
    for (int i = 0; i < 4; i++)
        put_le64(from.txid.b + 8 * i, rng_u64(rng));
    mtx_add_in(&m, &from, SEQUENCE_FINAL);
    for (int i = 0; i < 2; i++)
        mtx_add_out(&m, amount_of(10000 + (int64_t)rng_below(rng, 100000000)),
                    buf_view(&scripts[rng_below(rng, n_scripts)]));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

static inline void mine_income(struct wallet_fixture *f, struct rng *rng,
                               const struct buf *scripts, size_t n_scripts, uint32_t n)
{
    struct tx **txs = xcalloc(n, sizeof(*txs));
    for (uint32_t i = 0; i < n; i++)
        txs[i] = random_income(rng, scripts, n_scripts);
    struct chain_point at = fake_mine(&f->chain, 0, (const struct tx *const *)txs, n);
    wallet_fixture_connect(f, &at);
    for (uint32_t i = 0; i < n; i++)
        tx_unref(txs[i]);
    free(txs);
}

/* A wallet of 2 * @txs coins per block on @n_scripts addresses, all of them deep. */
static inline void spend_fixture_fill(struct wallet_fixture *f, size_t n_scripts,
                                      int blocks, uint32_t txs)
{
    struct rng rng;
    struct buf *scripts = xcalloc(n_scripts, sizeof(*scripts));
    rng_seed(&rng, 1);
    for (size_t i = 0; i < n_scripts; i++)
        scripts[i] = wallet_fixture_script(f);
    for (int b = 0; b < blocks; b++)
        mine_income(f, &rng, scripts, n_scripts, txs);
    for (int b = 0; b < 10; b++) {
        struct chain_point at = fake_mine(&f->chain, 0, NULL, 0);
        wallet_fixture_connect(f, &at);
    }
    for (size_t i = 0; i < n_scripts; i++)
        buf_clear(&scripts[i]);
    free(scripts);
}

#endif
