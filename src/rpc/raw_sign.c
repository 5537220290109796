#include <stdlib.h>

#include "chain/mempool/mempool.h"
#include "chain/params/params.h"
#include "chain/script/address.h"
#include "chain/script/sign.h"
#include "chain/script/taproot_sign.h"
#include "chain/store/coins_cache.h"
#include "crypto/secret.h"
#include "rpc/raw.h"
#include "util/hex.h"
#include "util/mem.h"

/* -- Outputs that are spent -- */

static void set_prevout(struct prevouts *p, uint32_t i, struct bytes script,
                        struct amount value)
{
    static const uint8_t nothing[1]; /* an empty script is known all the same */
    buf_reset(&p->scripts[i]);
    buf_append(&p->scripts[i], script.data, script.len);
    p->spent[i].script = buf_view(&p->scripts[i]);
    if (script.len == 0)
        p->spent[i].script.data = nothing;
    p->spent[i].value = value;
}

static bool find_coin(struct rpc_call *c, const struct outpoint *o, struct coin *out)
{
    if (c->node->mempool != NULL)
        return mempool_any_coin(c->node->mempool, o, out, c->mem);
    return coins_peek(chainman_coins(c->node->chainman), o, out, c->mem);
}

void prevouts_find(struct prevouts *p, struct rpc_call *c, const struct tx *tx)
{
    p->n = tx->n_in;
    p->spent = xcalloc(p->n + 1, sizeof(*p->spent));
    p->scripts = xcalloc(p->n + 1, sizeof(*p->scripts));
    chainman_read_lock(c->node->chainman);
    for (uint32_t i = 0; i < p->n; i++) {
        struct coin coin;
        if (find_coin(c, &tx->in[i].prevout, &coin))
            set_prevout(p, i, coin.script, coin.value);
    }
    chainman_read_unlock(c->node->chainman);
}

void prevouts_clear(struct prevouts *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        buf_clear(&p->scripts[i]);
    free(p->scripts);
    free(p->spent);
}

/* -- prevtxs -- */

struct prevtx {
    struct outpoint outpoint;
    struct buf script, redeem, witness; /* owned */
    bool has_redeem, has_witness;
    struct amount amount;
};

static void prevtx_clear(struct prevtx *p)
{
    buf_clear(&p->script);
    buf_clear(&p->redeem);
    buf_clear(&p->witness);
}

static bool read_script(struct rpc_call *c, const struct json *v, const char *name,
                        bool *has, struct buf *out)
{
    *has = v != NULL && v->type != JSON_NULL;
    return !*has || rpc_to_bytes(c, v, name, out);
}

static bool read_place(struct rpc_call *c, struct prevtx *p, const struct json *v)
{
    static const struct rpc_field fields[] = {
        {"txid", JSON_STRING, false, false},
        {"vout", JSON_NUMBER, false, false},
        {"scriptPubKey", JSON_STRING, false, false},
        {NULL, JSON_NULL, false, false},
    };
    int32_t n;
    if (v->type != JSON_OBJECT) {
        rpc_error(c, RPC_DESERIALIZATION_ERROR,
                  "expected object with {\"txid'\",\"vout\",\"scriptPubKey\"}");
        return false;
    }
    if (!rpc_check_fields(c, v, fields, false) ||
        !rpc_to_hash(c, json_get(v, "txid"), "txid", &p->outpoint.txid) ||
        !rpc_to_i32(c, json_get(v, "vout"), &n))
        return false;
    p->outpoint.n = (uint32_t)n;
    if (n < 0)
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "vout cannot be negative");
    return n >= 0;
}

static bool read_prevtx(struct rpc_call *c, struct prevtx *p, const struct json *v)
{
    const struct json *amount;
    *p = (struct prevtx){.amount = amount_of(MAX_MONEY)};
    if (!read_place(c, p, v) ||
        !rpc_to_bytes(c, json_get(v, "scriptPubKey"), "scriptPubKey", &p->script))
        return false;
    amount = json_get(v, "amount");
    return amount == NULL || rpc_to_amount(c, amount, &p->amount);
}

static bool read_wrapped(struct rpc_call *c, struct prevtx *p, const struct json *v)
{
    static const struct rpc_field fields[] = {
        {"redeemScript", JSON_STRING, false, true},
        {"witnessScript", JSON_STRING, false, true},
        {NULL, JSON_NULL, false, false},
    };
    if (!rpc_check_fields(c, v, fields, false) ||
        !read_script(c, json_get(v, "redeemScript"), "redeemScript", &p->has_redeem,
                     &p->redeem) ||
        !read_script(c, json_get(v, "witnessScript"), "witnessScript", &p->has_witness,
                     &p->witness))
        return false;
    if (!p->has_redeem && !p->has_witness) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Missing redeemScript/witnessScript");
        return false;
    }
    return true;
}

static void script_of(struct buf *out, enum destination_type type, struct bytes inner)
{
    struct destination d;
    destination_of_script(&d, type, inner);
    destination_to_script(out, &d);
}

/* Whether scriptPubKey is the P2SH or P2WSH of script, or the P2SH of its P2WSH. */
static bool wraps(struct bytes script_pubkey, struct bytes script, struct bytes program)
{
    const struct {
        enum destination_type type;
        struct bytes inner;
    } forms[] = {{DEST_SH, script}, {DEST_SH, program}, {DEST_WSH, script}};
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct buf outer = {0};
        script_of(&outer, forms[i].type, forms[i].inner);
        found = found || bytes_equal(buf_view(&outer), script_pubkey);
        buf_clear(&outer);
    }
    return found;
}

static bool check_wrapped(struct rpc_call *c, const struct prevtx *p,
                          struct bytes script, struct bytes program)
{
    if (p->has_redeem && p->has_witness &&
        !bytes_equal(buf_view(&p->redeem), buf_view(&p->witness)) &&
        !bytes_equal(buf_view(&p->redeem), program)) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "redeemScript does not correspond to witnessScript");
        return false;
    }
    if (!wraps(buf_view(&p->script), script, program)) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "redeemScript/witnessScript does not match scriptPubKey");
        return false;
    }
    return true;
}

/* The scripts behind a script hash; the segwit form is added, too, since callers may
 * name either script of a nested one. */
static bool learn_wrapped(struct rpc_call *c, struct prevtx *p, const struct json *v,
                          struct keystore *keys)
{
    struct buf program = {0};
    if (!script_is_p2sh(buf_view(&p->script)) && !script_is_p2wsh(buf_view(&p->script)))
        return true;
    if (!read_wrapped(c, p, v))
        return false;
    struct bytes script = buf_view(p->has_witness ? &p->witness : &p->redeem);
    script_of(&program, DEST_WSH, script);
    keystore_add_script(keys, script);
    keystore_add_script(keys, buf_view(&program));
    bool ok = check_wrapped(c, p, script, buf_view(&program));
    buf_clear(&program);
    return ok;
}

static bool add_prevtx(struct rpc_call *c, struct prevouts *all, const struct tx *tx,
                       const struct prevtx *p)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct txout *known = &all->spent[i];
        if (!outpoint_equal(&tx->in[i].prevout, &p->outpoint))
            continue;
        if (known->script.data != NULL &&
            !bytes_equal(known->script, buf_view(&p->script))) {
            struct buf text = {0};
            script_to_asm(&text, known->script, false);
            buf_append_str(&text, "\nvs:\n");
            script_to_asm(&text, buf_view(&p->script), false);
            rpc_error(c, RPC_DESERIALIZATION_ERROR,
                      "Previous output scriptPubKey mismatch:\n%s", buf_cstr(&text));
            buf_clear(&text);
            return false;
        }
        set_prevout(all, i, buf_view(&p->script), p->amount);
    }
    return true;
}

bool prevouts_parse(struct prevouts *all, struct rpc_call *c, const struct tx *tx,
                    const struct json *prevtxs, struct keystore *keys)
{
    for (size_t i = 0; prevtxs != NULL && i < prevtxs->len; i++) {
        struct prevtx p;
        const struct json *v = &prevtxs->items[i];
        bool ok = read_prevtx(c, &p, v) && add_prevtx(c, all, tx, &p) &&
                  learn_wrapped(c, &p, v, keys);
        prevtx_clear(&p);
        if (!ok)
            return false;
    }
    return true;
}

/* -- Signing -- */

bool raw_sighash_arg(struct rpc_call *c, size_t i, int *out)
{
    const char *name = rpc_arg_str(c, i, "DEFAULT");
    if (sighash_from_name(out, name))
        return true;
    rpc_error(c, RPC_INVALID_PARAMETER, "'%s' is not a valid sighash parameter.", name);
    return false;
}

/* What is wrong with an input, in a user's words; NULL: nothing. */
static const char *sign_error(enum script_error e)
{
    if (e == SCRIPT_ERR_INVALID_STACK_OPERATION)
        return "Unable to sign input, invalid stack size (possibly missing key)";
    if (e == SCRIPT_ERR_SIG_NULLFAIL)
        return "CHECK(MULTI)SIG failing with non-zero signature (possibly need more "
               "signatures)";
    return script_error_text(e);
}

static bool is_single(int hash_type)
{
    return (hash_type & ~SIGHASH_ANYONECANPAY) == SIGHASH_SINGLE;
}

struct signing {
    struct rpc_call *c;
    const struct prevouts *prevouts;
    const struct keystore *keys;
    int hash_type;
    struct sighash_data data;
    struct mtx out;
    const char **errors; /* owned array, one for each input */
};

static void missing_amount(struct signing *s, const struct txout *spent)
{
    char hex[31];
    size_t n = spent->script.len < 15 ? spent->script.len : 15;
    hex_encode(hex, spent->script.data, n);
    rpc_error(s->c, RPC_TYPE_ERROR,
              "Missing amount for CTxOut(nValue=%lld.%08lld, scriptPubKey=%s)",
              (long long)(spent->value.v / 100000000),
              (long long)(spent->value.v % 100000000), hex);
}

static bool verify_signed(const struct signing *s, uint32_t i, const struct sig_data *d,
                          enum script_error *e)
{
    const struct txout *spent = &s->prevouts->spent[i];
    struct sig_checker checker = {&s->data, i, spent->value, NULL, false};
    struct bytes *items = xcalloc(d->n_witness + 1, sizeof(*items));
    for (uint32_t k = 0; k < d->n_witness; k++)
        items[k] = buf_view(&d->witness[k]);
    bool ok = script_verify(buf_view(&d->script_sig), spent->script, items,
                            d->n_witness, SCRIPT_VERIFY_STANDARD, &checker, e);
    free(items);
    return ok;
}

static void sign_known_input(struct signing *s, uint32_t i)
{
    const struct txout *spent = &s->prevouts->spent[i];
    struct sig_checker checker = {&s->data, i, spent->value, NULL, false};
    struct sig_data d;
    enum script_error e;

    sig_data_from_input(&d, &checker, spent->script);
    if (!is_single(s->hash_type) || i < s->out.n_out)
        sign_input(&d, s->keys, &checker, spent->script, s->hash_type);
    sig_data_store(&d, &s->out.in[i]);
    if (spent->value.v == MAX_MONEY && d.n_witness > 0)
        missing_amount(s, spent);
    else if (!d.complete && !verify_signed(s, i, &d, &e))
        s->errors[i] = sign_error(e);
    sig_data_clear(&d);
}

static void put_error(struct rpc_call *c, const struct mtxin *in, const char *error)
{
    json_begin_object(c->w);
    json_kv_hash(c->w, "txid", &in->prevout.txid);
    json_kv_uint(c->w, "vout", in->prevout.n);
    json_key(c->w, "witness");
    json_begin_array(c->w);
    for (uint32_t i = 0; i < in->n_witness; i++)
        json_hex(c->w, in->witness[i].data, in->witness[i].len);
    json_end_array(c->w);
    json_kv_hex(c->w, "scriptSig", in->script_sig.data, in->script_sig.len);
    json_kv_uint(c->w, "sequence", in->sequence);
    json_kv_str(c->w, "error", error);
    json_end_object(c->w);
}

static void put_mtx(struct rpc_call *c, const struct mtx *m)
{
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    mtx_write(m, &s, true);
    json_hex(c->w, raw.data, raw.len);
    buf_clear(&raw);
}

static void put_signed(const struct signing *s)
{
    struct rpc_call *c = s->c;
    bool complete = true;
    for (uint32_t i = 0; i < s->out.n_in; i++)
        complete = complete && s->errors[i] == NULL;
    json_begin_object(c->w);
    json_key(c->w, "hex");
    put_mtx(c, &s->out);
    json_kv_bool(c->w, "complete", complete);
    if (!complete) {
        json_key(c->w, "errors");
        json_begin_array(c->w);
        for (uint32_t i = 0; i < s->out.n_in; i++) {
            if (s->errors[i] != NULL)
                put_error(c, &s->out.in[i], s->errors[i]);
        }
        json_end_array(c->w);
    }
    json_end_object(c->w);
}

void raw_sign(struct rpc_call *c, const struct tx *tx, const struct prevouts *prevouts,
              const struct keystore *keys, int hash_type)
{
    struct signing s = {c, prevouts, keys, hash_type, {0}, {0}, NULL};
    s.errors = xcalloc(tx->n_in + 1, sizeof(*s.errors));
    mtx_from_tx(&s.out, tx);
    sighash_data_init_partial(&s.data, tx, prevouts->spent);
    for (uint32_t i = 0; i < tx->n_in && !c->failed; i++) {
        if (prevouts->spent[i].script.data == NULL)
            s.errors[i] = "Input not found or already spent";
        else
            sign_known_input(&s, i);
    }
    if (!c->failed)
        put_signed(&s);
    sighash_data_clear(&s.data);
    mtx_clear(&s.out);
    free(s.errors);
}

static bool read_privkeys(struct rpc_call *c, const struct json *list,
                          struct keystore *keys)
{
    bool ok = true;
    struct privkey *key = secret_alloc(sizeof(*key));
    for (size_t i = 0; ok && i < list->len; i++) {
        ok = rpc_want(c, &list->items[i], JSON_STRING);
        if (ok && !wif_decode(key, c->node->params, list->items[i].str)) {
            rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Invalid private key");
            ok = false;
        }
        if (ok)
            keystore_add_secret(keys, key->secret, key->compressed);
    }
    secret_free(key);
    return ok;
}

void rpc_signrawtransactionwithkey(struct rpc_call *c)
{
    struct keystore keys;
    struct prevouts prevouts = {0};
    int hash_type;
    struct tx *tx = raw_decode_arg(
        c, rpc_arg(c, 0), "TX decode failed. Make sure the tx has at least one input.");
    if (tx == NULL)
        return;
    keystore_init(&keys);
    if (read_privkeys(c, rpc_arg(c, 1), &keys)) {
        keystore_add_bip86(&keys);
        prevouts_find(&prevouts, c, tx);
        if (prevouts_parse(&prevouts, c, tx, rpc_arg(c, 2), &keys) &&
            raw_sighash_arg(c, 3, &hash_type))
            raw_sign(c, tx, &prevouts, &keys, hash_type);
    }
    prevouts_clear(&prevouts);
    keystore_clear(&keys);
    tx_unref(tx);
}

/* -- Combining -- */

static void merge_variant(struct sig_data *all, const struct tx *variant, uint32_t i,
                          const struct prevouts *p)
{
    struct sighash_data data;
    struct sig_data one;
    if (i >= variant->n_in)
        return;
    /* hashes cover the variant's own inputs: there must be as many outputs known */
    struct txout *spent = xcalloc(variant->n_in, sizeof(*spent));
    for (uint32_t k = 0; k < variant->n_in && k < p->n; k++)
        spent[k] = p->spent[k];
    sighash_data_init_partial(&data, variant, spent);
    struct sig_checker checker = {&data, i, p->spent[i].value, NULL, false};
    sig_data_from_input(&one, &checker, p->spent[i].script);
    sig_data_merge(all, &one);
    sig_data_clear(&one);
    sighash_data_clear(&data);
    free(spent);
}

static void combine_input(struct mtx *out, uint32_t i, struct tx *const *variants,
                          size_t n, const struct prevouts *p)
{
    struct sig_data all = {0};
    struct keystore none;
    struct sighash_data data;
    for (size_t k = 0; k < n; k++)
        merge_variant(&all, variants[k], i, p);
    keystore_init(&none);
    sighash_data_init_partial(&data, variants[0], p->spent);
    struct sig_checker checker = {&data, i, p->spent[i].value, NULL, false};
    sign_input(&all, &none, &checker, p->spent[i].script, SIGHASH_ALL);
    sig_data_store(&all, &out->in[i]);
    sighash_data_clear(&data);
    keystore_clear(&none);
    sig_data_clear(&all);
}

static void combine(struct rpc_call *c, struct tx *const *variants, size_t n)
{
    struct prevouts p = {0};
    struct mtx out;
    prevouts_find(&p, c, variants[0]);
    mtx_from_tx(&out, variants[0]);
    for (uint32_t i = 0; i < out.n_in && !c->failed; i++) {
        if (p.spent[i].script.data == NULL)
            rpc_error(c, RPC_VERIFY_ERROR, "Input not found or already spent");
        else
            combine_input(&out, i, variants, n, &p);
    }
    if (!c->failed)
        put_mtx(c, &out);
    mtx_clear(&out);
    prevouts_clear(&p);
}

void rpc_combinerawtransaction(struct rpc_call *c)
{
    const struct json *list = rpc_arg(c, 0);
    struct tx **variants = xcalloc(list->len + 1, sizeof(struct tx *));
    for (size_t i = 0; i < list->len && !c->failed; i++) {
        char *message = arena_printf(
            c->mem,
            "TX decode failed for tx %zu. Make sure the tx has at least one input.", i);
        variants[i] = raw_decode_arg(c, &list->items[i], message);
    }
    if (list->len == 0)
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "Missing transactions");
    if (!c->failed)
        combine(c, variants, list->len);
    for (size_t i = 0; i < list->len; i++)
        tx_unref(variants[i]);
    free(variants);
}
