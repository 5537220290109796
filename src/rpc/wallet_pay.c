/* sendtoaddress and sendmany. */
#include "chain/params/params.h"
#include "rpc/wallet_spend.h"

struct payment {
    struct fund_args args;
    struct spend_notes notes;
    bool verbose;
};

static const char *text_or_null(const struct rpc_call *c, size_t i)
{
    const char *text = rpc_arg_str(c, i, "");
    return text[0] != '\0' ? text : NULL;
}

/* Where the arguments of both methods stand. */
static bool read_fee(struct payment *p, struct rpc_call *c, size_t rbf, size_t rate)
{
    struct fee_args fee = {rpc_arg(c, rbf + 1), rpc_arg(c, rbf + 2), rpc_arg(c, rate)};
    p->args.control.has_rbf = rpc_arg(c, rbf) != NULL;
    p->args.control.rbf = rpc_arg_bool(c, rbf, true);
    p->verbose = rpc_arg_bool(c, rate + 1, false);
    return rpc_fee_wish(c, &fee, false, &p->args.control);
}

static bool read_reuse(struct payment *p, struct rpc_call *c, const struct wallet *w)
{
    bool can = wallet_has_flag(w, WALLET_AVOID_REUSE);
    bool avoid = rpc_arg_bool(c, 8, can);
    if (avoid && !can) {
        rpc_error(c, RPC_WALLET_ERROR,
                  "wallet does not have the \"avoid reuse\" feature enabled");
        return false;
    }
    p->args.control.avoid_reuse = avoid;
    p->args.control.avoid_partial_spends = avoid;
    return true;
}

static void put_sent(const struct payment *p, struct rpc_call *c,
                     const struct funded_tx *f)
{
    if (!p->verbose) {
        json_hash(c->w, &f->tx->txid);
        return;
    }
    json_begin_object(c->w);
    json_kv_hash(c->w, "txid", &f->tx->txid);
    json_kv_str(c->w, "fee_reason", fee_reason_text(f->rate.reason));
    json_end_object(c->w);
}

static void pay(struct payment *p, struct rpc_call *c, struct wallet *w)
{
    struct funded_tx f;
    struct wallet_error e = {0};
    struct spend_request rq;
    if (!rpc_need_unlocked(c, w) || !rpc_need_private_keys(c, w))
        return;
    outputs_shuffle(&p->args.outputs);
    spend_request_init(&rq);
    rq.outputs = p->args.outputs.v;
    rq.n_outputs = p->args.outputs.n;
    rq.control = &p->args.control;
    if (!wallet_fund(w, &rq, &f, &e)) {
        rpc_wallet_error(c, &e);
        return;
    }
    if (wallet_commit(w, &f, &p->notes, &e))
        put_sent(p, c, &f);
    else
        rpc_wallet_error(c, &e);
    funded_tx_clear(&f);
}

static void run_payment(struct rpc_call *c,
                        bool (*read)(struct payment *p, struct rpc_call *c,
                                     const struct wallet *w))
{
    struct wallet *w = rpc_synced_wallet(c);
    struct payment p = {0};
    if (w == NULL)
        return;
    fund_args_init(&p.args);
    if (read(&p, c, w)) {
        wallet_lock(w);
        pay(&p, c, w);
        wallet_unlock(w);
    }
    fund_args_clear(&p.args);
    wallet_unref(w);
}

static bool read_to_address(struct payment *p, struct rpc_call *c,
                            const struct wallet *w)
{
    const struct json *params = c->params;
    const struct json output = {.type = JSON_OBJECT,
                                .len = 1,
                                .keys = &params->items[0],
                                .items = &params->items[1]};
    p->notes = (struct spend_notes){text_or_null(c, 2), text_or_null(c, 3), NULL};
    return read_reuse(p, c, w) && read_fee(p, c, 5, 9) &&
           outputs_read(&p->args.outputs, c, &output, rpc_arg(c, 4));
}

void rpc_sendtoaddress(struct rpc_call *c)
{
    run_payment(c, read_to_address);
}

static bool read_many(struct payment *p, struct rpc_call *c, const struct wallet *w)
{
    (void)w;
    if (rpc_arg_str(c, 0, "")[0] != '\0') {
        rpc_error(c, RPC_INVALID_PARAMETER, "Dummy value must be set to \"\"");
        return false;
    }
    p->notes.comment = text_or_null(c, 3);
    return read_fee(p, c, 5, 8) &&
           outputs_read(&p->args.outputs, c, rpc_arg(c, 1), rpc_arg(c, 4));
}

void rpc_sendmany(struct rpc_call *c)
{
    run_payment(c, read_many);
}
