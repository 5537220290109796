/* HTTP/1.1 server. Requests arrive on the event loop and are handled by a small pool of
 * its own threads, through a bounded queue; a handler may also keep a request and
 * answer later from any thread. */
#ifndef OCHRE_IO_HTTP_H
#define OCHRE_IO_HTTP_H

#include "io/conn.h"

struct http_server;
struct http_request;

enum http_method {
    HTTP_GET,
    HTTP_POST,
    HTTP_PUT,
    HTTP_HEAD,
    HTTP_OTHER,
};

struct http_options {
    struct loop *loop;
    struct logger *log;
    unsigned threads;   /* -rpcthreads */
    size_t queue_depth; /* -rpcworkqueue; beyond it: 503 "Work queue depth exceeded" */
    int timeout_s;      /* idle connections are closed, -rpcservertimeout */
    size_t max_connections; /* beyond them the one that is idle for longest goes */
    size_t max_header, max_body;
    const struct subnet *allow; /* others get 403 */
    size_t n_allow;
};

/* A handler answers with http_reply exactly once, now or later. It runs on an HTTP
 * thread. */
typedef void http_handler(void *ctx, struct http_request *rq);

NODISCARD enum err http_server_new(struct http_server **out,
                                   const struct http_options *opt);
/* Paths that begin with (exact: equal) @path go to fn; the longest match wins. All of
 * them before the first bind. */
void http_server_route(struct http_server *s, const char *path, bool exact,
                       http_handler *fn, void *ctx);
void http_server_start(struct http_server *s); /* its threads */
/* Listens at one more address; requests come from here on. ERR_EXISTS: in use. */
NODISCARD enum err http_server_bind(struct http_server *s, const struct endpoint *at);
/* Refuses new requests, lets running handlers end, closes the listeners. */
void http_server_interrupt(struct http_server *s);
void http_server_free(struct http_server *s); /* waits for handlers; NULL is fine */

enum http_method http_method(const struct http_request *rq);
const char *http_path(const struct http_request *rq); /* with query, not decoded */
const char *http_header(const struct http_request *rq, const char *name); /* or NULL */
struct bytes http_body(const struct http_request *rq);
const struct endpoint *http_peer(const struct http_request *rq);
/* True when the client has gone (long polls look now and then). */
bool http_gone(const struct http_request *rq);

void http_set_header(struct http_request *rq, const char *name, const char *value);
/* Takes body's memory (it is empty after). Ends the request: rq is invalid then. */
void http_reply(struct http_request *rq, int status, struct buf *take_body);
void http_reply_text(struct http_request *rq, int status, const char *text);
/* The reply goes out first, then fn(arg) runs on the loop. (`stop` answers before it
 * stops.) */
void http_after_reply(struct http_request *rq, void (*fn)(void *arg), void *arg);

#endif
