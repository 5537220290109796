/* One choice of coins, and the transaction that comes of it. */
#include <stdlib.h>

#include "chain/rules/policy.h"
#include "util/mem.h"
#include "wallet/fund.h"
#include "wallet/wallet.h"

void draft_clear(struct draft *d)
{
    mtx_clear(&d->tx);
    free(d->inputs);
    *d = (struct draft){0};
}

/* -- Choosing -- */

static int64_t target_of(const struct fund *f)
{
    int64_t fee = f->sel.subtract_fee ? 0 : feerate_fee(f->rate.feerate, f->bare_vsize);
    return f->sum + fee;
}

static int64_t combined_bump(void *ctx, const uint32_t *coins, size_t n)
{
    const struct fund *f = ctx;
    const struct chain_source *chain = f->w->opt->chain;
    struct outpoint *outs = xmalloc((n + 1) * sizeof(*outs));
    for (size_t i = 0; i < n; i++)
        outs[i] = f->coins[f->n_named + coins[i]].prevout;
    struct amount sum = chain->combined_bump_fee(chain->ctx, outs, n, f->rate.feerate);
    free(outs);
    return sum.v;
}

static bool fail_status(const struct fund *f, enum sel_status s, struct wallet_error *e)
{
    if (s != SEL_NONE)
        return wallet_fail(e, WALLET_INSUFFICIENT_FUNDS, "%s", sel_status_text(s));
    struct buf why = {0};
    fund_explain(f, &why);
    if (why.len > 0)
        wallet_fail(e, WALLET_INSUFFICIENT_FUNDS,
                    "Insufficient funds (not counted: %s)", buf_cstr(&why));
    else
        wallet_fail(e, WALLET_INSUFFICIENT_FUNDS, "Insufficient funds");
    buf_clear(&why);
    return false;
}

static int falling(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x < y) - (x > y);
}

/* Tokens and collaterals are spent by name only. They are few, so that they are looked
 * for among what was chosen, not among all coins. True when there were any: they are
 * no candidates any more. */
static bool drop_bound(struct fund *f, struct sel_result *r)
{
    const struct chain_source *chain = f->w->opt->chain;
    bool any = false;
    if (chain->coin_bound == NULL)
        return false;
    /* from the end: the last candidate takes the place of a dropped one */
    qsort(r->coins, r->n, sizeof(*r->coins), falling);
    for (size_t k = 0; k < r->n; k++) {
        size_t i = f->n_named + r->coins[k];
        if (!chain->coin_bound(chain->ctx, &f->coins[i].prevout))
            continue;
        f->bound += f->candidates[i].value;
        fund_drop_coin(f, i);
        any = true;
    }
    return any;
}

/* Among the wallet's own coins; a part of a huge wallet may not do where all do. */
static enum sel_status choose_own(struct fund *f, struct sel_result *out,
                                  int64_t target)
{
    for (;;) {
        enum sel_status s = sel_automatic(out, f->candidates + f->n_named,
                                          f->n - f->n_named, target, &f->sel);
        if (s == SEL_FOUND && !drop_bound(f, out))
            return s;
        sel_result_clear(out);
        if (s == SEL_FOUND)
            continue;
        if (!f->sampled)
            return s;
        fund_gather_coins(f, target, true);
    }
}

static void add_named(const struct fund *f, struct sel_result *r)
{
    for (size_t i = 0; i < f->n_named; i++)
        sel_result_add(r, f->candidates, (uint32_t)i, f->sel.subtract_fee);
}

static bool check_weight(const struct fund *f, const struct sel_result *r,
                         struct wallet_error *e)
{
    return f->n_named == 0 || r->weight <= f->sel.max_weight ||
           wallet_fail(e, WALLET_INSUFFICIENT_FUNDS,
                       "The combination of the pre-selected inputs and the wallet "
                       "automatic inputs selection exceeds the transaction maximum "
                       "weight. Please try sending a smaller amount or manually "
                       "consolidating your wallet's UTXOs");
}

/* The named coins, and as many others as it takes. */
static bool choose(struct fund *f, struct sel_result *r, struct wallet_error *e)
{
    struct sel_result own = {0};
    *r = (struct sel_result){.target = target_of(f)};
    add_named(f, r);
    int64_t missing = r->target - r->amount;
    if (missing <= 0)
        return true;
    if (!f->cc->allow_other_inputs)
        return wallet_fail(e, WALLET_INSUFFICIENT_FUNDS,
                           "The preselected coins total amount does not cover the "
                           "transaction target. Please allow other inputs to be "
                           "automatically selected or include more coins manually");
    if (f->n == f->n_named)
        fund_gather_coins(f, missing, false);
    enum sel_status s = choose_own(f, &own, missing);
    if (s != SEL_FOUND)
        return fail_status(f, s, e);
    for (size_t i = 0; i < own.n; i++)
        sel_result_add(r, f->candidates, (uint32_t)(f->n_named + own.coins[i]),
                       f->sel.subtract_fee);
    r->bump_discount = own.bump_discount;
    sel_result_clear(&own);
    return check_weight(f, r, e);
}

/* -- Inputs -- */

static uint32_t default_sequence(const struct fund *f)
{
    bool rbf = f->cc->has_rbf ? f->cc->rbf : f->w->opt->signal_rbf;
    return rbf ? SEQUENCE_FINAL - 2 : SEQUENCE_FINAL - 1;
}

static void add_input(struct draft *d, const struct fund *f, uint32_t i)
{
    const struct named_coin *n = i < f->n_named ? &f->cc->named[i] : NULL;
    uint32_t sequence =
        n != NULL && n->has_sequence ? n->sequence : default_sequence(f);
    struct mtxin *in = mtx_add_in(&d->tx, &f->coins[i].prevout, sequence);
    if (n == NULL)
        return;
    buf_append(&in->script_sig, n->script_sig.data, n->script_sig.len);
    struct bytes *items = xmalloc((n->n_witness + 1) * sizeof(*items));
    for (uint32_t k = 0; k < n->n_witness; k++)
        items[k] = buf_view(&n->witness[k]);
    mtxin_set_witness(in, items, n->n_witness);
    free(items);
}

/* Named coins keep their places at the beginning, the others are in random order. */
static void add_inputs(struct draft *d, struct fund *f, const struct sel_result *r)
{
    d->inputs = xmalloc((r->n + 1) * sizeof(*d->inputs));
    if (r->n > 0)
        memcpy(d->inputs, r->coins, r->n * sizeof(*d->inputs));
    rng_shuffle(&f->rng, d->inputs + f->n_named, r->n - f->n_named, sizeof(*d->inputs));
    for (size_t i = 0; i < r->n; i++)
        add_input(d, f, d->inputs[i]);
}

/* -- Outputs -- */

static void add_outputs(struct draft *d, const struct spend_request *rq)
{
    for (size_t i = 0; i < rq->n_outputs; i++)
        mtx_add_out(&d->tx, rq->outputs[i].value, rq->outputs[i].script);
}

static bool change_place(struct fund *f, int32_t *place, struct wallet_error *e)
{
    uint32_t n = (uint32_t)f->rq->n_outputs;
    uint32_t first =
        f->rq->anchor_output == NO_ANCHOR ? 0 : (uint32_t)f->rq->anchor_output + 1;
    if (f->rq->change_position == CHANGE_RANDOM) {
        *place = (int32_t)(first + rng_below(&f->rng, n + 1 - first));
        return true;
    }
    *place = f->rq->change_position;
    if (*place < 0 || (uint32_t)*place > n)
        return wallet_fail(e, WALLET_INSUFFICIENT_FUNDS,
                           "Transaction change output index out of range");
    if ((uint32_t)*place < first)
        return wallet_fail(e, WALLET_INVALID_PARAMETER,
                           "Change at index %d would move output %d, which must keep "
                           "its index",
                           *place, f->rq->anchor_output);
    return true;
}

static bool add_change(struct draft *d, struct fund *f, int64_t value,
                       struct wallet_error *e)
{
    d->change_position = NO_CHANGE;
    if (value == 0)
        return true;
    if (f->change.script.len == 0 && f->cc->change.type == DEST_NONE)
        return wallet_fail(e, WALLET_INSUFFICIENT_FUNDS,
                           "Transaction needs a change address, but we can't generate "
                           "it. %s",
                           f->change.why.text);
    if (!change_place(f, &d->change_position, e))
        return false;
    mtx_insert_out(&d->tx, (uint32_t)d->change_position, amount_of(value),
                   buf_view(&f->change.script));
    return true;
}

/* -- Fee -- */

static int64_t draft_weight(const struct draft *d, const struct fund *f)
{
    struct input_size *sizes = xmalloc((d->tx.n_in + 1) * sizeof(*sizes));
    for (uint32_t i = 0; i < d->tx.n_in; i++)
        sizes[i] = f->coins[d->inputs[i]].size;
    int64_t weight = mtx_signed_weight(&d->tx, sizes);
    free(sizes);
    return weight;
}

static int64_t left_for_fee(const struct draft *d, const struct sel_result *r)
{
    int64_t left = r->value;
    for (uint32_t i = 0; i < d->tx.n_out; i++)
        left -= d->tx.out[i].value.v;
    return left;
}

static bool check_reduced(const struct fund *f, const struct mtxout *out,
                          struct wallet_error *e)
{
    struct txout now = {out->value, buf_view(&out->script)};
    if (!policy_is_dust(&now, f->policy.dust_feerate))
        return true;
    return wallet_fail(e, WALLET_INSUFFICIENT_FUNDS, "%s",
                       now.value.v < 0
                           ? "The transaction amount is too small to pay the fee"
                           : "The transaction amount is too small to send after the "
                             "fee has been deducted");
}

/* Equal parts; the first one bears what is left over. */
static bool reduce_outputs(struct draft *d, const struct fund *f, int64_t fee,
                           struct wallet_error *e)
{
    int64_t each = fee / f->n_subtract, rest = fee % f->n_subtract;
    for (uint32_t i = 0, at = 0; i < f->rq->n_outputs; i++, at++) {
        at += (int32_t)at == d->change_position;
        if (!f->rq->outputs[i].subtract_fee)
            continue;
        d->tx.out[at].value.v -= each + rest;
        rest = 0;
        if (!check_reduced(f, &d->tx.out[at], e))
            return false;
    }
    return true;
}

/* Change gets what was reckoned too much; outputs give what is missing. */
static bool settle_fee(struct draft *d, const struct fund *f,
                       const struct sel_result *r, int64_t weight,
                       struct wallet_error *e)
{
    int64_t needed =
        feerate_fee(f->rate.feerate, (weight + 3) / 4) + r->bump_fee - r->bump_discount;
    d->fee = left_for_fee(d, r);
    if (d->change_position != NO_CHANGE && needed < d->fee) {
        d->tx.out[d->change_position].value.v += d->fee - needed;
        d->fee = needed;
    }
    if (f->n_subtract > 0) {
        if (!reduce_outputs(d, f, needed - d->fee, e))
            return false;
        d->fee = needed;
    }
    ASSERT(d->fee >= needed);
    return true;
}

/* -- Limits -- */

static bool check_chain(const struct fund *f, const struct draft *d,
                        struct wallet_error *e)
{
    const struct chain_source *chain = f->w->opt->chain;
    char *why = NULL;
    struct tx *tx = mtx_to_tx(&d->tx);
    bool ok = chain->check_limits(chain->ctx, tx, &why);
    if (!ok)
        wallet_fail(e, WALLET_INSUFFICIENT_FUNDS,
                    "Transaction has too long of a mempool chain");
    free(why);
    tx_unref(tx);
    return ok;
}

static bool check_limits(const struct fund *f, const struct draft *d, int64_t weight,
                         struct wallet_error *e)
{
    if (weight > MAX_STANDARD_TX_WEIGHT)
        return wallet_fail(e, WALLET_INSUFFICIENT_FUNDS, "Transaction too large");
    if (d->fee > f->w->opt->max_fee)
        return wallet_fail(e, WALLET_INSUFFICIENT_FUNDS,
                           "Fee exceeds maximum configured by user (e.g. -maxtxfee, "
                           "maxfeerate)");
    return !f->w->opt->reject_long_chains || check_chain(f, d, e);
}

/* -- All of it -- */

static bool assemble(struct draft *d, struct fund *f, const struct sel_result *r,
                     struct wallet_error *e)
{
    add_inputs(d, f, r);
    add_outputs(d, f->rq);
    if (!add_change(d, f, sel_result_change(r, &f->sel), e))
        return false;
    int64_t weight = draft_weight(d, f);
    return settle_fee(d, f, r, weight, e) && check_limits(f, d, weight, e);
}

bool draft_make(struct draft *d, struct fund *f, bool avoid_partial,
                struct wallet_error *e)
{
    struct sel_result r;
    mtx_init(&d->tx);
    d->tx.version = f->cc->version;
    d->inputs = NULL;
    f->sel.avoid_partial_spends = avoid_partial;
    f->sel.combined_bump = combined_bump;
    f->sel.combined_ctx = f;
    bool ok = choose(f, &r, e) && assemble(d, f, &r, e);
    sel_result_clear(&r);
    if (!ok)
        draft_clear(d);
    return ok;
}
