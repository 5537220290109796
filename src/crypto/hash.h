/* The other hashes. */
#ifndef OCHRE_CRYPTO_HASH_H
#define OCHRE_CRYPTO_HASH_H

#include "util/bytes.h"

void ripemd160(uint8_t out[20], const void *data, size_t len);
void sha1(uint8_t out[20], const void *data, size_t len);
void hash160(uint8_t out[20], const void *data, size_t len); /* RIPEMD160(SHA256()) */
void sha512(uint8_t out[64], const void *data, size_t len);
void sha3_256(uint8_t out[32], const void *data, size_t len);
void hmac_sha256(uint8_t out[32], const void *key, size_t key_len, const void *data,
                 size_t len);
void hmac_sha512(uint8_t out[64], const void *key, size_t key_len, const void *data,
                 size_t len);
/* RFC 8018. */
void pbkdf2_hmac_sha512(uint8_t *out, size_t out_len, struct bytes password,
                        struct bytes salt, unsigned iterations);

/* Streaming SHA3-256 (FIPS 202), 136-octet rate. */
struct sha3 {
    uint64_t s[25];
    size_t fill;
};
void sha3_init(struct sha3 *h);
void sha3_update(struct sha3 *h, const void *data, size_t len);
void sha3_final(struct sha3 *h, uint8_t out[32]);
/* out[32 * i] = SHA3-256 of in[len * i .. +len], several side by side; len < 136, out
 * not in. */
void sha3_256_many(uint8_t *out, const uint8_t *in, size_t len, size_t n);

/* SipHash-2-4 */
uint64_t siphash(uint64_t k0, uint64_t k1, const void *data, size_t len);
/* of 32 bytes, and of 32 bytes and a u32: for maps keyed by txid and outpoint */
uint64_t siphash_32(uint64_t k0, uint64_t k1, const uint8_t data[32]);
uint64_t siphash_36(uint64_t k0, uint64_t k1, const uint8_t data[32], uint32_t extra);
uint32_t murmur3(uint32_t seed, const void *data, size_t len);

/* MuHash3072: an order-free hash of a set (gettxoutsetinfo muhash). */
#define MUHASH_SIZE 384
struct muhash {
    uint64_t num[48];
    uint64_t den[48];
};
void muhash_init(struct muhash *m);
void muhash_insert(struct muhash *m, const void *data, size_t len);
void muhash_remove(struct muhash *m, const void *data, size_t len);
void muhash_combine(struct muhash *m, const struct muhash *other);
void muhash_final(const struct muhash *m, uint8_t out[32]);
/* Divides out what was removed: costs some hundred insertions, unless that is nothing.
 */
void muhash_settle(struct muhash *m);
/* A settled one in little-endian octets, and back. */
void muhash_save(const struct muhash *m, uint8_t out[MUHASH_SIZE]);
void muhash_load(struct muhash *m, const uint8_t saved[MUHASH_SIZE]);

#endif
