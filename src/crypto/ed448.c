/* Ed448 over OpenSSL, with the checks that make a key and a signature unique
 * (doc/spec/tickets.md): the library verifies the equation and S < L; here stand the
 * encodings of A and R and the refusal of keys of small order. */
#include "crypto/ed448.h"

#include <openssl/bn.h>
#include <openssl/evp.h>

/* p = 2^448 - 2^224 - 1, little-endian. The last octet of a point holds only the sign
 * of x. */
static const uint8_t prime[56] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};
static const uint8_t order[57] = {
    0xf3, 0x44, 0x58, 0xab, 0x92, 0xc2, 0x78, 0x23, 0x55, 0x8f, 0xc5, 0x8d,
    0x72, 0xc2, 0x6c, 0x21, 0x90, 0x36, 0xd6, 0xae, 0x49, 0xdb, 0x4e, 0xc4,
    0xe9, 0x23, 0xca, 0x7c, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f, 0x00,
};

static bool below(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = n; i > 0; i--)
        if (a[i - 1] != b[i - 1])
            return a[i - 1] < b[i - 1];
    return false;
}

/* y is small + 0 or p - small. */
static bool y_is(const uint8_t y[56], uint8_t small, bool negative)
{
    uint8_t want[56] = {small};
    if (negative) {
        memcpy(want, prime, sizeof(want));
        want[0] = (uint8_t)(want[0] - small);
    }
    return memcmp(y, want, 56) == 0;
}

/* x = 0 exactly at y = 1 and y = -1, where a set sign has no meaning. */
static bool x_is_zero(const uint8_t y[56])
{
    return y_is(y, 1, false) || y_is(y, 1, true);
}

static bool canonical(const uint8_t point[57])
{
    return (point[56] & 0x7f) == 0 && below(point, prime, 56) &&
           !(point[56] != 0 && x_is_zero(point));
}

/* The cofactor is 4: besides the neutral element (0, 1) there are (0, -1) and (+-1, 0).
 */
static bool small_order(const uint8_t point[57])
{
    return x_is_zero(point) || y_is(point, 0, false);
}

static bool key_encoding_valid(const uint8_t pub[57])
{
    return canonical(pub) && !small_order(pub);
}

/* Whether x^2 = (1 - y^2) / (1 + 39081 y^2) has a root; the denominator is never 0. */
static bool on_curve(const uint8_t pub[57])
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p = BN_lebin2bn(prime, 56, NULL), *y = BN_lebin2bn(pub, 56, NULL);
    BIGNUM *u = BN_new(), *v = BN_new();
    ASSERT(ctx != NULL && p != NULL && y != NULL && u != NULL && v != NULL);
    bool ok = BN_mod_sqr(y, y, p, ctx) && BN_mod_sub(u, BN_value_one(), y, p, ctx) &&
              BN_mul_word(y, 39081) && BN_mod_add(v, y, BN_value_one(), p, ctx) &&
              BN_mod_mul(u, u, v, p, ctx);
    ASSERT(ok);
    int symbol = BN_kronecker(u, p, ctx);
    BN_free(u);
    BN_free(v);
    BN_free(y);
    BN_free(p);
    BN_CTX_free(ctx);
    return symbol >= 0;
}

bool ed448_public_valid(const uint8_t pub[57])
{
    return key_encoding_valid(pub) && on_curve(pub);
}

void ed448_public(uint8_t pub[57], const uint8_t secret[57])
{
    size_t len = ED448_KEY_SIZE;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED448, NULL, secret, 57);
    ASSERT(key != NULL && EVP_PKEY_get_raw_public_key(key, pub, &len) == 1 &&
           len == 57);
    EVP_PKEY_free(key);
}

void ed448_sign(uint8_t sig[114], const uint8_t secret[57], const void *msg, size_t len)
{
    size_t sig_len = ED448_SIG_SIZE;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED448, NULL, secret, 57);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ASSERT(key != NULL && ctx != NULL &&
           EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
           EVP_DigestSign(ctx, sig, &sig_len, msg, len) == 1 && sig_len == 114);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static bool openssl_verify(const uint8_t pub[57], const uint8_t sig[114],
                           const void *msg, size_t len)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED448, NULL, pub, 57);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ASSERT(ctx != NULL);
    bool ok = key != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestVerify(ctx, sig, 114, msg, len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

bool ed448_verify(const uint8_t pub[57], const uint8_t sig[114], const void *msg,
                  size_t len)
{
    return key_encoding_valid(pub) && canonical(sig) && below(sig + 57, order, 57) &&
           openssl_verify(pub, sig, msg, len);
}
