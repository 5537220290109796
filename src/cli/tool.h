/* What the offline programs share: the start, options that choose a network, hex. */
#ifndef OCHRE_CLI_TOOL_H
#define OCHRE_CLI_TOOL_H

#include "chain/params/params.h"
#include "util/args.h"

extern const struct opt tx_options[], util_options[], wallet_options[];

/* Parses options, answers -help and -version, else calls run. Returns the exit code. */
int tool_main(int argc, char **argv, const struct opt *options, const char *title,
              void (*print_help)(const struct args *a), int (*run)(struct args *a));
/* False: a message is on standard error. */
NODISCARD bool tool_select_chain(const struct args *a, struct chain_params *out);
void tool_hex(struct buf *out, struct bytes b);

#endif
