#include "wallet/fee.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "chain/mempool/fee_estimator.h"
#include "wallet/chain_source.h"
#include "wallet/coincontrol.h"
#include "wallet/coins.h"
#include "wallet/wallet.h"

bool fee_mode_parse(enum fee_mode *out, const char *text)
{
    static const char *const names[] = {"unset", "economical", "conservative"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcasecmp(text, names[i]) == 0) {
            *out = (enum fee_mode)i;
            return true;
        }
    }
    return false;
}

const char *fee_reason_text(enum fee_reason r)
{
    static const char *const texts[] = {
        [FEE_REASON_NONE] = "None",
        [FEE_REASON_HALF] = "Half Target 60% Threshold",
        [FEE_REASON_FULL] = "Target 85% Threshold",
        [FEE_REASON_DOUBLE] = "Double Target 95% Threshold",
        [FEE_REASON_CONSERVATIVE] = "Conservative Double Target longer horizon",
        [FEE_REASON_MEMPOOL_MIN] = "Mempool Min Fee",
        [FEE_REASON_GIVEN] = "PayTxFee set",
        [FEE_REASON_FALLBACK] = "Fallback fee",
        [FEE_REASON_REQUIRED] = "Minimum Required Fee",
    };
    return texts[r];
}

char *feerate_text(char out[48], int64_t feerate)
{
    snprintf(out, 48, "%" PRId64 ".%03" PRId64 " sat/vB", feerate / 1000,
             feerate % 1000);
    return out;
}

static struct chain_policy policy_of(const struct wallet *w)
{
    return w->opt->chain->policy(w->opt->chain->ctx);
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t fee_required(const struct wallet *w)
{
    return greater(w->opt->min_fee, policy_of(w).min_relay_feerate);
}

/* -- The rate of a transaction -- */

/* 0: none. */
static struct fee_choice estimate(const struct wallet *w, uint32_t target,
                                  bool conservative)
{
    static const enum fee_reason reasons[] = {
        [FEE_BASIS_HALF] = FEE_REASON_HALF,
        [FEE_BASIS_FULL] = FEE_REASON_FULL,
        [FEE_BASIS_DOUBLE] = FEE_REASON_DOUBLE,
        [FEE_BASIS_CONSERVATIVE] = FEE_REASON_CONSERVATIVE,
    };
    struct fee_estimator *f = w->opt->chain->fees;
    if (f == NULL)
        return (struct fee_choice){0};
    struct fee_estimate e = fee_estimator_smart(f, target, conservative);
    return (struct fee_choice){e.feerate, reasons[e.basis]};
}

/* What cannot be replaced must do at once. */
static bool is_conservative(const struct wallet *w, const struct coin_control *cc)
{
    if (cc->fee.mode != FEE_UNSET)
        return cc->fee.mode == FEE_CONSERVATIVE;
    return !(cc->has_rbf ? cc->rbf : w->opt->signal_rbf);
}

/* What the caller leaves to the wallet: an estimate, else the fallback, and at least
 * what the mempool asks for now. */
static struct fee_choice choose_smart(const struct wallet *w,
                                      const struct coin_control *cc)
{
    uint32_t target = cc->fee.confirm_target;
    if (target == 0)
        target = w->opt->confirm_target;
    struct fee_choice c = estimate(w, target, is_conservative(w, cc));
    if (c.feerate == 0) {
        c = (struct fee_choice){w->opt->fallback_fee, FEE_REASON_FALLBACK};
        if (c.feerate == 0)
            return c;
    }
    int64_t least = policy_of(w).min_mempool_feerate;
    if (c.feerate < least)
        c = (struct fee_choice){least, FEE_REASON_MEMPOOL_MIN};
    return c;
}

struct fee_choice fee_choose(const struct wallet *w, const struct coin_control *cc)
{
    const struct fee_wish *wish = &cc->fee;
    struct fee_choice c = {wish->feerate, FEE_REASON_GIVEN};
    if (wish->has_feerate && wish->override_min)
        return c;
    if (!wish->has_feerate) {
        c.feerate = spending_pay_feerate(w);
        if (wish->confirm_target != 0 || c.feerate == 0)
            c = choose_smart(w, cc);
        if (c.feerate == 0)
            return c;
    }
    int64_t required = fee_required(w);
    if (c.feerate < required)
        c = (struct fee_choice){required, FEE_REASON_REQUIRED};
    return c;
}

/* The longest estimate there is tells what a coin will cost some day; never more than
 * the setting, never less than dust. */
int64_t fee_discard(const struct wallet *w)
{
    int64_t rate = estimate(w, FEE_MAX_TARGET, false).feerate;
    if (rate == 0 || rate > w->opt->discard_fee)
        rate = w->opt->discard_fee;
    return greater(rate, policy_of(w).dust_feerate);
}
