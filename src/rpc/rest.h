/* The REST door (-rest): public data over GET, without authentication, as bitcoind
 * serves it, and tickets, supernodes and state proofs. doc/rest.md lists the paths. */
#ifndef OCHRE_RPC_REST_H
#define OCHRE_RPC_REST_H

#include "rpc/context.h"

struct http_server;

/* Before the server's first bind. */
void rest_routes(struct http_server *s, struct node *n);

#endif
