#include "wallet/bump.h"

#include <stdlib.h>

#include "chain/rules/policy.h"
#include "chain/script/sig_encoding.h"
#include "chain/script/sighash.h"
#include "util/mem.h"
#include "util/sink.h"
#include "wallet/balance.h"
#include "wallet/chain_source.h"
#include "wallet/input_size.h"
#include "wallet/sign.h"
#include "wallet/spkman.h"
#include "wallet/wallet.h"

/* Units per kvB: replacements pay at least this much more, so that they still do when
 * nodes raise their limit. */
#define WALLET_INCREMENTAL_FEERATE 5000
#define MAX_BIP125_SEQUENCE        (SEQUENCE_FINAL - 2)

struct bump {
    struct wallet *w;
    const struct bump_request *rq;
    const struct wallet_tx *wtx;
    struct coin_control *cc;
    int64_t input_value, old_fee;
    struct input_size *sizes;     /* owned: of the inputs */
    struct spend_output *outputs; /* owned */
    size_t n_outputs;
    int64_t new_value; /* of the outputs wanted, change included */
    struct buf change; /* owned: script of what was change */
};

/* -- What can be bumped -- */

static bool fail(struct wallet_error *e, enum wallet_code code, const char *text)
{
    return wallet_fail(e, code, "%s", text);
}

static bool signals_rbf(const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (tx->in[i].sequence <= MAX_BIP125_SEQUENCE)
            return true;
    }
    return false;
}

static bool check_not_bumped(const struct wallet_tx *wtx, struct wallet_error *e)
{
    char old[65], by[65];
    if (hash256_is_zero(&wtx->replaced_by))
        return true;
    return wallet_fail(e, WALLET_FAILED,
                       "Cannot bump transaction %s which was already bumped by "
                       "transaction %s",
                       hash256_to_hex(old, &wtx->tx->txid),
                       hash256_to_hex(by, &wtx->replaced_by));
}

static bool check_bumpable(const struct wallet *w, const struct wallet_tx *wtx,
                           bool only_own, struct wallet_error *e)
{
    const struct chain_source *chain = w->opt->chain;
    if (txstore_has_spends(w, wtx))
        return fail(e, WALLET_INVALID_PARAMETER,
                    "Transaction has descendants in the wallet");
    if (chain->has_descendants(chain->ctx, &wtx->tx->txid))
        return fail(e, WALLET_INVALID_PARAMETER,
                    "Transaction has descendants in the mempool");
    if (wtx->state == WTX_CONFIRMED || wtx->state == WTX_CONFLICTED)
        return fail(e, WALLET_FAILED,
                    "Transaction has been mined, or is conflicted with a mined "
                    "transaction");
    if (!signals_rbf(wtx->tx))
        return fail(e, WALLET_FAILED, "Transaction is not BIP 125 replaceable");
    if (!check_not_bumped(wtx, e))
        return false;
    if (only_own && !balance_all_from_me(w, wtx->tx))
        return fail(e, WALLET_FAILED,
                    "Transaction contains inputs that don't belong to this wallet");
    return true;
}

static bool find_tx(struct bump *b, struct wallet_error *e)
{
    const struct bump_request *rq = b->rq;
    if (rq->outputs != NULL && rq->change_index != KEEP_CHANGE)
        return fail(e, WALLET_INVALID_PARAMETER,
                    "The options 'outputs' and 'original_change_index' are "
                    "incompatible. You can only either specify a new set of outputs, "
                    "or designate a change output to be recycled.");
    b->wtx = txstore_find(b->w, &rq->txid);
    if (b->wtx == NULL)
        return fail(e, WALLET_INVALID_ADDRESS_OR_KEY,
                    "Invalid or non-wallet transaction id");
    if (rq->change_index >= (int64_t)b->wtx->tx->n_out)
        return fail(e, WALLET_INVALID_PARAMETER, "Change position is out of range");
    return true;
}

/* -- Inputs: all of them, or two replacements might both be confirmed -- */

/* Signatures may come out a little longer next time. */
static int64_t slack_of(struct bytes item)
{
    return sig_is_valid_encoding(item) && item.len < 72 ? 72 - (int64_t)item.len : 0;
}

static int64_t slack_of_script(struct bytes script)
{
    struct script_op op;
    int64_t slack = 0;
    for (size_t pos = 0; script_next(script, &pos, &op);)
        slack += slack_of(op.data);
    return slack * 4;
}

static int64_t weight_of_foreign(const struct txin *in)
{
    int64_t script_sig =
        (int64_t)(varint_size(in->script_sig.len) + in->script_sig.len);
    int64_t weight = 40 * 4 + script_sig * 4 + (int64_t)varint_size(in->n_witness) +
                     slack_of_script(in->script_sig);
    for (uint32_t i = 0; i < in->n_witness; i++) {
        struct bytes item = in->witness[i];
        weight += (int64_t)(varint_size(item.len) + item.len) + slack_of(item);
    }
    return weight;
}

static bool name_input(struct bump *b, const struct txin *in, struct wallet_error *e)
{
    struct coin coin;
    struct buf script = {0};
    char hex[65];
    const struct chain_source *chain = b->w->opt->chain;
    struct named_coin *n = coin_control_name(b->cc, &in->prevout);
    if (!chain->coin(chain->ctx, &in->prevout, &coin, &script)) {
        buf_clear(&script);
        return wallet_fail(e, WALLET_MISC, "%s:%u is already spent",
                           hash256_to_hex(hex, &in->prevout.txid), in->prevout.n);
    }
    named_coin_set_output(n, &(struct txout){coin.value, coin.script});
    if (txstore_my_output(b->w, &in->prevout) == NULL)
        n->weight = weight_of_foreign(in);
    b->input_value += coin.value.v;
    buf_clear(&script);
    return true;
}

static bool name_inputs(struct bump *b, struct wallet_error *e)
{
    const struct tx *tx = b->wtx->tx;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (!name_input(b, &tx->in[i], e))
            return false;
    }
    b->old_fee = b->input_value - tx_value_out(tx).v;
    return true;
}

static void size_inputs(struct bump *b)
{
    struct input_sizes sizes = {.w = b->w, .solving = &b->cc->solving};
    b->sizes = xcalloc(b->cc->n_named + 1, sizeof(*b->sizes));
    for (size_t i = 0; i < b->cc->n_named; i++) {
        const struct named_coin *n = &b->cc->named[i];
        b->sizes[i] = input_size(&sizes, buf_view(&n->script), n->weight > 0);
        if (n->weight > 0) {
            b->sizes[i].weight = n->weight;
            b->sizes[i].given = true;
        }
    }
}

/* -- Outputs: the change of the old transaction is the change of the new one -- */

static bool is_change(const struct bump *b, size_t i, struct bytes script)
{
    if (b->rq->change_index != KEEP_CHANGE)
        return (size_t)b->rq->change_index == i;
    return balance_is_change(b->w, script);
}

static const struct txout *wanted_outputs(const struct bump *b, size_t *n)
{
    *n = b->rq->outputs != NULL ? b->rq->n_outputs : b->wtx->tx->n_out;
    return b->rq->outputs != NULL ? b->rq->outputs : b->wtx->tx->out;
}

static bool set_outputs(struct bump *b, struct wallet_error *e)
{
    size_t n;
    const struct txout *out = wanted_outputs(b, &n);
    b->outputs = xcalloc(n + 1, sizeof(*b->outputs));
    for (size_t i = 0; i < n; i++) {
        b->new_value += out[i].value.v;
        if (is_change(b, i, out[i].script))
            destination_from_script(&b->cc->change, out[i].script);
        else
            b->outputs[b->n_outputs++] =
                (struct spend_output){out[i].value, out[i].script, false};
    }
    if (b->n_outputs > 0)
        return true;
    if (b->cc->change.type == DEST_NONE)
        return fail(e, WALLET_INVALID_PARAMETER,
                    "Unable to create transaction. Transaction must have at least one "
                    "recipient");
    /* coins that go back to the wallet alone: they pay the fee themselves */
    destination_to_script(&b->change, &b->cc->change);
    b->outputs[b->n_outputs++] =
        (struct spend_output){amount_of(b->new_value), buf_view(&b->change), true};
    b->cc->change = (struct destination){.type = DEST_NONE};
    return true;
}

/* -- Fee -- */

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t incremental_feerate(const struct bump *b)
{
    const struct chain_source *chain = b->w->opt->chain;
    return greater(chain->policy(chain->ctx).incremental_feerate,
                   WALLET_INCREMENTAL_FEERATE);
}

/* Of the old inputs with the outputs wanted, when signed. */
static int64_t least_vsize(const struct bump *b)
{
    size_t n;
    int64_t size = 0;
    const struct txout *out = wanted_outputs(b, &n);
    for (size_t i = 0; i < n; i++)
        size += output_size(out[i].script);
    return (signed_weight(b->sizes, b->cc->n_named, size, n) + 3) / 4;
}

static int64_t bump_of_ancestors(const struct bump *b, int64_t feerate)
{
    const struct chain_source *chain = b->w->opt->chain;
    struct outpoint *outs = xmalloc((b->cc->n_named + 1) * sizeof(*outs));
    for (size_t i = 0; i < b->cc->n_named; i++)
        outs[i] = b->cc->named[i].prevout;
    struct amount fee =
        chain->combined_bump_fee(chain->ctx, outs, b->cc->n_named, feerate);
    free(outs);
    return fee.v;
}

struct money_text {
    char s[32];
};

/* Without the zeros behind the second decimal, as bitcoind prints money in sentences.
 */
static const char *money(const struct bump *b, struct money_text *out, int64_t v)
{
    unsigned decimals = b->w->opt->params->decimals;
    amount_format(out->s, amount_of(v), decimals);
    size_t len = strlen(out->s);
    for (unsigned d = decimals; d > 2 && out->s[len - 1] == '0'; d--)
        out->s[--len] = '\0';
    return out->s;
}

static bool check_total(const struct bump *b, int64_t total, int64_t vsize,
                        struct wallet_error *e)
{
    struct money_text t[4];
    int64_t increment = feerate_fee(incremental_feerate(b), vsize);
    int64_t required = feerate_fee(fee_required(b->w), vsize);
    if (total < b->old_fee + increment)
        return wallet_fail(e, WALLET_INVALID_PARAMETER,
                           "Insufficient total fee %s, must be at least %s (oldFee %s "
                           "+ incrementalFee %s)",
                           money(b, &t[0], total),
                           money(b, &t[1], b->old_fee + increment),
                           money(b, &t[2], b->old_fee), money(b, &t[3], increment));
    if (total < required)
        return wallet_fail(e, WALLET_INVALID_PARAMETER,
                           "Insufficient total fee (cannot be less than required fee "
                           "%s)",
                           money(b, &t[0], required));
    if (total > b->w->opt->max_fee)
        return wallet_fail(e, WALLET_FAILED,
                           "Specified or calculated fee %s is too high (cannot be "
                           "higher than -maxtxfee %s)",
                           money(b, &t[0], total), money(b, &t[1], b->w->opt->max_fee));
    return true;
}

/* The rate that the caller gave. */
static bool check_feerate(const struct bump *b, struct wallet_error *e)
{
    struct money_text t[2];
    const struct chain_source *chain = b->w->opt->chain;
    int64_t rate = b->cc->fee.feerate, vsize = least_vsize(b);
    int64_t least = chain->policy(chain->ctx).min_mempool_feerate;
    if (rate < least)
        return wallet_fail(e, WALLET_FAILED,
                           "New fee rate (%s) is lower than the minimum fee rate (%s) "
                           "to get into the mempool -- ",
                           money(b, &t[0], rate), money(b, &t[1], least));
    int64_t ancestors = bump_of_ancestors(b, rate);
    if (ancestors < 0)
        return fail(e, WALLET_FAILED,
                    "Failed to calculate bump fees, because unconfirmed UTXOs depend "
                    "on enormous cluster of unconfirmed transactions.");
    return check_total(b, feerate_fee(rate, vsize) + ancestors, vsize, e);
}

/* More than the old rate by what nodes ask for, and at least what is usual now. */
static void choose_feerate(struct bump *b)
{
    int64_t old = feerate_of(b->old_fee, tx_vsize(b->wtx->tx));
    int64_t rate = old + 1 + incremental_feerate(b);
    b->cc->fee.feerate = greater(rate, fee_choose(b->w, b->cc).feerate);
    b->cc->fee.has_feerate = true;
}

static bool set_feerate(struct bump *b, struct wallet_error *e)
{
    size_inputs(b);
    if (b->cc->fee.has_feerate)
        return check_feerate(b, e);
    choose_feerate(b);
    return true;
}

/* -- All of it -- */

static bool fund(struct bump *b, struct funded_tx *out, struct wallet_error *e)
{
    struct spend_request rq;
    struct wallet_error why = {0};
    spend_request_init(&rq);
    rq.outputs = b->outputs;
    rq.n_outputs = b->n_outputs;
    rq.control = b->cc;
    rq.sign = false;
    b->cc->allow_other_inputs = true;
    b->cc->min_depth = 1; /* BIP 125: no new unconfirmed inputs */
    bool ok = wallet_fund(b->w, &rq, out, &why);
    if (!ok)
        wallet_fail(e, WALLET_FAILED, "Unable to create transaction. %s", why.text);
    wallet_error_clear(&why);
    return ok;
}

bool wallet_bump(struct wallet *w, const struct bump_request *rq, struct funded_tx *out,
                 struct amount *old_fee, struct wallet_error *e)
{
    struct bump b = {.w = w, .rq = rq, .cc = rq->control};
    bool ok = find_tx(&b, e) && name_inputs(&b, e) &&
              check_bumpable(w, b.wtx, rq->only_own, e) && set_outputs(&b, e) &&
              set_feerate(&b, e) && fund(&b, out, e);
    *old_fee = amount_of(b.old_fee);
    buf_clear(&b.change);
    free(b.sizes);
    free(b.outputs);
    return ok;
}

static bool sign(struct wallet *w, struct funded_tx *f, struct wallet_error *e)
{
    struct mtx m;
    mtx_from_tx(&m, f->tx);
    bool ok = wallet_sign_tx(w, &m, f->spent, SIGHASH_DEFAULT);
    tx_unref(f->tx);
    f->tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return ok || fail(e, WALLET_FAILED, "Can't sign transaction.");
}

bool wallet_commit_bump(struct wallet *w, const struct hash256 *old,
                        struct funded_tx *f, struct wallet_error *e)
{
    const struct wallet_tx *wtx = txstore_find(w, old);
    struct spend_notes notes = {
        .comment = wtx->comment, .to = wtx->comment_to, .replaces = old};
    return sign(w, f, e) && wallet_commit(w, f, &notes, e);
}
