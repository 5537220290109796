/* The mempool as wallets see it. */
#include <stdlib.h>

#include "chain/mempool/mempool.h"
#include "chain/mining/bump_fees.h"
#include "chain/validation/chainman.h"
#include "node/wallet_chain.h"
#include "rpc/submit_tx.h"

static struct mempool *lock_pool(void *ctx)
{
    struct node *n = &((struct daemon *)ctx)->node;
    chainman_read_lock(n->chainman);
    return n->mempool;
}

static void unlock_pool(void *ctx)
{
    chainman_read_unlock(((struct daemon *)ctx)->node.chainman);
}

/* -- Sending -- */

static bool send(void *ctx, struct tx_submission *s, char **error)
{
    char text[512];
    *error = NULL;
    if (!submit_tx(&((struct daemon *)ctx)->node, s))
        *error = xstrdup("Shutting down");
    else if (!s->accepted)
        *error = xstrdup(submit_tx_refusal(s, text));
    return *error == NULL;
}

static bool submit(void *ctx, const struct tx *tx, struct amount max_fee, bool relay,
                   char **error)
{
    struct tx_submission s = {.tx = tx, .max_fee = max_fee.v, .relay = relay};
    return send(ctx, &s, error);
}

static bool test(void *ctx, const struct tx *tx, char **error)
{
    struct tx_submission s = {.tx = tx, .test_only = true};
    return send(ctx, &s, error);
}

/* -- Looking -- */

static bool in_mempool(void *ctx, const struct hash256 *txid)
{
    bool found = mempool_find(lock_pool(ctx), txid) != NULL;
    unlock_pool(ctx);
    return found;
}

static void each_mempool(void *ctx, void (*fn)(void *arg, const struct tx *tx),
                         void *arg)
{
    size_t n;
    const struct mempool_entry **all = mempool_sorted(lock_pool(ctx), &n);
    for (size_t i = 0; i < n; i++)
        fn(arg, all[i]->tx);
    unlock_pool(ctx);
    free(all);
}

static void ancestry(void *ctx, const struct hash256 *txid, struct chain_ancestry *out)
{
    const struct mempool_entry *e = mempool_find(lock_pool(ctx), txid);
    *out = (struct chain_ancestry){0};
    if (e != NULL)
        *out = (struct chain_ancestry){
            .n_ancestors = e->n_ancestors,
            .n_descendants = e->n_descendants,
            .ancestor_vsize = e->ancestor_vsize,
            .ancestor_fees = amount_of(e->ancestor_fees),
        };
    unlock_pool(ctx);
}

static bool has_descendants(void *ctx, const struct hash256 *txid)
{
    const struct mempool_entry *e = mempool_find(lock_pool(ctx), txid);
    bool has = e != NULL && e->n_children > 0;
    unlock_pool(ctx);
    return has;
}

static bool signals_itself(const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (tx->in[i].sequence < SEQUENCE_FINAL - 1)
            return true;
    return false;
}

static enum chain_rbf rbf(void *ctx, const struct tx *tx)
{
    const struct mempool *mp = lock_pool(ctx);
    const struct mempool_entry *e = mempool_find(mp, &tx->txid);
    enum chain_rbf answer = CHAIN_RBF_UNKNOWN;
    if (signals_itself(tx))
        answer = CHAIN_RBF_REPLACEABLE;
    else if (e != NULL)
        answer = mempool_signals_rbf(mp, e) ? CHAIN_RBF_REPLACEABLE : CHAIN_RBF_FINAL;
    unlock_pool(ctx);
    return answer;
}

static struct chain_policy policy(void *ctx)
{
    const struct mempool *mp = lock_pool(ctx);
    const struct mempool_options *o = mempool_get_options(mp);
    struct chain_policy p = {
        .min_mempool_feerate = mempool_min_feerate(mp),
        .min_relay_feerate = o->min_relay_feerate,
        .incremental_feerate = o->incremental_feerate,
        .dust_feerate = o->dust_feerate,
        .max_ancestors = o->max_ancestors,
        .max_descendants = o->max_descendants,
    };
    unlock_pool(ctx);
    return p;
}

struct limits_job {
    struct mempool *mp;
    const struct tx *tx;
    bool ok;
    struct reject rej;
};

static void run_limits(void *arg)
{
    struct limits_job *j = arg;
    j->ok = mempool_check_limits(j->mp, j->tx, &j->rej);
}

static bool check_limits(void *ctx, const struct tx *tx, char **error)
{
    struct node *n = &((struct daemon *)ctx)->node;
    struct limits_job j = {.mp = n->mempool, .tx = tx};
    *error = NULL;
    if (chainman_call(n->chainman, run_limits, &j) != ERR_OK)
        *error = xstrdup("Shutting down");
    else if (!j.ok)
        *error = xstrdup(j.rej.detail);
    return j.ok;
}

static void bump_fees(void *ctx, const struct outpoint *outs, size_t n, int64_t feerate,
                      struct amount *out)
{
    mempool_bump_fees(lock_pool(ctx), outs, n, feerate, out);
    unlock_pool(ctx);
}

static struct amount combined_bump_fee(void *ctx, const struct outpoint *outs, size_t n,
                                       int64_t feerate)
{
    struct amount fee = mempool_combined_bump_fee(lock_pool(ctx), outs, n, feerate);
    unlock_pool(ctx);
    return fee;
}

void wallet_pool_fill(struct chain_source *out)
{
    out->submit = submit;
    out->test = test;
    out->in_mempool = in_mempool;
    out->each_mempool = each_mempool;
    out->ancestry = ancestry;
    out->has_descendants = has_descendants;
    out->rbf = rbf;
    out->policy = policy;
    out->check_limits = check_limits;
    out->bump_fees = bump_fees;
    out->combined_bump_fee = combined_bump_fee;
}
