/* fundrawtransaction, walletcreatefundedpsbt and send: outputs that get their inputs.
 */
#include "chain/script/tx_decode.h"
#include "rpc/psbt_args.h"
#include "rpc/raw.h"
#include "rpc/wallet_spend.h"

/* What a handler has gathered before the wallet is asked. */
struct fund_call {
    struct fund_args args;
    struct mtx tx; /* inputs that stay, version, locktime */
    const struct json *options;
    const struct json *weights; /* inputs that may say how heavy they are, or NULL */
    uint32_t psbt_version;
};

static bool run(struct fund_call *f, struct rpc_call *c, struct wallet *w,
                struct funded_tx *out)
{
    return fund_name_inputs(&f->args, c, w, &f->tx) &&
           fund_read_weights(&f->args, c, f->options, f->weights) &&
           fund_run(&f->args, c, w, out);
}

/* The frame of all three: @read takes the arguments, @act answers under the wallet's
 * lock. */
static void
fund_call(struct rpc_call *c,
          bool (*read)(struct fund_call *f, struct rpc_call *c, const struct wallet *w),
          void (*act)(struct fund_call *f, struct rpc_call *c, struct wallet *w))
{
    struct wallet *w = rpc_synced_wallet(c);
    struct fund_call f = {0};
    if (w == NULL)
        return;
    fund_args_init(&f.args);
    mtx_init(&f.tx);
    if (read(&f, c, w)) {
        wallet_lock(w);
        act(&f, c, w);
        wallet_unlock(w);
    }
    fund_args_clear(&f.args);
    mtx_clear(&f.tx);
    wallet_unref(w);
}

static struct fee_args fee_options(const struct json *options)
{
    return (struct fee_args){json_get(options, "conf_target"),
                             json_get(options, "estimate_mode"),
                             json_get(options, "fee_rate")};
}

static void put_fee(struct rpc_call *c, const struct funded_tx *t)
{
    rpc_write_amount(c, "fee", t->fee);
    json_kv_int(c->w, "changepos", t->change_position);
}

/* -- fundrawtransaction -- */

static bool read_raw(struct fund_call *f, struct rpc_call *c,
                     const struct wallet *w UNUSED)
{
    bool given = rpc_arg(c, 2) != NULL, witness = rpc_arg_bool(c, 2, true);
    const struct json *hex = rpc_arg(c, 0);
    struct tx *tx = tx_decode_hex(hex->str, hex->str_len, !given || !witness, witness);
    if (tx == NULL) {
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "TX decode failed");
        return false;
    }
    f->options = rpc_arg(c, 1);
    struct fee_args fee = fee_options(f->options);
    mtx_from_tx(&f->tx, tx);
    bool ok = outputs_of_tx(&f->args.outputs, c, tx,
                            json_get(f->options, "subtractFeeFromOutputs")) &&
              fund_read_options(&f->args, c, f->options, &fee, true);
    tx_unref(tx);
    return ok;
}

static void fund_raw(struct fund_call *f, struct rpc_call *c, struct wallet *w)
{
    struct funded_tx funded;
    struct mtx m;
    if (!run(f, c, w, &funded))
        return;
    mtx_from_tx(&m, funded.tx);
    json_begin_object(c->w);
    json_key(c->w, "hex");
    raw_put_mtx(c, &m);
    put_fee(c, &funded);
    json_end_object(c->w);
    mtx_clear(&m);
    funded_tx_clear(&funded);
}

void rpc_fundrawtransaction(struct rpc_call *c)
{
    fund_call(c, read_raw, fund_raw);
}

/* -- walletcreatefundedpsbt and send -- */

/* Inputs, outputs and locktime as createrawtransaction takes them. Named inputs are all
 * there is unless add_inputs says otherwise. */
static bool read_parts(struct fund_call *f, struct rpc_call *c, struct raw_parts *parts,
                       const struct json *subtract)
{
    f->weights = json_given(parts->inputs) ? parts->inputs : NULL;
    f->args.control.allow_other_inputs = f->weights == NULL || f->weights->len == 0;
    return raw_construct_parts(c, parts, &f->tx) &&
           outputs_read(&f->args.outputs, c, parts->outputs, subtract);
}

static bool read_psbt_args(struct fund_call *f, struct rpc_call *c,
                           const struct wallet *w)
{
    f->options = rpc_arg(c, 3);
    struct fee_args fee = fee_options(f->options);
    struct raw_parts parts = {rpc_arg(c, 0), rpc_arg(c, 1), rpc_arg(c, 2),
                              rpc_option_rbf(w, f->options) ? RAW_RBF_YES : RAW_RBF_NO};
    return rpc_arg_psbt_version(c, 5, &f->psbt_version) &&
           read_parts(f, c, &parts, json_get(f->options, "subtractFeeFromOutputs")) &&
           fund_read_options(&f->args, c, f->options, &fee, true);
}

static void fund_psbt(struct fund_call *f, struct rpc_call *c, struct wallet *w)
{
    struct funded_tx funded;
    if (!run(f, c, w, &funded))
        return;
    json_begin_object(c->w);
    if (rpc_put_psbt(c, w, funded.tx, f->psbt_version, rpc_arg_bool(c, 4, true)))
        put_fee(c, &funded);
    json_end_object(c->w);
    funded_tx_clear(&funded);
}

void rpc_walletcreatefundedpsbt(struct rpc_call *c)
{
    fund_call(c, read_psbt_args, fund_psbt);
}

static bool read_send_args(struct fund_call *f, struct rpc_call *c,
                           const struct wallet *w)
{
    struct fee_args fee;
    const struct json *o = f->options = rpc_arg(c, 4);
    struct raw_parts parts = {json_get(o, "inputs"), rpc_arg(c, 0),
                              json_get(o, "locktime"),
                              rpc_option_rbf(w, o) ? RAW_RBF_YES : RAW_RBF_NO};
    if (!rpc_fee_args(c, 1, o, &fee) || !fund_refuse_old_names(c, o) ||
        !read_parts(f, c, &parts, json_get(o, "subtract_fee_from_outputs")))
        return false;
    if (o != NULL)
        return fund_read_options(&f->args, c, o, &fee, false);
    return rpc_fee_wish(c, &fee, false, &f->args.control);
}

static void fund_and_send(struct fund_call *f, struct rpc_call *c, struct wallet *w)
{
    struct funded_tx funded;
    if (!run(f, c, w, &funded))
        return;
    rpc_finish_spend(c, w, funded.tx, f->options);
    funded_tx_clear(&funded);
}

void rpc_send(struct rpc_call *c)
{
    fund_call(c, read_send_args, fund_and_send);
}
