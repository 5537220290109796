/* Ed25519 as libsodium verifies it: S < L, no small order, canonical encodings. */
#ifndef OCHRE_CRYPTO_ED25519_H
#define OCHRE_CRYPTO_ED25519_H

#include "util/bytes.h"

#define ED25519_KEY_SIZE 32
#define ED25519_SIG_SIZE 64

void ed25519_public(uint8_t pub[32], const uint8_t seed[32]);
void ed25519_sign(uint8_t sig[64], const uint8_t seed[32], const void *msg, size_t len);
bool ed25519_verify(const uint8_t pub[32], const uint8_t sig[64], const void *msg,
                    size_t len);

#endif
