#include <stdlib.h>

#include "chain/script/descriptor_impl.h"
#include "crypto/secret.h"
#include "util/hex.h"

/* -- Keys -- */

/* Only what was written keeps its apostrophes; wallets show h. */
static char hardened_mark(const struct desc_printer *t, const struct key_expr *k)
{
    return k->apostrophe && t->form != TEXT_NORMALIZED ? '\'' : 'h';
}

static void print_path(const struct desc_printer *t, const struct key_expr *k,
                       const uint32_t *path, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        buf_printf(t->out, "/%u", path[i] & ~BIP32_HARDENED);
        if (path[i] & BIP32_HARDENED)
            buf_append_byte(t->out, (uint8_t)hardened_mark(t, k));
    }
}

/* "[fingerprint/path" */
static void open_origin(const struct desc_printer *t, const struct key_expr *k)
{
    struct key_origin o = k->origin;
    if (!k->has_origin)
        bip32_fingerprint(o.fingerprint, &k->root);
    buf_append_byte(t->out, '[');
    hex_append(t->out, o.fingerprint, 4);
    print_path(t, k, o.path, o.n_path);
}

static void print_origin(const struct desc_printer *t, const struct key_expr *k)
{
    if (!k->has_origin)
        return;
    open_origin(t, k);
    buf_append_byte(t->out, ']');
}

static void print_xpub(const struct desc_printer *t, const struct bip32_key *key)
{
    char text[112];
    bip32_format(text, key, t->params->prefixes.xpub, false);
    buf_append_str(t->out, text);
}

/* The steps from the @from-th on, and the star. */
static void print_steps(const struct desc_printer *t, const struct key_expr *k,
                        uint32_t from)
{
    print_path(t, k, k->path + from, k->n_path - from);
    if (k->last != DERIVE_NO)
        buf_append_str(t->out, "/*");
    if (k->last == DERIVE_HARDENED)
        buf_append_byte(t->out, (uint8_t)hardened_mark(t, k));
}

static bool print_xprv(const struct desc_printer *t, const struct key_expr *k)
{
    struct bip32_key *key = secret_alloc(sizeof(*key));
    char *text = secret_alloc(112);
    bool ok = key_expr_private_root(key, k, t->keys);
    if (ok) {
        bip32_format(text, key, t->params->prefixes.xprv, true);
        buf_append_str(t->out, text);
        print_steps(t, k, 0);
    }
    secret_free(text);
    secret_free(key);
    return ok;
}

static bool print_wif(const struct desc_printer *t, const struct key_expr *k)
{
    const struct key_entry *e = key_expr_find(k, t->keys);
    if (e == NULL || !e->has_secret)
        return false;
    struct privkey *key = secret_alloc(sizeof(*key));
    char *text = secret_alloc(64);
    memcpy(key->secret, keystore_secret(t->keys, e), 32);
    key->compressed = e->pubkey_len == 33;
    wif_encode(text, t->params, key);
    buf_append_str(t->out, text);
    secret_free(text);
    secret_free(key);
    return true;
}

static bool last_hardened_key(const struct desc_printer *t, const struct key_expr *k,
                              uint32_t steps, struct bip32_key *out)
{
    const struct bip32_key *cached = descriptor_cache_last_hardened(t->cache, k);
    if (cached != NULL) {
        *out = *cached;
        return true;
    }
    struct bip32_key *key = secret_alloc(sizeof(*key));
    bool ok = key_expr_private_root(key, k, t->keys) && key_expr_walk(key, k, 0, steps);
    if (ok)
        bip32_neuter(out, key);
    secret_free(key);
    return ok;
}

/* The hardened part of the path joins the origin. */
static bool print_after_hardened(const struct desc_printer *t, const struct key_expr *k)
{
    struct bip32_key key;
    uint32_t steps = key_expr_hardened_steps(k);
    if (!last_hardened_key(t, k, steps, &key))
        return false;
    open_origin(t, k);
    print_path(t, k, k->path, steps);
    buf_append_byte(t->out, ']');
    print_xpub(t, &key);
    print_steps(t, k, steps);
    return true;
}

bool key_expr_print(const struct desc_printer *t, const struct key_expr *k)
{
    bool single = k->pubkey_len > 0;
    if (t->form == TEXT_NORMALIZED && !single && k->path_hardened &&
        k->last != DERIVE_HARDENED)
        return print_after_hardened(t, k);
    print_origin(t, k);
    if (t->form == TEXT_PRIVATE)
        return single ? print_wif(t, k) : print_xprv(t, k);
    if (single) {
        hex_append(t->out, k->pubkey + k->xonly, k->pubkey_len - (size_t)k->xonly);
        return true;
    }
    print_xpub(t, &k->root);
    print_steps(t, k, 0);
    return true;
}

/* -- Functions -- */

static const char *function_name(const struct descriptor *d)
{
    switch (d->kind) {
    case DESC_PK:
        return "pk";
    case DESC_PKH:
        return "pkh";
    case DESC_WPKH:
        return "wpkh";
    case DESC_COMBO:
        return "combo";
    case DESC_MULTI:
        return d->sorted ? "sortedmulti" : "multi";
    case DESC_MULTI_A:
        return d->sorted ? "sortedmulti_a" : "multi_a";
    case DESC_SH:
        return "sh";
    case DESC_WSH:
        return "wsh";
    case DESC_TR:
        return "tr";
    case DESC_RAWTR:
        return "rawtr";
    case DESC_ADDR:
        return "addr";
    case DESC_RAW:
        return "raw";
    case DESC_MINISCRIPT:
        break;
    }
    return "";
}

void tree_braces_open(struct tree_braces *b, struct buf *out, size_t leaf_depth)
{
    ASSERT(leaf_depth < ARRAY_LEN(b->right));
    for (; b->depth <= leaf_depth; b->depth++) {
        if (b->depth > 0)
            buf_append_byte(out, '{');
        b->right[b->depth] = false;
    }
}

void tree_braces_close(struct tree_braces *b, struct buf *out)
{
    for (; b->depth > 0 && b->right[b->depth - 1]; b->depth--) {
        if (b->depth > 1)
            buf_append_byte(out, '}');
    }
    if (b->depth > 0)
        b->right[b->depth - 1] = true;
}

static bool print_subs(const struct desc_printer *t, const struct descriptor *d)
{
    struct tree_braces braces = {.depth = 0};
    for (size_t i = 0; i < d->n_subs; i++) {
        if (i > 0)
            buf_append_byte(t->out, ',');
        tree_braces_open(&braces, t->out, d->depths[i]);
        if (!descriptor_print(t, d->subs[i]))
            return false;
        tree_braces_close(&braces, t->out);
    }
    return true;
}

static bool print_keys(const struct desc_printer *t, const struct descriptor *d)
{
    for (size_t i = 0; i < d->n_keys; i++) {
        if (i > 0)
            buf_append_byte(t->out, ',');
        if (!key_expr_print(t, &d->keys[i]))
            return false;
    }
    return true;
}

bool descriptor_print(const struct desc_printer *t, const struct descriptor *d)
{
    char address[ADDRESS_MAX];
    if (d->kind == DESC_MINISCRIPT)
        return descriptor_print_miniscript(t, d);
    buf_printf(t->out, "%s(", function_name(d));
    if (d->kind == DESC_MULTI || d->kind == DESC_MULTI_A)
        buf_printf(t->out, "%u,", d->threshold);
    if (!print_keys(t, d))
        return false;
    if (d->n_keys > 0 && d->n_subs > 0)
        buf_append_byte(t->out, ',');
    if (!print_subs(t, d))
        return false;
    if (d->kind == DESC_ADDR)
        buf_append_str(t->out, address_encode(address, t->params, &d->dest));
    if (d->kind == DESC_RAW)
        hex_append(t->out, d->script.data, d->script.len);
    buf_append_byte(t->out, ')');
    return true;
}

/* -- Whole descriptors -- */

static bool print_whole(struct desc_printer *t, const struct descriptor *d)
{
    if (!descriptor_print(t, d))
        return false;
    descriptor_append_checksum(t->out, 0);
    return true;
}

char *descriptor_to_string(const struct descriptor *d, const struct chain_params *p)
{
    struct buf text = {0};
    struct desc_printer t = {&text, p, TEXT_PUBLIC, NULL, NULL};
    bool ok = print_whole(&t, d);
    ASSERT(ok);
    return (char *)buf_take(&text, NULL);
}

char *descriptor_to_string_normalized(const struct descriptor *d,
                                      const struct chain_params *p,
                                      const struct descriptor_cache *cache,
                                      const struct keystore *keys)
{
    struct buf text = {0};
    struct desc_printer t = {&text, p, TEXT_NORMALIZED, keys, cache};
    if (print_whole(&t, d))
        return (char *)buf_take(&text, NULL);
    buf_clear(&text);
    return NULL;
}

/* No form is longer than a WIF or xprv in the place of each key allows; so that no
 * growing leaves copies behind, all the room is there from the start. */
char *descriptor_to_string_private(const struct descriptor *d,
                                   const struct chain_params *p,
                                   const struct keystore *keys)
{
    char *public = descriptor_to_string(d, p);
    size_t cap = strlen(public) + 128;
    char *out = secret_alloc(cap);
    struct buf text = {(uint8_t *)out, 0, cap};
    struct desc_printer t = {&text, p, TEXT_PRIVATE, keys, NULL};
    bool ok = print_whole(&t, d);
    ASSERT((char *)text.data == out && text.len < cap);
    free(public);
    if (ok)
        return out;
    secret_free(out);
    return NULL;
}
