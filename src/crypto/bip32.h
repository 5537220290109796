/* BIP 32 extended keys. */
#ifndef OCHRE_CRYPTO_BIP32_H
#define OCHRE_CRYPTO_BIP32_H

#include "util/bytes.h"

#define BIP32_SIZE     78 /* serialised, with version */
#define BIP32_HARDENED UINT32_C(0x80000000)

/* The public or private form by its version bytes; a private one belongs in secret
 * memory. */
struct bip32_key {
    bool is_private;
    uint8_t depth;
    uint8_t parent[4]; /* fingerprint */
    uint32_t child;
    uint8_t chain_code[32];
    uint8_t pubkey[33]; /* set in both forms */
    uint8_t secret[32]; /* private form only */
};

/* 16 to 64 bytes of seed; false for the one seed in 2^127 that gives no key. */
NODISCARD bool bip32_from_seed(struct bip32_key *out, const void *seed, size_t len);
/* Base58Check text; the version must be @xprv or @xpub. False also for keys that BIP 32
 * forbids (zero depth with parent or index, prefix bytes, not on the curve). */
NODISCARD bool bip32_parse(struct bip32_key *out, const char *text,
                           const uint8_t xprv[4], const uint8_t xpub[4]);
/* 111 characters and a NUL; @version says which form. */
void bip32_format(char out[112], const struct bip32_key *key, const uint8_t version[4],
                  bool as_private);
/* out may be key. False: hardened step of a public key, or depth 255 reached. */
NODISCARD bool bip32_derive(struct bip32_key *out, const struct bip32_key *key,
                            uint32_t child);
/* out gets the public form of key. */
void bip32_neuter(struct bip32_key *out, const struct bip32_key *key);
void bip32_fingerprint(uint8_t out[4], const struct bip32_key *key);

#endif
