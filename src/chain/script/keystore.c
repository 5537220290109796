#include "chain/script/keystore.h"

#include <stdlib.h>

#include "crypto/bip32.h"
#include "crypto/hash.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "util/mem.h"

void keystore_init(struct keystore *k)
{
    *k = (struct keystore){0};
    map_init(&k->key_index, 20, sizeof(size_t));
    map_init(&k->script_index, 20, sizeof(size_t));
}

void key_origin_path(struct buf *out, const struct key_origin *o)
{
    buf_append_byte(out, 'm');
    for (uint32_t i = 0; i < o->n_path; i++)
        buf_printf(out, "/%u%s", o->path[i] & ~BIP32_HARDENED,
                   o->path[i] & BIP32_HARDENED ? "h" : "");
}

static void tap_entry_clear(struct tap_entry *t)
{
    for (size_t i = 0; i < t->n_leaves; i++) {
        buf_clear(&t->leaves[i].script);
        buf_clear(&t->leaves[i].control);
    }
    free(t->leaves);
}

void keystore_clear(struct keystore *k)
{
    for (size_t i = 0; i < k->n_scripts; i++)
        buf_clear(&k->scripts[i]);
    for (size_t i = 0; i < k->n_taproot; i++)
        tap_entry_clear(&k->taproot[i]);
    free(k->keys);
    secret_free(k->secrets);
    free(k->scripts);
    free(k->taproot);
    map_clear(&k->key_index);
    map_clear(&k->script_index);
    keystore_init(k);
}

static void grow_keys(struct keystore *k)
{
    size_t cap = k->cap_keys == 0 ? 4 : k->cap_keys * 2;
    uint8_t(*secrets)[32] = secret_alloc(cap * 32);
    if (k->n_keys > 0)
        memcpy(secrets, k->secrets, k->n_keys * 32);
    secret_free(k->secrets);
    k->secrets = secrets;
    k->keys = xrealloc_array(k->keys, cap, sizeof(*k->keys));
    k->cap_keys = cap;
}

static size_t key_slot(struct keystore *k, struct bytes pubkey)
{
    uint8_t id[20];
    bool is_new;
    ASSERT(pubkey.len <= 65);
    hash160(id, pubkey.data, pubkey.len);
    size_t *at = map_put(&k->key_index, id, &is_new);
    if (!is_new)
        return *at;
    *at = k->n_keys;
    if (k->n_keys == k->cap_keys)
        grow_keys(k);
    struct key_entry *e = &k->keys[k->n_keys];
    *e = (struct key_entry){.pubkey_len = (uint8_t)pubkey.len};
    memcpy(e->pubkey, pubkey.data, pubkey.len);
    return k->n_keys++;
}

void keystore_add_key(struct keystore *k, struct bytes pubkey, const uint8_t *secret,
                      const struct key_origin *origin)
{
    size_t i = key_slot(k, pubkey);
    if (secret != NULL) {
        memcpy(k->secrets[i], secret, 32);
        k->keys[i].has_secret = true;
    }
    if (origin != NULL) {
        k->keys[i].origin = *origin;
        k->keys[i].has_origin = true;
    }
}

void keystore_add_secret(struct keystore *k, const uint8_t secret[32], bool compressed)
{
    uint8_t pubkey[65];
    size_t len;
    secp_pubkey_create(pubkey, &len, secret, compressed);
    keystore_add_key(k, bytes_of(pubkey, len), secret, NULL);
}

void keystore_add_script(struct keystore *k, struct bytes script)
{
    uint8_t id[20];
    bool is_new;
    hash160(id, script.data, script.len);
    size_t *at = map_put(&k->script_index, id, &is_new);
    if (!is_new)
        return;
    *at = k->n_scripts;
    k->scripts = xrealloc_array(k->scripts, k->n_scripts + 1, sizeof(*k->scripts));
    k->scripts[k->n_scripts] = (struct buf){0};
    buf_append(&k->scripts[k->n_scripts++], script.data, script.len);
}

struct tap_entry *keystore_add_taproot(struct keystore *k)
{
    k->taproot = xrealloc_array(k->taproot, k->n_taproot + 1, sizeof(*k->taproot));
    struct tap_entry *t = &k->taproot[k->n_taproot++];
    *t = (struct tap_entry){0};
    return t;
}

static void copy_taproot(struct keystore *k, const struct tap_entry *from)
{
    if (keystore_find_taproot(k, from->output) != NULL)
        return;
    struct tap_entry *t = keystore_add_taproot(k);
    *t = *from;
    t->leaves = xcalloc(from->n_leaves + 1, sizeof(*t->leaves));
    for (size_t i = 0; i < from->n_leaves; i++) {
        const struct tap_leaf *leaf = &from->leaves[i];
        t->leaves[i].version = leaf->version;
        buf_append(&t->leaves[i].script, leaf->script.data, leaf->script.len);
        buf_append(&t->leaves[i].control, leaf->control.data, leaf->control.len);
    }
}

void keystore_merge(struct keystore *k, const struct keystore *from)
{
    for (size_t i = 0; i < from->n_keys; i++) {
        const struct key_entry *e = &from->keys[i];
        keystore_add_key(k, bytes_of(e->pubkey, e->pubkey_len),
                         keystore_secret(from, e), e->has_origin ? &e->origin : NULL);
    }
    for (size_t i = 0; i < from->n_scripts; i++)
        keystore_add_script(k, buf_view(&from->scripts[i]));
    for (size_t i = 0; i < from->n_taproot; i++)
        copy_taproot(k, &from->taproot[i]);
}

const struct key_entry *keystore_find_key(const struct keystore *k,
                                          const uint8_t hash[20])
{
    const size_t *at = k != NULL ? map_get(&k->key_index, hash) : NULL;
    return at != NULL ? &k->keys[*at] : NULL;
}

const struct key_entry *keystore_find_xonly(const struct keystore *k,
                                            const uint8_t xonly[32])
{
    uint8_t full[33], id[20];
    const struct key_entry *e = NULL;
    memcpy(full + 1, xonly, 32);
    for (full[0] = 2; full[0] <= 3 && e == NULL; full[0]++) {
        hash160(id, full, 33);
        e = keystore_find_key(k, id);
    }
    return e;
}

const struct key_entry *keystore_find_xonly_hash(const struct keystore *k,
                                                 const uint8_t hash[20])
{
    uint8_t id[20];
    for (size_t i = 0; k != NULL && i < k->n_keys; i++) {
        if (k->keys[i].pubkey_len != 33)
            continue;
        hash160(id, k->keys[i].pubkey + 1, 32);
        if (memcmp(id, hash, 20) == 0)
            return &k->keys[i];
    }
    return NULL;
}

const uint8_t *keystore_secret(const struct keystore *k, const struct key_entry *e)
{
    return e->has_secret ? k->secrets[e - k->keys] : NULL;
}

bool keystore_find_script(const struct keystore *k, const uint8_t hash[20],
                          struct bytes *out)
{
    const size_t *at = k != NULL ? map_get(&k->script_index, hash) : NULL;
    if (at == NULL)
        return false;
    *out = buf_view(&k->scripts[*at]);
    return true;
}

bool keystore_find_witness_script(const struct keystore *k, const uint8_t sha[32],
                                  struct bytes *out)
{
    uint8_t id[20]; /* hash160 of the script is the RIPEMD-160 of its SHA-256 */
    ripemd160(id, sha, 32);
    return keystore_find_script(k, id, out);
}

const struct tap_entry *keystore_find_taproot(const struct keystore *k,
                                              const uint8_t output[32])
{
    for (size_t i = 0; k != NULL && i < k->n_taproot; i++) {
        if (memcmp(k->taproot[i].output, output, 32) == 0)
            return &k->taproot[i];
    }
    return NULL;
}
