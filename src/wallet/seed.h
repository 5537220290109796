/* Where a wallet's keys begin: BIP 39 words, and the BIP 32 master key behind them. */
#ifndef OCHRE_WALLET_SEED_H
#define OCHRE_WALLET_SEED_H

#include "crypto/bip32.h"
#include "wallet/error.h"

/* *out is secret memory of the caller's; *mnemonic (secret memory, caller frees with
 * secret_free) gets 24 new words. */
NODISCARD bool seed_generate(struct bip32_key *out, char **mnemonic);
/* -8 with what is wrong, never with a word of it. */
NODISCARD bool seed_restore(struct bip32_key *out, const char *mnemonic,
                            struct wallet_error *e);

#endif
