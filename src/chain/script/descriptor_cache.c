#include <stdlib.h>

#include "chain/script/descriptor_impl.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "util/mem.h"
#include "util/reader.h"
#include "util/sink.h"

/* Serialised: entries one after the other, each beginning with its kind (u8) and the
 * key's number (CompactSize).
 *   1  the key after the last hardened step: depth 1, parent fingerprint 4, child u32,
 *      chain code 32, public key 33
 *   2  a child behind a hardened star: position u32, public key 33 */
enum entry_kind {
    ENTRY_LAST_HARDENED = 1,
    ENTRY_CHILD = 2,
};

struct cached_key {
    bool known;
    struct bip32_key last_hardened; /* public forms */
    struct bip32_key base;          /* after the whole path */
};

struct child_id {
    uint32_t key, pos;
};

void descriptor_cache_init(struct descriptor_cache *c)
{
    *c = (struct descriptor_cache){0};
    map_init(&c->children, sizeof(struct child_id), 33);
}

void descriptor_cache_clear(struct descriptor_cache *c)
{
    free(c->keys);
    map_clear(&c->children);
    descriptor_cache_init(c);
}

static const struct cached_key *find_key(const struct descriptor_cache *c,
                                         const struct key_expr *k)
{
    return c != NULL && k->index < c->n_keys && c->keys[k->index].known
               ? &c->keys[k->index]
               : NULL;
}

const struct bip32_key *descriptor_cache_base(const struct descriptor_cache *c,
                                              const struct key_expr *k)
{
    const struct cached_key *e = find_key(c, k);
    return e != NULL ? &e->base : NULL;
}

const struct bip32_key *descriptor_cache_last_hardened(const struct descriptor_cache *c,
                                                       const struct key_expr *k)
{
    const struct cached_key *e = find_key(c, k);
    return e != NULL ? &e->last_hardened : NULL;
}

const uint8_t *descriptor_cache_child(const struct descriptor_cache *c,
                                      const struct key_expr *k, uint32_t pos)
{
    const struct child_id id = {k->index, pos};
    return c != NULL ? map_get(&c->children, &id) : NULL;
}

uint32_t key_expr_hardened_steps(const struct key_expr *k)
{
    uint32_t n = k->n_path;
    while (n > 0 && !(k->path[n - 1] & BIP32_HARDENED))
        n--;
    return n;
}

/* -- Filling -- */

static bool set_last_hardened(struct descriptor_cache *c, const struct key_expr *k,
                              const struct bip32_key *key)
{
    if (k->index >= c->n_keys) {
        c->keys = xrealloc_array(c->keys, k->index + 1, sizeof(*c->keys));
        for (; c->n_keys <= k->index; c->n_keys++)
            c->keys[c->n_keys] = (struct cached_key){0};
    }
    struct cached_key *e = &c->keys[k->index];
    bip32_neuter(&e->last_hardened, key);
    e->base = e->last_hardened;
    e->known = key_expr_walk(&e->base, k, key_expr_hardened_steps(k), k->n_path);
    return e->known;
}

static void set_child(struct descriptor_cache *c, const struct key_expr *k,
                      uint32_t pos, const uint8_t pubkey[33])
{
    const struct child_id id = {k->index, pos};
    memcpy(map_put(&c->children, &id, NULL), pubkey, 33);
}

static bool fill_children(struct descriptor_cache *c, const struct key_expr *k,
                          const struct bip32_key *base, uint32_t begin, uint32_t end)
{
    struct bip32_key *child = secret_alloc(sizeof(*child));
    bool ok = true;
    for (uint32_t pos = begin; ok && pos < end; pos++) {
        if (descriptor_cache_child(c, k, pos) != NULL)
            continue;
        ok = bip32_derive(child, base, pos | BIP32_HARDENED);
        if (ok)
            set_child(c, k, pos, child->pubkey);
    }
    secret_free(child);
    return ok;
}

static bool is_filled(const struct descriptor_cache *c, const struct key_expr *k,
                      uint32_t begin, uint32_t end)
{
    if (k->path_hardened && find_key(c, k) == NULL)
        return false;
    for (uint32_t pos = begin; k->last == DERIVE_HARDENED && pos < end; pos++) {
        if (descriptor_cache_child(c, k, pos) == NULL)
            return false;
    }
    return true;
}

static bool fill_key(struct descriptor_cache *c, const struct key_expr *k,
                     const struct keystore *keys, uint32_t begin, uint32_t end)
{
    if (k->pubkey_len > 0 || is_filled(c, k, begin, end))
        return true;
    struct bip32_key *key = secret_alloc(sizeof(*key));
    uint32_t hardened = key_expr_hardened_steps(k);
    bool ok = key_expr_private_root(key, k, keys) && key_expr_walk(key, k, 0, hardened);
    if (ok && k->path_hardened)
        ok = set_last_hardened(c, k, key);
    if (ok && k->last == DERIVE_HARDENED)
        ok = key_expr_walk(key, k, hardened, k->n_path) &&
             fill_children(c, k, key, begin, end);
    secret_free(key);
    return ok;
}

bool descriptor_cache_fill(struct descriptor_cache *c, const struct descriptor *d,
                           const struct keystore *keys, uint32_t begin, uint32_t end)
{
    for (size_t i = 0; i < d->n_all; i++) {
        if (!fill_key(c, d->all[i], keys, begin, end))
            return false;
    }
    return true;
}

/* -- Serialisation -- */

static void write_key(const struct bip32_key *k, struct sink *s)
{
    write_u8(s, k->depth);
    write_bytes(s, k->parent, 4);
    write_u32(s, k->child);
    write_bytes(s, k->chain_code, 32);
    write_bytes(s, k->pubkey, 33);
}

static void read_fixed(struct reader *r, uint8_t *out, size_t n)
{
    const uint8_t *p = read_bytes(r, n);
    if (p != NULL)
        memcpy(out, p, n);
}

static bool read_pubkey(struct reader *r, uint8_t out[33])
{
    read_fixed(r, out, 33);
    return !r->bad && secp_pubkey_valid(bytes_of(out, 33));
}

static bool read_key(struct bip32_key *k, struct reader *r)
{
    *k = (struct bip32_key){.depth = read_u8(r)};
    read_fixed(r, k->parent, 4);
    k->child = read_u32(r);
    read_fixed(r, k->chain_code, 32);
    return read_pubkey(r, k->pubkey);
}

static void write_head(struct sink *s, enum entry_kind kind, uint32_t key)
{
    write_u8(s, (uint8_t)kind);
    write_varint(s, key);
}

static void write_child(const struct descriptor_cache *c, struct sink *s,
                        struct child_id id)
{
    const uint8_t *pubkey = map_get(&c->children, &id);
    if (pubkey == NULL)
        return;
    write_head(s, ENTRY_CHILD, id.key);
    write_u32(s, id.pos);
    write_bytes(s, pubkey, 33);
}

void descriptor_cache_write(const struct descriptor_cache *c,
                            const struct descriptor *d, struct sink *s, uint32_t begin,
                            uint32_t end)
{
    for (uint32_t i = 0; i < d->n_all; i++) {
        const struct cached_key *e = find_key(c, d->all[i]);
        if (e != NULL) {
            write_head(s, ENTRY_LAST_HARDENED, i);
            write_key(&e->last_hardened, s);
        }
        if (d->all[i]->last != DERIVE_HARDENED)
            continue;
        for (uint32_t pos = begin; pos < end; pos++)
            write_child(c, s, (struct child_id){i, pos});
    }
}

static bool read_entry(struct descriptor_cache *c, const struct descriptor *d,
                       struct reader *r)
{
    struct bip32_key key;
    uint8_t pubkey[33], kind = read_u8(r);
    uint64_t i = read_varint(r, UINT32_MAX);
    if (r->bad || i >= d->n_all)
        return false;
    if (kind == ENTRY_LAST_HARDENED)
        return read_key(&key, r) && set_last_hardened(c, d->all[i], &key);
    uint32_t pos = read_u32(r);
    if (kind != ENTRY_CHILD || !read_pubkey(r, pubkey))
        return false;
    set_child(c, d->all[i], pos, pubkey);
    return true;
}

bool descriptor_cache_read(struct descriptor_cache *c, const struct descriptor *d,
                           struct reader *r)
{
    while (reader_left(r) > 0) {
        if (!read_entry(c, d, r))
            return false;
    }
    return !r->bad;
}
