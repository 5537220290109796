/* What the offline programs share: the start, options that choose a network, hex. */
#ifndef OCHRE_CLI_TOOL_H
#define OCHRE_CLI_TOOL_H

#include "chain/params/params.h"
#include "util/args.h"

#define TOOL_FLAG(name, flags, help)                                                   \
    {name, OPT_BOOL, NULL, NULL, 0, 0, flags, "Chain selection options", help}
/* Offline programs know more networks than a node: Bitcoin's, too. */
#define TOOL_CHAIN_OPTIONS                                                             \
    {"chain", OPT_STR, "<chain>", "main", 0, 0, 0, "Chain selection options",          \
     "Network: main, test or regtest; with -bitcoin also signet"},                     \
        TOOL_FLAG("bitcoin", 0, "Bitcoin's networks"),                                 \
        TOOL_FLAG("testnet", 0, "Same as -chain=test"),                                \
        TOOL_FLAG("signet", OPT_HIDDEN, "Same as -chain=signet"),                      \
        TOOL_FLAG("regtest", OPT_HIDDEN, "Same as -chain=regtest")

/* Parses options, answers -help and -version, else calls run. Returns the exit code. */
int tool_main(int argc, char **argv, const struct opt *options, const char *title,
              void (*print_help)(const struct args *a),
              int (*run)(const struct args *a));
/* False: a message is on standard error. */
NODISCARD bool tool_select_chain(const struct args *a, struct chain_params *out);
void tool_hex(struct buf *out, struct bytes b);

#endif
