/* The coins of a wallet as spending sees them, which of them the user has locked, and
 * the fee rate that settxfee sets. All functions want the wallet's lock. */
#ifndef OCHRE_WALLET_COINS_H
#define OCHRE_WALLET_COINS_H

#include "wallet/error.h"
#include "wallet/txstore.h"

struct wallet_spending;

struct wallet_spending *spending_new(struct wallet *w);
void spending_free(struct wallet_spending *s); /* NULL is fine */
NODISCARD enum err spending_load(struct wallet_spending *s);

/* Units per kvB; 0: not set. Not kept in the file, as in bitcoind. */
int64_t spending_pay_feerate(const struct wallet *w);
void spending_set_pay_feerate(struct wallet *w, int64_t feerate);

/* -- Locks -- */

bool coins_any_locked(const struct wallet *w);
bool coin_is_locked(const struct wallet *w, const struct outpoint *o);
/* Persistent ones are written to the file; both replace what was. */
NODISCARD enum err coin_lock(struct wallet *w, const struct outpoint *o,
                             bool persistent);
NODISCARD enum err coin_unlock(struct wallet *w, const struct outpoint *o);
NODISCARD enum err coin_unlock_all(struct wallet *w);
/* Locked coins in order of their outpoints: a heap array the caller frees. */
struct outpoint *coins_locked(const struct wallet *w, size_t *n);

/* -- Coins -- */

struct coin_filter {
    int32_t min_depth, max_depth;
    int64_t min_amount, max_amount;
    bool unsafe;   /* also unconfirmed ones of others */
    bool immature; /* also young coinbase outputs */
    bool locked;   /* also locked ones */
    bool used;     /* also those on scripts that were spent from */
};
/* All confirmed depths and amounts, only what is safe, mature and not locked. */
void coin_filter_init(struct coin_filter *f);

/* An unspent coin, confirmed or in the mempool. */
struct coin_view {
    struct wallet_tx *wtx;
    uint32_t n;
    int64_t value;
    int32_t depth;
    bool safe;
    bool used;
    uint32_t script_tag; /* see struct unspent */
};
static inline const struct txout *coin_view_output(const struct coin_view *c)
{
    return &c->wtx->tx->out[c->n];
}
static inline struct outpoint coin_view_outpoint(const struct coin_view *c)
{
    return (struct outpoint){c->wtx->tx->txid, c->n};
}
/* Calls fn for each; it returns false to stop. */
void coins_each(const struct wallet *w, const struct coin_filter *f,
                bool (*fn)(void *ctx, const struct coin_view *c), void *ctx);

#endif
