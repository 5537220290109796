/* Signing the inputs of a transaction with a wallet's keys. */
#ifndef OCHRE_WALLET_SIGN_H
#define OCHRE_WALLET_SIGN_H

#include "chain/prim/tx.h"
#include "chain/script/script_error.h"

struct wallet;

/* Signs every input that it has keys for, on top of what is there already. @spent: the
 * output behind each input, script.data NULL when not known. An input that
 * SIGHASH_SINGLE would leave without an output is not signed. errors (may be NULL) gets
 * one entry for each input, SCRIPT_ERR_OK for those complete. True when all are
 * complete. Wallet lock held; the wallet must be unlocked. */
bool wallet_sign_tx(struct wallet *w, struct mtx *m, const struct txout *spent,
                    int hash_type, enum script_error *errors);

#endif
