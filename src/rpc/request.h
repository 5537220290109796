/* What a JSON-RPC body asks for, done and answered; HTTP itself is server.c's. */
#ifndef OCHRE_RPC_REQUEST_H
#define OCHRE_RPC_REQUEST_H

#include "rpc/context.h"

struct http_request;
struct rpc_auth;

/* Where a body came from. */
struct rpc_origin {
    struct node *node;
    const struct rpc_auth *auth;
    struct http_request *rq; /* NULL: nobody who could go away (tests) */
    const char *user;
    const char *path; /* of the HTTP request */
};

/* Runs the call or calls of @body and appends the reply. Returns the HTTP status; 204
 * and 403 have no body. */
int rpc_serve(const struct rpc_origin *from, struct bytes body, struct buf *out);

#endif
