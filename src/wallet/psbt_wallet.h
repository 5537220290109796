/* What a wallet adds to PSBTs. */
#ifndef OCHRE_WALLET_PSBT_WALLET_H
#define OCHRE_WALLET_PSBT_WALLET_H

#include "wallet/psbt.h"

struct wallet;
struct wallet_error;

struct wallet_psbt_options {
    bool sign; /* the wallet must be unlocked then */
    int hash_type;
    bool origins;  /* derivation paths of the wallet's keys */
    bool finalize; /* inputs that are complete get their final scripts */
};

/* Fills in the transactions that the wallet knows, scripts, keys, and signatures.
 * *complete: every input is final and satisfied. False: e is bitcoind's sentence (the
 * hash type is not the one that the PSBT asks for, -22); p may have been changed.
 * Wallet lock held. */
NODISCARD bool wallet_fill_psbt(struct wallet *w, struct psbt *p,
                                const struct wallet_psbt_options *opt, bool *complete,
                                struct wallet_error *e);

#endif
