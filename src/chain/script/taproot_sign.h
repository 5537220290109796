/* Taproot outputs that a bare key spends. */
#ifndef OCHRE_CHAIN_SCRIPT_TAPROOT_SIGN_H
#define OCHRE_CHAIN_SCRIPT_TAPROOT_SIGN_H

#include "chain/script/keystore.h"

/* Makes every output known that one of the keys with a secret spends alone (BIP 86). */
void keystore_add_bip86(struct keystore *k);

#endif
