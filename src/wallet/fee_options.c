/* The options about fees, with bitcoind's checks. */
#include <stdio.h>
#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/rules/policy.h"
#include "util/args.h"
#include "util/mem.h"
#include "wallet/fee.h"
#include "wallet/wallet.h"

/* Units; the same numbers on every chain. */
#define HIGH_FEERATE    1000000
#define HIGH_MAX_FEE    (100 * HIGH_FEERATE)
#define HIGH_APS_FEE    10000
#define DEFAULT_MAX_FEE 10000000

struct reading {
    const struct args *args;
    const struct chain_params *params;
    struct buf warnings;
    char *error;
};

struct fee_option {
    const char *name;
    int64_t def;
    int64_t high;        /* above it: a warning; 0: never */
    const char *meaning; /* the end of the warning */
    bool may_be_off;     /* -1 is a value */
};

enum {
    MIN,
    APS,
    FALLBACK,
    DISCARD,
    PAY,
    MAX,
    CONSOLIDATE,
};

static const struct fee_option options[] = {
    [MIN] = {"mintxfee", DEFAULT_MIN_RELAY_FEERATE, HIGH_FEERATE,
             "This is the minimum transaction fee you pay on every transaction.",
             false},
    [APS] = {"maxapsfee", 0, HIGH_APS_FEE,
             "This is the maximum transaction fee you pay (in addition to the normal "
             "fee) to prioritize partial spend avoidance over regular coin selection.",
             true},
    [FALLBACK] = {"fallbackfee", 0, HIGH_FEERATE,
                  "This is the transaction fee you may pay when fee estimates are not "
                  "available.",
                  false},
    [DISCARD] = {"discardfee", 10000, HIGH_FEERATE,
                 "This is the transaction fee you may discard if change is smaller "
                 "than dust at this level",
                 false},
    [PAY] = {"paytxfee", 0, HIGH_FEERATE,
             "This is the transaction fee you will pay if you send a transaction.",
             false},
    [MAX] = {"maxtxfee", DEFAULT_MAX_FEE, HIGH_MAX_FEE,
             "Fees this large could be paid on a single transaction.", false},
    [CONSOLIDATE] = {"consolidatefeerate", 10000, 0, NULL, false},
};

static bool refuse(struct reading *r, const char *name, const char *why)
{
    r->error = xasprintf("Invalid amount for -%s=<amount>: '%s'%s", name,
                         args_str(r->args, name, ""), why);
    return false;
}

static bool read_option(struct reading *r, const struct fee_option *o, int64_t *out)
{
    struct amount v;
    const char *text = args_str(r->args, o->name, "");
    *out = o->def;
    if (!args_is_set(r->args, o->name))
        return true;
    if (o->may_be_off && strcmp(text, "-1") == 0) {
        *out = -1;
        return true;
    }
    if (!amount_parse(&v, text, strlen(text), r->params->decimals) || v.v < 0)
        return refuse(r, o->name, "");
    *out = v.v;
    if (o->high > 0 && v.v > o->high)
        buf_printf(&r->warnings, "%s-%s is set very high! %s",
                   r->warnings.len > 0 ? "\n" : "", o->name, o->meaning);
    return true;
}

/* Fees below what is relayed would only get transactions stuck. */
static bool check_relayed(struct reading *r, const struct fee_option *o, int64_t value,
                          int64_t relay_feerate, const char *before, const char *after)
{
    char rate[32], why[128];
    if (!args_is_set(r->args, o->name) || value >= relay_feerate)
        return true;
    amount_format(rate, amount_of(relay_feerate), r->params->decimals);
    snprintf(why, sizeof(why), " (must be at least %s%s %s/kvB%s)", before, rate,
             r->params->unit, after);
    return refuse(r, o->name, why);
}

static bool read_all(struct reading *r, struct wallet_options *out,
                     int64_t relay_feerate)
{
    int64_t *const fields[] = {
        [MIN] = &out->min_fee,
        [APS] = &out->max_aps_fee,
        [FALLBACK] = &out->fallback_fee,
        [DISCARD] = &out->discard_fee,
        [PAY] = &out->pay_fee,
        [MAX] = &out->max_fee,
        [CONSOLIDATE] = &out->consolidate_fee,
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (!read_option(r, &options[i], fields[i]))
            return false;
    }
    return check_relayed(r, &options[PAY], out->pay_fee, relay_feerate, "", "") &&
           check_relayed(r, &options[MAX], out->max_fee, relay_feerate,
                         "the minrelay fee of ", " to prevent stuck transactions");
}

bool fee_options_read(struct wallet_options *out, const struct args *args,
                      const struct chain_params *p, int64_t relay_feerate, char **error,
                      char **warning)
{
    struct reading r = {.args = args, .params = p};
    bool ok = read_all(&r, out, relay_feerate);
    *error = r.error;
    *warning = NULL;
    if (ok && r.warnings.len > 0)
        *warning = xstrdup(buf_cstr(&r.warnings));
    buf_clear(&r.warnings);
    return ok;
}
