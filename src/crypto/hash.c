/* SHA-1, SHA-512 and HMAC come from the libraries; SipHash and MurmurHash3 are small.
 */
#include "crypto/hash.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sodium.h>

#include "util/sink.h"

void sha1(uint8_t out[20], const void *data, size_t len)
{
    SHA1(data, len, out);
}

void sha512(uint8_t out[64], const void *data, size_t len)
{
    crypto_hash_sha512(out, data, len);
}

void hmac_sha256(uint8_t out[32], const void *key, size_t key_len, const void *data,
                 size_t len)
{
    crypto_auth_hmacsha256_state st;
    crypto_auth_hmacsha256_init(&st, key, key_len);
    crypto_auth_hmacsha256_update(&st, data, len);
    crypto_auth_hmacsha256_final(&st, out);
    sodium_memzero(&st, sizeof(st));
}

void hmac_sha512(uint8_t out[64], const void *key, size_t key_len, const void *data,
                 size_t len)
{
    crypto_auth_hmacsha512_state st;
    crypto_auth_hmacsha512_init(&st, key, key_len);
    crypto_auth_hmacsha512_update(&st, data, len);
    crypto_auth_hmacsha512_final(&st, out);
    sodium_memzero(&st, sizeof(st));
}

void pbkdf2_hmac_sha512(uint8_t *out, size_t out_len, struct bytes password,
                        struct bytes salt, unsigned iterations)
{
    int ok = PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.len,
                               salt.data, (int)salt.len, (int)iterations, EVP_sha512(),
                               (int)out_len, out);
    ASSERT(ok == 1);
}

static inline uint64_t rol64(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline struct sip sip_start(uint64_t k0, uint64_t k1)
{
    return (struct sip){k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
                        k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rol64(s->v1, 13) ^ s->v0;
    s->v3 = rol64(s->v3, 16) ^ s->v2;
    s->v0 = rol64(s->v0, 32) + s->v3;
    s->v2 += s->v1;
    s->v3 = rol64(s->v3, 21) ^ s->v0;
    s->v1 = rol64(s->v1, 17) ^ s->v2;
    s->v2 = rol64(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t m)
{
    s->v3 ^= m;
    sip_round(s);
    sip_round(s);
    s->v0 ^= m;
}

static inline uint64_t sip_end(struct sip *s)
{
    s->v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t siphash(uint64_t k0, uint64_t k1, const void *data, size_t len)
{
    struct sip s = sip_start(k0, k1);
    const uint8_t *p = data;
    size_t left = len;
    for (; left >= 8; left -= 8, p += 8)
        sip_word(&s, get_le64(p));
    uint8_t last[8] = {0};
    if (left > 0)
        memcpy(last, p, left);
    last[7] = (uint8_t)len;
    sip_word(&s, get_le64(last));
    return sip_end(&s);
}

static inline struct sip sip_32(uint64_t k0, uint64_t k1, const uint8_t data[32])
{
    struct sip s = sip_start(k0, k1);
    for (int i = 0; i < 4; i++)
        sip_word(&s, get_le64(data + 8 * i));
    return s;
}

uint64_t siphash_32(uint64_t k0, uint64_t k1, const uint8_t data[32])
{
    struct sip s = sip_32(k0, k1, data);
    sip_word(&s, (uint64_t)32 << 56);
    return sip_end(&s);
}

uint64_t siphash_36(uint64_t k0, uint64_t k1, const uint8_t data[32], uint32_t extra)
{
    struct sip s = sip_32(k0, k1, data);
    sip_word(&s, (uint64_t)36 << 56 | extra);
    return sip_end(&s);
}

static inline uint32_t murmur_scramble(uint32_t k)
{
    k *= 0xcc9e2d51;
    return (k << 15 | k >> 17) * 0x1b873593;
}

uint32_t murmur3(uint32_t seed, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint32_t h = seed, tail = 0;
    size_t left = len;
    for (; left >= 4; left -= 4, p += 4) {
        h ^= murmur_scramble(get_le32(p));
        h = (h << 13 | h >> 19) * 5 + 0xe6546b64;
    }
    for (size_t i = left; i > 0; i--)
        tail = tail << 8 | p[i - 1];
    h ^= murmur_scramble(tail);
    h ^= (uint32_t)len;
    h = (h ^ h >> 16) * 0x85ebca6b;
    h = (h ^ h >> 13) * 0xc2b2ae35;
    return h ^ h >> 16;
}
