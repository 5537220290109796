#include "crypto/ed25519.h"

#include <sodium.h>

static void keypair(uint8_t pub[32], uint8_t secret[64], const uint8_t seed[32])
{
    ASSERT(sodium_init() >= 0);
    crypto_sign_seed_keypair(pub, secret, seed);
}

void ed25519_public(uint8_t pub[32], const uint8_t seed[32])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    keypair(pub, secret, seed);
    sodium_memzero(secret, sizeof(secret));
}

void ed25519_sign(uint8_t sig[64], const uint8_t seed[32], const void *msg, size_t len)
{
    uint8_t pub[32], secret[crypto_sign_SECRETKEYBYTES];
    keypair(pub, secret, seed);
    crypto_sign_detached(sig, NULL, msg, len, secret);
    sodium_memzero(secret, sizeof(secret));
}

bool ed25519_verify(const uint8_t pub[32], const uint8_t sig[64], const void *msg,
                    size_t len)
{
    return crypto_sign_verify_detached(sig, msg, len, pub) == 0;
}
