#include "chain/mempool/mempool.h"
#include "chain/params/params.h"
#include "chain/rules/policy.h"
#include "chain/script/script.h"
#include "chain/store/coins_cache.h"
#include "chain/validation/chainman.h"
#include "rpc/raw.h"

/* One transaction on its way through the validation thread. */
struct send_job {
    struct rpc_call *c;
    const struct tx *tx;
    int64_t max_fee;      /* 0: any */
    bool confirmed;       /* it is in the chain already */
    bool accepted;        /* now or before */
    struct hash256 wtxid; /* of the one in the pool */
    struct reject rej;
};

/* An output that exists says that the transaction is in a block. */
static bool is_confirmed(const struct send_job *j)
{
    const struct coins_cache *coins = chainman_coins(j->c->node->chainman);
    for (uint32_t i = 0; i < j->tx->n_out; i++) {
        struct outpoint o = {.txid = j->tx->txid, .n = i};
        struct coin coin;
        if (coins_peek(coins, &o, &coin, NULL))
            return true;
    }
    return false;
}

static void submit(struct send_job *j)
{
    struct mempool *mp = j->c->node->mempool;
    struct accept_options opt = {.max_fee = j->max_fee};
    struct accept_result result;
    j->accepted = mempool_accept_with(mp, j->tx, &opt, &result);
    j->rej = result.rej;
    j->wtxid = j->tx->wtxid;
    if (j->accepted)
        mempool_unbroadcast_add(mp, &j->tx->txid);
    accept_result_clear(&result);
}

static void run_send(void *arg)
{
    struct send_job *j = arg;
    j->confirmed = is_confirmed(j);
    if (j->confirmed)
        return;
    const struct mempool_entry *e = mempool_find(j->c->node->mempool, &j->tx->txid);
    if (e == NULL) {
        submit(j);
        return;
    }
    j->accepted =
        true; /* perhaps with another witness: the pool's is announced again */
    j->wtxid = e->tx->wtxid;
}

static void refuse(struct send_job *j)
{
    char text[512];
    if (j->confirmed)
        rpc_error(j->c, RPC_VERIFY_ALREADY_IN_UTXO_SET,
                  "Transaction outputs already in utxo set");
    else if (j->rej.code == REJECT_MAX_FEE_EXCEEDED)
        rpc_error(
            j->c, RPC_VERIFY_ERROR,
            "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)");
    else if (j->rej.class == TX_MISSING_INPUTS)
        rpc_error(j->c, RPC_VERIFY_ERROR, "%s", reject_text(&j->rej, text));
    else
        rpc_error(j->c, RPC_VERIFY_REJECTED, "%s", reject_text(&j->rej, text));
}

/* -- Arguments -- */

/* Units per 1000 vbytes: what the highest rate is when not given, and what it must stay
 * below, against slips of the decimal point. Like all fee rates of policy they are the
 * same numbers of the smallest unit on every network: 0.10 and 1 coin on Bitcoin's, 100
 * and 1000 on ours. */
#define DEFAULT_MAX_FEERATE INT64_C(10000000)
#define TOO_HIGH_FEERATE    INT64_C(100000000)

bool raw_feerate_arg(struct rpc_call *c, size_t i, int64_t *out)
{
    const struct chain_params *p = c->node->params;
    struct amount rate = amount_of(DEFAULT_MAX_FEERATE);
    const struct json *v = rpc_arg(c, i);
    if (v != NULL && !rpc_to_amount(c, v, &rate))
        return false;
    if (rate.v >= TOO_HIGH_FEERATE) {
        int64_t coins = TOO_HIGH_FEERATE;
        for (unsigned d = 0; d < p->decimals; d++)
            coins /= 10;
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Fee rates larger than or equal to %lld%s/kvB are not accepted",
                  (long long)coins, p->unit);
        return false;
    }
    *out = rate.v;
    return true;
}

/* A ticket's carrier burns by design; everything else that cannot be spent is a mistake
 * above the limit. */
static bool is_carrier(struct rpc_call *c, struct bytes script)
{
    const struct consensus_hooks *h = mempool_get_options(c->node->mempool)->hooks;
    return h != NULL && h->carrier_relay != NULL &&
           h->carrier_relay(h->ctx, script) == RELAY_CARRIER;
}

bool raw_check_burn(struct rpc_call *c, size_t i, const struct tx *tx)
{
    struct amount limit = amount_of(0);
    const struct json *v = rpc_arg(c, i);
    if (v != NULL && !rpc_to_amount(c, v, &limit))
        return false;
    for (uint32_t k = 0; k < tx->n_out; k++) {
        const struct txout *out = &tx->out[k];
        bool lost =
            script_is_unspendable(out->script) || !script_has_valid_ops(out->script);
        if (!lost || out->value.v <= limit.v || is_carrier(c, out->script))
            continue;
        rpc_error(
            c, RPC_VERIFY_ERROR,
            "Unspendable output exceeds maximum configured by user (maxburnamount)");
        return false;
    }
    return true;
}

static void send_decoded(struct rpc_call *c, struct tx *tx)
{
    struct send_job job = {.c = c, .tx = tx};
    int64_t max_feerate;
    if (!raw_check_burn(c, 2, tx) || !raw_feerate_arg(c, 1, &max_feerate))
        return;
    job.max_fee = feerate_fee(max_feerate, tx_vsize(tx));
    if (chainman_call(c->node->chainman, run_send, &job) != ERR_OK) {
        rpc_error(c, RPC_MISC_ERROR, "Shutting down");
        return;
    }
    if (!job.accepted) {
        refuse(&job);
        return;
    }
    if (c->node->relay_tx != NULL)
        c->node->relay_tx(c->node, &tx->txid, &job.wtxid);
    json_hash(c->w, &tx->txid);
}

void rpc_sendrawtransaction(struct rpc_call *c)
{
    struct tx *tx = raw_decode_arg(
        c, rpc_arg(c, 0), "TX decode failed. Make sure the tx has at least one input.");
    if (tx != NULL)
        send_decoded(c, tx);
    tx_unref(tx);
}
