#include "rpc/fee_args.h"
#include "rpc/wallet_spend.h"
#include "wallet/chain_source.h"
#include "wallet/coins.h"

static bool fail(struct rpc_call *c, const char *text)
{
    rpc_error(c, RPC_INVALID_PARAMETER, "%s", text);
    return false;
}

static bool is_unset(const struct json *mode)
{
    return !json_given(mode) ||
           (mode->type == JSON_STRING && strcmp(mode->str, "unset") == 0);
}

static bool explicit_rate(struct rpc_call *c, const struct fee_args *a,
                          bool override_min, struct coin_control *cc)
{
    if (json_given(a->conf_target))
        return fail(c, "Cannot specify both conf_target and fee_rate. Please provide "
                       "either a confirmation target in blocks for automatic fee "
                       "estimation, or an explicit fee rate.");
    if (!is_unset(a->estimate_mode))
        return fail(c, "Cannot specify both estimate_mode and fee_rate");
    cc->fee.has_feerate = true;
    cc->fee.override_min = override_min;
    if (!cc->has_rbf)
        cc->has_rbf = cc->rbf = true;
    return rpc_to_feerate(c, a->fee_rate, &cc->fee.feerate);
}

bool rpc_fee_wish(struct rpc_call *c, const struct fee_args *a, bool override_min,
                  struct coin_control *cc)
{
    if (json_given(a->fee_rate))
        return explicit_rate(c, a, override_min, cc);
    return (!json_given(a->estimate_mode) ||
            rpc_to_fee_mode(c, a->estimate_mode, &cc->fee.mode)) &&
           (!json_given(a->conf_target) ||
            rpc_to_target(c, a->conf_target, &cc->fee.confirm_target));
}

bool rpc_fee_args(struct rpc_call *c, size_t first, const struct json *options,
                  struct fee_args *out)
{
    const struct json *target = json_get(options, "conf_target");
    const struct json *mode = json_get(options, "estimate_mode");
    const struct json *rate = json_get(options, "fee_rate");
    *out = (struct fee_args){rpc_arg(c, first), rpc_arg(c, first + 1),
                             rpc_arg(c, first + 2)};
    if (target != NULL || mode != NULL) {
        if (json_given(out->conf_target) || json_given(out->estimate_mode))
            return fail(c, "Pass conf_target and estimate_mode either as arguments or "
                           "in the options object, but not both");
        out->conf_target = target;
        out->estimate_mode = mode;
    }
    if (rate != NULL) {
        if (json_given(out->fee_rate))
            return fail(c, "Pass the fee_rate either as an argument, or in the options "
                           "object, but not both");
        out->fee_rate = rate;
    }
    if (json_given(out->conf_target) && is_unset(out->estimate_mode))
        return fail(c, "Specify estimate_mode");
    return true;
}

/* -- settxfee -- */

static bool refuse_rate(struct rpc_call *c, const char *why, int64_t limit)
{
    char rate[32];
    const struct chain_params *p = c->node->params;
    rpc_error(c, RPC_INVALID_PARAMETER, "txfee cannot be %s (%s %s/kvB)", why,
              amount_format(rate, amount_of(limit), p->decimals), p->unit);
    return false;
}

static bool check_rate(struct rpc_call *c, const struct wallet_options *opt,
                       int64_t rate)
{
    int64_t relayed = opt->chain->policy(opt->chain->ctx).min_relay_feerate;
    if (rate == 0)
        return true;
    if (rate < relayed)
        return refuse_rate(c, "less than min relay tx fee", relayed);
    if (rate < opt->min_fee)
        return refuse_rate(c, "less than wallet min fee", opt->min_fee);
    if (rate > opt->max_fee)
        return refuse_rate(c, "more than wallet max tx fee", opt->max_fee);
    return true;
}

void rpc_settxfee(struct rpc_call *c)
{
    struct amount rate;
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    if (rpc_to_amount(c, rpc_arg(c, 0), &rate) && check_rate(c, w->opt, rate.v)) {
        wallet_lock(w);
        spending_set_pay_feerate(w, rate.v);
        wallet_unlock(w);
        json_bool(c->w, true);
    }
    wallet_unref(w);
}
