/* Questions about one transaction of a wallet: how deep, how mature, how trustworthy.
 */
#include "chain/params/params.h"
#include "wallet/balance.h"
#include "wallet/follow.h"
#include "wallet/txstore_impl.h"
#include "wallet/wallet.h"

int32_t wallet_tx_depth(const struct wallet *w, const struct wallet_tx *wtx)
{
    int32_t depth = follow_best(w).height - wtx->block.height + 1;
    if (wtx->state == WTX_CONFIRMED)
        return depth;
    return wtx->state == WTX_CONFLICTED ? -depth : 0;
}

int32_t wallet_tx_blocks_to_maturity(const struct wallet *w,
                                     const struct wallet_tx *wtx)
{
    if (!tx_is_coinbase(wtx->tx))
        return 0;
    int32_t left = COINBASE_MATURITY + 1 - wallet_tx_depth(w, wtx);
    return left > 0 ? left : 0;
}

bool wallet_tx_from_me(const struct wallet *w, const struct wallet_tx *wtx)
{
    return balance_debit(w, wtx->tx).v > 0;
}

static bool is_trusted(const struct wallet *w, struct wallet_tx *wtx);

static bool parents_trusted(const struct wallet *w, const struct wallet_tx *wtx)
{
    for (uint32_t i = 0; i < wtx->tx->n_in; i++) {
        struct wallet_tx *parent;
        if (txstore_coin(w, &wtx->tx->in[i].prevout, &parent) == NULL ||
            !is_trusted(w, parent))
            return false;
    }
    return true;
}

static bool judge(const struct wallet *w, const struct wallet_tx *wtx)
{
    return w->opt->spend_zeroconf_change && wtx->state == WTX_MEMPOOL &&
           wallet_tx_from_me(w, wtx) && parents_trusted(w, wtx);
}

/* Chains of unconfirmed transactions are as long as the mempool allows; each member is
 * judged once until something changes. */
static bool is_trusted(const struct wallet *w, struct wallet_tx *wtx)
{
    if (wtx->state == WTX_CONFIRMED)
        return true;
    if (wtx->trust_round != w->txs->trust_round) {
        wtx->trusted = judge(w, wtx);
        wtx->trust_round = w->txs->trust_round;
    }
    return wtx->trusted;
}

bool wallet_tx_trusted(const struct wallet *w, const struct wallet_tx *wtx)
{
    return is_trusted(w, (struct wallet_tx *)wtx);
}
