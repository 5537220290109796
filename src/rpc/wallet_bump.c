/* bumpfee and psbtbumpfee. */
#include <stdlib.h>

#include "rpc/raw.h"
#include "rpc/wallet_spend.h"
#include "wallet/bump.h"

struct bump_call {
    struct bump_request rq;
    struct coin_control control;
    struct mtx outputs;  /* the new ones, if any */
    struct txout *views; /* owned: of them */
    bool as_psbt;
};

static bool fail(struct rpc_call *c, const char *text)
{
    rpc_error(c, RPC_INVALID_PARAMETER, "%s", text);
    return false;
}

/* -- Options -- */

static bool check_types(struct rpc_call *c, const struct json *o)
{
    static const struct rpc_field fields[] = {
        {"confTarget", JSON_NUMBER, false, true},
        {"conf_target", JSON_NUMBER, false, true},
        {"fee_rate", JSON_NUMBER, true, true},
        {"replaceable", JSON_BOOL, false, true},
        {"estimate_mode", JSON_STRING, false, true},
        {"outputs", JSON_ARRAY, true, true},
        {"original_change_index", JSON_NUMBER, false, true},
        {NULL, JSON_NULL, false, false},
    };
    return rpc_check_fields(c, o, fields, true);
}

static bool read_fee(struct bump_call *b, struct rpc_call *c, const struct json *o)
{
    const struct json *old = json_get(o, "confTarget");
    const struct json *target = json_get(o, "conf_target");
    const struct json *rbf = json_get(o, "replaceable");
    struct fee_args fee = {old != NULL ? old : target, json_get(o, "estimate_mode"),
                           json_get(o, "fee_rate")};
    if (old != NULL && target != NULL)
        return fail(c, "confTarget and conf_target options should not both be set. Use "
                       "conf_target (confTarget is deprecated).");
    if (json_given(rbf))
        b->control.rbf = rbf->boolean;
    return rpc_fee_wish(c, &fee, false, &b->control);
}

static bool read_outputs(struct bump_call *b, struct rpc_call *c, const struct json *v)
{
    if (!json_given(v))
        return true;
    if (v->type == JSON_ARRAY && v->len == 0)
        return fail(c, "Invalid parameter, output argument cannot be an empty array");
    if (!raw_add_outputs(c, &b->outputs, v))
        return false;
    b->views = xcalloc(b->outputs.n_out + 1, sizeof(*b->views));
    for (uint32_t i = 0; i < b->outputs.n_out; i++)
        b->views[i] = (struct txout){b->outputs.out[i].value,
                                     buf_view(&b->outputs.out[i].script)};
    b->rq.outputs = b->outputs.n_out > 0 ? b->views : NULL;
    b->rq.n_outputs = b->outputs.n_out;
    return true;
}

static bool read_change(struct bump_call *b, struct rpc_call *c, const struct json *v)
{
    int64_t i;
    if (!json_given(v))
        return true;
    if (!rpc_to_i64(c, v, &i))
        return false;
    if (i < 0 || i > UINT32_MAX) {
        rpc_error(c, RPC_MISC_ERROR, "JSON integer out of range");
        return false;
    }
    b->rq.change_index = i;
    return true;
}

static bool read_all(struct bump_call *b, struct rpc_call *c, const struct wallet *w)
{
    const struct json *o = rpc_arg(c, 1);
    if (!b->as_psbt && wallet_has_flag(w, WALLET_DISABLE_PRIVATE_KEYS)) {
        rpc_error(c, RPC_WALLET_ERROR,
                  "bumpfee is not available with wallets that have private keys "
                  "disabled. Use psbtbumpfee instead.");
        return false;
    }
    if (!rpc_arg_hash(c, 0, "txid", &b->rq.txid))
        return false;
    return o == NULL || (check_types(c, o) && read_fee(b, c, o) &&
                         read_outputs(b, c, json_get(o, "outputs")) &&
                         read_change(b, c, json_get(o, "original_change_index")));
}

/* -- The call -- */

static bool put_replacement(struct bump_call *b, struct rpc_call *c, struct wallet *w,
                            struct funded_tx *f)
{
    struct wallet_error e = {0};
    if (b->as_psbt)
        return rpc_put_psbt(c, w, f->tx, 0, true);
    if (!wallet_commit_bump(w, &b->rq.txid, f, &e)) {
        rpc_wallet_error(c, &e);
        return false;
    }
    json_kv_hash(c->w, "txid", &f->tx->txid);
    return true;
}

static void bump(struct bump_call *b, struct rpc_call *c, struct wallet *w)
{
    struct funded_tx f;
    struct amount old_fee;
    struct wallet_error e = {0};
    if (!rpc_need_unlocked(c, w))
        return;
    if (!wallet_bump(w, &b->rq, &f, &old_fee, &e)) {
        rpc_wallet_error(c, &e);
        return;
    }
    json_begin_object(c->w);
    if (put_replacement(b, c, w, &f)) {
        rpc_write_amount(c, "origfee", old_fee);
        rpc_write_amount(c, "fee", f.fee);
        json_key(c->w, "errors");
        json_begin_array(c->w); /* what might go wrong then fails as a whole */
        json_end_array(c->w);
    }
    json_end_object(c->w);
    funded_tx_clear(&f);
}

static void run(struct rpc_call *c, bool as_psbt)
{
    struct wallet *w = rpc_synced_wallet(c);
    struct bump_call b = {.as_psbt = as_psbt};
    if (w == NULL)
        return;
    coin_control_init(&b.control);
    mtx_init(&b.outputs);
    b.control.has_rbf = b.control.rbf = true;
    b.rq.control = &b.control;
    b.rq.change_index = KEEP_CHANGE;
    b.rq.only_own = !as_psbt;
    if (read_all(&b, c, w)) {
        wallet_lock(w);
        bump(&b, c, w);
        wallet_unlock(w);
    }
    free(b.views);
    mtx_clear(&b.outputs);
    coin_control_clear(&b.control);
    wallet_unref(w);
}

void rpc_bumpfee(struct rpc_call *c)
{
    run(c, false);
}

void rpc_psbtbumpfee(struct rpc_call *c)
{
    run(c, true);
}
