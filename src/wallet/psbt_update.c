/* What keys and scripts at hand tell of inputs and outputs. */
#include <stdlib.h>

#include "chain/script/solver.h"
#include "crypto/hash.h"
#include "crypto/sha256.h"
#include "util/sink.h"
#include "wallet/psbt_fields.h"
#include "wallet/psbt_update.h"

/* -- What is spent -- */

bool psbt_set_prev_tx(struct psbt *p, uint32_t i, const struct tx *prev)
{
    const struct outpoint *o = &p->tx->in[i].prevout;
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    if (!hash256_equal(&prev->txid, &o->txid) || o->n >= prev->n_out)
        return false;
    tx_write(prev, &s, false);
    psbt_put(p, &p->in[i], PSBT_IN_NON_WITNESS_UTXO, psbt_no_key(), buf_view(&raw));
    buf_clear(&raw);
    psbt_refresh_spent(p, i);
    return true;
}

void psbt_set_prev_out(struct psbt *p, uint32_t i, const struct txout *prev)
{
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    write_i64(&s, prev->value.v);
    write_var(&s, prev->script);
    psbt_put(p, &p->in[i], PSBT_IN_WITNESS_UTXO, psbt_no_key(), buf_view(&raw));
    buf_clear(&raw);
    psbt_refresh_spent(p, i);
}

static bool find_redeem(const struct psbt_scripts *k, struct bytes hash,
                        struct bytes *out)
{
    uint8_t h[20];
    if (keystore_find_script(k->known, hash.data, out))
        return true;
    *out = k->redeem;
    hash160(h, out->data, out->len);
    return out->data != NULL && memcmp(h, hash.data, 20) == 0;
}

static bool find_witness(const struct psbt_scripts *k, struct bytes hash,
                         struct bytes *out)
{
    uint8_t h[32];
    if (keystore_find_witness_script(k->known, hash.data, out))
        return true;
    *out = k->witness;
    sha256(h, out->data, out->len);
    return out->data != NULL && memcmp(h, hash.data, 32) == 0;
}

void psbt_scripts_solve(struct psbt_scripts *k, struct bytes script)
{
    struct script_solution s;
    struct bytes found;
    k->has_redeem = k->has_witness = false;
    k->code = script;
    script_solve(&s, script);
    if (s.type == SCRIPT_SCRIPTHASH && find_redeem(k, s.data, &found)) {
        k->redeem = k->code = found;
        k->has_redeem = true;
        script_solve(&s, found);
    }
    k->type = s.type;
    if (s.type == SCRIPT_WITNESS_V0_SCRIPTHASH && find_witness(k, s.data, &found)) {
        k->witness = k->code = found;
        k->has_witness = true;
    }
}

void psbt_in_scripts(struct psbt_scripts *out, const struct psbt *p, uint32_t i,
                     struct bytes script, const struct keystore *known)
{
    *out = (struct psbt_scripts){.known = known};
    out->redeem = psbt_value(&p->in[i], PSBT_IN_REDEEM_SCRIPT);
    out->witness = psbt_value(&p->in[i], PSBT_IN_WITNESS_SCRIPT);
    psbt_scripts_solve(out, script);
}

bool psbt_type_is_witness(enum script_type t)
{
    return t == SCRIPT_WITNESS_V0_KEYHASH || t == SCRIPT_WITNESS_V0_SCRIPTHASH ||
           t == SCRIPT_WITNESS_V1_TAPROOT || t == SCRIPT_WITNESS_UNKNOWN ||
           t == SCRIPT_ANCHOR;
}

bool psbt_spends_witness(const struct psbt *p, uint32_t i, struct bytes script,
                         const struct keystore *known)
{
    struct psbt_scripts k;
    psbt_in_scripts(&k, p, i, script, known);
    return psbt_type_is_witness(k.type);
}

/* -- Where keys come from -- */

static void write_origin(struct sink *s, const struct key_origin *o)
{
    write_bytes(s, o->fingerprint, sizeof(o->fingerprint));
    for (uint32_t i = 0; i < o->n_path; i++)
        write_u32(s, o->path[i]);
}

/* The key that pushed data is, or is the hash of; NULL: none that is known. */
static const struct key_entry *key_of_push(const struct keystore *known,
                                           struct bytes data)
{
    uint8_t id[20];
    if (data.len == 20)
        return keystore_find_key(known, data.data);
    if (data.len != 33 && data.len != 65)
        return NULL;
    hash160(id, data.data, data.len);
    return keystore_find_key(known, id);
}

static void add_origin(struct psbt *p, struct psbt_map *m, uint64_t type,
                       const struct key_entry *e)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    write_origin(&s, &e->origin);
    psbt_add(p, m, type, bytes_of(e->pubkey, e->pubkey_len), buf_view(&b));
    buf_clear(&b);
}

void psbt_add_origins(struct psbt *p, struct psbt_map *m, uint64_t type,
                      const struct psbt_scripts *k)
{
    struct script_op op;
    size_t pos = 0;
    while (script_next(k->code, &pos, &op)) {
        const struct key_entry *e = key_of_push(k->known, op.data);
        if (e != NULL && e->has_origin)
            add_origin(p, m, type, e);
    }
}

/* -- Taproot -- */

struct tap_key {
    uint8_t xonly[32];
    const struct key_entry *entry;
    struct hash256 *leaves; /* owned, rising */
    size_t n_leaves;
};

struct tap_keys_found {
    struct tap_key *items; /* owned */
    size_t n;
};

/* NULL: the key is not known, or not where it comes from. */
static struct tap_key *note_key(struct tap_keys_found *f, const struct keystore *known,
                                const uint8_t xonly[32])
{
    const struct key_entry *e = keystore_find_xonly(known, xonly);
    if (e == NULL || !e->has_origin)
        return NULL;
    for (size_t i = 0; i < f->n; i++) {
        if (memcmp(f->items[i].xonly, xonly, 32) == 0)
            return &f->items[i];
    }
    f->items = xrealloc_array(f->items, f->n + 1, sizeof(*f->items));
    struct tap_key *k = &f->items[f->n++];
    *k = (struct tap_key){.entry = e};
    memcpy(k->xonly, xonly, 32);
    return k;
}

static void note_leaf(struct tap_key *k, const struct hash256 *leaf)
{
    size_t at = 0;
    while (at < k->n_leaves && memcmp(k->leaves[at].b, leaf->b, 32) < 0)
        at++;
    if (at < k->n_leaves && hash256_equal(&k->leaves[at], leaf))
        return;
    k->leaves = xrealloc_array(k->leaves, k->n_leaves + 1, sizeof(*k->leaves));
    memmove(&k->leaves[at + 1], &k->leaves[at], (k->n_leaves - at) * sizeof(*leaf));
    k->leaves[at] = *leaf;
    k->n_leaves++;
}

/* A key in a leaf stands as itself, or as the hash of its x-only form. */
static struct tap_key *leaf_key(struct tap_keys_found *f, const struct keystore *known,
                                struct bytes data)
{
    const struct key_entry *e = NULL;
    if (data.len == 32)
        return note_key(f, known, data.data);
    if (data.len == 20)
        e = keystore_find_xonly_hash(known, data.data);
    return e != NULL ? note_key(f, known, e->pubkey + 1) : NULL;
}

static void note_leaf_keys(struct tap_keys_found *f, const struct keystore *known,
                           const struct tap_leaf *leaf)
{
    struct script_op op;
    size_t pos = 0;
    struct hash256 hash = tapleaf_hash(leaf->version, buf_view(&leaf->script));
    while (script_next(buf_view(&leaf->script), &pos, &op)) {
        struct tap_key *k = leaf_key(f, known, op.data);
        if (k != NULL)
            note_leaf(k, &hash);
    }
}

static void put_tap_keys(struct psbt *p, struct psbt_map *m, uint64_t type,
                         struct tap_keys_found *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct buf b = {0};
        struct sink s = sink_to_buf(&b);
        write_varint(&s, f->items[i].n_leaves);
        write_bytes(&s, f->items[i].leaves, f->items[i].n_leaves * 32);
        write_origin(&s, &f->items[i].entry->origin);
        psbt_add(p, m, type, bytes_of(f->items[i].xonly, 32), buf_view(&b));
        buf_clear(&b);
        free(f->items[i].leaves);
    }
    free(f->items);
}

void psbt_add_tap_origins(struct psbt *p, struct psbt_map *m, uint64_t type,
                          const struct keystore *known, const uint8_t output[32])
{
    struct tap_keys_found f = {0};
    const struct tap_entry *e = keystore_find_taproot(known, output);
    note_key(&f, known, output);
    if (e != NULL)
        note_key(&f, known, e->internal);
    for (size_t i = 0; e != NULL && i < e->n_leaves; i++)
        note_leaf_keys(&f, known, &e->leaves[i]);
    put_tap_keys(p, m, type, &f);
}

/* -- Outputs -- */

static void update_tap_output(struct psbt *p, uint32_t i, const struct keystore *known,
                              const uint8_t output[32], bool origins)
{
    struct psbt_map *m = &p->out[i];
    struct buf tree = {0};
    const struct tap_entry *e = keystore_find_taproot(known, output);
    if (e != NULL) {
        psbt_add(p, m, PSBT_OUT_TAP_INTERNAL_KEY, psbt_no_key(),
                 bytes_of(e->internal, 32));
        if (tap_tree_write(&tree, e))
            psbt_add(p, m, PSBT_OUT_TAP_TREE, psbt_no_key(), buf_view(&tree));
        buf_clear(&tree);
    }
    if (origins)
        psbt_add_tap_origins(p, m, PSBT_OUT_TAP_BIP32, known, output);
}

void psbt_update_output(struct psbt *p, uint32_t i, const struct keystore *known,
                        bool origins)
{
    struct psbt_map *m = &p->out[i];
    struct bytes script = p->tx->out[i].script;
    struct psbt_scripts k = {.known = known};
    k.redeem = psbt_value(m, PSBT_OUT_REDEEM_SCRIPT);
    k.witness = psbt_value(m, PSBT_OUT_WITNESS_SCRIPT);
    psbt_scripts_solve(&k, script);
    if (script_is_p2tr(script)) {
        update_tap_output(p, i, known, script.data + 2, origins);
        return;
    }
    if (k.has_redeem)
        psbt_add(p, m, PSBT_OUT_REDEEM_SCRIPT, psbt_no_key(), k.redeem);
    if (k.has_witness)
        psbt_add(p, m, PSBT_OUT_WITNESS_SCRIPT, psbt_no_key(), k.witness);
    if (origins)
        psbt_add_origins(p, m, PSBT_OUT_BIP32, &k);
}

/* -- Previous transactions -- */

void psbt_drop_prev_txs(struct psbt *p, int hash_type)
{
    if ((hash_type & SIGHASH_ANYONECANPAY) != 0)
        return;
    for (uint32_t i = 0; i < p->tx->n_in; i++) {
        struct txout utxo;
        const struct psbt_record *r =
            psbt_find(&p->in[i], PSBT_IN_WITNESS_UTXO, psbt_no_key());
        int version;
        struct bytes program;
        if (r == NULL || !psbt_read_txout(&utxo, r->value) ||
            !script_is_witness_program(utxo.script, &version, &program) || version == 0)
            return;
    }
    for (uint32_t i = 0; i < p->tx->n_in; i++) {
        psbt_remove(&p->in[i], PSBT_IN_NON_WITNESS_UTXO);
        psbt_refresh_spent(p, i);
    }
}
