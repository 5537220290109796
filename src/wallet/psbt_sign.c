/* Signing: between the records of a PSBT and what sign_input works with. */
#include <stdlib.h>

#include "util/sink.h"
#include "wallet/psbt_fields.h"
#include "wallet/psbt_update.h"

void psbt_hashes_init(struct sighash_data *d, const struct psbt *p)
{
    sighash_data_init_partial(d, p->tx, p->spent);
}

bool psbt_hash_type(const struct psbt *p, uint32_t i, int *out)
{
    struct bytes v = psbt_value(&p->in[i], PSBT_IN_SIGHASH);
    if (v.data == NULL)
        return false;
    *out = (int)get_le32(v.data);
    return true;
}

/* -- From records -- */

/* Only one half of an x-only key is looked for when it has a private key. */
static void learn_xonly(struct keystore *keys, const uint8_t xonly[32])
{
    uint8_t full[33] = {2};
    memcpy(full + 1, xonly, 32);
    if (keystore_find_xonly(keys, xonly) == NULL)
        keystore_add_key(keys, bytes_of(full, sizeof(full)), NULL, NULL);
}

static void learn_keys(struct keystore *keys, const struct psbt_map *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct psbt_record *r = &m->items[i];
        if (r->type == PSBT_IN_BIP32 || r->type == PSBT_IN_PARTIAL_SIG)
            keystore_add_key(keys, r->key, NULL, NULL);
        else if (r->type == PSBT_IN_TAP_BIP32 || r->type == PSBT_IN_TAP_SCRIPT_SIG)
            learn_xonly(keys, r->key.data);
    }
}

static void learn_leaf(struct tap_entry *e, const struct psbt_record *r)
{
    e->leaves = xrealloc_array(e->leaves, e->n_leaves + 1, sizeof(*e->leaves));
    struct tap_leaf *leaf = &e->leaves[e->n_leaves++];
    *leaf = (struct tap_leaf){.version = r->value.data[r->value.len - 1]};
    buf_append(&leaf->script, r->value.data, r->value.len - 1);
    buf_append(&leaf->control, r->key.data, r->key.len);
}

/* The root that a leaf and its control block lead to. */
static struct hash256 leaf_root(const struct tap_leaf *leaf)
{
    struct hash256 hash = tapleaf_hash(leaf->version, buf_view(&leaf->script));
    return taproot_merkle_root(buf_view(&leaf->control), &hash);
}

static void learn_taproot(struct keystore *keys, const struct psbt_map *m,
                          const uint8_t output[32])
{
    struct bytes internal = psbt_value(m, PSBT_IN_TAP_INTERNAL_KEY);
    struct bytes root = psbt_value(m, PSBT_IN_TAP_MERKLE_ROOT);
    if (keystore_find_taproot(keys, output) != NULL)
        return;
    size_t n;
    const struct psbt_record *leaves = psbt_find_all(m, PSBT_IN_TAP_LEAF_SCRIPT, &n);
    if (internal.data == NULL && n == 0)
        return;
    struct tap_entry *e = keystore_add_taproot(keys);
    memcpy(e->output, output, 32);
    /* A control block names the internal key, too. */
    memcpy(e->internal, internal.data != NULL ? internal.data : leaves[0].key.data + 1,
           32);
    for (size_t i = 0; i < n; i++)
        learn_leaf(e, &leaves[i]);
    e->has_root = root.data != NULL || n > 0;
    if (root.data != NULL)
        memcpy(e->root.b, root.data, 32);
    else if (n > 0)
        e->root = leaf_root(&e->leaves[0]);
}

void psbt_learn(struct keystore *keys, const struct psbt *p, uint32_t i)
{
    const struct psbt_map *m = &p->in[i];
    struct bytes redeem = psbt_value(m, PSBT_IN_REDEEM_SCRIPT);
    struct bytes witness = psbt_value(m, PSBT_IN_WITNESS_SCRIPT);
    if (redeem.data != NULL)
        keystore_add_script(keys, redeem);
    if (witness.data != NULL)
        keystore_add_script(keys, witness);
    learn_keys(keys, m);
    if (script_is_p2tr(p->spent[i].script))
        learn_taproot(keys, m, p->spent[i].script.data + 2);
}

static const struct {
    uint64_t type;
    enum preimage_kind kind;
} preimages[] = {
    {PSBT_IN_RIPEMD160, PREIMAGE_RIPEMD160},
    {PSBT_IN_SHA256, PREIMAGE_SHA256},
    {PSBT_IN_HASH160, PREIMAGE_HASH160},
    {PSBT_IN_HASH256, PREIMAGE_HASH256},
};

static void load_preimage(struct sig_data *d, const struct psbt_record *r)
{
    for (size_t k = 0; k < ARRAY_LEN(preimages); k++) {
        if (preimages[k].type == r->type)
            sig_data_add_preimage(d, preimages[k].kind, r->key.data, r->value);
    }
}

static void load_tap_sig(struct sig_data *d, const struct psbt_record *r)
{
    struct hash256 leaf;
    memcpy(leaf.b, r->key.data + 32, 32);
    sig_data_add_tap_sig(d, r->key.data, &leaf, r->value);
}

/* The signatures that the PSBT has already. */
static void load(struct sig_data *d, const struct psbt_map *m)
{
    *d = (struct sig_data){.complete = false};
    for (size_t i = 0; i < m->n; i++) {
        const struct psbt_record *r = &m->items[i];
        if (r->type == PSBT_IN_PARTIAL_SIG)
            sig_data_add_sig(d, r->key, r->value);
        else if (r->type == PSBT_IN_TAP_SCRIPT_SIG)
            load_tap_sig(d, r);
        else if (r->type == PSBT_IN_TAP_KEY_SIG)
            buf_append(&d->tap_key_sig, r->value.data, r->value.len);
        else
            load_preimage(d, r);
    }
}

/* -- To records -- */

void psbt_drop_unfinished(struct psbt_map *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct psbt_record *r = &m->items[i];
        const struct psbt_field *f = psbt_field_of(PSBT_AT_IN, r->type, r->key, 0);
        if (f == NULL || !f->spent_by_final)
            m->items[kept++] = *r;
    }
    m->n = kept;
}

static void store_final(struct psbt *p, struct psbt_map *m, const struct sig_data *d)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    psbt_drop_unfinished(m);
    if (d->script_sig.len > 0)
        psbt_put(p, m, PSBT_IN_FINAL_SCRIPT_SIG, psbt_no_key(),
                 buf_view(&d->script_sig));
    if (d->n_witness == 0)
        return;
    write_varint(&s, d->n_witness);
    for (uint32_t i = 0; i < d->n_witness; i++)
        write_var(&s, buf_view(&d->witness[i]));
    psbt_put(p, m, PSBT_IN_FINAL_WITNESS, psbt_no_key(), buf_view(&b));
    buf_clear(&b);
}

static void store_sigs(struct psbt *p, struct psbt_map *m, const struct sig_data *d)
{
    for (size_t i = 0; i < d->n_sigs; i++) {
        const struct partial_sig *s = &d->sigs[i];
        psbt_add(p, m, PSBT_IN_PARTIAL_SIG, bytes_of(s->pubkey, s->pubkey_len),
                 buf_view(&s->sig));
    }
    if (d->tap_key_sig.len > 0)
        psbt_add(p, m, PSBT_IN_TAP_KEY_SIG, psbt_no_key(), buf_view(&d->tap_key_sig));
    for (size_t i = 0; i < d->n_tap_sigs; i++) {
        const struct tap_sig *s = &d->tap_sigs[i];
        uint8_t key[64];
        memcpy(key, s->xonly, 32);
        memcpy(key + 32, s->leaf.b, 32);
        psbt_add(p, m, PSBT_IN_TAP_SCRIPT_SIG, bytes_of(key, 64), buf_view(&s->sig));
    }
}

static void store_leaf(struct psbt *p, struct psbt_map *m, const struct tap_leaf *leaf)
{
    struct buf value = {0};
    buf_append(&value, leaf->script.data, leaf->script.len);
    buf_append_byte(&value, leaf->version);
    psbt_add(p, m, PSBT_IN_TAP_LEAF_SCRIPT, buf_view(&leaf->control), buf_view(&value));
    buf_clear(&value);
}

static void store_taproot(struct psbt *p, struct psbt_map *m,
                          const struct psbt_signer *how, const uint8_t output[32])
{
    const struct tap_entry *e = keystore_find_taproot(how->keys, output);
    if (e != NULL) {
        psbt_add(p, m, PSBT_IN_TAP_INTERNAL_KEY, psbt_no_key(),
                 bytes_of(e->internal, 32));
        if (e->has_root)
            psbt_add(p, m, PSBT_IN_TAP_MERKLE_ROOT, psbt_no_key(),
                     bytes_of(e->root.b, 32));
        for (size_t i = 0; i < e->n_leaves; i++)
            store_leaf(p, m, &e->leaves[i]);
    }
    if (how->origins)
        psbt_add_tap_origins(p, m, PSBT_IN_TAP_BIP32, how->keys, output);
}

/* Scripts and paths of an input that is not final yet. */
static void store_scripts(struct psbt *p, uint32_t i, const struct psbt_signer *how,
                          const struct psbt_scripts *k)
{
    struct psbt_map *m = &p->in[i];
    struct bytes script = p->spent[i].script;
    if (script_is_p2tr(script)) {
        store_taproot(p, m, how, script.data + 2);
        return;
    }
    if (k->has_redeem)
        psbt_add(p, m, PSBT_IN_REDEEM_SCRIPT, psbt_no_key(), k->redeem);
    if (k->has_witness)
        psbt_add(p, m, PSBT_IN_WITNESS_SCRIPT, psbt_no_key(), k->witness);
    if (how->origins)
        psbt_add_origins(p, m, PSBT_IN_BIP32, k);
}

/* -- Signing -- */

static size_t count_sigs(const struct sig_data *d)
{
    return d->n_sigs + d->n_tap_sigs + (d->tap_key_sig.len > 0);
}

/* SIGHASH_SINGLE without an output of its own would sign a constant: no signature is
 * made then. */
static void sign(struct sig_data *d, struct psbt *p, uint32_t i,
                 const struct sighash_data *hashes, const struct psbt_signer *how)
{
    struct keystore none;
    struct sig_checker checker = {hashes, i, p->spent[i].value, NULL, false};
    size_t before = count_sigs(d);
    if (!sighash_covers_nothing(how->hash_type, i, p->tx->n_out)) {
        sign_input(d, how->keys, &checker, p->spent[i].script, how->hash_type);
        if (count_sigs(d) > before)
            psbt_v2_signed(p, how->hash_type);
        return;
    }
    keystore_init(&none);
    psbt_learn(&none, p, i);
    sign_input(d, &none, &checker, p->spent[i].script, how->hash_type);
    keystore_clear(&none);
}

static void store(struct psbt *p, uint32_t i, const struct psbt_signer *how,
                  const struct psbt_scripts *k, const struct sig_data *d)
{
    struct txout utxo = p->spent[i];
    if (how->finalize && d->complete) {
        store_final(p, &p->in[i], d);
    } else {
        store_sigs(p, &p->in[i], d);
        store_scripts(p, i, how, k);
    }
    if (psbt_type_is_witness(k->type))
        psbt_set_prev_out(p, i, &utxo);
}

bool psbt_sign_input(struct psbt *p, uint32_t i, const struct sighash_data *hashes,
                     const struct psbt_signer *how, struct sig_missing *missing)
{
    struct sig_data d;
    struct psbt_scripts k;
    if (missing != NULL)
        *missing = (struct sig_missing){0};
    if (psbt_is_final(p, i))
        return true;
    if (p->spent[i].script.data == NULL)
        return false;
    psbt_learn(how->keys, p, i);
    psbt_in_scripts(&k, p, i, p->spent[i].script, how->keys);
    /* The amount of a legacy output is believed to nobody but its transaction. */
    if (!psbt_type_is_witness(k.type) &&
        psbt_find(&p->in[i], PSBT_IN_NON_WITNESS_UTXO, psbt_no_key()) == NULL)
        return false;
    load(&d, &p->in[i]);
    sign(&d, p, i, hashes, how);
    store(p, i, how, &k, &d);
    bool complete = d.complete;
    if (missing != NULL) {
        *missing = d.missing;
        d.missing = (struct sig_missing){0};
    }
    sig_data_clear(&d);
    return complete;
}
