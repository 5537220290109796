/* Signing the inputs of a transaction with a wallet's keys. */
#ifndef OCHRE_WALLET_SIGN_H
#define OCHRE_WALLET_SIGN_H

#include "chain/prim/tx.h"

struct wallet;

/* Signs every input that it has keys for, on top of what is there already. @spent: the
 * output behind each input, script.data NULL when not known. An input that
 * SIGHASH_SINGLE would leave without an output is not signed. True when all inputs are
 * complete. Wallet lock held; the wallet must be unlocked. */
bool wallet_sign_tx(struct wallet *w, struct mtx *m, const struct txout *spent,
                    int hash_type);

#endif
