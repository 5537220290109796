/* Signing what miniscript describes: P2WSH scripts beyond the old templates, and
 * tapscript leaves. */
#include <stdlib.h>

#include "chain/script/machine.h"
#include "chain/script/miniscript.h"
#include "chain/script/sign_impl.h"
#include "crypto/hash.h"
#include "util/mem.h"

#define TAPSCRIPT_LEAF 0xc0

struct script_signer {
    const struct signer *signer;
    struct bytes script;
    struct ms_key *keys;
    struct hash256 leaf; /* tapscript */
};

static bool sign_ecdsa_key(void *ctx, uint32_t key, struct bytes *sig)
{
    const struct script_signer *s = ctx;
    const struct ms_key *k = &s->keys[key];
    return k->len > 0 && sign_with(s->signer, bytes_of(k->data, k->len), s->script,
                                   SIG_WITNESS_V0, sig);
}

static bool make_tap_sig(const struct script_signer *s, const uint8_t xonly[32])
{
    const struct sighash_taproot t = {
        .script_path = true, .leaf_hash = s->leaf, .codeseparator = UINT32_MAX};
    struct buf sig = {0};
    bool ok = sign_schnorr(s->signer, xonly, NULL, &t, &sig);
    if (ok)
        sig_data_add_tap_sig(s->signer->data, xonly, &s->leaf, buf_view(&sig));
    buf_clear(&sig);
    return ok;
}

static bool sign_tap_key(void *ctx, uint32_t key, struct bytes *sig)
{
    const struct script_signer *s = ctx;
    const struct ms_key *k = &s->keys[key];
    const struct sig_data *d = s->signer->data;
    if (k->len == 0 || (sig_data_find_tap_sig(d, k->data, &s->leaf) == NULL &&
                        !make_tap_sig(s, k->data)))
        return false;
    *sig = buf_view(&sig_data_find_tap_sig(d, k->data, &s->leaf)->sig);
    return true;
}

static bool find_preimage(void *ctx, enum preimage_kind kind, const uint8_t *hash,
                          struct bytes *out)
{
    const struct script_signer *s = ctx;
    const struct preimage *p = sig_data_find_preimage(s->signer->data, kind, hash);
    if (p == NULL)
        return false;
    *out = buf_view(&p->value);
    return true;
}

static bool is_older(void *ctx, uint32_t k)
{
    const struct script_signer *s = ctx;
    return check_sequence(s->signer->checker, k);
}

static bool is_after(void *ctx, uint32_t k)
{
    const struct script_signer *s = ctx;
    return check_locktime(s->signer->checker, k);
}

/* The x-only key with this hash: of the store, or one that has signed the leaf. */
static bool find_tap_key(const struct script_signer *s, struct ms_key *k)
{
    const struct key_entry *e = keystore_find_xonly_hash(s->signer->keys, k->hash);
    const struct sig_data *d = s->signer->data;
    uint8_t pubkey[33] = {2}, id[20];
    if (e != NULL) {
        ms_key_set(k, MS_TAPSCRIPT, e->pubkey);
        return true;
    }
    for (size_t i = 0; i < d->n_tap_sigs; i++) {
        hash160(id, d->tap_sigs[i].xonly, 32);
        if (memcmp(id, k->hash, 20) != 0)
            continue;
        memcpy(pubkey + 1, d->tap_sigs[i].xonly, 32);
        ms_key_set(k, MS_TAPSCRIPT, pubkey);
        return true;
    }
    return false;
}

/* Keys of which the script holds only the hash; those that nobody knows stay so. */
static void find_hashed_keys(struct script_signer *s, const struct miniscript *ms)
{
    struct bytes pubkey;
    for (uint32_t i = 0; i < ms->n_keys; i++) {
        struct ms_key *k = &s->keys[i];
        if (k->len > 0)
            continue;
        if (ms->context == MS_TAPSCRIPT)
            (void)!find_tap_key(s, k);
        else if (sign_find_pubkey(s->signer, k->hash, &pubkey) && pubkey.len == 33)
            ms_key_set(k, ms->context, pubkey.data);
    }
}

/* The array and what it points to, in one block. */
static struct bytes *copy_items(const struct bytes *items, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += items[i].len;
    struct bytes *out = xmalloc(n * sizeof(*out) + total);
    uint8_t *at = (uint8_t *)(out + n);
    for (size_t i = 0; i < n; i++) {
        if (items[i].len > 0)
            memcpy(at, items[i].data, items[i].len);
        out[i] = bytes_of(at, items[i].len);
        at += items[i].len;
    }
    return out;
}

static bool satisfy_with(struct script_signer *s, const struct miniscript *ms,
                         struct bytes **items, size_t *n)
{
    const struct ms_source source = {s,
                                     ms->context == MS_WSH ? sign_ecdsa_key
                                                           : sign_tap_key,
                                     find_preimage,
                                     is_older,
                                     is_after,
                                     s->keys};
    struct bytes *borrowed;
    find_hashed_keys(s, ms);
    if (!miniscript_satisfy(ms, &source, false, &borrowed, n))
        return false;
    *items = copy_items(borrowed, *n);
    free(borrowed);
    return true;
}

static bool satisfy(struct script_signer *s, enum ms_context context,
                    struct bytes **items, size_t *n)
{
    struct miniscript ms;
    miniscript_init(&ms, context);
    bool ok =
        miniscript_decode(&ms, s->script, &s->keys) && satisfy_with(s, &ms, items, n);
    free(s->keys);
    miniscript_clear(&ms);
    return ok;
}

bool sign_wsh_miniscript(const struct signer *s, struct bytes script,
                         struct bytes **items, size_t *n)
{
    struct script_signer m = {.signer = s, .script = script};
    return satisfy(&m, MS_WSH, items, n);
}

bool sign_leaf_miniscript(const struct signer *s, const struct tap_leaf *leaf,
                          struct bytes **items, size_t *n)
{
    struct script_signer m = {.signer = s, .script = buf_view(&leaf->script)};
    if (leaf->version != TAPSCRIPT_LEAF)
        return false;
    m.leaf = tapleaf_hash(leaf->version, m.script);
    return satisfy(&m, MS_TAPSCRIPT, items, n);
}
