/* decodepsbt: every record in words. */
#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/script/solver.h"
#include "crypto/base58.h"
#include "crypto/bip32.h"
#include "rpc/json_tx.h"
#include "rpc/psbt_args.h"
#include "util/hex.h"
#include "wallet/psbt_analyze.h"
#include "wallet/psbt_fields.h"
#include "wallet/psbt_tree.h"

struct decoder {
    struct rpc_call *c;
    struct json_writer *w;
    const struct psbt *p;
    const struct psbt_map *m; /* the one that is being shown */
    enum psbt_place at;
};

/* -- Kinds of records */

static void key_hex(struct json_writer *w, struct bytes b)
{
    struct buf hex = {0};
    hex_append(&hex, b.data, b.len);
    json_key(w, buf_cstr(&hex));
    buf_clear(&hex);
}

static void put_hex(struct json_writer *w, const char *key, struct bytes b)
{
    json_kv_hex(w, key, b.data, b.len);
}

/* The records of a type, and the member that shows them begun with @begin; NULL: there
 * are none, and nothing is begun. */
static const struct psbt_record *begin_records(const struct decoder *d,
                                               const char *name, uint64_t type,
                                               void (*begin)(struct json_writer *),
                                               size_t *n)
{
    const struct psbt_record *r = psbt_find_all(d->m, type, n);
    if (*n == 0)
        return NULL;
    json_key(d->w, name);
    begin(d->w);
    return r;
}

/* An object from keys to values. */
static void put_by_key(const struct decoder *d, const char *name, uint64_t type)
{
    size_t n;
    const struct psbt_record *r = begin_records(d, name, type, json_begin_object, &n);
    if (r == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        key_hex(d->w, r[i].key);
        json_hex(d->w, r[i].value.data, r[i].value.len);
    }
    json_end_object(d->w);
}

static void put_value(const struct decoder *d, const char *name, uint64_t type)
{
    struct bytes v = psbt_value(d->m, type);
    if (v.data != NULL)
        put_hex(d->w, name, v);
}

static void put_u32(const struct decoder *d, const char *name, uint64_t type)
{
    struct bytes v = psbt_value(d->m, type);
    if (v.data != NULL)
        json_kv_uint(d->w, name, get_le32(v.data));
}

static void put_script(const struct decoder *d, const char *name, uint64_t type)
{
    struct bytes v = psbt_value(d->m, type);
    if (v.len == 0)
        return;
    json_key(d->w, name);
    json_script(d->w, d->c->node->params, v, true, false);
}

static void put_bip32(const struct decoder *d, const char *name, uint64_t type)
{
    size_t n;
    const struct psbt_record *r = begin_records(d, name, type, json_begin_array, &n);
    if (r == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        json_begin_object(d->w);
        put_hex(d->w, "pubkey", r[i].key);
        rpc_put_key_origin(d->c, r[i].value);
        json_end_object(d->w);
    }
    json_end_array(d->w);
}

static void put_tap_origin(const struct decoder *d, const struct psbt_record *r)
{
    struct psbt_tap_origin o;
    if (!psbt_tap_origin_read(&o, r->value))
        return;
    json_begin_object(d->w);
    put_hex(d->w, "pubkey", r->key);
    rpc_put_key_origin(d->c, o.origin);
    json_key(d->w, "leaf_hashes");
    json_begin_array(d->w);
    for (size_t i = 0; i < o.n_leaves; i++)
        json_hex(d->w, o.leaves + i * 32, 32);
    json_end_array(d->w);
    json_end_object(d->w);
}

static void put_tap_bip32(const struct decoder *d, const char *name, uint64_t type)
{
    size_t n;
    const struct psbt_record *r = begin_records(d, name, type, json_begin_array, &n);
    if (r == NULL)
        return;
    for (size_t i = 0; i < n; i++)
        put_tap_origin(d, &r[i]);
    json_end_array(d->w);
}

/* -- What is not ours to read */

/* The key as it stands in the file, type and all. */
static void whole_key(struct buf *out, const struct psbt_record *r)
{
    struct sink s = sink_to_buf(out);
    write_varint(&s, r->type);
    write_bytes(&s, r->key.data, r->key.len);
}

static void put_proprietary_record(const struct decoder *d, const struct psbt_record *r)
{
    struct reader key;
    struct buf whole = {0};
    reader_init(&key, r->key.data, r->key.len);
    struct bytes id = read_var(&key, r->key.len);
    uint64_t subtype = read_varint(&key, UINT64_MAX);
    whole_key(&whole, r);
    json_begin_object(d->w);
    put_hex(d->w, "identifier", id);
    json_kv_uint(d->w, "subtype", subtype);
    put_hex(d->w, "key", buf_view(&whole));
    put_hex(d->w, "value", r->value);
    json_end_object(d->w);
    buf_clear(&whole);
}

static void put_proprietary(const struct decoder *d, bool always)
{
    size_t n;
    const struct psbt_record *r = psbt_find_all(d->m, PSBT_PROPRIETARY, &n);
    if (n == 0 && !always)
        return;
    json_key(d->w, "proprietary");
    json_begin_array(d->w);
    for (size_t i = 0; i < n; i++)
        put_proprietary_record(d, &r[i]);
    json_end_array(d->w);
}

static bool is_unknown(const struct decoder *d, const struct psbt_record *r)
{
    return r->type != PSBT_PROPRIETARY &&
           psbt_field_of(d->at, r->type, r->key, d->p->version) == NULL;
}

static void put_unknown(const struct decoder *d, bool always)
{
    bool any = always;
    for (size_t i = 0; i < d->m->n; i++)
        any = any || is_unknown(d, &d->m->items[i]);
    if (!any)
        return;
    json_key(d->w, "unknown");
    json_begin_object(d->w);
    for (size_t i = 0; i < d->m->n; i++) {
        const struct psbt_record *r = &d->m->items[i];
        struct buf key = {0};
        if (!is_unknown(d, r))
            continue;
        whole_key(&key, r);
        key_hex(d->w, buf_view(&key));
        json_hex(d->w, r->value.data, r->value.len);
        buf_clear(&key);
    }
    json_end_object(d->w);
}

/* -- The whole */

static void put_xpub(const struct decoder *d, const struct psbt_record *r)
{
    char *text = base58check_encode(r->key.data, r->key.len);
    json_begin_object(d->w);
    json_kv_str(d->w, "xpub", text);
    rpc_put_key_origin(d->c, r->value);
    json_end_object(d->w);
    free(text);
}

static void put_modifiable(const struct decoder *d)
{
    struct bytes v = psbt_value(d->m, PSBT_GLOBAL_TX_MODIFIABLE);
    if (v.data == NULL)
        return;
    json_kv_bool(d->w, "inputs_modifiable", (v.data[0] & PSBT_INPUTS_MODIFIABLE) != 0);
    json_kv_bool(d->w, "outputs_modifiable",
                 (v.data[0] & PSBT_OUTPUTS_MODIFIABLE) != 0);
    json_kv_bool(d->w, "has_sighash_single", (v.data[0] & PSBT_HAS_SINGLE) != 0);
}

static void put_global(struct decoder *d)
{
    size_t n;
    struct json_tx_options opt = {.params = d->c->node->params};
    const struct psbt_record *xpubs = psbt_find_all(d->m, PSBT_GLOBAL_XPUB, &n);
    json_key(d->w, "tx");
    json_tx(d->w, d->p->tx, &opt);
    json_key(d->w, "global_xpubs");
    json_begin_array(d->w);
    for (size_t i = 0; i < n; i++)
        put_xpub(d, &xpubs[i]);
    json_end_array(d->w);
    json_kv_uint(d->w, "psbt_version", d->p->version);
    if (d->p->version == 2) {
        put_u32(d, "tx_version", PSBT_GLOBAL_TX_VERSION);
        put_u32(d, "fallback_locktime", PSBT_GLOBAL_FALLBACK_LOCKTIME);
        json_kv_uint(d->w, "input_count", d->p->tx->n_in);
        json_kv_uint(d->w, "output_count", d->p->tx->n_out);
        put_modifiable(d);
    }
    put_proprietary(d, true);
    put_unknown(d, true);
}

/* -- Inputs */

static void put_witness_utxo(const struct decoder *d)
{
    struct txout out;
    struct bytes v = psbt_value(d->m, PSBT_IN_WITNESS_UTXO);
    if (v.data == NULL || !psbt_read_txout(&out, v))
        return;
    json_key(d->w, "witness_utxo");
    json_begin_object(d->w);
    rpc_write_amount(d->c, "amount", out.value);
    json_key(d->w, "scriptPubKey");
    json_script(d->w, d->c->node->params, out.script, true, true);
    json_end_object(d->w);
}

static void put_prev_tx(const struct decoder *d)
{
    struct json_tx_options opt = {.params = d->c->node->params};
    struct bytes v = psbt_value(d->m, PSBT_IN_NON_WITNESS_UTXO);
    struct tx *tx = v.data != NULL ? tx_from_bytes(v.data, v.len, true) : NULL;
    if (tx == NULL)
        return;
    json_key(d->w, "non_witness_utxo");
    json_tx(d->w, tx, &opt);
    tx_unref(tx);
}

static void put_hash_type(const struct decoder *d, uint32_t i)
{
    int type;
    if (!psbt_hash_type(d->p, i, &type))
        return;
    const char *name = sighash_name(type & 0xff);
    json_kv_str(d->w, "sighash", name != NULL ? name : "");
}

static void put_final_scripts(const struct decoder *d)
{
    struct bytes script = psbt_value(d->m, PSBT_IN_FINAL_SCRIPT_SIG);
    struct bytes witness = psbt_value(d->m, PSBT_IN_FINAL_WITNESS);
    struct reader r;
    if (script.len > 0) {
        struct buf text = {0};
        script_to_asm(&text, script, true);
        json_key(d->w, "final_scriptSig");
        json_begin_object(d->w);
        json_kv_str(d->w, "asm", buf_cstr(&text));
        put_hex(d->w, "hex", script);
        json_end_object(d->w);
        buf_clear(&text);
    }
    if (witness.data == NULL)
        return;
    reader_init(&r, witness.data, witness.len);
    json_key(d->w, "final_scriptwitness");
    json_begin_array(d->w);
    for (uint64_t n = read_varint(&r, witness.len); n > 0; n--) {
        struct bytes item = read_var(&r, witness.len);
        json_hex(d->w, item.data, item.len);
    }
    json_end_array(d->w);
}

static void put_tap_sigs(const struct decoder *d)
{
    size_t n;
    const struct psbt_record *r = begin_records(
        d, "taproot_script_path_sigs", PSBT_IN_TAP_SCRIPT_SIG, json_begin_array, &n);
    if (r == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        json_begin_object(d->w);
        json_kv_hex(d->w, "pubkey", r[i].key.data, 32);
        json_kv_hex(d->w, "leaf_hash", r[i].key.data + 32, 32);
        put_hex(d->w, "sig", r[i].value);
        json_end_object(d->w);
    }
    json_end_array(d->w);
}

/* The control blocks of one script stand side by side. */
static void put_tap_scripts(const struct decoder *d)
{
    size_t n, i = 0;
    const struct psbt_record *r = begin_records(
        d, "taproot_scripts", PSBT_IN_TAP_LEAF_SCRIPT, json_begin_array, &n);
    if (r == NULL)
        return;
    while (i < n) {
        struct bytes leaf = r[i].value;
        json_begin_object(d->w);
        json_kv_hex(d->w, "script", leaf.data, leaf.len - 1);
        json_kv_uint(d->w, "leaf_ver", leaf.data[leaf.len - 1]);
        json_key(d->w, "control_blocks");
        json_begin_array(d->w);
        for (; i < n && bytes_equal(r[i].value, leaf); i++)
            json_hex(d->w, r[i].key.data, r[i].key.len);
        json_end_array(d->w);
        json_end_object(d->w);
    }
    json_end_array(d->w);
}

static void put_v2_input(const struct decoder *d)
{
    struct bytes txid = psbt_value(d->m, PSBT_IN_PREVIOUS_TXID);
    struct hash256 hash;
    if (txid.data == NULL)
        return;
    memcpy(hash.b, txid.data, sizeof(hash.b));
    json_kv_hash(d->w, "previous_txid", &hash);
    put_u32(d, "previous_vout", PSBT_IN_OUTPUT_INDEX);
    put_u32(d, "sequence", PSBT_IN_SEQUENCE);
    put_u32(d, "time_locktime", PSBT_IN_TIME_LOCKTIME);
    put_u32(d, "height_locktime", PSBT_IN_HEIGHT_LOCKTIME);
}

static void put_input(struct decoder *d, uint32_t i)
{
    d->m = &d->p->in[i];
    d->at = PSBT_AT_IN;
    json_begin_object(d->w);
    put_witness_utxo(d);
    put_prev_tx(d);
    put_by_key(d, "partial_signatures", PSBT_IN_PARTIAL_SIG);
    put_hash_type(d, i);
    put_script(d, "redeem_script", PSBT_IN_REDEEM_SCRIPT);
    put_script(d, "witness_script", PSBT_IN_WITNESS_SCRIPT);
    put_bip32(d, "bip32_derivs", PSBT_IN_BIP32);
    put_final_scripts(d);
    put_by_key(d, "ripemd160_preimages", PSBT_IN_RIPEMD160);
    put_by_key(d, "sha256_preimages", PSBT_IN_SHA256);
    put_by_key(d, "hash160_preimages", PSBT_IN_HASH160);
    put_by_key(d, "hash256_preimages", PSBT_IN_HASH256);
    put_v2_input(d);
    put_value(d, "taproot_key_path_sig", PSBT_IN_TAP_KEY_SIG);
    put_tap_sigs(d);
    put_tap_scripts(d);
    put_tap_bip32(d, "taproot_bip32_derivs", PSBT_IN_TAP_BIP32);
    put_value(d, "taproot_internal_key", PSBT_IN_TAP_INTERNAL_KEY);
    put_value(d, "taproot_merkle_root", PSBT_IN_TAP_MERKLE_ROOT);
    put_proprietary(d, false);
    put_unknown(d, false);
    json_end_object(d->w);
}

/* -- Outputs */

static void put_tap_tree(const struct decoder *d)
{
    struct bytes v = psbt_value(d->m, PSBT_OUT_TAP_TREE);
    struct reader r;
    struct tap_tree_leaf leaf;
    if (v.data == NULL)
        return;
    json_key(d->w, "taproot_tree");
    json_begin_array(d->w);
    reader_init(&r, v.data, v.len);
    while (tap_tree_next(&r, &leaf)) {
        json_begin_object(d->w);
        json_kv_uint(d->w, "depth", leaf.depth);
        json_kv_uint(d->w, "leaf_ver", leaf.version);
        put_hex(d->w, "script", leaf.script);
        json_end_object(d->w);
    }
    json_end_array(d->w);
}

static void put_v2_output(const struct decoder *d, uint32_t i)
{
    const struct txout *out = &d->p->tx->out[i];
    if (d->p->version != 2)
        return;
    rpc_write_amount(d->c, "amount", out->value);
    json_key(d->w, "script");
    json_script(d->w, d->c->node->params, out->script, true, true);
}

static void put_output(struct decoder *d, uint32_t i)
{
    d->m = &d->p->out[i];
    d->at = PSBT_AT_OUT;
    json_begin_object(d->w);
    put_script(d, "redeem_script", PSBT_OUT_REDEEM_SCRIPT);
    put_script(d, "witness_script", PSBT_OUT_WITNESS_SCRIPT);
    put_bip32(d, "bip32_derivs", PSBT_OUT_BIP32);
    put_v2_output(d, i);
    put_value(d, "taproot_internal_key", PSBT_OUT_TAP_INTERNAL_KEY);
    put_tap_tree(d);
    put_tap_bip32(d, "taproot_bip32_derivs", PSBT_OUT_TAP_BIP32);
    put_proprietary(d, false);
    put_unknown(d, false);
    json_end_object(d->w);
}

/* Only where all amounts are known and make sense. */
static void put_fee(const struct decoder *d)
{
    struct amount in, out;
    if (psbt_amount_in(d->p, &in) && psbt_amount_out(d->p, &out))
        rpc_write_amount(d->c, "fee", amount_of(in.v - out.v));
}

static void decode(struct rpc_call *c, const struct psbt *p)
{
    struct decoder d = {c, c->w, p, &p->global, PSBT_AT_GLOBAL};
    json_begin_object(c->w);
    put_global(&d);
    json_key(c->w, "inputs");
    json_begin_array(c->w);
    for (uint32_t i = 0; i < p->tx->n_in; i++)
        put_input(&d, i);
    json_end_array(c->w);
    json_key(c->w, "outputs");
    json_begin_array(c->w);
    for (uint32_t i = 0; i < p->tx->n_out; i++)
        put_output(&d, i);
    json_end_array(c->w);
    put_fee(&d);
    json_end_object(c->w);
}

void rpc_decodepsbt(struct rpc_call *c)
{
    struct psbt p;
    if (!rpc_to_psbt(c, rpc_arg(c, 0), &p))
        return;
    decode(c, &p);
    psbt_clear(&p);
}
