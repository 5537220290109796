/* One peer's connection: a transport on the wire, a bounded queue of complete messages
 * on the way in, a buffer on the way out. Sockets are touched on the event loop only;
 * messages are taken and sent from any thread. When the queue is full the socket is not
 * read any more, so a peer that sends faster than we handle is slowed by TCP itself. */
#ifndef OCHRE_NET_LINK_H
#define OCHRE_NET_LINK_H

#include <pthread.h>

#include "io/conn.h"
#include "net/transport.h"

struct clock;
struct logger;

/* On the event loop. */
struct link_events {
    void (*message)(void *ctx);  /* the queue was empty and is not any more */
    void (*writable)(void *ctx); /* all output is with the kernel */
    /* Broken or closed by the other side, or the stream made no sense. Once; the owner
     * then calls link_close. */
    void (*closed)(void *ctx);
};

/* Sent is what the kernel took: a peer that stops reading is sent nothing. */
struct link_counters {
    _Atomic uint64_t sent, recv; /* octets */
    _Atomic uint64_t sent_per_msg[MSG_COUNT + 1], recv_per_msg[MSG_COUNT + 1];
    _Atomic int64_t last_send, last_recv; /* unix seconds; 0: never */
};

/* The traffic of one more connection. */
void link_counters_add(struct link_counters *sum, const struct link_counters *c);

struct link {
    _Atomic int refs;
    struct loop *loop;
    struct conn *conn; /* owned; the loop's; NULL: closed */
    const struct link_events *events;
    void *ctx;
    struct clock *clock;
    struct logger *log;
    int64_t id;    /* of the peer, for logs */
    bool retry_v1; /* the loop's: see transport_should_retry_v1 */
    /* What reading needs is the loop's; what writing needs is under the lock, and all
     * of it while the version is being detected. */
    struct transport transport;

    pthread_mutex_t lock;                    /* guards the rest */
    struct message *waiting, **waiting_tail; /* owned; until it can be written */
    struct message *head, *tail;             /* owned */
    size_t queued, max_queued;               /* octets of payload and heads */
    _Atomic bool paused;
    struct buf out;
    bool flush_posted;
    struct buf spans;       /* of the backlog: struct span, oldest first */
    size_t spans_at;        /* octets of spans that are done with */
    _Atomic size_t backlog; /* octets not with the kernel yet */
    struct link_counters count;
};

struct link_options {
    struct loop *loop;
    struct clock *clock;
    struct logger *log;
    const uint8_t *magic;
    size_t max_queued;
    int64_t id;
    bool v2;        /* transport_init */
    bool initiator; /* we called */
};

/* Takes the connection over (NULL: none, for tests). One reference. */
struct link *link_new(const struct link_options *opt, struct conn *take_conn,
                      const struct link_events *events, void *ctx);
struct link *link_ref(struct link *l);
void link_unref(struct link *l);
void link_close(struct link *l); /* on the loop; no event follows */

/* Any thread. */
void link_send(struct link *l, const char *type, struct bytes payload);
struct message *link_pop(struct link *l); /* NULL: nothing there; the caller frees */
bool link_has_message(struct link *l);
static inline size_t link_backlog(const struct link *l)
{
    return l->backlog;
}

/* Which transport, and in version 2 the session's id (else zeros). */
enum transport_kind link_transport(struct link *l, struct hash256 *session_id);

/* Feeds octets as the socket would; how many were used (all, unless the queue is full).
 */
size_t link_feed(struct link *l, const uint8_t *data, size_t len);
/* Counts octets of the backlog as taken by the kernel. */
void link_sent(struct link *l, size_t len);

#endif
