#include "crypto/bip32.h"

#include <stdlib.h>

#include "crypto/base58.h"
#include "crypto/hash.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "util/sink.h"

/* Serialised: version 4, depth 1, parent fingerprint 4, child number 4 (big-endian),
 * chain code 32, key 33 (public, or 00 and the secret). */

static void set_public(struct bip32_key *k)
{
    size_t len;
    secp_pubkey_create(k->pubkey, &len, k->secret, true);
}

bool bip32_from_seed(struct bip32_key *out, const void *seed, size_t len)
{
    static const char tag[] = "Bitcoin seed";
    uint8_t h[64];
    ASSERT(len >= 16 && len <= 64);
    hmac_sha512(h, tag, sizeof(tag) - 1, seed, len);
    bool ok = secp_seckey_valid(h);
    if (ok) {
        *out = (struct bip32_key){.is_private = true};
        memcpy(out->secret, h, 32);
        memcpy(out->chain_code, h + 32, 32);
        set_public(out);
    }
    secret_wipe(h, sizeof(h));
    return ok;
}

static bool has_origin(const struct bip32_key *k)
{
    static const uint8_t none[4];
    return k->child != 0 || memcmp(k->parent, none, 4) != 0;
}

static bool decode(struct bip32_key *k, const uint8_t raw[BIP32_SIZE], bool is_private)
{
    *k = (struct bip32_key){.is_private = is_private, .depth = raw[4]};
    memcpy(k->parent, raw + 5, 4);
    k->child = (uint32_t)raw[9] << 24 | (uint32_t)raw[10] << 16 |
               (uint32_t)raw[11] << 8 | raw[12];
    memcpy(k->chain_code, raw + 13, 32);
    if (k->depth == 0 && has_origin(k))
        return false;
    if (is_private) {
        if (raw[45] != 0 || !secp_seckey_valid(raw + 46))
            return false;
        memcpy(k->secret, raw + 46, 32);
        set_public(k);
        return true;
    }
    memcpy(k->pubkey, raw + 45, 33);
    return secp_pubkey_valid(bytes_of(k->pubkey, 33));
}

bool bip32_parse(struct bip32_key *out, const char *text, const uint8_t xprv[4],
                 const uint8_t xpub[4])
{
    struct buf raw = {0};
    bool ok = base58check_decode(&raw, text, BIP32_SIZE) && raw.len == BIP32_SIZE;
    if (ok) {
        bool is_private = memcmp(raw.data, xprv, 4) == 0;
        ok = (is_private || memcmp(raw.data, xpub, 4) == 0) &&
             decode(out, raw.data, is_private);
    }
    if (raw.data != NULL)
        secret_wipe(raw.data, raw.cap);
    buf_clear(&raw);
    return ok;
}

void bip32_format(char out[112], const struct bip32_key *k, const uint8_t version[4],
                  bool as_private)
{
    uint8_t raw[BIP32_SIZE];
    ASSERT(!as_private || k->is_private);
    memcpy(raw, version, 4);
    raw[4] = k->depth;
    memcpy(raw + 5, k->parent, 4);
    put_be32(raw + 9, k->child);
    memcpy(raw + 13, k->chain_code, 32);
    raw[45] = 0;
    if (as_private)
        memcpy(raw + 46, k->secret, 32);
    else
        memcpy(raw + 45, k->pubkey, 33);
    char *text = base58check_encode(raw, sizeof(raw));
    size_t len = strlen(text);
    ASSERT(len < 112);
    memcpy(out, text, len + 1);
    secret_wipe(raw, sizeof(raw));
    secret_wipe(text, len);
    free(text);
}

bool bip32_derive(struct bip32_key *out, const struct bip32_key *key, uint32_t child)
{
    uint8_t data[37], h[64];
    bool hardened = (child & BIP32_HARDENED) != 0;
    if (key->depth == UINT8_MAX || (hardened && !key->is_private))
        return false;
    if (hardened) {
        data[0] = 0;
        memcpy(data + 1, key->secret, 32);
    } else {
        memcpy(data, key->pubkey, 33);
    }
    put_be32(data + 33, child);
    hmac_sha512(h, key->chain_code, 32, data, sizeof(data));

    struct bip32_key k = *key;
    bip32_fingerprint(k.parent, key);
    k.depth = (uint8_t)(key->depth + 1);
    k.child = child;
    memcpy(k.chain_code, h + 32, 32);
    bool ok = key->is_private ? secp_seckey_tweak_add(k.secret, h)
                              : secp_pubkey_tweak_add(k.pubkey, h);
    if (ok && key->is_private)
        set_public(&k);
    if (ok)
        *out = k;
    secret_wipe(&k, sizeof(k));
    secret_wipe(h, sizeof(h));
    secret_wipe(data, sizeof(data));
    return ok;
}

void bip32_neuter(struct bip32_key *out, const struct bip32_key *key)
{
    *out = *key;
    out->is_private = false;
    secret_wipe(out->secret, sizeof(out->secret));
}

void bip32_fingerprint(uint8_t out[4], const struct bip32_key *key)
{
    uint8_t h[20];
    hash160(h, key->pubkey, 33);
    memcpy(out, h, 4);
}
