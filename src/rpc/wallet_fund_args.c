/* The options of fundrawtransaction, walletcreatefundedpsbt and send. */
#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/rules/policy.h"
#include "chain/script/descriptor.h"
#include "crypto/secp.h"
#include "rpc/wallet_spend.h"
#include "util/hex.h"
#include "wallet/chain_source.h"
#include "wallet/coins.h"

static bool fail(struct rpc_call *c, const char *text)
{
    rpc_error(c, RPC_INVALID_PARAMETER, "%s", text);
    return false;
}

void fund_args_init(struct fund_args *f)
{
    *f = (struct fund_args){.change_position = CHANGE_RANDOM};
    coin_control_init(&f->control);
}

void fund_args_clear(struct fund_args *f)
{
    coin_control_clear(&f->control);
    outputs_clear(&f->outputs);
}

bool rpc_option_rbf(const struct wallet *w, const struct json *options)
{
    const struct json *v = json_get(options, "replaceable");
    return json_given(v) ? v->boolean : w->opt->signal_rbf;
}

bool fund_refuse_old_names(struct rpc_call *c, const struct json *options)
{
    static const char *const names[][2] = {
        {"feeRate", "Use fee_rate (sat/vB) instead of feeRate"},
        {"changeAddress", "Use change_address instead of changeAddress"},
        {"changePosition", "Use change_position instead of changePosition"},
        {"includeWatching", "Use include_watching instead of includeWatching"},
        {"lockUnspents", "Use lock_unspents instead of lockUnspents"},
        {"subtractFeeFromOutputs",
         "Use subtract_fee_from_outputs instead of subtractFeeFromOutputs"},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (json_get(options, names[i][0]) != NULL)
            return fail(c, names[i][1]);
    }
    return true;
}

/* The value under either name. */
static const struct json *either(const struct json *options, const char *old,
                                 const char *name)
{
    const struct json *v = json_get(options, old);
    return json_given(v) ? v : json_get(options, name);
}

/* -- Change -- */

static bool read_change_type(struct fund_args *f, struct rpc_call *c,
                             const struct json *type, bool has_address)
{
    if (type == NULL)
        return true;
    if (has_address)
        return fail(c, "Cannot specify both change address and address type options");
    if (!rpc_want(c, type, JSON_STRING))
        return false;
    if (output_type_parse(&f->control.change_type, type->str))
        return true;
    rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Unknown change type '%s'", type->str);
    return false;
}

static bool read_change(struct fund_args *f, struct rpc_call *c, const struct json *o)
{
    const struct json *address = either(o, "changeAddress", "change_address");
    const struct json *position = either(o, "changePosition", "change_position");
    if (json_given(address) &&
        !address_decode(&f->control.change, c->node->params, address->str, NULL)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "Change address must be a valid bitcoin address");
        return false;
    }
    if (json_given(position)) {
        if (!rpc_to_i32(c, position, &f->change_position))
            return false;
        if (f->change_position < 0 || (size_t)f->change_position > f->outputs.n)
            return fail(c, "changePosition out of bounds");
    }
    return read_change_type(f, c, json_get(o, "change_type"), json_given(address));
}

/* -- Fee -- */

static bool read_old_feerate(struct fund_args *f, struct rpc_call *c,
                             const struct json *o)
{
    struct amount rate;
    const char *unit = c->node->params->unit;
    const struct json *v = json_get(o, "feeRate");
    if (v == NULL)
        return true;
    if (json_get(o, "fee_rate") != NULL) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Cannot specify both fee_rate (sat/vB) and feeRate (%s/kvB)", unit);
        return false;
    }
    if (json_get(o, "conf_target") != NULL)
        return fail(c, "Cannot specify both conf_target and feeRate. Please provide "
                       "either a confirmation target in blocks for automatic fee "
                       "estimation, or an explicit fee rate.");
    if (json_get(o, "estimate_mode") != NULL)
        return fail(c, "Cannot specify both estimate_mode and feeRate");
    if (!rpc_to_amount(c, v, &rate))
        return false;
    f->control.fee =
        (struct fee_wish){.has_feerate = true, .feerate = rate.v, .override_min = true};
    return true;
}

static bool read_fee(struct fund_args *f, struct rpc_call *c, const struct json *o,
                     const struct fee_args *fee, bool override_min)
{
    const struct json *rbf = json_get(o, "replaceable");
    if (!read_old_feerate(f, c, o))
        return false;
    if (json_given(rbf)) {
        f->control.has_rbf = true;
        f->control.rbf = rbf->boolean;
    }
    return rpc_fee_wish(c, fee, override_min, &f->control);
}

/* -- Coins -- */

static bool read_depths(struct fund_args *f, struct rpc_call *c, const struct json *o)
{
    struct coin_control *cc = &f->control;
    const struct json *min = json_get(o, "minconf"), *max = json_get(o, "maxconf");
    if (json_given(min)) {
        if (!rpc_to_i32(c, min, &cc->min_depth))
            return false;
        if (cc->min_depth < 0)
            return fail(c, "Negative minconf");
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

static void read_flag(const struct json *o, const char *name, bool *out)
{
    const struct json *v = json_get(o, name);
    if (json_given(v))
        *out = v->boolean;
}

static bool read_coins(struct fund_args *f, struct rpc_call *c, const struct json *o)
{
    int64_t max_weight;
    const struct json *lock = either(o, "lockUnspents", "lock_unspents");
    const struct json *weight = json_get(o, "max_tx_weight");
    read_flag(o, "add_inputs", &f->control.allow_other_inputs);
    read_flag(o, "include_unsafe", &f->control.include_unsafe);
    if (json_given(lock))
        f->lock_unspents = lock->boolean;
    if (json_given(weight)) {
        if (!rpc_to_i64(c, weight, &max_weight))
            return false;
        /* 0 stands for the default inside; it is too small as -1 is */
        f->control.max_tx_weight = max_weight != 0 ? max_weight : -1;
    }
    return read_depths(f, c, o);
}

/* -- Solving data -- */

static bool read_pubkey(struct fund_args *f, struct rpc_call *c, const struct json *v)
{
    struct buf key = {0}, script = {0};
    struct destination d;
    bool ok = false;
    if (!rpc_want(c, v, JSON_STRING))
        return false;
    if (v->str_len == 0 || !hex_decode(&key, v->str, v->str_len))
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Pubkey '%s' is not a hex string",
                  v->str);
    else if (!secp_pubkey_valid(buf_view(&key)))
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Pubkey '%s' is not valid", v->str);
    else
        ok = true;
    if (ok) {
        keystore_add_key(&f->control.solving, buf_view(&key), NULL, NULL);
        destination_of_key(&d, DEST_WPKH, buf_view(&key));
        destination_to_script(&script, &d);
        keystore_add_script(&f->control.solving, buf_view(&script));
    }
    buf_clear(&script);
    buf_clear(&key);
    return ok;
}

static bool read_script(struct fund_args *f, struct rpc_call *c, const struct json *v)
{
    struct buf script = {0};
    if (!rpc_want(c, v, JSON_STRING))
        return false;
    bool ok = v->str_len > 0 && hex_decode(&script, v->str, v->str_len);
    if (ok)
        keystore_add_script(&f->control.solving, buf_view(&script));
    else
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Script '%s' is not a hex string",
                  v->str);
    buf_clear(&script);
    return ok;
}

static bool read_descriptor(struct fund_args *f, struct rpc_call *c,
                            const struct json *v)
{
    struct descriptor_list list;
    struct script_list scripts;
    struct keystore *known = &f->control.solving;
    char *error = NULL;
    if (!rpc_want(c, v, JSON_STRING))
        return false;
    if (!descriptor_parse(&list, c->node->params, known, v->str, true, &error)) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Unable to parse descriptor '%s': %s",
                  v->str, error);
        free(error);
        return false;
    }
    for (size_t i = 0; i < list.n; i++) {
        if (descriptor_expand(list.items[i], c->node->params, 0, known, &scripts,
                              known))
            script_list_clear(&scripts);
    }
    descriptor_list_clear(&list);
    return true;
}

static bool read_solving(struct fund_args *f, struct rpc_call *c, const struct json *o)
{
    static const struct {
        const char *name;
        bool (*read)(struct fund_args *f, struct rpc_call *c, const struct json *v);
    } parts[] = {
        {"pubkeys", read_pubkey},
        {"scripts", read_script},
        {"descriptors", read_descriptor},
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const struct json *list = json_get(o, parts[i].name);
        if (!json_given(list))
            continue;
        if (!rpc_want(c, list, JSON_ARRAY))
            return false;
        for (size_t k = 0; k < list->len; k++) {
            if (!parts[i].read(f, c, &list->items[k]))
                return false;
        }
    }
    return true;
}

/* -- Weights -- */

#define LEAST_INPUT_WEIGHT 165

static bool check_weight(struct rpc_call *c, int64_t weight)
{
    if (weight < LEAST_INPUT_WEIGHT)
        return fail(c, "Invalid parameter, weight cannot be less than 165 (41 bytes "
                       "(size of outpoint + sequence + empty scriptSig) * 4 (witness "
                       "scaling factor)) + 1 (empty witness)");
    if (weight <= MAX_STANDARD_TX_WEIGHT)
        return true;
    rpc_error(
        c, RPC_INVALID_PARAMETER,
        "Invalid parameter, weight cannot be greater than the maximum standard tx "
        "weight of %d",
        MAX_STANDARD_TX_WEIGHT);
    return false;
}

static bool read_weight(struct fund_args *f, struct rpc_call *c, const struct json *v)
{
    struct outpoint o;
    int32_t n;
    int64_t weight;
    if (!rpc_want(c, v, JSON_OBJECT) ||
        !rpc_to_hash(c, json_get(v, "txid"), "txid", &o.txid))
        return false;
    const struct json *vout = json_get(v, "vout"), *w = json_get(v, "weight");
    if (vout == NULL || vout->type != JSON_NUMBER)
        return fail(c, "Invalid parameter, missing vout key");
    if (!rpc_to_i32(c, vout, &n))
        return false;
    if (n < 0)
        return fail(c, "Invalid parameter, vout cannot be negative");
    if (w == NULL || w->type != JSON_NUMBER)
        return fail(c, "Invalid parameter, missing weight key");
    if (!rpc_to_i64(c, w, &weight) || !check_weight(c, weight))
        return false;
    o.n = (uint32_t)n;
    coin_control_name(&f->control, &o)->weight = weight;
    return true;
}

bool fund_read_weights(struct fund_args *f, struct rpc_call *c, const struct json *o,
                       const struct json *inputs)
{
    const struct json *list = json_get(o, "input_weights");
    if (inputs != NULL && list != NULL)
        return fail(c, "Input weights should be specified in inputs rather than in "
                       "options.");
    if (inputs == NULL)
        inputs = list;
    for (size_t i = 0; json_given(inputs) && i < inputs->len; i++) {
        const struct json *in = &inputs->items[i];
        if ((list != NULL || json_get(in, "weight") != NULL) && !read_weight(f, c, in))
            return false;
    }
    return true;
}

/* -- All of them -- */

static bool check_types(struct rpc_call *c, const struct json *o)
{
    static const struct rpc_field fields[] = {
        {"add_inputs", JSON_BOOL, false, true},
        {"include_unsafe", JSON_BOOL, false, true},
        {"add_to_wallet", JSON_BOOL, false, true},
        {"changeAddress", JSON_STRING, false, true},
        {"change_address", JSON_STRING, false, true},
        {"changePosition", JSON_NUMBER, false, true},
        {"change_position", JSON_NUMBER, false, true},
        {"change_type", JSON_STRING, false, true},
        {"includeWatching", JSON_BOOL, false, true},
        {"include_watching", JSON_BOOL, false, true},
        {"inputs", JSON_ARRAY, false, true},
        {"lockUnspents", JSON_BOOL, false, true},
        {"lock_unspents", JSON_BOOL, false, true},
        {"locktime", JSON_NUMBER, false, true},
        {"fee_rate", JSON_NUMBER, true, true},
        {"feeRate", JSON_NUMBER, true, true},
        {"psbt", JSON_BOOL, false, true},
        {"solving_data", JSON_OBJECT, false, true},
        {"subtractFeeFromOutputs", JSON_ARRAY, false, true},
        {"subtract_fee_from_outputs", JSON_ARRAY, false, true},
        {"replaceable", JSON_BOOL, false, true},
        {"conf_target", JSON_NUMBER, false, true},
        {"estimate_mode", JSON_STRING, false, true},
        {"minconf", JSON_NUMBER, false, true},
        {"maxconf", JSON_NUMBER, false, true},
        {"input_weights", JSON_ARRAY, false, true},
        {"max_tx_weight", JSON_NUMBER, false, true},
        {NULL, JSON_NULL, false, false},
    };
    return rpc_check_fields(c, o, fields, true);
}

bool fund_read_options(struct fund_args *f, struct rpc_call *c,
                       const struct json *options, const struct fee_args *fee,
                       bool override_min)
{
    if (!json_given(options) || options->type == JSON_BOOL)
        return true; /* a bool is how it was once said */
    if (!rpc_want(c, options, JSON_OBJECT))
        return false;
    return check_types(c, options) && read_coins(f, c, options) &&
           read_change(f, c, options) && read_fee(f, c, options, fee, override_min) &&
           read_solving(f, c, json_get(options, "solving_data"));
}

/* -- Inputs -- */

static void keep_input(struct named_coin *n, const struct mtxin *in)
{
    n->has_sequence = true;
    n->sequence = in->sequence;
    buf_append(&n->script_sig, in->script_sig.data, in->script_sig.len);
    n->witness = xcalloc(in->n_witness + 1, sizeof(*n->witness));
    n->n_witness = in->n_witness;
    for (uint32_t i = 0; i < in->n_witness; i++)
        buf_append(&n->witness[i], in->witness[i].data, in->witness[i].len);
}

static bool find_foreign(struct named_coin *n, struct rpc_call *c,
                         const struct wallet *w)
{
    struct coin coin;
    struct buf script = {0};
    const struct chain_source *chain = w->opt->chain;
    bool found = chain->coin(chain->ctx, &n->prevout, &coin, &script);
    if (found)
        named_coin_set_output(n, &(struct txout){coin.value, coin.script});
    else
        rpc_error(c, RPC_WALLET_ERROR, "Unable to find UTXO for external input");
    buf_clear(&script);
    return found;
}

bool fund_name_inputs(struct fund_args *f, struct rpc_call *c, struct wallet *w,
                      const struct mtx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct outpoint *o = &tx->in[i].prevout;
        if (coin_control_find(&f->control, o) != NULL)
            continue;
        struct named_coin *n = coin_control_name(&f->control, o);
        keep_input(n, &tx->in[i]);
        if (txstore_my_output(w, o) == NULL && !find_foreign(n, c, w))
            return false;
    }
    f->control.has_locktime = true;
    f->control.locktime = tx->locktime;
    f->control.version = tx->version;
    return true;
}

static bool lock_inputs(struct rpc_call *c, struct wallet *w, const struct tx *tx)
{
    struct wallet_error e = {0};
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (wallet_wrote(w, coin_lock(w, &tx->in[i].prevout, false), &e))
            continue;
        rpc_wallet_error(c, &e);
        return false;
    }
    return true;
}

bool fund_run(struct fund_args *f, struct rpc_call *c, struct wallet *w,
              struct funded_tx *out)
{
    struct wallet_error e = {0};
    struct spend_request rq;
    if (f->outputs.n == 0)
        return fail(c, "TX must have at least one output");
    spend_request_init(&rq);
    rq.outputs = f->outputs.v;
    rq.n_outputs = f->outputs.n;
    rq.control = &f->control;
    rq.change_position = f->change_position;
    rq.sign = false;
    if (!wallet_fund(w, &rq, out, &e)) {
        e.code = WALLET_FAILED;
        rpc_wallet_error(c, &e);
        return false;
    }
    if (!f->lock_unspents || lock_inputs(c, w, out->tx))
        return true;
    funded_tx_clear(out);
    return false;
}
