#include "wallet/fund.h"

#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/rules/policy.h"
#include "chain/script/sighash.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/sink.h"
#include "wallet/coins.h"
#include "wallet/sign.h"
#include "wallet/spkman.h"
#include "wallet/wallet.h"

void spend_request_init(struct spend_request *rq)
{
    *rq = (struct spend_request){
        .change_position = CHANGE_RANDOM, .anchor_output = NO_ANCHOR, .sign = true};
}

void funded_tx_clear(struct funded_tx *f)
{
    tx_unref(f->tx);
    free(f->spent);
    buf_clear(&f->memory);
    *f = (struct funded_tx){0};
}

static bool fail(struct wallet_error *e, const char *text)
{
    return wallet_fail(e, WALLET_INSUFFICIENT_FUNDS, "%s", text);
}

/* -- What is asked for -- */

static bool check_outputs(const struct spend_request *rq, struct wallet_error *e)
{
    if (rq->n_outputs == 0)
        return fail(e, "Transaction must have at least one recipient");
    for (size_t i = 0; i < rq->n_outputs; i++) {
        if (rq->outputs[i].value.v < 0)
            return fail(e, "Transaction amounts must not be negative");
    }
    return true;
}

static bool check_max_weight(struct fund *f, struct wallet_error *e)
{
    const int64_t least = MIN_STANDARD_TX_NONWITNESS_SIZE * 4;
    f->max_weight = f->cc->max_tx_weight;
    if (f->max_weight == 0)
        f->max_weight = MAX_STANDARD_TX_WEIGHT;
    return (f->max_weight >= least && f->max_weight <= MAX_STANDARD_TX_WEIGHT) ||
           wallet_fail(e, WALLET_INSUFFICIENT_FUNDS,
                       "Maximum transaction weight must be between %d and %d",
                       (int)least, MAX_STANDARD_TX_WEIGHT);
}

static bool set_feerate(struct fund *f, struct wallet_error *e)
{
    char asked[48], least[48];
    const struct fee_wish *wish = &f->cc->fee;
    f->rate = fee_choose(f->w, f->cc);
    if (wish->has_feerate && f->rate.feerate > wish->feerate)
        return wallet_fail(e, WALLET_INSUFFICIENT_FUNDS,
                           "Fee rate (%s) is lower than the minimum fee rate setting "
                           "(%s)",
                           feerate_text(asked, wish->feerate),
                           feerate_text(least, f->rate.feerate));
    if (f->rate.feerate == 0 && f->rate.reason == FEE_REASON_FALLBACK)
        return fail(e, "Fee estimation failed. Fallbackfee is disabled. Wait a few "
                       "blocks or enable -fallbackfee.");
    return true;
}

static bool add_output(struct fund *f, const struct spend_output *o,
                       struct wallet_error *e)
{
    const struct txout out = {o->value, o->script};
    if (policy_is_dust(&out, f->policy.dust_feerate))
        return fail(e, "Transaction amount too small");
    f->bare_vsize += output_size(o->script);
    f->n_subtract += o->subtract_fee;
    f->sum += o->value.v;
    return f->sum <= MAX_MONEY || fail(e, "Insufficient funds");
}

/* Version, locktime, counts and the witness flag make eleven bytes at most. */
static bool add_outputs(struct fund *f, struct wallet_error *e)
{
    f->bare_vsize = 10 + (int64_t)varint_size(f->rq->n_outputs);
    for (size_t i = 0; i < f->rq->n_outputs; i++) {
        if (!add_output(f, &f->rq->outputs[i], e))
            return false;
    }
    f->sel.subtract_fee = f->n_subtract > 0;
    if (f->sum == 0 && f->rate.feerate == 0 && f->cc->n_named == 0)
        return fail(e, "Transaction requires one destination of non-zero value, a "
                       "non-zero feerate, or a pre-selected input");
    return true;
}

static void set_selection(struct fund *f)
{
    const struct wallet_options *opt = f->w->opt;
    struct sel_params *p = &f->sel;
    struct txout change = {amount_of(0), buf_view(&f->change.script)};
    int64_t discard = fee_discard(f->w);
    int64_t dust = policy_dust_threshold(change.script, discard);
    int64_t spend_fee = feerate_fee(discard, f->change.spend_vsize);

    p->rng = &f->rng;
    p->feerate = f->rate.feerate;
    p->long_term_feerate = opt->consolidate_fee;
    p->change_fee = feerate_fee(p->feerate, f->change.vsize);
    p->cost_of_change = spend_fee + p->change_fee;
    p->min_viable_change = dust > spend_fee + 1 ? dust : spend_fee + 1;
    p->change_weight = f->change.vsize * 4;
    p->include_unsafe = f->cc->include_unsafe;
    p->spend_zero_conf_change = opt->spend_zeroconf_change;
    p->reject_long_chains = opt->reject_long_chains;
    p->max_ancestors = f->policy.max_ancestors > 0 ? f->policy.max_ancestors : 1;
    p->max_descendants = f->policy.max_descendants > 0 ? f->policy.max_descendants : 1;
}

static void set_targets(struct fund *f)
{
    int64_t each = f->sum / (int64_t)f->rq->n_outputs;
    f->sel.min_change_target = sel_change_target(each, f->sel.change_fee, &f->rng);
    f->sel.max_weight = f->max_weight - f->bare_vsize * 4;
}

static bool fund_prepare(struct fund *f, struct wallet_error *e)
{
    const struct chain_source *chain = f->w->opt->chain;
    f->policy = chain->policy(chain->ctx);
    f->sizes = (struct input_sizes){.w = f->w, .solving = &f->cc->solving};
    rng_seed_random(&f->rng);
    if (!check_outputs(f->rq, e) || !check_max_weight(f, e))
        return false;
    fund_set_change(f);
    if (!set_feerate(f, e))
        return false;
    set_selection(f);
    if (!add_outputs(f, e))
        return false;
    set_targets(f);
    return fund_name_coins(f, e);
}

static void fund_clear(struct fund *f)
{
    buf_clear(&f->change.script);
    wallet_error_clear(&f->change.why);
    free(f->coins);
    free(f->candidates);
    free(f->named_out);
}

/* -- Two choices -- */

/* Spending all coins of an address at once keeps others from linking the rest to it
 * later. It is worth -maxapsfee. */
static bool choose_draft(struct draft *d, struct fund *f, struct wallet_error *e)
{
    const struct wallet_options *opt = f->w->opt;
    bool avoid_partial = f->cc->avoid_partial_spends || opt->avoid_partial_spends;
    struct draft grouped;
    if (!draft_make(d, f, avoid_partial, e))
        return false;
    if (avoid_partial || opt->max_aps_fee < 0 || d->fee == 0 ||
        !draft_make(&grouped, f, true, NULL))
        return true;
    if (grouped.fee <= d->fee + opt->max_aps_fee) {
        draft_clear(d);
        *d = grouped;
    } else {
        draft_clear(&grouped);
    }
    return true;
}

/* -- Finishing -- */

/* With a tip that is hours old a height would only tell that this node lags behind. */
#define RECENT_TIP (8 * 60 * 60)

uint32_t anti_snipe_locktime(const struct wallet *w, struct rng *rng)
{
    const struct chain_source *chain = w->opt->chain;
    struct chain_block tip;
    struct chain_point at = chain->tip(chain->ctx);
    if (!chain->ready(chain->ctx) || !chain->find(chain->ctx, &at.hash, &tip) ||
        tip.time < clock_now(w->opt->clock) - RECENT_TIP)
        return 0;
    uint32_t height = (uint32_t)at.height;
    if (rng_below(rng, 10) != 0)
        return height;
    /* now and then further back, for the privacy of what is signed late */
    uint32_t back = (uint32_t)rng_below(rng, 100);
    return back < height ? height - back : 0;
}

static void set_locktime(struct draft *d, struct fund *f)
{
    d->tx.locktime = f->cc->locktime;
    if (f->cc->has_locktime)
        return;
    for (size_t i = 0; i < f->cc->n_named; i++) {
        if (f->cc->named[i].has_sequence)
            return;
    }
    d->tx.locktime = anti_snipe_locktime(f->w, &f->rng);
}

/* The outputs behind the inputs, with copies of their scripts. */
static void keep_spent(struct funded_tx *out, const struct fund *f,
                       const struct draft *d)
{
    size_t total = 0;
    for (uint32_t i = 0; i < d->tx.n_in; i++)
        total += f->coins[d->inputs[i]].out->script.len;
    buf_reserve(&out->memory, total);
    out->spent = xcalloc(d->tx.n_in + 1, sizeof(*out->spent));
    for (uint32_t i = 0; i < d->tx.n_in; i++) {
        const struct txout *o = f->coins[d->inputs[i]].out;
        uint8_t *copy = buf_extend(&out->memory, o->script.len);
        if (o->script.len > 0)
            memcpy(copy, o->script.data, o->script.len);
        out->spent[i] = (struct txout){o->value, bytes_of(copy, o->script.len)};
    }
}

static bool take_change(const struct fund *f, const struct draft *d,
                        struct wallet_error *e)
{
    return d->change_position == NO_CHANGE || f->change.dest.type == DEST_NONE ||
           spkman_take(f->w->spkman, &f->change.dest, e);
}

static bool finish(struct fund *f, struct draft *d, struct funded_tx *out,
                   struct wallet_error *e)
{
    set_locktime(d, f);
    keep_spent(out, f, d);
    if (f->rq->finish != NULL && !f->rq->finish(f->rq->finish_ctx, &d->tx, e))
        return false;
    if (f->rq->sign && !wallet_sign_tx(f->w, &d->tx, out->spent, SIGHASH_DEFAULT))
        return fail(e, "Signing transaction failed");
    if (!take_change(f, d, e))
        return false;
    out->tx = mtx_to_tx(&d->tx);
    out->fee = amount_of(d->fee);
    out->change_position = d->change_position;
    out->rate = f->rate;
    return true;
}

static bool fund_with(struct wallet *w, const struct spend_request *rq,
                      const struct coin_control *cc, struct funded_tx *out,
                      struct wallet_error *e)
{
    struct fund f = {.w = w, .rq = rq, .cc = cc};
    struct draft d;
    *out = (struct funded_tx){0};
    bool ok = fund_prepare(&f, e) && choose_draft(&d, &f, e);
    if (ok) {
        ok = finish(&f, &d, out, e);
        draft_clear(&d);
    }
    fund_clear(&f);
    if (!ok)
        funded_tx_clear(out);
    return ok;
}

bool wallet_fund(struct wallet *w, const struct spend_request *rq,
                 struct funded_tx *out, struct wallet_error *e)
{
    struct coin_control none;
    if (rq->control != NULL)
        return fund_with(w, rq, rq->control, out, e);
    coin_control_init(&none);
    bool ok = fund_with(w, rq, &none, out, e);
    coin_control_clear(&none);
    return ok;
}
