#include "rpc/submit_tx.h"

#include <stdio.h>

#include "chain/mempool/mempool.h"
#include "chain/store/coins_cache.h"
#include "chain/validation/chainman.h"

/* An output that exists says that the transaction is in a block. */
static bool is_confirmed(const struct tx_submission *s)
{
    const struct coins_cache *coins = chainman_coins(s->node->chainman);
    struct outpoint o = {.txid = s->tx->txid};
    struct coin coin;
    for (; o.n < s->tx->n_out; o.n++)
        if (coins_peek(coins, &o, &coin, NULL))
            return true;
    return false;
}

static void accept(struct tx_submission *s)
{
    const struct accept_options opt = {.max_fee = s->max_fee,
                                       .test_only = s->test_only};
    struct accept_result result;
    s->accepted = mempool_accept_with(s->node->mempool, s->tx, &opt, &result);
    s->rej = result.rej;
    s->wtxid = s->tx->wtxid;
    accept_result_clear(&result);
}

static void run_submit(void *arg)
{
    struct tx_submission *s = arg;
    struct mempool *mp = s->node->mempool;
    s->confirmed = is_confirmed(s);
    if (s->confirmed)
        return;
    const struct mempool_entry *e = mempool_find(mp, &s->tx->txid);
    if (e == NULL) {
        accept(s);
        if (s->accepted && s->relay)
            mempool_unbroadcast_add(mp, &s->tx->txid);
        return;
    }
    s->accepted =
        true; /* perhaps with another witness: the pool's is announced again */
    s->wtxid = e->tx->wtxid;
}

bool submit_tx(struct node *n, struct tx_submission *s)
{
    s->node = n;
    if (chainman_call(n->chainman, run_submit, s) != ERR_OK)
        return false;
    if (s->accepted && s->relay && n->relay_tx != NULL)
        n->relay_tx(n, &s->tx->txid, &s->wtxid);
    return true;
}

char *submit_tx_refusal(const struct tx_submission *s, char out[512])
{
    if (s->confirmed)
        snprintf(out, 512, "Transaction outputs already in utxo set");
    else if (s->rej.code == REJECT_MAX_FEE_EXCEEDED)
        snprintf(out, 512,
                 "Fee exceeds maximum configured by user (e.g. -maxtxfee, "
                 "maxfeerate)");
    else
        reject_text(&s->rej, out);
    return out;
}
