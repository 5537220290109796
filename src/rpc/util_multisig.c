#include "chain/script/descriptor.h"
#include "chain/script/sig_encoding.h"
#include "crypto/secp.h"
#include "rpc/util_methods.h"
#include "util/hex.h"

enum multisig_form {
    MULTISIG_LEGACY,
    MULTISIG_P2SH_SEGWIT,
    MULTISIG_BECH32,
};

struct multisig {
    int32_t required;
    struct buf script; /* owned */
    size_t n_keys;
    bool all_compressed;
    enum multisig_form form;
};

static bool add_pubkey(struct rpc_call *c, struct multisig *m, const struct json *v)
{
    uint8_t key[65];
    if (!rpc_want(c, v, JSON_STRING))
        return false;
    const char *wrong = NULL;
    if (!hex_is(v->str, v->str_len))
        wrong = "must be a hex string";
    else if (v->str_len != 66 && v->str_len != 130)
        wrong = "must have a length of either 33 or 65 bytes";
    else if (!hex_decode_fixed(key, v->str_len / 2, v->str, v->str_len) ||
             !secp_pubkey_valid(bytes_of(key, v->str_len / 2)))
        wrong = "must be cryptographically valid.";
    if (wrong != NULL) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Pubkey \"%s\" %s", v->str, wrong);
        return false;
    }
    struct bytes pubkey = bytes_of(key, v->str_len / 2);
    m->all_compressed = m->all_compressed && pubkey_is_compressed(pubkey);
    script_put_data(&m->script, pubkey.data, pubkey.len);
    m->n_keys++;
    return true;
}

static bool read_form(struct rpc_call *c, struct multisig *m)
{
    static const struct {
        const char *name;
        enum multisig_form form;
    } forms[] = {
        {"legacy", MULTISIG_LEGACY},
        {"p2sh-segwit", MULTISIG_P2SH_SEGWIT},
        {"bech32", MULTISIG_BECH32},
    };
    const char *name = rpc_arg_str(c, 2, "legacy");
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (strcmp(forms[i].name, name) == 0) {
            m->form = forms[i].form;
            return true;
        }
    }
    if (strcmp(name, "bech32m") == 0)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "createmultisig cannot create bech32m multisig addresses");
    else
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Unknown address type '%s'", name);
    return false;
}

static bool check_multisig(struct rpc_call *c, const struct multisig *m)
{
    if (m->required < 1)
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "a multisignature address must require at least one key to redeem");
    else if (m->n_keys < (size_t)m->required)
        rpc_error(
            c, RPC_INVALID_PARAMETER,
            "not enough keys supplied (got %zu keys, but need at least %d to redeem)",
            m->n_keys, m->required);
    else if (m->n_keys > MAX_PUBKEYS_PER_MULTISIG)
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Number of keys involved in the multisignature address creation > "
                  "%d\nReduce the number",
                  MAX_PUBKEYS_PER_MULTISIG);
    return !c->failed;
}

static bool read_multisig(struct rpc_call *c, struct multisig *m)
{
    const struct json *keys = rpc_arg(c, 1);
    if (!rpc_arg_i32(c, 0, &m->required))
        return false;
    script_put_int(&m->script, m->required);
    for (size_t i = 0; i < keys->len; i++) {
        if (!add_pubkey(c, m, &keys->items[i]))
            return false;
    }
    if (!read_form(c, m) || !check_multisig(c, m))
        return false;
    script_put_int(&m->script, (int64_t)m->n_keys);
    script_put_op(&m->script, OP_CHECKMULTISIG);
    bool legacy = m->form == MULTISIG_LEGACY || !m->all_compressed;
    if (legacy && m->script.len > MAX_SCRIPT_ELEMENT_SIZE) {
        rpc_error(c, RPC_INVALID_PARAMETER, "redeemScript exceeds size limit: %zu > %d",
                  m->script.len, MAX_SCRIPT_ELEMENT_SIZE);
        return false;
    }
    return true;
}

/* The output of the form asked for; the script behind it goes into known. */
static void wrap_multisig(const struct multisig *m, struct destination *d,
                          struct keystore *known)
{
    struct bytes script = buf_view(&m->script);
    struct buf program = {0};
    keystore_add_script(known, script);
    if (m->form == MULTISIG_LEGACY || !m->all_compressed) {
        destination_of_script(d, DEST_SH, script);
        return;
    }
    destination_of_script(d, DEST_WSH, script);
    if (m->form == MULTISIG_BECH32)
        return;
    destination_to_script(&program, d);
    keystore_add_script(known, buf_view(&program));
    destination_of_script(d, DEST_SH, buf_view(&program));
    buf_clear(&program);
}

static void put_multisig(struct rpc_call *c, const struct multisig *m)
{
    const struct chain_params *p = c->node->params;
    struct destination d;
    struct keystore known;
    struct buf script = {0}, desc = {0};
    char address[ADDRESS_MAX];
    keystore_init(&known);
    wrap_multisig(m, &d, &known);
    destination_to_script(&script, &d);
    descriptor_infer(&desc, p, buf_view(&script), &known);
    json_begin_object(c->w);
    json_kv_str(c->w, "address", address_encode(address, p, &d));
    json_kv_hex(c->w, "redeemScript", m->script.data, m->script.len);
    json_kv_str(c->w, "descriptor", buf_cstr(&desc));
    if (m->form != MULTISIG_LEGACY && !m->all_compressed) {
        json_key(c->w, "warnings");
        json_begin_array(c->w);
        json_str(c->w,
                 "Unable to make chosen address type, please ensure no uncompressed "
                 "public keys are present.");
        json_end_array(c->w);
    }
    json_end_object(c->w);
    buf_clear(&script);
    buf_clear(&desc);
    keystore_clear(&known);
}

void rpc_createmultisig(struct rpc_call *c)
{
    struct multisig m = {.all_compressed = true};
    if (read_multisig(c, &m))
        put_multisig(c, &m);
    buf_clear(&m.script);
}
