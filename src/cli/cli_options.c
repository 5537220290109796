#include "cli/cli.h"

#define FLAG(name, def, flags, help)                                                   \
    {                                                                                  \
        name, OPT_BOOL, NULL, def, 0, 0, flags, GROUP, help                            \
    }
#define NUM(name, def, lo, hi, help)                                                   \
    {                                                                                  \
        name, OPT_INT, "<n>", def, lo, hi, 0, GROUP, help                              \
    }
#define TEXT(name, arg, def, flags, help)                                              \
    {                                                                                  \
        name, OPT_STR, arg, def, 0, 0, flags, GROUP, help                              \
    }

const struct opt cli_options[] = {
#define GROUP "Options"
    FLAG("?", NULL, 0, "Print this help and exit"),
    FLAG("help", NULL, OPT_HIDDEN, "Print this help and exit"),
    FLAG("h", NULL, OPT_HIDDEN, "Print this help and exit"),
    TEXT("color", "<when>", "auto", OPT_DISALLOW_NEGATION,
         "Colours in the output of -getinfo: always, auto (when it goes to a "
         "terminal), never"),
    TEXT("conf", "<file>", NULL, 0,
         "Configuration file, relative to the data directory unless absolute (default: "
         "ochre.conf, with -bitcoin bitcoin.conf)"),
    TEXT("datadir", "<dir>", NULL, OPT_DISALLOW_NEGATION, "Data directory"),
    FLAG("named", "0", 0, "Arguments are name=value"),
    TEXT("rpcconnect", "<ip>", "127.0.0.1", 0,
         "Send commands to the node at this address"),
    TEXT("rpccookiefile", "<loc>", ".cookie", 0,
         "Cookie file, relative to the network's data directory unless absolute"),
    NUM("rpcclienttimeout", "900", 0, 0,
        "Seconds to wait for an answer; 0 waits without end"),
    TEXT("rpcpassword", "<pw>", NULL, OPT_SENSITIVE, "Password for JSON-RPC"),
    TEXT("rpcport", "<port>", NULL, OPT_NETWORK_ONLY,
         "Port of the node's JSON-RPC (default: that of -rpcconnect, else 9932, test "
         "19932, regtest 18232)"),
    TEXT("rpcuser", "<user>", NULL, OPT_SENSITIVE, "User name for JSON-RPC"),
    FLAG("rpcwait", "0", 0, "Wait until the node has started"),
    NUM("rpcwaittimeout", "0", 0, 0,
        "Seconds to wait at most with -rpcwait; 0 waits without end"),
    TEXT("rpcwallet", "<name>", NULL, 0, "Send the command to this wallet"),
    FLAG("stdin", "0", 0, "Read further arguments from standard input, one per line"),
    FLAG("stdinrpcpass", "0", 0,
         "Read the JSON-RPC password from standard input, one line"),
    FLAG("stdinwalletpassphrase", "0", 0,
         "Read the wallet's passphrase from standard input, one line"),
    FLAG("version", NULL, 0, "Print the version and exit"),
#undef GROUP
#define GROUP "Commands of the client"
    FLAG("addrinfo", NULL, 0, "Count the addresses the node knows, by network"),
    FLAG("generate", NULL, 0,
         "Mine blocks to a new address of the wallet: -generate [blocks] [tries]"),
    FLAG("getinfo", NULL, 0, "Show the state of the node at a glance"),
    FLAG("netinfo", NULL, 0,
         "Show the node's connections: -netinfo [0-4], or -netinfo help"),
#undef GROUP
#define GROUP "Chain selection options"
    TEXT("chain", "<chain>", "main", 0, "Network: main, test or regtest"),
    FLAG("regtest", NULL, OPT_HIDDEN, "Same as -chain=regtest"),
    FLAG("testnet", NULL, 0, "Same as -chain=test"),
    FLAG("bitcoin", "0", 0, "Bitcoin's regtest network and bitcoin.conf"),
    {"includeconf", OPT_LIST, "<file>", NULL, 0, 0, OPT_HIDDEN, GROUP, NULL},
#undef GROUP
    {0},
};
