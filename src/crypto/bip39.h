/* BIP 39: a seed as words that a person can write down. Only the English list. What
 * these functions take and give is secret: keep it in crypto/secret.h's memory. */
#ifndef OCHRE_CRYPTO_BIP39_H
#define OCHRE_CRYPTO_BIP39_H

#include "util/bytes.h"

#define BIP39_WORDS       2048
#define BIP39_MAX_ENTROPY 32
#define BIP39_TEXT_MAX    216 /* 24 words of 8 letters, spaces, and a NUL */

/* In alphabetical order; the first four letters tell every word. */
const char *bip39_word(unsigned i);

/* @len: 16, 20, 24, 28 or 32 bytes. */
void bip39_encode(char out[BIP39_TEXT_MAX], const uint8_t *entropy, size_t len);

/* Words in any case, separated by any white space. False: *error (static text, without
 * any of the words) says what is wrong. */
NODISCARD bool bip39_decode(uint8_t entropy[BIP39_MAX_ENTROPY], size_t *len,
                            const char *text, const char **error);

/* The seed that BIP 32 starts from. @text must decode; @passphrase ("" for none) must
 * be ASCII, for which BIP 39's normalisation changes nothing. *error as above. */
NODISCARD bool bip39_to_seed(uint8_t seed[64], const char *text, const char *passphrase,
                             const char **error);

#endif
