#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/script/address.h"
#include "chain/script/sign.h"
#include "chain/script/taproot_sign.h"
#include "crypto/secret.h"
#include "rpc/raw.h"
#include "util/hex.h"
#include "util/mem.h"

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
    if (!sighash_covers_nothing(s->hash_type, i, s->out.n_out))
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

static void put_signed(const struct signing *s)
{
    struct rpc_call *c = s->c;
    bool complete = true;
    for (uint32_t i = 0; i < s->out.n_in; i++)
        complete = complete && s->errors[i] == NULL;
    json_begin_object(c->w);
    json_key(c->w, "hex");
    raw_put_mtx(c, &s->out);
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
