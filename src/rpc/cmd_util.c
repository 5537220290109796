#include <stdlib.h>

#include "chain/script/address.h"
#include "chain/script/sig_encoding.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "crypto/sha256.h"
#include "rpc/descriptor_args.h"
#include "util/base64.h"
#include "util/hex.h"

/* -- validateaddress -- */

static void put_program(struct rpc_call *c, const struct destination *d)
{
    json_kv_int(c->w, "witness_version", d->version);
    json_kv_hex(c->w, "witness_program", d->data, d->len);
}

static void put_kind(struct rpc_call *c, const struct destination *d)
{
    bool script = d->type == DEST_SH || d->type == DEST_WSH || d->type == DEST_TR ||
                  d->type == DEST_ANCHOR;
    if (d->type != DEST_WITNESS_UNKNOWN)
        json_kv_bool(c->w, "isscript", script);
    json_kv_bool(c->w, "iswitness", destination_is_witness(d));
    if (destination_is_witness(d) && d->type != DEST_ANCHOR)
        put_program(c, d);
}

static void put_valid(struct rpc_call *c, const struct destination *d)
{
    char address[ADDRESS_MAX];
    struct buf script = {0};
    destination_to_script(&script, d);
    json_kv_str(c->w, "address", address_encode(address, c->node->params, d));
    json_kv_hex(c->w, "scriptPubKey", script.data, script.len);
    put_kind(c, d);
    buf_clear(&script);
}

static void put_invalid(struct rpc_call *c, const struct address_error *e)
{
    json_key(c->w, "error_locations");
    json_begin_array(c->w);
    for (size_t i = 0; i < e->n_locations; i++)
        json_int(c->w, e->locations[i]);
    json_end_array(c->w);
    json_kv_str(c->w, "error", e->message);
}

static void validateaddress(struct rpc_call *c)
{
    struct destination d;
    struct address_error e;
    bool valid = address_decode(&d, c->node->params, rpc_arg_str(c, 0, ""), &e);
    json_begin_object(c->w);
    json_kv_bool(c->w, "isvalid", valid);
    if (valid)
        put_valid(c, &d);
    else
        put_invalid(c, &e);
    json_end_object(c->w);
}

/* -- Signed messages -- */

/* What a "Bitcoin signed message" signs. */
static void message_hash(uint8_t out[32], const char *message, size_t len)
{
    static const char magic[] = "Bitcoin Signed Message:\n";
    struct sha256 h;
    sha256_init(&h);
    struct sink s = sha256_sink(&h);
    write_var(&s, bytes_of(magic, sizeof(magic) - 1));
    write_var(&s, bytes_of(message, len));
    sha256d_final(&h, out);
}

static bool signed_by(const struct destination *d, const struct buf *sig,
                      const struct json *message)
{
    uint8_t hash[32], pubkey[65];
    size_t len;
    struct destination signer;
    message_hash(hash, message->str, message->str_len);
    if (sig->len != 65 || !secp_ecdsa_recover(pubkey, &len, sig->data, hash))
        return false;
    destination_of_key(&signer, DEST_PKH, bytes_of(pubkey, len));
    return destination_equal(&signer, d);
}

static void verifymessage(struct rpc_call *c)
{
    struct destination d;
    struct buf sig = {0};
    const struct json *text = rpc_arg(c, 1);
    if (!address_decode(&d, c->node->params, rpc_arg_str(c, 0, ""), NULL))
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Invalid address");
    else if (d.type != DEST_PKH)
        rpc_error(c, RPC_TYPE_ERROR, "Address does not refer to key");
    else if (!base64_decode(&sig, text->str, text->str_len))
        rpc_error(c, RPC_TYPE_ERROR, "Malformed base64 encoding");
    else
        json_bool(c->w, signed_by(&d, &sig, rpc_arg(c, 2)));
    buf_clear(&sig);
}

static void signmessagewithprivkey(struct rpc_call *c)
{
    uint8_t hash[32], sig[65];
    struct buf text = {0};
    const struct json *message = rpc_arg(c, 1);
    struct privkey *key = secret_alloc(sizeof(*key));
    if (wif_decode(key, c->node->params, rpc_arg_str(c, 0, ""))) {
        message_hash(hash, message->str, message->str_len);
        secp_ecdsa_sign_compact(sig, key->secret, hash, key->compressed);
        base64_append(&text, sig, sizeof(sig));
        json_strn(c->w, (const char *)text.data, text.len);
    } else {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Invalid private key");
    }
    buf_clear(&text);
    secret_free(key);
}

/* -- createmultisig -- */

enum multisig_form {
    MULTISIG_LEGACY,
    MULTISIG_P2SH_SEGWIT,
    MULTISIG_BECH32,
};

struct multisig {
    int32_t required;
    struct buf script;    /* owned */
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

static void createmultisig(struct rpc_call *c)
{
    struct multisig m = {.all_compressed = true};
    if (read_multisig(c, &m))
        put_multisig(c, &m);
    buf_clear(&m.script);
}

/* -- Descriptors -- */

static bool put_addresses_at(struct rpc_call *c, const struct descriptor *d,
                             uint32_t pos, const struct keystore *keys)
{
    const struct chain_params *p = c->node->params;
    struct script_list scripts;
    if (!descriptor_expand(d, p, pos, keys, &scripts, NULL)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "Cannot derive script without private keys");
        return false;
    }
    for (size_t i = 0; i < scripts.n && !c->failed; i++) {
        struct destination dest;
        char address[ADDRESS_MAX];
        if (destination_from_script(&dest, buf_view(&scripts.items[i])))
            json_str(c->w, address_encode(address, p, &dest));
        else if (scripts.n == 1 || dest.type != DEST_PUBKEY) /* combo() has a P2PK */
            rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                      "Descriptor does not have a corresponding address");
    }
    script_list_clear(&scripts);
    return !c->failed;
}

static void put_addresses(struct rpc_call *c, const struct descriptor *d,
                          const struct desc_range *r, const struct keystore *keys)
{
    json_begin_array(c->w);
    for (uint64_t pos = r->begin; pos <= r->end; pos++) {
        if (!put_addresses_at(c, d, (uint32_t)pos, keys))
            return;
    }
    json_end_array(c->w);
}

static void derive(struct rpc_call *c, const struct descriptor_list *list,
                   const struct keystore *keys)
{
    struct desc_range range = {0, 0};
    const struct json *v = rpc_arg(c, 1);
    bool ranged = descriptor_is_range(list->items[0]);
    if (!ranged && v != NULL)
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Range should not be specified for an un-ranged descriptor");
    else if (ranged && v == NULL)
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Range must be specified for a ranged descriptor");
    if (c->failed || (v != NULL && !rpc_to_desc_range(c, v, &range)))
        return;
    if (list->n > 1)
        json_begin_array(c->w);
    for (size_t i = 0; i < list->n && !c->failed; i++)
        put_addresses(c, list->items[i], &range, keys);
    if (list->n > 1 && !c->failed)
        json_end_array(c->w);
}

static void deriveaddresses(struct rpc_call *c)
{
    struct descriptor_list list;
    struct keystore keys;
    struct desc_range range;
    if (rpc_arg(c, 1) != NULL && !rpc_to_desc_range(c, rpc_arg(c, 1), &range))
        return;
    keystore_init(&keys);
    if (rpc_to_descriptors(c, rpc_arg_str(c, 0, ""), &keys, true, &list)) {
        derive(c, &list, &keys);
        descriptor_list_clear(&list);
    }
    keystore_clear(&keys);
}

static void put_descriptor(struct rpc_call *c, const struct descriptor *d)
{
    char *text = descriptor_to_string(d, c->node->params);
    json_str(c->w, text);
    free(text);
}

static void put_descriptor_info(struct rpc_call *c, const struct descriptor_list *list,
                                bool has_private_keys)
{
    const char *text = rpc_arg_str(c, 0, "");
    char sum[9] = "";
    json_begin_object(c->w);
    json_key(c->w, "descriptor");
    put_descriptor(c, list->items[0]);
    if (list->n > 1) {
        json_key(c->w, "multipath_expansion");
        json_begin_array(c->w);
        for (size_t i = 0; i < list->n; i++)
            put_descriptor(c, list->items[i]);
        json_end_array(c->w);
    }
    if (descriptor_checksum(sum, text, strcspn(text, "#")))
        json_kv_str(c->w, "checksum", sum);
    json_kv_bool(c->w, "isrange", descriptor_is_range(list->items[0]));
    json_kv_bool(c->w, "issolvable", descriptor_is_solvable(list->items[0]));
    json_kv_bool(c->w, "hasprivatekeys", has_private_keys);
    json_end_object(c->w);
}

static void getdescriptorinfo(struct rpc_call *c)
{
    struct descriptor_list list;
    struct keystore keys;
    keystore_init(&keys);
    if (rpc_to_descriptors(c, rpc_arg_str(c, 0, ""), &keys, false, &list)) {
        put_descriptor_info(c, &list, keys.n_keys > 0);
        descriptor_list_clear(&list);
    }
    keystore_clear(&keys);
}

/* -- Table -- */

static const struct rpc_method methods[] = {
    {
        .name = "createmultisig",
        .help = "An address that needs several signatures, and the script behind it.",
        .params = PARAMS({"nrequired", P_NUM, .help = "Signatures needed"},
                         {"keys", P_ARR, .help = "Public keys",
                          .inner = PARAMS({"key", P_HEX, .help = "One of them"})},
                         {"address_type", P_STR, .def = "\"legacy\"",
                          .help = "legacy, p2sh-segwit or bech32"}),
        .results =
            RESULTS({R_OBJ, "", "",
                     RESULTS({R_STR, "address", "The address"},
                             {R_HEX, "redeemScript", "The script behind it"},
                             {R_STR, "descriptor", "The same as a descriptor"},
                             {R_ARR, "warnings", "What was not done as asked",
                              RESULTS({R_STR, "", "A sentence"}), .optional = true})}),
        .examples = EXAMPLES("2 '[\"pubkey1\",\"pubkey2\"]'"),
        .fn = createmultisig,
    },
    {
        .name = "deriveaddresses",
        .help = "The addresses that a descriptor stands for.",
        .params = PARAMS(
            {"descriptor", P_STR, .help = "The descriptor, with checksum"},
            {"range", P_RANGE, P_OPTIONAL,
             .help = "For a descriptor with *: its last index, or [first, last]"}),
        .results = RESULTS(
            {R_ARR, "", "", RESULTS({R_STR, "address", "One address"}),
             .when = "for one path"},
            {R_ARR, "", "",
             RESULTS({R_ARR, "", "", RESULTS({R_STR, "address", "One address"})}),
             .when = "for a descriptor with alternative paths"}),
        .examples = EXAMPLES("\"wpkh(xpub/0/*)#checksum\" \"[0,2]\""),
        .fn = deriveaddresses,
    },
    {
        .name = "getdescriptorinfo",
        .help = "What a descriptor says, in its public form with checksum.",
        .params = PARAMS({"descriptor", P_STR, .help = "The descriptor"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_STR, "descriptor", "Public form; the first of several paths"},
                 {R_ARR, "multipath_expansion", "All of several paths",
                  RESULTS({R_STR, "", "One descriptor"}), .optional = true},
                 {R_STR, "checksum", "Checksum of the text as given"},
                 {R_BOOL, "isrange", "Whether it stands for many scripts"},
                 {R_BOOL, "issolvable", "Whether it says how to spend"},
                 {R_BOOL, "hasprivatekeys", "Whether the text held a private key"})}),
        .examples = EXAMPLES("\"wpkh(xpub/0/*)\""),
        .fn = getdescriptorinfo,
    },
    {
        .name = "signmessagewithprivkey",
        .help = "Signs a message with a private key.",
        .params = PARAMS({"privkey", P_STR, .help = "Key in wallet import format"},
                         {"message", P_STR, .help = "The message"}),
        .results = RESULTS({R_STR, "signature", "The signature in base 64"}),
        .examples = EXAMPLES("\"privkey\" \"my message\""),
        .fn = signmessagewithprivkey,
    },
    {
        .name = "validateaddress",
        .help = "Whether a text is an address of this network, and what it means.",
        .params = PARAMS({"address", P_STR, .help = "The text"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_BOOL, "isvalid", "Whether it is an address"},
                 {R_STR, "address", "The address", .optional = true},
                 {R_HEX, "scriptPubKey", "Its output script", .optional = true},
                 {R_BOOL, "isscript", "Whether it pays to a script", .optional = true},
                 {R_BOOL, "iswitness", "Whether it is segwit", .optional = true},
                 {R_NUM, "witness_version", "Segwit version", .optional = true},
                 {R_HEX, "witness_program", "Segwit program", .optional = true},
                 {R_ARR, "error_locations", "Positions of likely typing mistakes",
                  RESULTS({R_NUM, "index", "One position"}), .optional = true},
                 {R_STR, "error", "What is wrong with it", .optional = true})}),
        .examples = EXAMPLES("\"address\""),
        .fn = validateaddress,
    },
    {
        .name = "verifymessage",
        .help = "Whether the key of an address signed a message.",
        .params = PARAMS({"address", P_STR, .help = "Address of the signer (P2PKH)"},
                         {"signature", P_STR, .help = "The signature in base 64"},
                         {"message", P_STR, .help = "The message"}),
        .results = RESULTS({R_BOOL, "", "Whether it did"}),
        .examples = EXAMPLES("\"address\" \"signature\" \"my message\""),
        .fn = verifymessage,
    },
};

const struct rpc_table rpc_util_table = {"Util", methods, ARRAY_LEN(methods)};
