#include <stdlib.h>

#include "chain/script/address.h"
#include "chain/script/sign.h"
#include "chain/script/taproot_sign.h"
#include "cli/txtool.h"
#include "crypto/secret.h"
#include "util/hex.h"
#include "util/mem.h"

/* Outputs that inputs spend; script.data NULL: not known. */
struct known_outputs {
    struct txout *spent; /* owned, one for each input */
    struct buf *scripts; /* owned */
};

static bool read_keys(struct txtool *t, struct keystore *keys)
{
    const struct json *list = txtool_register(t, "privatekeys");
    struct privkey *key = secret_alloc(sizeof(*key));
    bool ok =
        list != NULL || txtool_fail(t, "privatekeys register variable must be set.");
    for (size_t i = 0; ok && i < list->len; i++) {
        const struct json *v = &list->items[i];
        if (v->type != JSON_STRING)
            ok = txtool_fail(t, "privatekey not a std::string");
        else if (!wif_decode(key, &t->params, v->str))
            ok = txtool_fail(t, "privatekey not valid");
        else
            keystore_add_secret(keys, key->secret, key->compressed);
    }
    secret_free(key);
    return ok;
}

static bool is_type(const struct json *object, const char *name, enum json_type type)
{
    const struct json *v = json_get(object, name);
    return v != NULL && v->type == type;
}

static bool read_hex(struct txtool *t, const struct json *object, const char *name,
                     struct buf *out)
{
    const struct json *v = json_get(object, name);
    if (v->type == JSON_STRING && hex_is(v->str, v->str_len) &&
        hex_decode(out, v->str, v->str_len))
        return true;
    return txtool_fail(t, "%s must be hexadecimal string (not '%s')", name,
                       v->type == JSON_STRING ? v->str : "");
}

static bool read_outpoint(struct txtool *t, const struct json *p, struct outpoint *o)
{
    int64_t n;
    if (p->type != JSON_OBJECT)
        return txtool_fail(t, "expected prevtxs internal object");
    if (!is_type(p, "txid", JSON_STRING) || !is_type(p, "vout", JSON_NUMBER) ||
        !is_type(p, "scriptPubKey", JSON_STRING))
        return txtool_fail(t, "prevtxs internal object typecheck fail");
    const char *txid = json_get(p, "txid")->str;
    if (strlen(txid) != 64 || !hash256_from_hex(&o->txid, txid))
        return txtool_fail(t, "txid must be hexadecimal string (not '%s')", txid);
    if (!json_to_i64(json_get(p, "vout"), &n) || n > INT32_MAX)
        return txtool_fail(t, "JSON integer out of range");
    if (n < 0)
        return txtool_fail(t, "vout cannot be negative");
    o->n = (uint32_t)n;
    return true;
}

static bool read_amount(struct txtool *t, const struct json *p, struct amount *out)
{
    const struct json *v = json_get(p, "amount");
    *out = amount_of(MAX_MONEY);
    if (v == NULL)
        return true;
    if (v->type != JSON_NUMBER && v->type != JSON_STRING)
        return txtool_fail(t, "Amount is not a number or string");
    if (!amount_parse(out, v->str, v->str_len, t->params.decimals))
        return txtool_fail(t, "Invalid amount");
    if (!money_range(*out))
        return txtool_fail(t, "Amount out of range");
    return true;
}

static bool mismatch(struct txtool *t, struct bytes a, struct bytes b)
{
    struct buf text = {0};
    script_to_asm(&text, a, false);
    buf_append_str(&text, "\nvs:\n");
    script_to_asm(&text, b, false);
    txtool_fail(t, "Previous output scriptPubKey mismatch:\n%s", buf_cstr(&text));
    buf_clear(&text);
    return false;
}

static bool set_output(struct txtool *t, struct known_outputs *k,
                       const struct outpoint *o, struct bytes script,
                       struct amount value)
{
    for (uint32_t i = 0; i < t->tx.n_in; i++) {
        if (!outpoint_equal(&t->tx.in[i].prevout, o))
            continue;
        if (k->spent[i].script.data != NULL && !bytes_equal(k->spent[i].script, script))
            return mismatch(t, k->spent[i].script, script);
        buf_reset(&k->scripts[i]);
        buf_append(&k->scripts[i], script.data, script.len);
        k->spent[i].script = buf_view(&k->scripts[i]);
        k->spent[i].value = value;
    }
    return true;
}

/* The script behind P2SH or P2WSH; its segwit form too, for nested outputs. */
static bool learn_redeem_script(struct txtool *t, const struct json *p,
                                struct bytes script, struct keystore *keys)
{
    struct buf redeem = {0}, program = {0};
    struct destination d;
    if ((!script_is_p2sh(script) && !script_is_p2wsh(script)) ||
        json_get(p, "redeemScript") == NULL)
        return true;
    bool ok = read_hex(t, p, "redeemScript", &redeem);
    if (ok) {
        destination_of_script(&d, DEST_WSH, buf_view(&redeem));
        destination_to_script(&program, &d);
        keystore_add_script(keys, buf_view(&redeem));
        keystore_add_script(keys, buf_view(&program));
    }
    buf_clear(&redeem);
    buf_clear(&program);
    return ok;
}

static bool read_prevtx(struct txtool *t, const struct json *p, struct known_outputs *k,
                        struct keystore *keys)
{
    struct outpoint o;
    struct amount value;
    struct buf script = {0};
    bool ok = read_outpoint(t, p, &o) && read_hex(t, p, "scriptPubKey", &script) &&
              read_amount(t, p, &value) &&
              set_output(t, k, &o, buf_view(&script), value) &&
              learn_redeem_script(t, p, buf_view(&script), keys);
    buf_clear(&script);
    return ok;
}

static bool read_prevtxs(struct txtool *t, struct known_outputs *k,
                         struct keystore *keys)
{
    const struct json *list = txtool_register(t, "prevtxs");
    if (list == NULL)
        return txtool_fail(t, "prevtxs register variable must be set.");
    for (size_t i = 0; i < list->len; i++) {
        if (!read_prevtx(t, &list->items[i], k, keys))
            return false;
    }
    return true;
}

static bool sign_one(struct txtool *t, const struct sighash_data *data, uint32_t i,
                     const struct keystore *keys, int hash_type)
{
    const struct txout *spent = &data->spent[i];
    struct sig_checker checker = {data, i, spent->value, NULL, false};
    struct sig_data d;
    bool single = (hash_type & ~SIGHASH_ANYONECANPAY) == SIGHASH_SINGLE, ok = true;
    if (spent->script.data == NULL)
        return true;
    sig_data_from_input(&d, &checker, spent->script);
    if (!single || i < t->tx.n_out)
        sign_input(&d, keys, &checker, spent->script, hash_type);
    if (spent->value.v == MAX_MONEY && d.n_witness > 0) {
        struct buf hex = {0};
        hex_append(&hex, spent->script.data, spent->script.len);
        ok = txtool_fail(t, "Missing amount for CTxOut with scriptPubKey=%s",
                         buf_cstr(&hex));
        buf_clear(&hex);
    }
    sig_data_store(&d, &t->tx.in[i]);
    sig_data_clear(&d);
    return ok;
}

static bool sign_all(struct txtool *t, const struct known_outputs *k,
                     const struct keystore *keys, int hash_type)
{
    struct sighash_data data;
    bool ok = true;
    struct tx *tx = mtx_to_tx(&t->tx);
    sighash_data_init_partial(&data, tx, k->spent);
    for (uint32_t i = 0; ok && i < tx->n_in; i++)
        ok = sign_one(t, &data, i, keys, hash_type);
    sighash_data_clear(&data);
    tx_unref(tx);
    return ok;
}

bool txtool_sign(struct txtool *t, const char *value)
{
    struct keystore keys;
    struct known_outputs k;
    int hash_type = SIGHASH_ALL;
    if (*value != '\0' && !sighash_from_name(&hash_type, value))
        return txtool_fail(t, "unknown sighash flag/sign option");
    keystore_init(&keys);
    k.spent = xcalloc(t->tx.n_in + 1, sizeof(*k.spent));
    k.scripts = xcalloc(t->tx.n_in + 1, sizeof(*k.scripts));
    bool ok = read_keys(t, &keys) && read_prevtxs(t, &k, &keys);
    keystore_add_bip86(&keys);
    ok = ok && sign_all(t, &k, &keys, hash_type);
    for (uint32_t i = 0; i < t->tx.n_in; i++)
        buf_clear(&k.scripts[i]);
    free(k.scripts);
    free(k.spent);
    keystore_clear(&keys);
    return ok;
}
