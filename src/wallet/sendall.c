#include "wallet/sendall.h"

#include <stdlib.h>

#include "chain/rules/policy.h"
#include "util/mem.h"
#include "wallet/chain_source.h"
#include "wallet/coins.h"
#include "wallet/input_size.h"
#include "wallet/spkman.h"
#include "wallet/wallet.h"

struct sweep {
    struct wallet *w;
    const struct sendall_request *rq;
    struct mtx *tx;
    struct fee_choice rate;
    struct input_sizes sizes;
    struct input_size *inputs; /* owned */
    size_t cap;
    int64_t value; /* of the inputs */
    int64_t fee;
    int64_t left; /* for outputs */
};

static bool fail(struct wallet_error *e, enum wallet_code code, const char *text)
{
    return wallet_fail(e, code, "%s", text);
}

static bool set_feerate(struct sweep *s, struct wallet_error *e)
{
    char asked[48], least[48];
    const struct fee_wish *wish = &s->rq->control->fee;
    s->rate = fee_choose(s->w, s->rq->control);
    if (wish->has_feerate && s->rate.feerate > wish->feerate)
        return wallet_fail(e, WALLET_INVALID_PARAMETER,
                           "Fee rate (%s) is lower than the minimum fee rate setting "
                           "(%s)",
                           feerate_text(asked, wish->feerate),
                           feerate_text(least, s->rate.feerate));
    if (s->rate.feerate == 0 && s->rate.reason == FEE_REASON_FALLBACK)
        return fail(e, WALLET_FAILED,
                    "Fee estimation failed. Fallbackfee is disabled. Wait a few blocks "
                    "or enable -fallbackfee.");
    return true;
}

/* -- Inputs -- */

static void note_input(struct sweep *s, size_t i, const struct txout *out)
{
    if (i >= s->cap) {
        s->cap = s->cap * 2 + 64;
        s->inputs = xrealloc_array(s->inputs, s->cap, sizeof(*s->inputs));
    }
    s->inputs[i] = input_size(&s->sizes, out->script, false);
    s->value += out->value.v;
}

static bool refuse_input(const struct outpoint *o, const char *before,
                         const char *after, struct wallet_error *e)
{
    char hex[65];
    return wallet_fail(e, WALLET_INVALID_PARAMETER, "%s UTXO (%s:%u) %s", before,
                       hash256_to_hex(hex, &o->txid), o->n, after);
}

static bool note_given(struct sweep *s, struct wallet_error *e)
{
    for (uint32_t i = 0; i < s->tx->n_in; i++) {
        const struct outpoint *o = &s->tx->in[i].prevout;
        if (txstore_is_spent(s->w, o))
            return refuse_input(o, "Input not available.", "was already spent.", e);
        const struct txout *out = txstore_my_output(s->w, o);
        if (out == NULL)
            return refuse_input(o, "Input not found.", "is not part of wallet.", e);
        note_input(s, i, out);
    }
    return true;
}

static bool pays_for_itself(const struct sweep *s, const struct input_size *size,
                            int64_t value)
{
    return feerate_fee(s->rate.feerate, (size->weight + 3) / 4) <= value;
}

static bool take(void *ctx, const struct coin_view *c)
{
    struct sweep *s = ctx;
    const struct coin_control *cc = s->rq->control;
    const struct chain_source *chain = s->w->opt->chain;
    const struct txout *out = coin_view_output(c);
    struct outpoint o = coin_view_outpoint(c);
    struct input_size size = input_size(&s->sizes, out->script, false);
    if (size.weight < 0 || (s->rq->send_max && !pays_for_itself(s, &size, c->value)))
        return true;
    if (chain->coin_bound != NULL && chain->coin_bound(chain->ctx, &o))
        return true;
    mtx_add_in(s->tx, &o, cc->rbf ? SEQUENCE_FINAL - 2 : SEQUENCE_FINAL);
    note_input(s, s->tx->n_in - 1, out);
    return true;
}

static void take_all(struct sweep *s)
{
    struct coin_filter f;
    coin_filter_init(&f);
    f.min_depth = s->rq->control->min_depth;
    f.max_depth = s->rq->control->max_depth;
    f.used = true;
    coins_each(s->w, &f, take, s);
}

/* -- Fee -- */

static int64_t bump_of_ancestors(const struct sweep *s)
{
    const struct chain_source *chain = s->w->opt->chain;
    struct outpoint *outs = xmalloc((s->tx->n_in + 1) * sizeof(*outs));
    for (uint32_t i = 0; i < s->tx->n_in; i++)
        outs[i] = s->tx->in[i].prevout;
    struct amount fee =
        chain->combined_bump_fee(chain->ctx, outs, s->tx->n_in, s->rate.feerate);
    free(outs);
    return fee.v > 0 ? fee.v : 0;
}

static bool set_fee(struct sweep *s, struct wallet_error *e)
{
    int64_t weight = mtx_signed_weight(s->tx, s->inputs);
    s->fee = feerate_fee(s->rate.feerate, (weight + 3) / 4);
    s->left = s->value - s->fee - bump_of_ancestors(s);
    if (s->fee > s->w->opt->max_fee)
        return fail(e, WALLET_FAILED,
                    "Fee exceeds maximum configured by user (e.g. -maxtxfee, "
                    "maxfeerate)");
    if (s->left <= 0)
        return fail(e, WALLET_INSUFFICIENT_FUNDS,
                    s->rq->send_max
                        ? "Total value of UTXO pool too low to pay for transaction, "
                          "try using lower feerate."
                        : "Total value of UTXO pool too low to pay for transaction. "
                          "Try using lower feerate or excluding uneconomic UTXOs with "
                          "'send_max' option.");
    return weight <= MAX_STANDARD_TX_WEIGHT ||
           fail(e, WALLET_FAILED, "Transaction too large.");
}

/* -- Outputs -- */

static bool check_dust(const struct sweep *s, uint32_t i, struct wallet_error *e)
{
    char address[ADDRESS_MAX];
    struct destination d;
    const struct chain_source *chain = s->w->opt->chain;
    struct txout out = {s->tx->out[i].value, buf_view(&s->tx->out[i].script)};
    if (!policy_is_dust(&out, chain->policy(chain->ctx).dust_feerate))
        return true;
    if (s->rq->takes_rest[i])
        return fail(e, WALLET_INSUFFICIENT_FUNDS,
                    "Dynamically assigned remainder results in dust output.");
    destination_from_script(&d, out.script);
    return wallet_fail(e, WALLET_INVALID_PARAMETER,
                       "Specified output amount to %s is below dust threshold.",
                       address_encode(address, s->w->opt->params, &d));
}

static bool divide(struct sweep *s, struct wallet_error *e)
{
    int64_t claimed = 0, takers = 0;
    for (uint32_t i = 0; i < s->tx->n_out; i++) {
        claimed += s->tx->out[i].value.v;
        takers += s->rq->takes_rest[i];
    }
    if (claimed > s->value)
        return fail(e, WALLET_INSUFFICIENT_FUNDS,
                    "Assigned more value to outputs than available funds.");
    if (claimed > s->left)
        return fail(e, WALLET_INSUFFICIENT_FUNDS,
                    "Insufficient funds for fees after creating specified outputs.");
    int64_t each = (s->left - claimed) / takers, odd = (s->left - claimed) % takers;
    for (uint32_t i = 0; i < s->tx->n_out; i++) {
        if (s->rq->takes_rest[i]) {
            s->tx->out[i].value.v = each + odd;
            odd = 0;
        }
        if (!check_dust(s, i, e))
            return false;
    }
    return true;
}

bool wallet_sendall(struct wallet *w, const struct sendall_request *rq, struct mtx *tx,
                    struct wallet_error *e)
{
    struct sweep s = {.w = w, .rq = rq, .tx = tx};
    s.sizes = (struct input_sizes){.w = w, .solving = &rq->control->solving};
    bool ok = set_feerate(&s, e);
    if (ok && rq->given_inputs)
        ok = note_given(&s, e);
    else if (ok)
        take_all(&s);
    ok = ok && set_fee(&s, e) && divide(&s, e);
    free(s.inputs);
    return ok;
}
