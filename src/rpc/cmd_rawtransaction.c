#include "chain/script/tx_decode.h"
#include "rpc/json_tx.h"
#include "rpc/raw.h"

static void createrawtransaction(struct rpc_call *c)
{
    struct mtx m;
    if (raw_construct(c, 0, &m))
        raw_put_mtx(c, &m);
    mtx_clear(&m);
}

static void decoderawtransaction(struct rpc_call *c)
{
    const struct json *hex = rpc_arg(c, 0);
    bool told = rpc_arg(c, 1) != NULL, witness = rpc_arg_bool(c, 1, true);
    struct json_tx_options opt = {.params = c->node->params};
    struct tx *tx = tx_decode_hex(hex->str, hex->str_len, !told || !witness, witness);
    if (tx == NULL) {
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "TX decode failed");
        return;
    }
    json_tx(c->w, tx, &opt);
    tx_unref(tx);
}

/* -- Table -- */

#define SCRIPT_RESULTS                                                                 \
    RESULTS({R_STR, "asm", "Script as text"},                                          \
            {R_STR, "desc", "Descriptor inferred from the script"},                    \
            {R_HEX, "hex", "Script octets"},                                           \
            {R_STR, "address", "Address, if the script has one", .optional = true},    \
            {R_STR, "type", "Type, such as witness_v0_keyhash"})

static const struct rpc_result tx_results[] = {
    {R_HEX, "txid", "Identifier, without witness"},
    {R_HEX, "hash", "Identifier, witness included"},
    {R_NUM, "version", "Version, unsigned"},
    {R_NUM, "size", "Serialised size in octets"},
    {R_NUM, "vsize", "Virtual size: a quarter of the weight, rounded up"},
    {R_NUM, "weight", "Weight"},
    {R_NUM, "locktime", "Lock time: a height, or unix seconds"},
    {R_ARR, "vin", "Inputs",
     RESULTS({R_OBJ, "", "",
              RESULTS({R_HEX, "coinbase", "Script of a coinbase", .optional = true},
                      {R_HEX, "txid", "Transaction spent from", .optional = true},
                      {R_NUM, "vout", "Its output", .optional = true},
                      {R_OBJ, "scriptSig", "Signature script",
                       RESULTS({R_STR, "asm", "As text"}, {R_HEX, "hex", "Octets"}),
                       .optional = true},
                      {R_ARR, "txinwitness", "Witness",
                       RESULTS({R_HEX, "", "One item"}), .optional = true},
                      {R_NUM, "sequence", "Sequence number"})})},
    {R_ARR, "vout", "Outputs",
     RESULTS({R_OBJ, "", "",
              RESULTS({R_AMOUNT, "value", "Amount"}, {R_NUM, "n", "Index"},
                      {R_OBJ, "scriptPubKey", "Output script", SCRIPT_RESULTS})})},
    {.name = NULL},
};

const struct rpc_result raw_sign_results[] = {
    {R_HEX, "hex", "The transaction with the signatures made"},
    {R_BOOL, "complete", "Whether every input is signed"},
    {R_ARR, "errors", "What is missing",
     RESULTS({R_OBJ, "", "",
              RESULTS({R_HEX, "txid", "Transaction spent from"},
                      {R_NUM, "vout", "Its output"},
                      {R_ARR, "witness", "Witness", RESULTS({R_HEX, "", "One item"})},
                      {R_HEX, "scriptSig", "Signature script"},
                      {R_NUM, "sequence", "Sequence number"},
                      {R_STR, "error", "What is wrong with it"})}),
     .optional = true},
    {.name = NULL},
};

const struct rpc_param raw_prevtx_fields[] = {
    {"txid", P_HEX, .help = "Transaction spent from"},
    {"vout", P_NUM, .help = "Which of its outputs"},
    {"scriptPubKey", P_HEX, .help = "Script of that output"},
    {"redeemScript", P_HEX, P_OPTIONAL, .help = "Script behind a P2SH output"},
    {"witnessScript", P_HEX, P_OPTIONAL, .help = "Script behind a P2WSH output"},
    {"amount", P_AMOUNT, P_OPTIONAL, .help = "Amount spent; segwit signatures need it"},
    {0},
};

static const struct rpc_method methods[] = {
    {
        .name = "combinerawtransaction",
        .help = "Merges the signatures that several parties made for one transaction.\n"
                "The inputs must be unspent, in the chain or the mempool.",
        .params =
            PARAMS({"txs", P_ARR, .help = "Partly signed forms of the transaction",
                    .inner = PARAMS({"hexstring", P_HEX, .help = "One of them"})}),
        .results = RESULTS({R_HEX, "", "The transaction with all signatures"}),
        .examples = EXAMPLES("'[\"hex1\",\"hex2\"]'"),
        .fn = rpc_combinerawtransaction,
    },
    {
        .name = "createrawtransaction",
        .help = "Makes an unsigned transaction from inputs and outputs.\n"
                "Nothing is checked against the chain, stored or sent.",
        .params = PARAMS(RAW_CONSTRUCT_PARAMS),
        .results = RESULTS({R_HEX, "", "The transaction"}),
        .examples =
            EXAMPLES("'[{\"txid\":\"id\",\"vout\":0}]' '[{\"address\":0.01}]'",
                     "'[{\"txid\":\"id\",\"vout\":0}]' '[{\"data\":\"00010203\"}]'"),
        .fn = createrawtransaction,
    },
    {
        .name = "decoderawtransaction",
        .help = "Shows a serialised transaction as JSON.",
        .params = PARAMS(
            {"hexstring", P_HEX, .help = "The transaction"},
            {"iswitness", P_BOOL, P_OPTIONAL,
             .help = "Whether it is in the format with witness; when omitted, both are "
                     "tried and the sensible reading wins"}),
        .results = RESULTS({R_OBJ, "", "", tx_results}),
        .examples = EXAMPLES("hexstring"),
        .fn = decoderawtransaction,
    },
    {
        .name = "decodescript",
        .help = "Shows a script as text, with its type and the addresses that wrap it.",
        .params = PARAMS({"hexstring", P_HEX, .help = "The script; may be empty"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS({R_STR, "asm", "Script as text"},
                     {R_STR, "desc", "Descriptor inferred from the script"},
                     {R_STR, "type", "Type"},
                     {R_STR, "address", "Its address", .optional = true},
                     {R_STR, "p2sh", "Address of the P2SH form, where it makes sense",
                      .optional = true},
                     {R_OBJ, "segwit", "The segwit form, where it makes sense",
                      RESULTS({R_STR, "asm", "Script as text"},
                              {R_HEX, "hex", "Script octets"}, {R_STR, "type", "Type"},
                              {R_STR, "address", "Address", .optional = true},
                              {R_STR, "desc", "Descriptor"},
                              {R_STR, "p2sh-segwit", "Address of its P2SH form"}),
                      .optional = true})}),
        .examples = EXAMPLES("hexstring"),
        .fn = rpc_decodescript,
    },
    {
        .name = "getrawtransaction",
        .help =
            "A transaction of the mempool; with blockhash, of that block; with "
            "-txindex,\nof any block. Verbosity 0 gives hex, 1 a JSON object, 2 adds "
            "fee and spent outputs.",
        .params =
            PARAMS({"txid", P_HEX, .help = "The transaction's identifier"},
                   {"verbosity|verbose", P_NUM, P_NO_TYPE_CHECK, "0", "0, 1 or 2"},
                   {"blockhash", P_HEX, P_OPTIONAL, .help = "The block to look in"}),
        .results = RESULTS(
            {R_HEX, "", "The serialised transaction", .when = "for verbosity = 0"},
            {R_OBJ, "", "",
             RESULTS(
                 {R_BOOL, "in_active_chain",
                  "Whether the block named is in the active chain", .optional = true},
                 {R_MORE, "", "As decoderawtransaction"},
                 {R_HEX, "hex", "The serialised transaction"},
                 {R_HEX, "blockhash", "Its block", .optional = true},
                 {R_NUM, "confirmations", "How deep the block is", .optional = true},
                 {R_TIME, "time", "The block's time", .optional = true},
                 {R_TIME, "blocktime", "The same", .optional = true}),
             .when = "for verbosity = 1"},
            {R_OBJ, "", "",
             RESULTS({R_MORE, "", "As for verbosity = 1"},
                     {R_AMOUNT, "fee", "What it pays", .optional = true},
                     {R_MORE, "",
                      "Each input has \"prevout\": generated, height, value, "
                      "scriptPubKey"}),
             .when = "for verbosity = 2"}),
        .examples = EXAMPLES("txid", "txid 1", "txid 0 blockhash", "txid 2 blockhash"),
        .fn = rpc_getrawtransaction,
    },
    {
        .name = "sendrawtransaction",
        .help =
            "Checks a transaction, adds it to the mempool and announces it to peers.\n"
            "A transaction already in the mempool is announced again.",
        .params = PARAMS(
            {"hexstring", P_HEX, .help = "The signed transaction"},
            {"maxfeerate", P_AMOUNT, .def = "\"0.10\"",
             .help = "Refuse higher fee rates, in coins per 1000 vbytes of 8 decimals "
                     "(ten million units when omitted); 0 accepts any"},
            {"maxburnamount", P_AMOUNT, .def = "\"0.00\"",
             .help = "Refuse outputs that cannot be spent and hold more; tickets burn "
                     "what they say and are exempt"}),
        .results = RESULTS({R_HEX, "", "The transaction's identifier"}),
        .examples = EXAMPLES("signedhex"),
        .fn = rpc_sendrawtransaction,
    },
    {
        .name = "signrawtransactionwithkey",
        .help =
            "Signs the inputs of a transaction that the given keys can sign.\n"
            "Outputs spent are looked up in chain and mempool, or given by prevtxs.",
        .params = PARAMS(
            {"hexstring", P_HEX, .help = "The transaction"},
            {"privkeys", P_ARR, .help = "Private keys in wallet import format",
             .inner = PARAMS({"privatekey", P_STR, .help = "One of them"})},
            {"prevtxs", P_ARR, P_OPTIONAL, .help = "Outputs that it spends",
             .inner = PARAMS({"", P_OBJ, P_OPTIONAL, .inner = raw_prevtx_fields})},
            RAW_SIGHASH_PARAM),
        .results = RESULTS({R_OBJ, "", "", raw_sign_results}),
        .examples = EXAMPLES("hexstring '[\"key\"]'"),
        .fn = rpc_signrawtransactionwithkey,
    },
};

const struct rpc_table rpc_rawtransaction_table = {"Rawtransactions", methods,
                                                   ARRAY_LEN(methods)};
