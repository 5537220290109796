#include "chain/script/taproot_sign.h"

#include <stdlib.h>

#include "chain/script/sign_impl.h"
#include "crypto/secp.h"
#include "util/mem.h"
#include "util/sink.h"

bool sign_schnorr(const struct signer *s, const uint8_t xonly[32], const uint8_t *tweak,
                  const struct sighash_taproot *t, struct buf *out)
{
    uint8_t sig[64];
    struct hash256 hash;
    const struct key_entry *key = keystore_find_xonly(s->keys, xonly);
    if (key == NULL || !key->has_secret ||
        !sighash_v1(&hash, s->checker->data, s->checker->input, (uint8_t)s->hash_type,
                    t) ||
        !secp_schnorr_sign(sig, keystore_secret(s->keys, key), hash.b, NULL, tweak))
        return false;
    buf_append(out, sig, sizeof(sig));
    if (s->hash_type != SIGHASH_DEFAULT)
        buf_append_byte(out, (uint8_t)s->hash_type);
    return true;
}

/* With the internal key, or with the output's own. */
static bool make_key_sig(const struct signer *s, const uint8_t output[32],
                         const struct tap_entry *e)
{
    struct sighash_taproot t = {.codeseparator = UINT32_MAX};
    struct buf *sig = &s->data->tap_key_sig;
    if (sig->len > 0)
        return true;
    if (e != NULL) {
        struct hash256 tweak =
            taptweak_hash(e->internal, e->has_root ? &e->root : NULL);
        if (sign_schnorr(s, e->internal, tweak.b, &t, sig))
            return true;
    }
    return sign_schnorr(s, output, NULL, &t, sig);
}

/* What satisfies a leaf, without script and control block. */
struct leaf_spend {
    const struct tap_leaf *leaf; /* NULL: none */
    struct bytes *items;         /* owned array of borrowed bytes */
    size_t n;
};

static size_t spend_size(const struct leaf_spend *l)
{
    size_t size = l->leaf->script.len + l->leaf->control.len;
    for (size_t i = 0; i < l->n; i++)
        size += varint_size(l->items[i].len) + l->items[i].len;
    return size;
}

static void take_better(struct leaf_spend *best, struct leaf_spend *take_other)
{
    struct leaf_spend *loser = take_other;
    if (best->leaf == NULL || spend_size(take_other) < spend_size(best)) {
        struct leaf_spend swap = *best;
        *best = *take_other;
        *loser = swap;
    }
    free(loser->items);
}

static void set_leaf_witness(const struct signer *s, const struct leaf_spend *l)
{
    struct bytes *all = xcalloc(l->n + 2, sizeof(*all));
    for (size_t i = 0; i < l->n; i++)
        all[i] = l->items[i];
    all[l->n] = buf_view(&l->leaf->script);
    all[l->n + 1] = buf_view(&l->leaf->control);
    sig_data_set_witness(s->data, all, l->n + 2);
    free(all);
}

/* Every leaf is tried, so that others find all the signatures that these keys make. */
static bool sign_leaves(const struct signer *s, const struct tap_entry *e)
{
    struct leaf_spend best = {.leaf = NULL};
    for (size_t i = 0; i < e->n_leaves; i++) {
        struct leaf_spend l = {.leaf = &e->leaves[i]};
        if (sign_leaf_miniscript(s, l.leaf, &l.items, &l.n))
            take_better(&best, &l);
    }
    if (best.leaf == NULL)
        return false;
    set_leaf_witness(s, &best);
    free(best.items);
    return true;
}

bool sign_taproot(const struct signer *s, const uint8_t output[32])
{
    const struct tap_entry *e = keystore_find_taproot(s->keys, output);
    sig_data_clear_witness(s->data);
    if (make_key_sig(s, output, e)) {
        struct bytes sig = buf_view(&s->data->tap_key_sig);
        sig_data_set_witness(s->data, &sig, 1);
        return true;
    }
    return e != NULL && sign_leaves(s, e);
}

void keystore_add_bip86(struct keystore *k)
{
    for (size_t i = 0; i < k->n_keys; i++) {
        uint8_t output[32];
        int parity;
        const struct key_entry *e = &k->keys[i];
        if (!e->has_secret || e->pubkey_len != 33)
            continue;
        struct hash256 tweak = taptweak_hash(e->pubkey + 1, NULL);
        if (!secp_xonly_tweak_add(output, &parity, e->pubkey + 1, tweak.b) ||
            keystore_find_taproot(k, output) != NULL)
            continue;
        struct tap_entry *t = keystore_add_taproot(k);
        memcpy(t->output, output, 32);
        memcpy(t->internal, e->pubkey + 1, 32);
    }
}
