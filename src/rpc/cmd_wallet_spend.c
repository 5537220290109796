/* Methods that spend: their table. The handlers stand in the files that
 * rpc/wallet_spend.h names. */
#include "rpc/psbt_args.h"
#include "rpc/wallet_spend.h"

#define CONF_TARGET                                                                    \
    {                                                                                  \
        "conf_target", P_NUM, .def = "wallet -txconfirmtarget",                        \
                              .help = "Blocks within which it shall be confirmed"      \
    }
#define ESTIMATE_MODE                                                                  \
    {                                                                                  \
        "estimate_mode", P_STR, .def = "\"unset\"",                                    \
                                .help = "unset, economical or conservative"            \
    }
#define FEE_RATE                                                                       \
    {                                                                                  \
        "fee_rate", P_AMOUNT, .def = "not set, fall back to wallet fee estimation",    \
                              .help = "Fee rate in the smallest unit per vbyte"        \
    }
#define REPLACEABLE                                                                    \
    {                                                                                  \
        "replaceable", P_BOOL, .def = "wallet default",                                \
                               .help = "Signal that it may be replaced (BIP 125)"      \
    }
#define VERBOSE                                                                        \
    {                                                                                  \
        "verbose", P_BOOL, .def = "false",                                             \
                           .help = "Also say what decided about the fee"               \
    }
#define OUTPUTS                                                                        \
    {                                                                                  \
        "outputs", P_ANY,                                                              \
            .help = "Payments: {\"address\": amount, ...} or an array of such "        \
                    "objects with one key each; {\"data\": \"hex\"} is an output "     \
                    "of data",                                                         \
            .type_text = "json array or object"                                        \
    }
#define INNER_FEE                                                                      \
    {"conf_target", P_NUM, P_NAMED_ONLY, .def = "wallet -txconfirmtarget",             \
     .help = "Blocks within which it shall be confirmed"},                             \
        {"estimate_mode", P_STR, P_NAMED_ONLY, .def = "\"unset\"",                     \
         .help = "unset, economical or conservative"},                                 \
    {                                                                                  \
        "replaceable", P_BOOL, P_NAMED_ONLY, .def = "wallet default",                  \
                                             .help = "Signal that it may be replaced"  \
    }
#define SOLVING_DATA                                                                   \
    {                                                                                  \
        "solving_data", P_OBJ, P_OPTIONAL | P_NAMED_ONLY,                              \
            .help = "What tells the size of inputs that are not the wallet's",         \
            PARAMS({"pubkeys", P_ARR, P_OPTIONAL, .help = "Public keys",               \
                    PARAMS({"pubkey", P_HEX, .help = "One"})},                         \
                   {"scripts", P_ARR, P_OPTIONAL,                                      \
                    .help = "Redeem and witness scripts",                              \
                    PARAMS({"script", P_HEX, .help = "One"})},                         \
                   {"descriptors", P_ARR, P_OPTIONAL, .help = "Descriptors",           \
                    PARAMS({"descriptor", P_STR, .help = "One"})})                     \
    }

static const struct rpc_result sent_result[] = {
    {R_STR, "", "The transaction id", .when = "if verbose is not set or set to false"},
    {R_OBJ, "", "", .when = "if verbose is set to true",
     .inner = RESULTS({R_HEX, "txid", "The transaction id"},
                      {R_STR, "fee_reason", "What decided about the fee"})},
    {.name = NULL},
};

#define FINISHED                                                                       \
    RESULTS({R_OBJ, "", "",                                                            \
             RESULTS({R_BOOL, "complete", "All signatures are there"},                 \
                     {R_HEX, "txid", "Its id, when complete", .optional = true},       \
                     {R_HEX, "hex", "The transaction, when complete but not sent",     \
                      .optional = true},                                               \
                     {R_STR, "psbt", "It as a PSBT, when not complete or not sent",    \
                      .optional = true})})

#define FUNDED(name, type, what)                                                       \
    RESULTS({R_OBJ, "", "",                                                            \
             RESULTS({type, name, what}, {R_AMOUNT, "fee", "The fee it pays"},         \
                     {R_NUM, "changepos", "Index of the change, or -1"})})

#define BUMP_OPTIONS                                                                   \
    {                                                                                  \
        "options", P_OBJ, P_OPTIONAL,                                                  \
            .help = "",                                                                \
            PARAMS(INNER_FEE,                                                          \
                   {"fee_rate", P_AMOUNT, P_NAMED_ONLY, .def = "not set",              \
                    .help = "New fee rate in the smallest unit per vbyte"},            \
                   {"outputs", P_ANY, P_NAMED_ONLY,                                    \
                    .def = "those of the old transaction",                             \
                    .help = "New outputs, as in createrawtransaction",                 \
                    .type_text = "json array or object"},                              \
                   {"original_change_index", P_NUM, P_NAMED_ONLY, .def = "not set",    \
                    .help = "The old output that is change and may be reduced"})       \
    }

#define BUMPED(name, type, what)                                                       \
    RESULTS({R_OBJ, "", "",                                                            \
             RESULTS({type, name, what}, {R_AMOUNT, "origfee", "The old fee"},         \
                     {R_AMOUNT, "fee", "The new fee"},                                 \
                     {R_ARR, "errors", "What went wrong on the way, if anything",      \
                      RESULTS({R_STR, "", "A sentence"})})})

#define INPUTS(flags_)                                                                 \
    {                                                                                  \
        "inputs", P_ARR, flags_,                                                       \
            .def = "[]",                                                               \
            .help = "Coins to spend; others are added only with add_inputs",           \
            PARAMS(                                                                    \
                {"", P_OBJ, .help = "",                                                \
                 PARAMS({"txid", P_HEX, .help = "Its transaction"},                    \
                        {"vout", P_NUM, .help = "Its output"},                         \
                        {"sequence", P_NUM, .def = "as replaceable and locktime need", \
                         .help = "Sequence number"},                                   \
                        {"weight", P_NUM, .def = "calculated",                         \
                         .help = "Weight of the input when signed"})})                 \
    }

#define COMMON_OPTIONS                                                                 \
    {"include_unsafe", P_BOOL, P_NAMED_ONLY, .def = "false",                           \
     .help = "Also spend unconfirmed coins that others made"},                         \
        {"minconf", P_NUM, P_NAMED_ONLY, .def = "0",                                   \
         .help = "Spend coins of at least this depth only"},                           \
        {"maxconf", P_NUM, P_NAMED_ONLY, .def = "not set",                             \
         .help = "Spend coins of at most this depth only"},                            \
        {"max_tx_weight", P_NUM, P_NAMED_ONLY, .def = "400000",                        \
         .help = "Highest weight of the transaction"},                                 \
        INNER_FEE, SOLVING_DATA

/* fundrawtransaction and walletcreatefundedpsbt use the older names. */
#define FUND_OPTIONS                                                                   \
    {"changeAddress", P_STR, P_NAMED_ONLY, .def = "a new address",                     \
     .help = "Where change goes"},                                                     \
        {"changePosition", P_NUM, P_NAMED_ONLY, .def = "random",                       \
         .help = "Index of the change output"},                                        \
        {"change_type", P_STR, P_NAMED_ONLY, .def = "set by -changetype",              \
         .help = "legacy, p2sh-segwit, bech32 or bech32m"},                            \
        {"includeWatching", P_BOOL, P_NAMED_ONLY,                                      \
         .def = "true for watch-only wallets", .help = "Accepted, has no effect"},     \
        {"lockUnspents", P_BOOL, P_NAMED_ONLY, .def = "false",                         \
         .help = "Lock the coins chosen"},                                             \
        {"fee_rate", P_AMOUNT, P_NAMED_ONLY, .def = "not set",                         \
         .help = "Fee rate in the smallest unit per vbyte"},                           \
        {"feeRate", P_AMOUNT, P_NAMED_ONLY, .def = "not set",                          \
         .help = "Fee rate in coins per kvB"},                                         \
        {"subtractFeeFromOutputs",                                                     \
         P_ARR,                                                                        \
         P_NAMED_ONLY,                                                                 \
         .def = "[]",                                                                  \
         .help = "Indices of the outputs that bear the fee, in equal parts",           \
         PARAMS({"vout_index", P_NUM, .help = "One"})},                                \
        COMMON_OPTIONS

/* send and sendall. */
#define SEND_OPTIONS                                                                   \
    {"add_to_wallet", P_BOOL, P_NAMED_ONLY, .def = "true",                             \
     .help = "Send it; false hands it back as hex and PSBT"},                          \
        {"fee_rate", P_AMOUNT, P_NAMED_ONLY, .def = "not set",                         \
         .help = "Fee rate in the smallest unit per vbyte"},                           \
        {"include_watching", P_BOOL, P_NAMED_ONLY,                                     \
         .def = "true for watch-only wallets", .help = "Accepted, has no effect"},     \
        INPUTS(P_NAMED_ONLY),                                                          \
        {"locktime", P_NUM, P_NAMED_ONLY, .def = "0", .help = "Lock time"},            \
        {"lock_unspents", P_BOOL, P_NAMED_ONLY, .def = "false",                        \
         .help = "Lock the coins chosen"},                                             \
    {                                                                                  \
        "psbt", P_BOOL, P_NAMED_ONLY, .def = "false",                                  \
                                      .help = "Hand it back as a PSBT, do not send it" \
    }

static const struct rpc_method methods[] = {
    {
        .name = "bumpfee",
        .help = "Replaces an unconfirmed transaction of the wallet by one that pays a "
                "higher fee. Its change gets smaller, or inputs are added.",
        .params = PARAMS({"txid", P_HEX, .help = "The transaction"}, BUMP_OPTIONS),
        .results = BUMPED("txid", R_HEX, "The id of the new transaction"),
        .examples = EXAMPLES("<txid>"),
        .fn = rpc_bumpfee,
    },
    {
        .name = "fundrawtransaction",
        .help = "Adds inputs, and change where there is some, until a transaction pays "
                "for its outputs. Inputs that are there stay; nothing is signed.",
        .params = PARAMS(
            {"hexstring", P_HEX, .help = "The transaction"},
            {"options", P_OBJ, P_OPTIONAL | P_NO_TYPE_CHECK, .help = "",
             PARAMS({"add_inputs", P_BOOL, P_NAMED_ONLY, .def = "true",
                     .help = "Add inputs to those that are there"},
                    FUND_OPTIONS,
                    {"input_weights", P_ARR, P_OPTIONAL | P_NAMED_ONLY,
                     .help = "Weights of inputs when signed",
                     PARAMS({"", P_OBJ, .help = "",
                             PARAMS({"txid", P_HEX, .help = "Its transaction"},
                                    {"vout", P_NUM, .help = "Its output"},
                                    {"weight", P_NUM, .help = "Its weight"})})})},
            {"iswitness", P_BOOL, .def = "depends on heuristic tests",
             .help = "The transaction is in the format with witnesses"}),
        .results = FUNDED("hex", R_HEX, "The funded transaction"),
        .examples = EXAMPLES("\"rawtransactionhex\""),
        .fn = rpc_fundrawtransaction,
    },
    {
        .name = "psbtbumpfee",
        .help = "Like bumpfee, but hands back a PSBT to be signed elsewhere.",
        .params = PARAMS({"txid", P_HEX, .help = "The transaction"}, BUMP_OPTIONS),
        .results = BUMPED("psbt", R_STR, "The new transaction as a PSBT"),
        .examples = EXAMPLES("<txid>"),
        .fn = rpc_psbtbumpfee,
    },
    {
        .name = "send",
        .help = "Pays, with every control there is. What the wallet cannot sign alone "
                "comes back as a PSBT.",
        .params = PARAMS(
            OUTPUTS, CONF_TARGET, ESTIMATE_MODE, FEE_RATE,
            {"options", P_OBJ, P_OPTIONAL, .help = "",
             PARAMS({"add_inputs", P_BOOL, P_NAMED_ONLY,
                     .def = "false when inputs are given, true otherwise",
                     .help = "Add inputs to those that are given"},
                    {"change_address", P_STR, P_NAMED_ONLY, .def = "a new address",
                     .help = "Where change goes"},
                    {"change_position", P_NUM, P_NAMED_ONLY, .def = "random",
                     .help = "Index of the change output"},
                    {"change_type", P_STR, P_NAMED_ONLY, .def = "set by -changetype",
                     .help = "legacy, p2sh-segwit, bech32 or bech32m"},
                    SEND_OPTIONS,
                    {"subtract_fee_from_outputs", P_ARR, P_NAMED_ONLY, .def = "[]",
                     .help = "Indices of the outputs that bear the fee",
                     PARAMS({"vout_index", P_NUM, .help = "One"})},
                    COMMON_OPTIONS)}),
        .results = FINISHED,
        .examples =
            EXAMPLES("'{\"address\": 0.1}'", "'{\"address\": 0.1}' 6 economical"),
        .fn = rpc_send,
    },
    {
        .name = "sendall",
        .help =
            "Spends all coins of the wallet, or those given, completely: recipients "
            "without an amount share what the others and the fee leave.",
        .params = PARAMS(
            {"recipients", P_ARR, .help = "Addresses, or objects {\"address\": amount}",
             PARAMS({"address", P_STR, P_OPTIONAL, .help = "Gets a part of the rest"},
                    {"", P_OBJ_USER, P_OPTIONAL, .help = "A payment of an amount",
                     PARAMS({"address", P_AMOUNT, .help = "The amount"})})},
            CONF_TARGET, ESTIMATE_MODE, FEE_RATE,
            {"options", P_OBJ, P_OPTIONAL, .help = "",
             PARAMS(SEND_OPTIONS,
                    {"send_max", P_BOOL, P_NAMED_ONLY, .def = "false",
                     .help = "Leave coins that cost more than they bring"},
                    {"minconf", P_NUM, P_NAMED_ONLY, .def = "0",
                     .help = "Spend coins of at least this depth only"},
                    {"maxconf", P_NUM, P_NAMED_ONLY, .def = "not set",
                     .help = "Spend coins of at most this depth only"},
                    INNER_FEE, SOLVING_DATA)}),
        .results = FINISHED,
        .examples = EXAMPLES("'[\"address\"]'"),
        .fn = rpc_sendall,
    },
    {
        .name = "sendmany",
        .help = "Pays several addresses in one transaction.",
        .params =
            PARAMS({"dummy", P_STR, .def = "\"\"", .help = "Must be \"\""},
                   {"amounts", P_OBJ_USER, .help = "Addresses with their amounts",
                    PARAMS({"address", P_AMOUNT, .help = "The amount"})},
                   {"minconf", P_NUM, P_OPTIONAL, .help = "Has no effect"},
                   {"comment", P_STR, .def = "\"\"", .help = "Kept in the wallet"},
                   {"subtractfeefrom", P_ARR, P_OPTIONAL,
                    .help = "Addresses whose amounts bear the fee, in equal parts",
                    PARAMS({"address", P_STR, .help = "One of those paid"})},
                   REPLACEABLE, CONF_TARGET, ESTIMATE_MODE, FEE_RATE, VERBOSE),
        .results = sent_result,
        .examples = EXAMPLES("\"\" '{\"address\": 0.01, \"address2\": 0.02}'"),
        .fn = rpc_sendmany,
    },
    {
        .name = "sendtoaddress",
        .help = "Pays an address.",
        .params = PARAMS(
            {"address", P_STR, .help = "Whom to pay"},
            {"amount", P_AMOUNT, .help = "How much"},
            {"comment", P_STR, .def = "\"\"", .help = "Kept in the wallet"},
            {"comment_to", P_STR, .def = "\"\"",
             .help = "Whom it is for; kept in the wallet"},
            {"subtractfeefromamount", P_BOOL, .def = "false",
             .help = "The amount bears the fee"},
            REPLACEABLE, CONF_TARGET, ESTIMATE_MODE,
            {"avoid_reuse", P_BOOL, .def = "true",
             .help = "Leave coins on addresses that were spent from (wallets with "
                     "avoid_reuse)"},
            FEE_RATE, VERBOSE),
        .results = sent_result,
        .examples = EXAMPLES("\"address\" 0.1"),
        .fn = rpc_sendtoaddress,
    },
    {
        .name = "settxfee",
        .help = "Sets the fee rate of the wallet's payments until the node stops.",
        .params = PARAMS({"amount", P_AMOUNT,
                          .help = "Coins per kvB; 0 lets the wallet choose again"}),
        .results = RESULTS({R_BOOL, "", "true"}),
        .examples = EXAMPLES("0.00001"),
        .fn = rpc_settxfee,
    },
    {
        .name = "walletcreatefundedpsbt",
        .help = "Makes a PSBT that pays, with inputs added as they are needed. It "
                "holds all that the wallet knows, but no signatures.",
        .params = PARAMS(INPUTS(P_OPTIONAL), OUTPUTS,
                         {"locktime", P_NUM, .def = "0", .help = "Lock time"},
                         {"options", P_OBJ, P_OPTIONAL, .help = "",
                          PARAMS({"add_inputs", P_BOOL, P_NAMED_ONLY,
                                  .def = "false when inputs are given, true otherwise",
                                  .help = "Add inputs to those that are given"},
                                 FUND_OPTIONS)},
                         PSBT_BIP32_PARAM, PSBT_VERSION_PARAM),
        .results = FUNDED("psbt", R_STR, "The PSBT in base64"),
        .examples = EXAMPLES("'[]' '[{\"address\": 0.1}]'"),
        .fn = rpc_walletcreatefundedpsbt,
    },
};

const struct rpc_table rpc_wallet_spend_table = {"Wallet", methods, ARRAY_LEN(methods),
                                                 .needs_wallets = true};
