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

const struct opt wallet_options[] = {
#define GROUP "Options"
    {"?", OPT_BOOL, NULL, NULL, 0, 0, 0, GROUP, "Print this help and exit"},
    {"help", OPT_BOOL, NULL, NULL, 0, 0, OPT_HIDDEN, GROUP, "Print this help and exit"},
    {"h", OPT_BOOL, NULL, NULL, 0, 0, OPT_HIDDEN, GROUP, "Print this help and exit"},
    {"conf", OPT_STR, "<file>", NULL, 0, 0, OPT_HIDDEN, GROUP, "Configuration file"},
    {"datadir", OPT_STR, "<dir>", NULL, 0, 0, 0, GROUP, "Data directory"},
    {"descriptors", OPT_BOOL, NULL, "1", 0, 0, OPT_HIDDEN, GROUP, "Must be 1"},
    {"dumpfile", OPT_STR, "<file>", NULL, 0, 0, 0, GROUP,
     "File to dump to, or to create a wallet from"},
    {"keypool", OPT_INT, "<n>", "1000", 1, 1000000, 0, GROUP,
     "Addresses per descriptor that a new wallet derives ahead"},
    {"version", OPT_BOOL, NULL, NULL, 0, 0, 0, GROUP, "Print the version and exit"},
    {"wallet", OPT_STR, "<name>", NULL, 0, 0, 0, GROUP,
     "Name of the wallet, or path of its directory"},
    {"walletdir", OPT_STR, "<dir>", NULL, 0, 0, 0, GROUP,
     "Directory of the wallets (default: <datadir>/<network>/wallets)"},
#undef GROUP
    TOOL_CHAIN_OPTIONS,
    {0},
};
