/* Taproot spends with keys at hand: by key, or by a leaf of signature checks. */
#ifndef OCHRE_CHAIN_SCRIPT_TAPROOT_SIGN_H
#define OCHRE_CHAIN_SCRIPT_TAPROOT_SIGN_H

#include "chain/script/interpreter.h"
#include "chain/script/keystore.h"

/* *items: the witness, an owned array of owned buffers; the smallest of those that can
 * be made. False: no key fits, or the signature hash is not defined. */
bool taproot_sign(const struct keystore *keys, const struct sig_checker *checker,
                  const uint8_t output[32], int hash_type, struct buf **items,
                  size_t *n);
/* Makes every output known that one of the keys with a secret spends alone (BIP 86). */
void keystore_add_bip86(struct keystore *k);

#endif
