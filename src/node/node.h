/* The running node: opens its parts in order, waits, closes them in reverse. */
#ifndef OCHRE_NODE_NODE_H
#define OCHRE_NODE_NODE_H

#include "node/setup.h"

/* Runs until a stop is asked for (signal, RPC, disk failure). @ready_fd: of daemonize,
 * or -1. Returns the exit code of the process; what went wrong stands on stderr and in
 * the log. */
int node_run(struct setup *s, struct logger *log, int ready_fd);

#endif
