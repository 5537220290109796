/* Passphrase to key (Argon2id) and authenticated encryption (XChaCha20-Poly1305). */
#ifndef OCHRE_CRYPTO_AEAD_H
#define OCHRE_CRYPTO_AEAD_H

#include "util/bytes.h"

#define KDF_MAX_OPS    64
#define KDF_MAX_MEMORY ((uint64_t)4 << 30)

struct kdf_params {
    uint32_t ops;    /* Argon2id passes */
    uint64_t memory; /* bytes, at least 8 KiB */
    uint8_t salt[16];
};

/* libsodium's MODERATE limits; memory overridden when not 0. Fresh random salt. */
void kdf_params_init(struct kdf_params *p, uint64_t memory);
/* key should be secret_alloc memory. ERR_FULL: not enough memory; ERR_RANGE: absurd
 * parameters. The working memory is given back to the system at once. */
NODISCARD enum err kdf_derive(uint8_t key[32], const struct kdf_params *p,
                              const void *pass, size_t pass_len);

#define AEAD_NONCE_SIZE 24
#define AEAD_TAG_SIZE   16
/* out holds len + AEAD_TAG_SIZE bytes. */
void aead_seal(uint8_t *out, const uint8_t key[32], const uint8_t nonce[24],
               const void *ad, size_t ad_len, const void *msg, size_t len);
/* out holds len - AEAD_TAG_SIZE bytes. False: wrong key or changed bytes; out is
 * zeroed. */
NODISCARD bool aead_open(uint8_t *out, const uint8_t key[32], const uint8_t nonce[24],
                         const void *ad, size_t ad_len, const void *sealed, size_t len);

#endif
