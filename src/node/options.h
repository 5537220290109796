/* Every option of the daemon, as one table: parsing, ranges, help, man page and
 * completions come from it. */
#ifndef OCHRE_NODE_OPTIONS_H
#define OCHRE_NODE_OPTIONS_H

#include "util/args.h"

extern const struct opt daemon_options[];

#endif
