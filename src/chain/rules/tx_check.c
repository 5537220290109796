#include "chain/rules/tx_check.h"

#include <stdlib.h>

#include "chain/script/script.h"
#include "chain/script/script_error.h"
#include "util/mem.h"

static bool check_outputs(const struct tx *tx, struct reject *rej)
{
    struct amount sum = {0};
    for (uint32_t i = 0; i < tx->n_out; i++) {
        struct amount v = tx->out[i].value;
        if (v.v < 0)
            return reject(rej, REJECT_BAD_TXNS_VOUT_NEGATIVE, NULL);
        if (v.v > MAX_MONEY)
            return reject(rej, REJECT_BAD_TXNS_VOUT_TOOLARGE, NULL);
        if (!amount_add(&sum, sum, v) || !money_range(sum))
            return reject(rej, REJECT_BAD_TXNS_TXOUTTOTAL_TOOLARGE, NULL);
    }
    return true;
}

static int compare_prevouts(const void *a, const void *b)
{
    const struct outpoint *x = *(const struct outpoint *const *)a;
    const struct outpoint *y = *(const struct outpoint *const *)b;
    int c = memcmp(x->txid.b, y->txid.b, sizeof(x->txid.b));
    return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* Few inputs are compared with each other; more are sorted first. */
#define PAIRWISE_INPUTS 12

static bool has_duplicate_inputs(const struct tx *tx)
{
    if (tx->n_in <= PAIRWISE_INPUTS) {
        for (uint32_t i = 1; i < tx->n_in; i++)
            for (uint32_t j = 0; j < i; j++)
                if (outpoint_equal(&tx->in[i].prevout, &tx->in[j].prevout))
                    return true;
        return false;
    }
    const struct outpoint **sorted = xrealloc_array(NULL, tx->n_in, sizeof(*sorted));
    for (uint32_t i = 0; i < tx->n_in; i++)
        sorted[i] = &tx->in[i].prevout;
    qsort(sorted, tx->n_in, sizeof(*sorted), compare_prevouts);
    bool found = false;
    for (uint32_t i = 1; i < tx->n_in && !found; i++)
        found = outpoint_equal(sorted[i - 1], sorted[i]);
    free(sorted);
    return found;
}

static bool check_prevouts(const struct tx *tx, struct reject *rej)
{
    if (tx_is_coinbase(tx)) {
        size_t len = tx->in[0].script_sig.len;
        if (len < 2 || len > 100)
            return reject(rej, REJECT_BAD_CB_LENGTH, NULL);
        return true;
    }
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (outpoint_is_null(&tx->in[i].prevout))
            return reject(rej, REJECT_BAD_TXNS_PREVOUT_NULL, NULL);
    return true;
}

bool tx_check(const struct tx *tx, const struct chain_params *params,
              struct reject *rej)
{
    if (tx->n_in == 0)
        return reject(rej, REJECT_BAD_TXNS_VIN_EMPTY, NULL);
    if (tx->n_out == 0)
        return reject(rej, REJECT_BAD_TXNS_VOUT_EMPTY, NULL);
    if ((int64_t)tx->base_size * WITNESS_SCALE_FACTOR > MAX_BLOCK_WEIGHT)
        return reject(rej, REJECT_BAD_TXNS_OVERSIZE, NULL);
    /* Such a transaction could pass for an inner node of a Merkle tree. */
    if (params->forbid_64_byte_tx && tx->base_size == 64)
        return reject(rej, REJECT_BAD_TXNS_SIZE_64, NULL);
    if (!check_outputs(tx, rej))
        return false;
    if (has_duplicate_inputs(tx)) /* CVE-2018-17144 */
        return reject(rej, REJECT_BAD_TXNS_INPUTS_DUPLICATE, NULL);
    return check_prevouts(tx, rej);
}

bool tx_check_inputs(const struct tx *tx, const struct coin *const *spent,
                     int32_t height, struct amount *fee, struct reject *rej)
{
    struct amount in = {0}, out = tx_value_out(tx);
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (!spent[i])
            return reject(rej, REJECT_BAD_TXNS_INPUTS_MISSINGORSPENT,
                          "CheckTxInputs: inputs missing/spent");
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct coin *c = spent[i];
        int32_t depth = height - (int32_t)c->height;
        if (c->coinbase && depth < COINBASE_MATURITY)
            return reject_detail(rej, REJECT_BAD_TXNS_PREMATURE_SPEND,
                                 "tried to spend coinbase at depth %d", depth);
        if (!money_range(c->value) || !amount_add(&in, in, c->value) ||
            !money_range(in))
            return reject(rej, REJECT_BAD_TXNS_INPUTVALUES_OUTOFRANGE, NULL);
    }
    if (in.v < out.v)
        return reject_detail(rej, REJECT_BAD_TXNS_IN_BELOWOUT,
                             "value in (%lld) < value out (%lld)", (long long)in.v,
                             (long long)out.v);
    *fee = amount_of(in.v - out.v);
    if (!money_range(*fee))
        return reject(rej, REJECT_BAD_TXNS_FEE_OUTOFRANGE, NULL);
    return true;
}

uint32_t tx_legacy_sigops(const struct tx *tx)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < tx->n_in; i++)
        n += script_sigops(tx->in[i].script_sig, false);
    for (uint32_t i = 0; i < tx->n_out; i++)
        n += script_sigops(tx->out[i].script, false);
    return n;
}

int64_t tx_sigop_cost(const struct tx *tx, const struct coin *const *spent,
                      uint32_t flags)
{
    int64_t cost = (int64_t)tx_legacy_sigops(tx) * WITNESS_SCALE_FACTOR;
    if (tx_is_coinbase(tx))
        return cost;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct txin *in = &tx->in[i];
        struct bytes script = spent[i]->script;
        if (flags & SCRIPT_VERIFY_P2SH && script_is_p2sh(script))
            cost += (int64_t)script_p2sh_sigops(script, in->script_sig) *
                    WITNESS_SCALE_FACTOR;
        cost += script_witness_sigops(in->script_sig, script, in->witness,
                                      in->n_witness, flags);
    }
    return cost;
}
