#include "wallet/coins.h"

#include "chain/params/params.h"
#include "chain/rules/policy.h"
#include "wallet/coincontrol.h"
#include "wallet/follow.h"
#include "wallet/wallet.h"

void coin_filter_init(struct coin_filter *f)
{
    *f = (struct coin_filter){.max_depth = DEPTH_ANY, .max_amount = MAX_MONEY};
}

/* Unconfirmed coins must be in the mempool: others may have lost against transactions
 * that the wallet never hears of. One that replaces another, or was replaced, may still
 * give way to it. Version 3 has children of its own kind only, and wallets make
 * none. */
static bool view_unconfirmed(const struct wallet *w, struct coin_view *c)
{
    const struct wallet_tx *wtx = c->wtx;
    c->safe = wallet_tx_trusted(w, wtx) && hash256_is_zero(&wtx->replaces) &&
              hash256_is_zero(&wtx->replaced_by) && wtx->tx->version != TRUC_VERSION;
    return wtx->state == WTX_MEMPOOL;
}

static bool in_depth(const struct coin_filter *f, int32_t depth)
{
    return depth >= f->min_depth && depth <= f->max_depth;
}

static bool may_spend(const struct wallet *w, const struct coin_filter *f,
                      const struct coin_view *c)
{
    if ((!c->safe && !f->unsafe) || (c->used && !f->used))
        return false;
    if (f->locked || !coins_any_locked(w))
        return true;
    struct outpoint o = coin_view_outpoint(c);
    return !coin_is_locked(w, &o);
}

/* Looks at what is in the array first: transactions lie all over the memory. */
static bool view(const struct wallet *w, const struct coin_filter *f, int32_t tip,
                 const struct unspent *u, struct coin_view *out)
{
    int32_t depth = u->height < 0 ? 0 : tip - u->height + 1;
    if (u->value.v < f->min_amount || u->value.v > f->max_amount || !in_depth(f, depth))
        return false;
    if (u->coinbase && depth <= COINBASE_MATURITY && !(f->immature && depth > 0))
        return false;
    *out = (struct coin_view){.wtx = u->wtx,
                              .n = u->n,
                              .value = u->value.v,
                              .depth = depth,
                              .safe = true,
                              .script_tag = u->script_tag,
                              .used = u->used != 0};
    return depth > 0 || view_unconfirmed(w, out);
}

void coins_each(const struct wallet *w, const struct coin_filter *f,
                bool (*fn)(void *ctx, const struct coin_view *c), void *ctx)
{
    size_t n;
    const struct unspent *unspent = txstore_unspent(w, &n);
    int32_t tip = follow_best(w).height;
    for (size_t i = 0; i < n; i++) {
        struct coin_view c;
        if (view(w, f, tip, &unspent[i], &c) && may_spend(w, f, &c) && !fn(ctx, &c))
            return;
    }
}
