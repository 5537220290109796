/* Options of the offline programs. */
#include "cli/tool.h"

#define TOOL_FLAG(name, flags, help)                                                   \
    {                                                                                  \
        name, OPT_BOOL, NULL, NULL, 0, 0, flags, "Chain selection options", help       \
    }
/* Offline programs know more networks than a node: Bitcoin's, too. */
#define TOOL_CHAIN_OPTIONS                                                             \
    {"chain",                                                                          \
     OPT_STR,                                                                          \
     "<chain>",                                                                        \
     "main",                                                                           \
     0,                                                                                \
     0,                                                                                \
     0,                                                                                \
     "Chain selection options",                                                        \
     "Network: main, test or regtest; with -bitcoin also signet"},                     \
        TOOL_FLAG("bitcoin", 0, "Bitcoin's networks"),                                 \
        TOOL_FLAG("testnet", 0, "Same as -chain=test"),                                \
        TOOL_FLAG("signet", OPT_HIDDEN, "Same as -chain=signet"),                      \
        TOOL_FLAG("regtest", OPT_HIDDEN, "Same as -chain=regtest")

const struct opt tx_options[] = {
#define GROUP "Options"
    {"?", OPT_BOOL, NULL, NULL, 0, 0, 0, GROUP, "Print this help and exit"},
    {"help", OPT_BOOL, NULL, NULL, 0, 0, OPT_HIDDEN, GROUP, "Print this help and exit"},
    {"h", OPT_BOOL, NULL, NULL, 0, 0, OPT_HIDDEN, GROUP, "Print this help and exit"},
    {"create", OPT_BOOL, NULL, NULL, 0, 0, 0, GROUP, "Begin with an empty transaction"},
    {"json", OPT_BOOL, NULL, NULL, 0, 0, 0, GROUP, "Print the transaction as JSON"},
    {"txid", OPT_BOOL, NULL, NULL, 0, 0, 0, GROUP, "Print only its identifier"},
    {"version", OPT_BOOL, NULL, NULL, 0, 0, 0, GROUP, "Print the version and exit"},
#undef GROUP
    TOOL_CHAIN_OPTIONS,
    {0},
};

const struct opt util_options[] = {
#define GROUP "Options"
    {"?", OPT_BOOL, NULL, NULL, 0, 0, 0, GROUP, "Print this help and exit"},
    {"help", OPT_BOOL, NULL, NULL, 0, 0, OPT_HIDDEN, GROUP, "Print this help and exit"},
    {"h", OPT_BOOL, NULL, NULL, 0, 0, OPT_HIDDEN, GROUP, "Print this help and exit"},
    {"version", OPT_BOOL, NULL, NULL, 0, 0, 0, GROUP, "Print the version and exit"},
#undef GROUP
    TOOL_CHAIN_OPTIONS,
    {0},
};
