/* What the files of the HTTP server share.
 *
 * A connection carries one request at a time: what a client pipelines waits unread.
 * Requests and connections belong to the loop's thread, but for a request between its
 * hand-over to a worker and http_reply, when it belongs to the handler. */
#ifndef OCHRE_IO_HTTP_INTERNAL_H
#define OCHRE_IO_HTTP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <time.h>

#include "io/http.h"

#define HTTP_MAX_LISTENERS 64
#define HTTP_MAX_ROUTES    8

struct http_route {
    const char *path;
    bool exact;
    http_handler *fn;
    void *ctx;
};

struct hconn;

struct http_worker {
    struct http_server *server;
    pthread_t thread;
    pthread_cond_t wake;
    bool asleep;
    struct http_worker *next_idle;
};

struct http_server {
    struct http_options opt;
    struct subnet *allow; /* owned */
    struct listener *listeners[HTTP_MAX_LISTENERS];
    size_t n_listeners;
    struct http_route routes[HTTP_MAX_ROUTES];
    size_t n_routes;
    struct hconn *conns; /* list */
    size_t n_conns;
    struct loop_timer *sweep;
    bool sweeping;
    time_t date_of;
    char date[40];
    /* Work queue, under lock */
    pthread_mutex_t lock;
    pthread_cond_t settled;
    struct http_worker *workers; /* owned */
    unsigned n_workers;
    /* A list; the one that ran last is woken first, its caches are warm. */
    struct http_worker *idle;
    struct http_request *first, **last;
    size_t queued;
    size_t pending; /* requests handed over and not yet replied to */
    bool stop;
};

enum http_state {
    READ_HEAD,
    READ_BODY,
    READ_CHUNK_SIZE,
    READ_CHUNK,
    READ_CHUNK_END,
    READ_TRAILER,
    BUSY, /* the request is with a handler */
};

struct hconn {
    struct http_server *server;
    struct conn *conn; /* NULL when it has gone while a handler was busy */
    struct hconn *next, **link;
    struct http_request *rq; /* that is being read or handled */
    enum http_state state;
    size_t left;         /* of the body or chunk */
    int64_t last_active; /* steady us */
    bool close_after;
    bool pipelined; /* more stands unread, and reading is paused */
    void (*after)(void *arg);
    void *after_arg;
};

struct http_field {
    char *name, *value;
};

struct http_request {
    struct http_server *server;
    struct hconn *hc;
    struct http_request *next; /* in the work queue */
    struct endpoint peer;
    char *head; /* owned; method, path and headers point into it */
    char *method, *path;
    struct http_field *headers; /* owned */
    size_t n_headers;
    struct buf body;
    bool http10;
    const struct http_route *route;
    /* The reply */
    struct buf extra; /* header lines */
    struct buf reply;
    int status;
    void (*after)(void *arg);
    void *after_arg;
    atomic_bool gone;
};

void http_free_request(struct http_request *rq);
/* Whether a header has this value, in any case. @value may be NULL. */
bool http_is_token(const char *value, const char *token);

/* -- Reading (http_read.c) ------------------------------------------------ */

/* Reads one request of what has come, up to a change of state; the connection is not
 * BUSY. Returns how many bytes it used; 0 means that it needs more. *status is set when
 * the request must be refused with it. */
size_t http_read(struct hconn *hc, const uint8_t *data, size_t len, int *status);
/* The request and its body have come whole. */
bool http_is_complete(const struct hconn *hc);

/* -- Workers run the handlers of queued requests (http_workers.c) ---------- */

/* Ends the workers once they have nothing left to do; wait with http_workers_join. */
void http_workers_stop(struct http_server *s);
void http_workers_join(struct http_server *s);
/* Counts the request as pending. False: the queue is full, or the server stops. */
bool http_enqueue(struct http_server *s, struct http_request *rq);
/* A request to be answered without a worker is pending, too. */
void http_add_pending(struct http_server *s);
void http_settle(struct http_server *s);
void http_wait_settled(struct http_server *s);

#endif
