/* Sums over the coins of a wallet. All functions want the wallet's lock. */
#ifndef OCHRE_WALLET_BALANCE_H
#define OCHRE_WALLET_BALANCE_H

#include "wallet/txstore.h"

struct wallet_balance {
    struct amount trusted;   /* may be spent: wallet_tx_trusted, mature */
    struct amount untrusted; /* in the mempool, but others' or of untrusted ancestors */
    struct amount immature;  /* coinbase outputs that are too young */
};

/* @min_depth: confirmations that trusted coins need. @avoid_reuse: leave out coins of
 * scripts that were spent from before. */
void balance_get(const struct wallet *w, int32_t min_depth, bool avoid_reuse,
                 struct wallet_balance *out);

/* What an input takes from the wallet; 0 when the coin is not the wallet's. */
struct amount balance_txin_debit(const struct wallet *w, const struct txin *in);
/* Sums over inputs, over outputs of the wallet, and over those that are change. The
 * transaction need not be one of the wallet's. */
struct amount balance_debit(const struct wallet *w, const struct tx *tx);
struct amount balance_credit(const struct wallet *w, const struct tx *tx);
struct amount balance_change(const struct wallet *w, const struct tx *tx);
/* The wallet made this output for itself: its own script, and not one of the address
 * book. */
bool balance_is_change(const struct wallet *w, struct bytes script);
/* Every input is a coin of the wallet. */
bool balance_all_from_me(const struct wallet *w, const struct tx *tx);

#endif
