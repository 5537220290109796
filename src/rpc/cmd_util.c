#include "chain/script/address.h"
#include "rpc/json_address.h"
#include "rpc/util_methods.h"

static void put_valid(struct rpc_call *c, const struct destination *d)
{
    char address[ADDRESS_MAX];
    struct buf script = {0};
    destination_to_script(&script, d);
    json_kv_str(c->w, "address", address_encode(address, c->node->params, d));
    json_kv_hex(c->w, "scriptPubKey", script.data, script.len);
    json_address_kind(c->w, d);
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
        .fn = rpc_createmultisig,
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
        .fn = rpc_deriveaddresses,
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
        .fn = rpc_getdescriptorinfo,
    },
    {
        .name = "signmessagewithprivkey",
        .help = "Signs a message with a private key.",
        .params = PARAMS({"privkey", P_STR, .help = "Key in wallet import format"},
                         {"message", P_STR, P_ANY_TEXT, .help = "The message"}),
        .results = RESULTS({R_STR, "signature", "The signature in base 64"}),
        .examples = EXAMPLES("\"privkey\" \"my message\""),
        .fn = rpc_signmessagewithprivkey,
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
                         {"message", P_STR, P_ANY_TEXT, .help = "The message"}),
        .results = RESULTS({R_BOOL, "", "Whether it did"}),
        .examples = EXAMPLES("\"address\" \"signature\" \"my message\""),
        .fn = rpc_verifymessage,
    },
};

const struct rpc_table rpc_util_table = {"Util", methods, ARRAY_LEN(methods)};
