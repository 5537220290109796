#include "tickets/build.h"

#include <stdlib.h>

#include "chain/rules/policy.h"
#include "chain/script/sign.h"
#include "tickets/carrier.h"
#include "util/mem.h"

static void make_outline(struct mtx *m, const struct ticket_build *b,
                         struct amount change)
{
    struct buf script = {0};
    mtx_init(m);
    for (size_t i = 0; i < b->n_coins; i++)
        mtx_add_in(m, &b->coins[i].prevout, SEQUENCE_FINAL - 2); /* may be replaced */
    carrier_build(&script, b->payload);
    mtx_add_out(m, b->burn, buf_view(&script));
    for (size_t i = 0; i < b->n_outputs; i++)
        mtx_add_out(m, b->outputs[i].value, b->outputs[i].script);
    if (change.v > 0)
        mtx_add_out(m, change, b->change_script);
    buf_clear(&script);
}

static bool sign_inputs(struct mtx *m, const struct ticket_build *b)
{
    struct txout *spent = xcalloc(b->n_coins, sizeof(*spent));
    struct tx *tx = mtx_to_tx(m);
    struct sighash_data data;
    bool ok = true;
    for (size_t i = 0; i < b->n_coins; i++)
        spent[i] = (struct txout){b->coins[i].value, b->coins[i].script};
    sighash_data_init(&data, tx, spent, true);
    for (uint32_t i = 0; i < b->n_coins && ok; i++) {
        struct sig_data sig = {0};
        struct sig_checker checker = {
            .data = &data, .input = i, .value = spent[i].value};
        ok = sign_input(&sig, b->keys, &checker, spent[i].script, SIGHASH_DEFAULT);
        if (ok)
            sig_data_store(&sig, &m->in[i]);
        sig_data_clear(&sig);
    }
    sighash_data_clear(&data);
    tx_unref(tx);
    free(spent);
    return ok;
}

/* The signed transaction with this change; NULL when the keys do not sign it. */
static struct tx *attempt(const struct ticket_build *b, struct amount change)
{
    struct mtx m;
    struct tx *tx = NULL;
    make_outline(&m, b, change);
    if (sign_inputs(&m, b))
        tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

/* What the coins leave for fee and change. */
static int64_t left_of(const struct ticket_build *b)
{
    int64_t sum = -b->burn.v;
    for (size_t i = 0; i < b->n_coins; i++)
        sum += b->coins[i].value.v;
    for (size_t i = 0; i < b->n_outputs; i++)
        sum -= b->outputs[i].value.v;
    return sum;
}

/* Fee of a transaction of this size; signatures of the next one may be an octet longer.
 */
static int64_t fee_for(const struct ticket_build *b, const struct tx *tx)
{
    return feerate_fee(b->feerate, tx_vsize(tx) + (int64_t)b->n_coins);
}

enum ticket_build_result ticket_build(struct tx **out, struct amount *fee,
                                      const struct ticket_build *b)
{
    int64_t left = left_of(b);
    int64_t dust = policy_dust_threshold(b->change_script, DEFAULT_DUST_FEERATE);
    ASSERT(b->n_coins > 0);
    /* Sizes and the fee first, with any change at all; then the real one. */
    struct tx *tx = attempt(b, amount_of(1));
    if (tx == NULL)
        return BUILD_NOT_SIGNED;
    int64_t change = left - fee_for(b, tx);
    tx_unref(tx);
    tx = attempt(b, amount_of(change >= dust ? change : 0));
    if (tx == NULL)
        return BUILD_NOT_SIGNED;
    *fee = amount_of(change >= dust ? left - change : left);
    if (fee->v < feerate_fee(b->feerate, tx_vsize(tx))) {
        *fee = amount_of(fee_for(b, tx));
        tx_unref(tx);
        return BUILD_NO_FUNDS;
    }
    *out = tx;
    return BUILD_OK;
}
