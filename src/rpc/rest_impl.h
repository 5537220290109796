/* What the files of the REST door share. */
#ifndef OCHRE_RPC_REST_IMPL_H
#define OCHRE_RPC_REST_IMPL_H

#include "io/http.h"
#include "rpc/context.h"
#include "util/json.h"
#include "util/mem.h"

enum rest_format {
    REST_UNKNOWN = 0,
    REST_BIN = 1 << 0,
    REST_HEX = 1 << 1,
    REST_JSON = 1 << 2,
    REST_ALL = REST_BIN | REST_HEX | REST_JSON,
};

/* One request. Its handler answers exactly once, with one of the functions below. */
struct rest {
    struct node *node;
    struct http_request *rq;
    struct arena *mem;       /* lives as long as the request */
    char *param;             /* the path after the route's, without suffix and query */
    const char *query;       /* "count=5&x=y", or "" */
    enum rest_format format; /* one the route offers */
};

/* A value of the query, or @def. In the request's memory. */
const char *rest_query(struct rest *r, const char *name, const char *def);
/* bitcoind's way to refuse: the sentence as plain text. */
void rest_refuse(struct rest *r, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Octets, or the same in hex. */
void rest_reply_octets(struct rest *r, struct bytes data);
/* Takes the text. */
void rest_reply_json(struct rest *r, struct buf *take_json);
/* 64 hex digits; else refused (400). */
NODISCARD bool rest_hash(struct rest *r, const char *text, struct hash256 *out);

/* Runs an RPC method; @fmt makes its parameters' JSON. On failure *out has the error's
 * message, and its code is returned. */
int rest_rpc(struct rest *r, struct buf *out, const char *method, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

void rest_getutxos(struct rest *r); /* rest_utxos.c */

#endif
