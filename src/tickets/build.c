#include "tickets/build.h"

#include <stdlib.h>

#include "chain/rules/policy.h"
#include "chain/script/sign.h"
#include "tickets/carrier.h"
#include "util/mem.h"

#define MAX_SIG 114

/* Payload with every signature in place. */
static enum err make_payload(struct buf *out, const struct ticket_build *b)
{
    struct ticket_value values[TICKET_MAX_FIELDS];
    uint8_t sigs[TICKET_MAX_FIELDS][MAX_SIG] = {{0}};
    struct ticket t;
    struct buf unsigned_payload = {0};
    enum err e = ERR_OK;
    for (size_t i = 0; i < b->kind->n_fields; i++) {
        values[i] = b->values[i];
        if (b->kind->fields[i].role != NULL && values[i].raw.len == 0)
            values[i].raw = bytes_of(sigs[i], MAX_SIG);
    }
    ticket_encode(&unsigned_payload, b->kind, values);
    ASSERT(ticket_decode(&t, buf_view(&unsigned_payload)) == TICKET_OK);
    for (size_t i = 0; i < b->kind->n_fields && e == ERR_OK; i++) {
        if (values[i].raw.data != sigs[i])
            continue;
        struct hash256 h = ticket_sign_hash(b->params, &t, i, &b->coins[0].prevout);
        e = b->sign(b->sign_ctx, &t, i, &h, sigs[i]);
    }
    buf_clear(&unsigned_payload);
    if (e == ERR_OK)
        ticket_encode(out, b->kind, values);
    return e;
}

static void make_outline(struct mtx *m, const struct ticket_build *b,
                         struct bytes payload, struct amount change)
{
    struct buf script = {0};
    mtx_init(m);
    for (size_t i = 0; i < b->n_coins; i++)
        mtx_add_in(m, &b->coins[i].prevout, SEQUENCE_FINAL - 2); /* may be replaced */
    carrier_build(&script, payload);
    mtx_add_out(m, b->burn, buf_view(&script));
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
static struct tx *attempt(const struct ticket_build *b, struct bytes payload,
                          struct amount change)
{
    struct mtx m;
    struct tx *tx = NULL;
    make_outline(&m, b, payload, change);
    if (sign_inputs(&m, b))
        tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

static int64_t sum_of(const struct ticket_build *b)
{
    int64_t sum = 0;
    for (size_t i = 0; i < b->n_coins; i++)
        sum += b->coins[i].value.v;
    return sum;
}

/* Fee of a transaction of this size; signatures of the next one may be an octet longer.
 */
static int64_t fee_for(const struct ticket_build *b, const struct tx *tx)
{
    return feerate_fee(b->feerate, tx_vsize(tx) + (int64_t)b->n_coins);
}

static enum ticket_build_result with_payload(struct tx **out, struct amount *fee,
                                             const struct ticket_build *b,
                                             struct bytes payload)
{
    int64_t left = sum_of(b) - b->burn.v;
    int64_t dust = policy_dust_threshold(b->change_script, DEFAULT_DUST_FEERATE);
    /* Sizes and the fee first, with any change at all; then the real one. */
    struct tx *tx = attempt(b, payload, amount_of(1));
    if (tx == NULL)
        return BUILD_NOT_SIGNED;
    int64_t change = left - fee_for(b, tx);
    tx_unref(tx);
    tx = attempt(b, payload, amount_of(change >= dust ? change : 0));
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

enum ticket_build_result ticket_build(struct tx **out, struct amount *fee,
                                      const struct ticket_build *b)
{
    struct buf payload = {0};
    enum ticket_build_result r = BUILD_SIGNER;
    ASSERT(b->n_coins > 0);
    if (make_payload(&payload, b) == ERR_OK)
        r = with_payload(out, fee, b, buf_view(&payload));
    buf_clear(&payload);
    return r;
}
