#include <stdlib.h>

#include "rpc/raw.h"
#include "rpc/wallet_spend.h"
#include "wallet/coins.h"
#include "wallet/sendall.h"

static bool fail(struct rpc_call *c, const char *text)
{
    rpc_error(c, RPC_INVALID_PARAMETER, "%s", text);
    return false;
}

/* -- Recipients: an address alone gets a part of what is left -- */

struct recipients {
    struct json outputs; /* in the form of createrawtransaction */
    bool *takes_rest;    /* for each of them; in the call's memory */
    size_t n_takers;
};

/* {"address": 0} */
static struct json without_amount(struct rpc_call *c, const struct json *address)
{
    struct json *zero = arena_alloc(c->mem, sizeof(*zero));
    struct json *key = arena_dup(c->mem, address, sizeof(*key));
    *zero = (struct json){.type = JSON_NUMBER, .str = "0", .str_len = 1};
    return (struct json){.type = JSON_OBJECT, .len = 1, .items = zero, .keys = key};
}

static bool read_recipients(struct recipients *r, struct rpc_call *c)
{
    const struct json *list = rpc_arg(c, 0);
    struct json *items = arena_alloc(c->mem, (list->len + 1) * sizeof(*items));
    r->takes_rest = arena_alloc(c->mem, list->len + 1);
    for (size_t i = 0; i < list->len; i++) {
        r->takes_rest[i] = list->items[i].type == JSON_STRING;
        r->n_takers += r->takes_rest[i];
        items[i] =
            r->takes_rest[i] ? without_amount(c, &list->items[i]) : list->items[i];
    }
    r->outputs = (struct json){.type = JSON_ARRAY, .len = list->len, .items = items};
    return r->n_takers > 0 ||
           fail(c, "Must provide at least one address without a specified amount");
}

/* -- Options -- */

static bool check_types(struct rpc_call *c, const struct json *o)
{
    static const struct rpc_field fields[] = {
        {"add_to_wallet", JSON_BOOL, false, true},
        {"conf_target", JSON_NUMBER, false, true},
        {"estimate_mode", JSON_STRING, false, true},
        {"fee_rate", JSON_NUMBER, true, true},
        {"include_watching", JSON_BOOL, false, true},
        {"inputs", JSON_ARRAY, false, true},
        {"lock_unspents", JSON_BOOL, false, true},
        {"locktime", JSON_NUMBER, false, true},
        {"maxconf", JSON_NUMBER, false, true},
        {"minconf", JSON_NUMBER, false, true},
        {"psbt", JSON_BOOL, false, true},
        {"replaceable", JSON_BOOL, false, true},
        {"send_max", JSON_BOOL, false, true},
        {"solving_data", JSON_OBJECT, false, true},
        {NULL, JSON_NULL, false, false},
    };
    return o == NULL || rpc_check_fields(c, o, fields, true);
}

static bool read_depths(struct coin_control *cc, struct rpc_call *c,
                        const struct json *o)
{
    const struct json *min = json_get(o, "minconf"), *max = json_get(o, "maxconf");
    if (json_given(min)) {
        if (!rpc_to_i32(c, min, &cc->min_depth))
            return false;
        if (cc->min_depth < 0) {
            rpc_error(c, RPC_INVALID_PARAMETER,
                      "Invalid minconf (minconf cannot be negative): %d",
                      cc->min_depth);
            return false;
        }
    }
    if (!json_given(max))
        return true;
    if (!rpc_to_i32(c, max, &cc->max_depth))
        return false;
    if (cc->max_depth >= cc->min_depth)
        return true;
    rpc_error(c, RPC_INVALID_PARAMETER, "maxconf can't be lower than minconf: %d < %d",
              cc->max_depth, cc->min_depth);
    return false;
}

static bool check_combinations(struct rpc_call *c, const struct json *o)
{
    if (json_get(o, "inputs") == NULL)
        return true;
    if (json_get(o, "send_max") != NULL)
        return fail(c, "Cannot combine send_max with specific inputs.");
    if (json_get(o, "minconf") != NULL || json_get(o, "maxconf") != NULL)
        return fail(c, "Cannot combine minconf or maxconf with specific inputs.");
    return true;
}

static bool read_all(struct rpc_call *c, const struct wallet *w, struct recipients *r,
                     struct coin_control *cc, struct mtx *tx)
{
    struct fee_args fee;
    const struct json *o = rpc_arg(c, 4);
    cc->has_rbf = true;
    cc->rbf = rpc_option_rbf(w, o);
    struct raw_parts parts = {json_get(o, "inputs"), &r->outputs,
                              json_get(o, "locktime"),
                              cc->rbf ? RAW_RBF_YES : RAW_RBF_NO};
    return rpc_fee_args(c, 1, o, &fee) && fund_refuse_old_names(c, o) &&
           check_types(c, o) && read_recipients(r, c) &&
           rpc_fee_wish(c, &fee, false, cc) && read_depths(cc, c, o) &&
           raw_construct_parts(c, &parts, tx) && check_combinations(c, o);
}

/* -- The call -- */

static bool lock_inputs(struct rpc_call *c, struct wallet *w, const struct mtx *tx)
{
    struct wallet_error e = {0};
    const struct json *lock = json_get(rpc_arg(c, 4), "lock_unspents");
    for (uint32_t i = 0; json_given(lock) && lock->boolean && i < tx->n_in; i++) {
        if (wallet_wrote(w, coin_lock(w, &tx->in[i].prevout, false), &e))
            continue;
        rpc_wallet_error(c, &e);
        return false;
    }
    return true;
}

static void send_all(struct rpc_call *c, struct wallet *w, const struct recipients *r,
                     const struct coin_control *cc, struct mtx *m)
{
    struct wallet_error e = {0};
    const struct json *o = rpc_arg(c, 4);
    const struct json *max = json_get(o, "send_max");
    struct sendall_request rq = {.control = cc,
                                 .given_inputs = json_get(o, "inputs") != NULL,
                                 .send_max = json_given(max) && max->boolean,
                                 .takes_rest = r->takes_rest};
    if (!wallet_sendall(w, &rq, m, &e)) {
        rpc_wallet_error(c, &e);
        return;
    }
    if (!lock_inputs(c, w, m))
        return;
    struct tx *tx = mtx_to_tx(m);
    rpc_finish_spend(c, w, tx, o);
    tx_unref(tx);
}

void rpc_sendall(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    struct recipients r = {0};
    struct coin_control cc;
    struct mtx tx;
    if (w == NULL)
        return;
    coin_control_init(&cc);
    mtx_init(&tx);
    if (read_all(c, w, &r, &cc, &tx)) {
        wallet_lock(w);
        send_all(c, w, &r, &cc, &tx);
        wallet_unlock(w);
    }
    mtx_clear(&tx);
    coin_control_clear(&cc);
    wallet_unref(w);
}
