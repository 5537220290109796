#include <stdlib.h>

#include "chain/script/descriptor_impl.h"
#include "chain/script/sig_encoding.h"
#include "chain/script/sighash.h"
#include "crypto/secp.h"
#include "util/mem.h"

#define TAPSCRIPT_LEAF 0xc0

void script_list_clear(struct script_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        buf_clear(&l->items[i]);
    free(l->items);
    *l = (struct script_list){0};
}

static bool expand(const struct descriptor *d, const struct derivation *e,
                   struct script_list *out);

static struct buf *add_script(struct script_list *l)
{
    l->items = xrealloc_array(l->items, l->n + 1, sizeof(*l->items));
    l->items[l->n] = (struct buf){0};
    return &l->items[l->n++];
}

static struct bytes key_bytes(const struct derived_key *k)
{
    return bytes_of(k->key, k->len);
}

static void put_key_destination(struct buf *out, enum destination_type type,
                                const struct derived_key *k)
{
    struct destination dest;
    destination_of_key(&dest, type, key_bytes(k));
    destination_to_script(out, &dest);
}

static void put_script_destination(struct buf *out, enum destination_type type,
                                   const struct buf *script)
{
    struct destination dest;
    destination_of_script(&dest, type, buf_view(script));
    destination_to_script(out, &dest);
}

static void put_pk(struct buf *out, const struct derived_key *k, bool xonly)
{
    if (xonly)
        script_put_data(out, k->key + 1, 32);
    else
        script_put_data(out, k->key, k->len);
    script_put_op(out, OP_CHECKSIG);
}

static void put_rawtr(struct buf *out, const uint8_t xonly[32])
{
    script_put_witness_program(out, 1, bytes_of(xonly, 32));
}

static int compare_keys(const void *a, const void *b)
{
    return bytes_compare(key_bytes(a), key_bytes(b));
}

static int compare_xonly(const void *a, const void *b)
{
    const struct derived_key *x = a, *y = b;
    return memcmp(x->key + 1, y->key + 1, 32);
}

static void put_multi(struct buf *out, const struct descriptor *d,
                      struct derived_key *keys)
{
    if (d->sorted)
        qsort(keys, d->n_keys, sizeof(*keys), compare_keys);
    script_put_int(out, d->threshold);
    for (size_t i = 0; i < d->n_keys; i++)
        script_put_data(out, keys[i].key, keys[i].len);
    script_put_int(out, (int64_t)d->n_keys);
    script_put_op(out, OP_CHECKMULTISIG);
}

static void put_multi_a(struct buf *out, const struct descriptor *d,
                        struct derived_key *keys)
{
    if (d->sorted)
        qsort(keys, d->n_keys, sizeof(*keys), compare_xonly);
    for (size_t i = 0; i < d->n_keys; i++) {
        script_put_data(out, keys[i].key + 1, 32);
        script_put_op(out, i == 0 ? OP_CHECKSIG : OP_CHECKSIGADD);
    }
    script_put_int(out, d->threshold);
    script_put_op(out, OP_NUMEQUAL);
}

static void expand_combo(const struct derivation *e, const struct derived_key *k,
                         struct script_list *out)
{
    put_pk(add_script(out), k, false);
    put_key_destination(add_script(out), DEST_PKH, k);
    if (!pubkey_is_compressed(key_bytes(k)))
        return;
    put_key_destination(add_script(out), DEST_WPKH, k);
    struct buf *nested = add_script(out);
    const struct buf *program = nested - 1;
    put_script_destination(nested, DEST_SH, program);
    if (e->known != NULL)
        keystore_add_script(e->known, buf_view(program));
}

/* sh() and wsh(): the hash of what is inside; inner combo() cannot occur. */
static bool expand_wrapped(const struct descriptor *d, const struct derivation *e,
                           struct script_list *out)
{
    struct script_list inner = {0};
    bool ok = expand(d->subs[0], e, &inner);
    if (ok) {
        ASSERT(inner.n == 1);
        put_script_destination(add_script(out), d->kind == DESC_SH ? DEST_SH : DEST_WSH,
                               &inner.items[0]);
        if (e->known != NULL)
            keystore_add_script(e->known, buf_view(&inner.items[0]));
    }
    script_list_clear(&inner);
    return ok;
}

/* -- Taproot -- */

/* A subtree: its hash, and the leaves that stand in it, which learn their way up. */
struct tree_node {
    struct hash256 hash;
    size_t first, end;
};

static void append_path(struct tap_leaf *leaves, const struct tree_node *of,
                        const struct hash256 *sibling)
{
    for (size_t i = of->first; i < of->end; i++)
        buf_append(&leaves[i].control, sibling->b, 32);
}

/* Reads leaves from *next on until a subtree whose root is at @depth is whole. */
static struct tree_node build_tree(const struct descriptor *d, struct tap_leaf *leaves,
                                   size_t *next, uint8_t depth)
{
    struct tree_node node = {.first = *next};
    if (d->depths[*next] == depth) {
        const struct tap_leaf *leaf = &leaves[*next];
        node.hash = tapleaf_hash(leaf->version, buf_view(&leaf->script));
        node.end = ++*next;
        return node;
    }
    struct tree_node left = build_tree(d, leaves, next, (uint8_t)(depth + 1));
    struct tree_node right = build_tree(d, leaves, next, (uint8_t)(depth + 1));
    append_path(leaves, &left, &right.hash);
    append_path(leaves, &right, &left.hash);
    node.hash = tapbranch_hash(&left.hash, &right.hash);
    node.end = right.end;
    return node;
}

static bool expand_leaves(const struct descriptor *d, const struct derivation *e,
                          struct tap_leaf *leaves, const uint8_t internal[32])
{
    for (size_t i = 0; i < d->n_subs; i++) {
        struct script_list script = {0};
        bool ok = expand(d->subs[i], e, &script);
        if (ok) {
            leaves[i].version = TAPSCRIPT_LEAF;
            buf_append(&leaves[i].script, script.items[0].data, script.items[0].len);
            buf_append_byte(&leaves[i].control, TAPSCRIPT_LEAF);
            buf_append(&leaves[i].control, internal, 32);
        }
        script_list_clear(&script);
        if (!ok)
            return false;
    }
    return true;
}

static void tap_clear(struct tap_entry *t)
{
    for (size_t i = 0; i < t->n_leaves; i++) {
        buf_clear(&t->leaves[i].script);
        buf_clear(&t->leaves[i].control);
    }
    free(t->leaves);
}

static bool build_taproot(const struct descriptor *d, const struct derivation *e,
                          const struct derived_key *key, struct tap_entry *t)
{
    int parity;
    size_t next = 0;
    memcpy(t->internal, key->key + 1, 32);
    t->n_leaves = d->n_subs;
    t->leaves = xcalloc(d->n_subs + 1, sizeof(*t->leaves));
    if (!expand_leaves(d, e, t->leaves, t->internal))
        return false;
    t->has_root = d->n_subs > 0;
    if (t->has_root)
        t->root = build_tree(d, t->leaves, &next, 0).hash;
    struct hash256 tweak = taptweak_hash(t->internal, t->has_root ? &t->root : NULL);
    if (!secp_xonly_tweak_add(t->output, &parity, t->internal, tweak.b))
        return false;
    for (size_t i = 0; i < t->n_leaves; i++)
        t->leaves[i].control.data[0] |= (uint8_t)parity;
    return true;
}

static bool expand_tr(const struct descriptor *d, const struct derivation *e,
                      const struct derived_key *key, struct script_list *out)
{
    struct tap_entry t = {0};
    bool ok = build_taproot(d, e, key, &t);
    if (ok)
        put_rawtr(add_script(out), t.output);
    if (ok && e->known != NULL)
        *keystore_add_taproot(e->known) = t;
    else
        tap_clear(&t);
    return ok;
}

static bool derive_keys(const struct descriptor *d, const struct derivation *e,
                        struct derived_key *keys)
{
    for (size_t i = 0; i < d->n_keys; i++) {
        if (!key_expr_derive(e, &d->keys[i], keys[i].key, &keys[i].len))
            return false;
    }
    return true;
}

static bool expand_with(const struct descriptor *d, const struct derivation *e,
                        struct derived_key *keys, struct script_list *out)
{
    switch (d->kind) {
    case DESC_PK:
        put_pk(add_script(out), keys, d->in_tr);
        return true;
    case DESC_PKH:
        put_key_destination(add_script(out), DEST_PKH, keys);
        return true;
    case DESC_WPKH:
        put_key_destination(add_script(out), DEST_WPKH, keys);
        return true;
    case DESC_COMBO:
        expand_combo(e, keys, out);
        return true;
    case DESC_MULTI:
        put_multi(add_script(out), d, keys);
        return true;
    case DESC_MULTI_A:
        put_multi_a(add_script(out), d, keys);
        return true;
    case DESC_TR:
        return expand_tr(d, e, keys, out);
    case DESC_RAWTR:
        put_rawtr(add_script(out), keys->key + 1);
        return true;
    case DESC_SH:
    case DESC_WSH:
        return expand_wrapped(d, e, out);
    case DESC_ADDR:
        destination_to_script(add_script(out), &d->dest);
        return true;
    case DESC_MINISCRIPT:
        descriptor_put_miniscript(add_script(out), d, keys);
        return true;
    case DESC_RAW:
        buf_append(add_script(out), d->script.data, d->script.len);
        return true;
    }
    return false;
}

static bool expand(const struct descriptor *d, const struct derivation *e,
                   struct script_list *out)
{
    struct derived_key *keys = xcalloc(d->n_keys + 1, sizeof(*keys));
    bool ok = derive_keys(d, e, keys) && expand_with(d, e, keys, out);
    free(keys);
    return ok;
}

bool descriptor_expand_cached(const struct descriptor *d, const struct chain_params *p,
                              uint32_t pos, const struct keystore *keys,
                              const struct descriptor_cache *cache,
                              struct script_list *out, struct keystore *known)
{
    const struct derivation e = {p, pos, keys, cache, known};
    *out = (struct script_list){0};
    if (expand(d, &e, out))
        return true;
    script_list_clear(out);
    return false;
}

bool descriptor_expand(const struct descriptor *d, const struct chain_params *p,
                       uint32_t pos, const struct keystore *keys,
                       struct script_list *out, struct keystore *known)
{
    return descriptor_expand_cached(d, p, pos, keys, NULL, out, known);
}
