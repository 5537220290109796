#include "chain/mempool/mempool.h"
#include "chain/params/params.h"
#include "chain/rules/policy.h"
#include "chain/script/script.h"
#include "rpc/raw.h"
#include "rpc/submit_tx.h"

static enum rpc_code refusal_code(const struct tx_submission *s)
{
    if (s->confirmed)
        return RPC_VERIFY_ALREADY_IN_UTXO_SET;
    return s->rej.code == REJECT_MAX_FEE_EXCEEDED || s->rej.class == TX_MISSING_INPUTS
               ? RPC_VERIFY_ERROR
               : RPC_VERIFY_REJECTED;
}

static void refuse(struct rpc_call *c, const struct tx_submission *s)
{
    char text[512];
    rpc_error(c, refusal_code(s), "%s", submit_tx_refusal(s, text));
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
    struct tx_submission s = {.tx = tx, .relay = true};
    int64_t max_feerate;
    if (!raw_check_burn(c, 2, tx) || !raw_feerate_arg(c, 1, &max_feerate))
        return;
    s.max_fee = feerate_fee(max_feerate, tx_vsize(tx));
    if (!submit_tx(c->node, &s))
        rpc_error(c, RPC_MISC_ERROR, "Shutting down");
    else if (!s.accepted)
        refuse(c, &s);
    else
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
