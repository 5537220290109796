#include <stdlib.h>

#include "chain/script/descriptor_impl.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

size_t key_expr_size(const struct key_expr *k)
{
    return k->pubkey_len > 0 ? k->pubkey_len : 33;
}

const struct key_entry *key_expr_find(const struct key_expr *k,
                                      const struct keystore *keys)
{
    uint8_t id[20];
    const uint8_t *pubkey = k->pubkey_len > 0 ? k->pubkey : k->root.pubkey;
    if (keys == NULL || keys->n_keys == 0)
        return NULL;
    if (k->xonly)
        return keystore_find_xonly(keys, pubkey + 1);
    hash160(id, pubkey, key_expr_size(k));
    return keystore_find_key(keys, id);
}

bool key_expr_has_private(const struct key_expr *k, const struct keystore *keys)
{
    const struct key_entry *e = key_expr_find(k, keys);
    return e != NULL && e->has_secret;
}

bool key_expr_private_root(struct bip32_key *out, const struct key_expr *k,
                           const struct keystore *keys)
{
    const struct key_entry *e = key_expr_find(k, keys);
    *out = k->root;
    if (e == NULL || !e->has_secret)
        return false;
    memcpy(out->secret, keystore_secret(keys, e), 32);
    out->is_private = true;
    return true;
}

bool key_expr_walk(struct bip32_key *key, const struct key_expr *k, uint32_t from,
                   uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        if (!bip32_derive(key, key, k->path[i]))
            return false;
    }
    return true;
}

static uint32_t last_step(const struct key_expr *k, uint32_t pos)
{
    return k->last == DERIVE_HARDENED ? pos | BIP32_HARDENED : pos;
}

static struct key_origin full_origin(const struct key_expr *k, uint32_t pos)
{
    struct key_origin o = k->origin;
    if (!k->has_origin)
        bip32_fingerprint(o.fingerprint, &k->root);
    for (uint32_t i = 0; i < k->n_path && o.n_path < KEY_MAX_STEPS; i++)
        o.path[o.n_path++] = k->path[i];
    if (k->last != DERIVE_NO && o.n_path < KEY_MAX_STEPS)
        o.path[o.n_path++] = last_step(k, pos);
    return o;
}

/* secret: NULL when only the public key is known. */
static void remember_derived(const struct derivation *v, const struct key_expr *k,
                             const uint8_t pubkey[33], const uint8_t *secret)
{
    if (v->known == NULL)
        return;
    struct key_origin origin = full_origin(k, v->pos);
    keystore_add_key(v->known, bytes_of(pubkey, 33), secret, &origin);
}

/* From the private root; false when it is not known. */
static bool derive_private(const struct derivation *v, const struct key_expr *k,
                           uint8_t out[33])
{
    struct bip32_key *key = secret_alloc(sizeof(*key));
    bool ok = key_expr_private_root(key, k, v->keys) &&
              key_expr_walk(key, k, 0, k->n_path) &&
              (k->last == DERIVE_NO || bip32_derive(key, key, last_step(k, v->pos)));
    if (ok) {
        memcpy(out, key->pubkey, 33);
        remember_derived(v, k, key->pubkey, key->secret);
    }
    secret_free(key);
    return ok;
}

/* The last step of a public key; base NULL: it is not known. */
static bool derive_public(const struct derivation *v, const struct key_expr *k,
                          const struct bip32_key *base, uint8_t out[33])
{
    struct bip32_key key;
    if (base == NULL)
        return false;
    if (k->last == DERIVE_NO)
        key = *base;
    else if (!bip32_derive(&key, base, last_step(k, v->pos)))
        return false;
    memcpy(out, key.pubkey, 33);
    remember_derived(v, k, out, NULL);
    return true;
}

static bool take_cached_child(const struct derivation *v, const struct key_expr *k,
                              uint8_t out[33])
{
    const uint8_t *pubkey = descriptor_cache_child(v->cache, k, v->pos);
    if (pubkey == NULL)
        return false;
    memcpy(out, pubkey, 33);
    remember_derived(v, k, out, NULL);
    return true;
}

static bool derive_extended(const struct derivation *v, const struct key_expr *k,
                            uint8_t out[33])
{
    if (v->known != NULL && key_expr_has_private(k, v->keys))
        return derive_private(v, k, out);
    if (k->last == DERIVE_HARDENED)
        return take_cached_child(v, k, out) || derive_private(v, k, out);
    if (!k->path_hardened)
        return derive_public(v, k, &k->base, out);
    return derive_public(v, k, descriptor_cache_base(v->cache, k), out) ||
           derive_private(v, k, out);
}

/* A single key without an origin is its own master. */
static struct key_origin single_origin(const struct key_expr *k, struct bytes pubkey)
{
    struct key_origin o = {.n_path = 0};
    uint8_t id[20];
    if (k->has_origin)
        return k->origin;
    hash160(id, pubkey.data, pubkey.len);
    memcpy(o.fingerprint, id, sizeof(o.fingerprint));
    return o;
}

static void remember_single(const struct derivation *v, const struct key_expr *k)
{
    const struct key_entry *e = key_expr_find(k, v->keys);
    struct bytes pubkey = e != NULL ? bytes_of(e->pubkey, e->pubkey_len)
                                    : bytes_of(k->pubkey, k->pubkey_len);
    struct key_origin origin = single_origin(k, pubkey);
    keystore_add_key(v->known, pubkey, e != NULL ? keystore_secret(v->keys, e) : NULL,
                     &origin);
}

bool key_expr_derive(const struct derivation *v, const struct key_expr *k,
                     uint8_t out[65], uint8_t *out_len)
{
    if (k->pubkey_len == 0) {
        *out_len = 33;
        return derive_extended(v, k, out);
    }
    memcpy(out, k->pubkey, k->pubkey_len);
    *out_len = k->pubkey_len;
    if (v->known != NULL)
        remember_single(v, k);
    return true;
}
