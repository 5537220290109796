/* Proxies as the user names them, and connections through them. */
#ifndef OCHRE_IO_PROXY_H
#define OCHRE_IO_PROXY_H

#include "io/conn.h"

struct logger;

#define PROXY_PATH_MAX 108 /* of a Unix socket, with its NUL */
#define PROXY_TEXT     (PROXY_PATH_MAX + 8)

struct proxy {
    bool set;
    bool randomize; /* every connection logs in with credentials of its own */
    char path[PROXY_PATH_MAX]; /* of a Unix socket; "": over TCP to @at */
    struct endpoint at;
};

/* "host", "host:port", "unix:/path". Names are resolved with @dns, which blocks. False:
 * nothing one can connect to. */
NODISCARD bool proxy_parse(struct proxy *out, const char *text, uint16_t default_port,
                           bool dns);
char *proxy_format(char out[PROXY_TEXT], const struct proxy *p); /* "": not set */
/* A plain connection to it. */
struct conn *proxy_connect(struct loop *l, const struct proxy *p, int64_t timeout_ms,
                           const struct conn_handlers *h, void *ctx);

/* -- Through a SOCKS5 proxy. On the loop's thread ------------------------- */

struct proxy_dial_options {
    struct loop *loop;
    struct logger *log;
    int64_t connect_timeout_ms; /* to reach the proxy */
    int64_t reply_timeout_ms;   /* for each of its replies */
};

struct proxy_dial_events {
    /* What the destination already sent comes through the new handlers' data(). */
    void (*connected)(void *ctx, struct conn *take);
    /* @proxy_down: the proxy itself could not be reached. */
    void (*failed)(void *ctx, bool proxy_down);
};

/* A connection on its way; gone before one of its events is called. */
struct proxy_dial;
struct proxy_dial *proxy_dial(const struct proxy_dial_options *opt,
                              const struct proxy *p, const char *host, uint16_t port,
                              const struct proxy_dial_events *ev, void *ctx);
void proxy_dial_cancel(struct proxy_dial *d); /* no event follows */

#endif
