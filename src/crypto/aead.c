#include "crypto/aead.h"

#include <sodium.h>

#include "util/rand.h"

void kdf_params_init(struct kdf_params *p, uint64_t memory)
{
    p->ops = crypto_pwhash_OPSLIMIT_MODERATE;
    p->memory = memory != 0 ? memory : crypto_pwhash_MEMLIMIT_MODERATE;
    rand_bytes(p->salt, sizeof(p->salt));
}

/* libsodium maps the working memory for the call and unmaps it before it returns. */
enum err kdf_derive(uint8_t key[32], const struct kdf_params *p, const void *pass,
                    size_t pass_len)
{
    if (p->ops < crypto_pwhash_OPSLIMIT_MIN || p->ops > KDF_MAX_OPS ||
        p->memory < crypto_pwhash_MEMLIMIT_MIN || p->memory > KDF_MAX_MEMORY ||
        pass_len > crypto_pwhash_PASSWD_MAX || sodium_init() < 0)
        return ERR_RANGE;
    if (crypto_pwhash(key, 32, pass, pass_len, p->salt, p->ops, (size_t)p->memory,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return ERR_FULL;
    return ERR_OK;
}

void aead_seal(uint8_t *out, const uint8_t key[32], const uint8_t nonce[24],
               const void *ad, size_t ad_len, const void *msg, size_t len)
{
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, msg, len, ad, ad_len, NULL,
                                               nonce, key);
}

bool aead_open(uint8_t *out, const uint8_t key[32], const uint8_t nonce[24],
               const void *ad, size_t ad_len, const void *sealed, size_t len)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, len, ad,
                                                      ad_len, nonce, key) == 0;
}
