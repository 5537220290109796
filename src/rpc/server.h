/* The JSON-RPC server: authentication, batches, JSON-RPC 1.0, 1.1 and 2.0, warm-up. */
#ifndef OCHRE_RPC_SERVER_H
#define OCHRE_RPC_SERVER_H

#include "rpc/context.h"
#include "util/histogram.h"

struct rpc_server;

/* Reads the -rpc* options of n->args, writes the cookie, listens (n->loop must run or
 * be about to) and sets n->rpc. Until rpc_server_ready every call but a few is answered
 * with -28 and the warm-up status. *error (caller frees) is a sentence for the user. */
NODISCARD bool rpc_server_start(struct node *n, char **error);
/* What the node does at the moment: "Loading block index…". Any thread. */
void rpc_server_warmup(struct rpc_server *s, const char *status);
void rpc_server_ready(struct rpc_server *s);
/* True until then; appends the status. */
bool rpc_server_warming_up(struct rpc_server *s, struct buf *status);
/* What is known of the calls of a method since the start; false: there was none. */
struct rpc_method_calls {
    struct histogram times;
    uint64_t errors;
};
bool rpc_server_calls(struct rpc_server *s, const char *name,
                      struct rpc_method_calls *out);
size_t rpc_server_active(struct rpc_server *s); /* calls that run now */
/* No new calls; rpc_cancelled() becomes true for the running ones (n->stopping). */
void rpc_server_interrupt(struct rpc_server *s);
/* After rpc_server_interrupt: waits for running calls, removes the cookie, frees. The
 * loop must still run. NULL is fine. */
void rpc_server_stop(struct rpc_server *s);

#endif
