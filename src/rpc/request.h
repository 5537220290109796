/* What a JSON-RPC body asks for, done and answered; HTTP itself is server.c's. */
#ifndef OCHRE_RPC_REQUEST_H
#define OCHRE_RPC_REQUEST_H

#include "rpc/context.h"
#include "util/json.h"

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

/* Runs one method as a part of this program, without asking who wants it. @params: a
 * JSON array, or NULL. Appends the result's JSON and returns 0; else the error's code,
 * and @out has its message. @rq may be NULL. */
int rpc_run(struct node *n, struct http_request *rq, const char *method,
            const struct json *params, struct buf *out);

/* Runs the call or calls of @body and appends the reply. Returns the HTTP status; 204
 * and 403 have no body. */
int rpc_serve(const struct rpc_origin *from, struct bytes body, struct buf *out);

#endif
