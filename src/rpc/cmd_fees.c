#include <math.h>

#include "chain/mempool/fee_estimator.h"
#include "chain/mempool/mempool.h"
#include "rpc/fee_args.h"
#include "rpc/method.h"
#include "util/mem.h"
#include "wallet/fee.h"

/* -- Arguments -- */

bool rpc_to_target(struct rpc_call *c, const struct json *v, uint32_t *out)
{
    int32_t target;
    if (!rpc_to_i32(c, v, &target))
        return false;
    if (target < 1 || target > FEE_MAX_TARGET) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Invalid conf_target, must be between %d and %d", 1, FEE_MAX_TARGET);
        return false;
    }
    *out = (uint32_t)target;
    return true;
}

bool rpc_to_fee_mode(struct rpc_call *c, const struct json *v, enum fee_mode *out)
{
    if (!rpc_want(c, v, JSON_STRING))
        return false;
    if (fee_mode_parse(out, v->str))
        return true;
    rpc_error(c, RPC_INVALID_PARAMETER,
              "Invalid estimate_mode parameter, must be one of: \"unset\", "
              "\"economical\", \"conservative\"");
    return false;
}

static struct fee_estimator *estimator(struct rpc_call *c)
{
    if (c->node->fees == NULL)
        rpc_error(c, RPC_INTERNAL_ERROR, "Fee estimation disabled");
    return c->node->fees;
}

static void write_error(struct rpc_call *c, const char *text)
{
    json_key(c->w, "errors");
    json_begin_array(c->w);
    json_str(c->w, text);
    json_end_array(c->w);
}

/* -- estimatesmartfee -- */

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What the mempool would not take helps nobody. */
static int64_t at_least_relayed(struct rpc_call *c, int64_t feerate)
{
    const struct mempool *mp = c->node->mempool;
    chainman_read_lock(c->node->chainman);
    int64_t least =
        greater(mempool_min_feerate(mp), mempool_get_options(mp)->min_relay_feerate);
    chainman_read_unlock(c->node->chainman);
    return greater(feerate, least);
}

static void estimatesmartfee(struct rpc_call *c)
{
    uint32_t target;
    enum fee_mode mode = FEE_UNSET;
    struct fee_estimator *f = estimator(c);
    if (f == NULL || !rpc_to_target(c, rpc_arg(c, 0), &target) ||
        (rpc_arg(c, 1) != NULL && !rpc_to_fee_mode(c, rpc_arg(c, 1), &mode)))
        return;
    struct fee_estimate e = fee_estimator_smart(f, target, mode == FEE_CONSERVATIVE);
    json_begin_object(c->w);
    if (e.feerate != 0)
        rpc_write_amount(c, "feerate", amount_of(at_least_relayed(c, e.feerate)));
    else
        write_error(c, "Insufficient data or no feerate found");
    json_kv_uint(c->w, "blocks", e.target);
    json_end_object(c->w);
}

/* -- estimaterawfee -- */

static double two_decimals(double v)
{
    return round(v * 100) / 100;
}

static void write_bucket(struct rpc_call *c, const char *key,
                         const struct fee_bucket *b)
{
    json_key(c->w, key);
    json_begin_object(c->w);
    json_kv_double(c->w, "startrange", round(b->start));
    json_kv_double(c->w, "endrange", round(b->end));
    json_kv_double(c->w, "withintarget", two_decimals(b->mined_within));
    json_kv_double(c->w, "totalconfirmed", two_decimals(b->mined));
    json_kv_double(c->w, "inmempool", two_decimals(b->waiting));
    json_kv_double(c->w, "leftmempool", two_decimals(b->failed));
    json_end_object(c->w);
}

static void write_horizon(struct rpc_call *c, enum fee_horizon h, uint32_t target,
                          double threshold)
{
    static const char *const names[] = {"short", "medium", "long"};
    struct fee_evidence e;
    int64_t rate = fee_estimator_raw(c->node->fees, h, target, threshold, &e);
    json_key(c->w, names[h]);
    json_begin_object(c->w);
    if (rate != 0)
        rpc_write_amount(c, "feerate", amount_of(rate));
    json_kv_double(c->w, "decay", e.decay);
    json_kv_uint(c->w, "scale", e.scale);
    if (rate != 0)
        write_bucket(c, "pass", &e.pass);
    if (rate == 0 || e.fail.start >= 0)
        write_bucket(c, "fail", &e.fail);
    if (rate == 0)
        write_error(c, "Insufficient data or no feerate found which meets threshold");
    json_end_object(c->w);
}

static void estimaterawfee(struct rpc_call *c)
{
    uint32_t target;
    double threshold = 0.95;
    if (estimator(c) == NULL || !rpc_to_target(c, rpc_arg(c, 0), &target))
        return;
    if (rpc_arg(c, 1) != NULL && !json_to_double(rpc_arg(c, 1), &threshold))
        threshold = -1;
    if (threshold < 0 || threshold > 1) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid threshold");
        return;
    }
    json_begin_object(c->w);
    for (enum fee_horizon h = 0; h < FEE_HORIZONS; h++)
        if (target <= fee_horizon_max_target(h))
            write_horizon(c, h, target, threshold);
    json_end_object(c->w);
}

/* -- The table -- */

#define TARGET_PARAM                                                                   \
    {                                                                                  \
        "conf_target", P_NUM,                                                          \
            .help = "Blocks within which it shall be confirmed (1 - 1008)"             \
    }

static const struct rpc_result bucket_fields[] = {
    {R_NUM, "startrange", "Lowest fee rate, smallest units per kvB"},
    {R_NUM, "endrange", "Highest fee rate"},
    {R_NUM, "withintarget", "Transactions mined within the target, by weight"},
    {R_NUM, "totalconfirmed", "Transactions mined at all"},
    {R_NUM, "inmempool", "Waiting for the target or longer"},
    {R_NUM, "leftmempool", "Gone after the target without being mined"},
    {.name = NULL},
};

static const struct rpc_result horizon_fields[] = {
    {R_AMOUNT, "feerate", "Fee rate per kvB", .optional = true},
    {R_NUM, "decay", "What a data point keeps of its weight per block"},
    {R_NUM, "scale", "Blocks per period of this horizon"},
    {R_OBJ, "pass", "The lowest range of fee rates that met the threshold",
     bucket_fields, .optional = true},
    {R_OBJ, "fail", "The highest range that did not", bucket_fields, .optional = true},
    {R_ARR, "errors", "Why there is no fee rate", RESULTS({R_STR, "", "A sentence"}),
     .optional = true},
    {.name = NULL},
};

static const struct rpc_method methods[] = {
    {
        .name = "estimatesmartfee",
        .help = "The fee rate for a transaction to be confirmed within a number of "
                "blocks, from how long\nthose of the mempool took.",
        .params = PARAMS(
            TARGET_PARAM,
            {"estimate_mode", P_STR, .def = "\"economical\"",
             .help = "\"economical\" follows the last blocks, \"conservative\" also "
                     "looks further back and answers\nhigher, \"unset\" is the "
                     "default; any case"}),
        .results =
            RESULTS({R_OBJ, "", "",
                     RESULTS({R_AMOUNT, "feerate",
                              "Fee rate per kvB, at least what the "
                              "mempool asks for",
                              .optional = true},
                             {R_ARR, "errors", "Why there is no fee rate",
                              RESULTS({R_STR, "", "A sentence"}), .optional = true},
                             {R_NUM, "blocks",
                              "The target that the answer is for: too little "
                              "is known of others"})}),
        .examples = EXAMPLES("6"),
        .fn = estimatesmartfee,
    },
    {
        .name = "estimaterawfee",
        .help = "What each horizon of the fee estimation knows of a target. For those "
                "who study the\nestimation; may change.",
        .params = PARAMS(TARGET_PARAM,
                         {"threshold", P_NUM, .def = "0.95",
                          .help = "Share of transactions of a range that must have "
                                  "been confirmed in time"}),
        .results =
            RESULTS({R_OBJ, "", "Horizons that know the target",
                     RESULTS({R_OBJ, "short", "", horizon_fields, .optional = true},
                             {R_OBJ, "medium", "", horizon_fields, .optional = true},
                             {R_OBJ, "long", "", horizon_fields, .optional = true})}),
        .examples = EXAMPLES("6 0.9"),
        .fn = estimaterawfee,
        .hidden = true,
    },
};

const struct rpc_table rpc_fees_table = {"Util", methods, ARRAY_LEN(methods)};
