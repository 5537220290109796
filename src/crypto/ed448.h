/* Ed448 (RFC 8032, empty context), the signature of PastelIDs. */
#ifndef OCHRE_CRYPTO_ED448_H
#define OCHRE_CRYPTO_ED448_H

#include "util/bytes.h"

#define ED448_KEY_SIZE 57
#define ED448_SIG_SIZE 114

void ed448_public(uint8_t pub[57], const uint8_t secret[57]);
void ed448_sign(uint8_t sig[114], const uint8_t secret[57], const void *msg,
                size_t len);
/* doc/spec rules: as OpenSSL 3 verifies, and S < L, canonical A and R, A not of small
 * order. */
bool ed448_verify(const uint8_t pub[57], const uint8_t sig[114], const void *msg,
                  size_t len);
/* Canonical encoding of a point that is not of small order. */
bool ed448_public_valid(const uint8_t pub[57]);

#endif
