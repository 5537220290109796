/* The controller of Tor in two files: tor_auth.c makes itself known to it,
 * tor_control.c does the rest. */
#ifndef OCHRE_NET_TOR_INTERNAL_H
#define OCHRE_NET_TOR_INTERNAL_H

#include "io/line_conn.h"
#include "net/file_job.h"
#include "net/tor_control.h"
#include "net/tor_reply.h"

#define TOR_COOKIE_SIZE 32
#define TOR_NONCE_SIZE  32
#define TOR_REPLY_MS    60000 /* publishing a service may take its time */
#define TOR_MAX_WAITING 2     /* commands sent ahead of their replies */

typedef void tor_handler(struct tor *t, const struct tor_reply *r);

struct tor {
    struct net *net;
    struct line_conn *link;   /* owned; NULL: not connected */
    struct loop_timer *again; /* owned */
    int64_t pause_ms;         /* before the next attempt */
    struct tor_reply reply;   /* that is coming in */
    tor_handler *waiting[TOR_MAX_WAITING];
    size_t n_waiting;
    uint64_t session; /* counts connections: what belongs to an old one is dropped */
    uint64_t cookie_session; /* the one that the cookie is read for */
    uint8_t *cookie;         /* owned secret; TOR_COOKIE_SIZE */
    uint8_t nonce[TOR_NONCE_SIZE];
    char *key_path;         /* owned */
    char *key;              /* owned secret; NULL: none yet */
    struct endpoint target; /* where callers are to be brought */
    struct endpoint control;
    bool control_known;
    struct netaddr service; /* network 0: not announced */
};

static inline struct logger *tor_log(const struct tor *t)
{
    return t->net->log;
}

/* Sends a command, @take_text without its line end; @done gets the reply. */
void tor_command(struct tor *t, tor_handler *done, struct buf *take_text);
void tor_simple_command(struct tor *t, tor_handler *done, const char *text);
struct buf tor_text(const char *text); /* a secret buffer that begins so */
void tor_hang_up(struct tor *t);       /* and calls again later */

/* tor_auth.c: once connected; ends in tor_authenticated or in tor_hang_up. */
void tor_authenticate(struct tor *t);
tor_handler tor_authenticated;

#endif
