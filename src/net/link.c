#include "net/link.h"

#include <errno.h>
#include <stdlib.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

/* What a queued message costs beyond its payload. */
#define MESSAGE_OVERHEAD 128

static size_t on_data(struct conn *c, void *ctx, const uint8_t *data, size_t len);
static void on_sent(struct conn *c, void *ctx, size_t len);
static void on_closed(struct conn *c, void *ctx, int why);

static const struct conn_handlers handlers = {
    .data = on_data,
    .sent = on_sent,
    .closed = on_closed,
};

static void flush(void *arg);

/* With the lock: whether the caller must post a flush once it is released. */
static bool flush_wanted(struct link *l)
{
    bool post = !l->flush_posted && l->loop && l->out.len > 0;
    if (post)
        l->flush_posted = true;
    return post;
}

/* Octets of the output that belong together. */
struct span {
    uint32_t type; /* of message; NO_MESSAGE: the transport's own */
    uint32_t left; /* octets */
};
#define NO_MESSAGE UINT32_MAX

/* With the lock: they were appended to the output. */
static void add_span(struct link *l, uint32_t type, size_t len)
{
    struct span s = {type, (uint32_t)len};
    if (!len)
        return;
    buf_append(&l->spans, &s, sizeof(s));
    l->backlog += len;
}

static void begin(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    transport_begin(&l->transport, &l->out);
    add_span(l, NO_MESSAGE, l->out.len);
    bool post = flush_wanted(l);
    pthread_mutex_unlock(&l->lock);
    if (post)
        loop_post(l->loop, flush, link_ref(l));
}

struct link *link_new(const struct link_options *opt, struct conn *take_conn,
                      const struct link_events *events, void *ctx)
{
    struct link *l = xcalloc(1, sizeof(*l));
    l->refs = 1;
    l->loop = opt->loop;
    l->conn = take_conn;
    l->events = events;
    l->ctx = ctx;
    l->clock = opt->clock;
    l->log = opt->log;
    l->id = opt->id;
    l->max_queued = opt->max_queued;
    l->waiting_tail = &l->waiting;
    transport_init(&l->transport, opt->magic, opt->v2, opt->initiator);
    pthread_mutex_init(&l->lock, NULL);
    if (l->conn)
        conn_set_handlers(l->conn, &handlers, l);
    begin(l);
    return l;
}

struct link *link_ref(struct link *l)
{
    l->refs++;
    return l;
}

static void free_messages(struct message **list)
{
    while (*list) {
        struct message *m = *list;
        *list = m->next;
        message_free(m);
    }
}

static void drop_queue(struct link *l)
{
    free_messages(&l->head);
    l->tail = NULL;
    l->queued = 0;
    free_messages(&l->waiting);
    l->waiting_tail = &l->waiting;
}

void link_unref(struct link *l)
{
    if (!l || --l->refs > 0)
        return;
    ASSERT(!l->conn);
    drop_queue(l);
    transport_clear(&l->transport);
    buf_clear(&l->out);
    buf_clear(&l->spans);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void link_close(struct link *l)
{
    if (!l->conn)
        return;
    conn_close(l->conn);
    l->conn = NULL;
    pthread_mutex_lock(&l->lock);
    drop_queue(l);
    buf_clear(&l->out);
    pthread_mutex_unlock(&l->lock);
}

void link_counters_add(struct link_counters *sum, const struct link_counters *c)
{
    sum->sent += c->sent;
    sum->recv += c->recv;
    for (size_t i = 0; i <= MSG_COUNT; i++) {
        sum->sent_per_msg[i] += c->sent_per_msg[i];
        sum->recv_per_msg[i] += c->recv_per_msg[i];
    }
}

/* -- In ------------------------------------------------------------------- */

static void count_in(struct link *l, const struct message *m)
{
    l->count.recv_per_msg[m->type] += m->wire_size;
}

static void enqueue(struct link *l, struct message *take)
{
    take->time_us = clock_now_us(l->clock);
    pthread_mutex_lock(&l->lock);
    bool was_empty = !l->head;
    if (was_empty)
        l->head = take;
    else
        l->tail->next = take;
    l->tail = take;
    l->queued += take->payload.len + MESSAGE_OVERHEAD;
    l->paused = l->queued > l->max_queued;
    pthread_mutex_unlock(&l->lock);
    if (was_empty)
        l->events->message(l->ctx);
}

/* With the lock. */
static void put_message(struct link *l, const char *type, struct bytes payload)
{
    size_t n = transport_write(&l->transport, &l->out, type, payload);
    add_span(l, msg_type_find(type), n);
}

/* With the lock: what waited for the handshake goes out behind it. */
static void put_waiting(struct link *l)
{
    for (struct message *m = l->waiting; m; m = m->next) {
        put_message(l, m->name, buf_view(&m->payload));
    }
    free_messages(&l->waiting);
    l->waiting_tail = &l->waiting;
}

/* While the version is being detected, reading also makes what must be answered. */
static enum frame_result read_handshake(struct link *l, struct bytes *in,
                                        struct message **m, char note[FRAME_NOTE])
{
    pthread_mutex_lock(&l->lock);
    size_t before = l->out.len;
    enum frame_result r = transport_read(&l->transport, in, m, &l->out, note);
    add_span(l, NO_MESSAGE, l->out.len - before);
    if (transport_can_write(&l->transport))
        put_waiting(l);
    bool post = flush_wanted(l);
    pthread_mutex_unlock(&l->lock);
    if (post)
        loop_post(l->loop, flush, link_ref(l));
    return r;
}

static enum frame_result read_some(struct link *l, struct bytes *in, struct message **m,
                                   char note[FRAME_NOTE])
{
    if (l->transport.kind == TRANSPORT_DETECTING)
        return read_handshake(l, in, m, note);
    return transport_read(&l->transport, in, m, NULL, note);
}

enum transport_kind link_transport(struct link *l, struct hash256 *session_id)
{
    pthread_mutex_lock(&l->lock);
    enum transport_kind kind = l->transport.kind;
    *session_id = (struct hash256){{0}};
    if (kind == TRANSPORT_V2)
        memcpy(session_id->b, l->transport.cipher.session_id, sizeof(session_id->b));
    pthread_mutex_unlock(&l->lock);
    return kind;
}

size_t link_feed(struct link *l, const uint8_t *data, size_t len)
{
    struct bytes in = bytes_of(data, len);
    struct message *m;
    char note[FRAME_NOTE];
    while (in.len && !l->paused) {
        switch (read_some(l, &in, &m, note)) {
        case FRAME_MORE:
            break;
        case FRAME_MESSAGE:
            count_in(l, m);
            enqueue(l, m);
            break;
        case FRAME_DROPPED:
            log_debug(l->log, LOG_NET, "%s, peer=%lld", note, (long long)l->id);
            count_in(l, m);
            message_free(m);
            break;
        case FRAME_FATAL:
            log_debug(l->log, LOG_NET, "%s, peer=%lld", note, (long long)l->id);
            l->events->closed(l->ctx);
            return len;
        }
    }
    return len - in.len;
}

static size_t on_data(struct conn *c, void *ctx, const uint8_t *data, size_t len)
{
    /* A bad header closes the link from within; its owner may let go of it at once. */
    struct link *l = link_ref(ctx);
    l->count.recv = conn_bytes_in(c);
    l->count.last_recv = clock_now(l->clock);
    size_t used = link_feed(l, data, len);
    if (l->paused && l->conn)
        conn_pause(l->conn, true);
    link_unref(l);
    return used;
}

static void resume(void *arg)
{
    struct link *l = arg;
    if (l->conn) {
        conn_pause(l->conn, false);
        conn_poke(l->conn);
    }
    link_unref(l);
}

struct message *link_pop(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    struct message *m = l->head;
    bool wake = false;
    if (m) {
        l->head = m->next;
        m->next = NULL;
        l->queued -= m->payload.len + MESSAGE_OVERHEAD;
        wake = l->paused && l->queued <= l->max_queued / 2;
        if (wake)
            l->paused = false;
    }
    pthread_mutex_unlock(&l->lock);
    if (wake && l->loop)
        loop_post(l->loop, resume, link_ref(l));
    return m;
}

bool link_has_message(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    bool any = l->head != NULL;
    pthread_mutex_unlock(&l->lock);
    return any;
}

static void on_closed(struct conn *c, void *ctx, int why)
{
    struct link *l = ctx;
    l->retry_v1 =
        transport_should_retry_v1(&l->transport, conn_bytes_out(c), conn_bytes_in(c));
    if (why)
        log_debug(l->log, LOG_NET, "socket recv error for peer=%lld: %s",
                  (long long)l->id, strerror(why));
    else
        log_debug(l->log, LOG_NET, "socket closed for peer=%lld", (long long)l->id);
    l->events->closed(l->ctx);
}

/* -- Out ------------------------------------------------------------------ */

static void flush(void *arg)
{
    struct link *l = arg;
    struct buf out;
    pthread_mutex_lock(&l->lock);
    out = l->out;
    l->out = (struct buf){0};
    l->flush_posted = false;
    pthread_mutex_unlock(&l->lock);
    if (l->conn)
        conn_write_buf(l->conn, &out);
    buf_clear(&out);
    link_unref(l);
}

/* With the lock. */
static void wait_for_handshake(struct link *l, const char *type, struct bytes payload)
{
    struct message *m = xcalloc(1, sizeof(*m));
    memcpy(m->name, type, strnlen(type, FRAME_TYPE_SIZE));
    buf_append(&m->payload, payload.data, payload.len);
    *l->waiting_tail = m;
    l->waiting_tail = &m->next;
}

void link_send(struct link *l, const char *type, struct bytes payload)
{
    log_debug(l->log, LOG_NET, "sending %s (%zu bytes) peer=%lld", type, payload.len,
              (long long)l->id);
    pthread_mutex_lock(&l->lock);
    if (transport_can_write(&l->transport))
        put_message(l, type, payload);
    else
        wait_for_handshake(l, type, payload);
    bool post = flush_wanted(l);
    pthread_mutex_unlock(&l->lock);
    if (post)
        loop_post(l->loop, flush, link_ref(l));
}

/* With the lock. */
static struct span *next_span(struct link *l)
{
    ASSERT(l->spans_at < l->spans.len);
    return (struct span *)(void *)(l->spans.data + l->spans_at);
}

/* With the lock: forgets the spans that are done with, in bulk. */
static void drop_spans(struct link *l)
{
    if (l->spans_at < l->spans.len / 2 || !l->spans_at)
        return;
    l->spans.len -= l->spans_at;
    memmove(l->spans.data, l->spans.data + l->spans_at, l->spans.len);
    l->spans_at = 0;
}

void link_sent(struct link *l, size_t len)
{
    l->count.sent += len;
    l->count.last_send = clock_now(l->clock);
    pthread_mutex_lock(&l->lock);
    l->backlog -= len;
    while (len) {
        struct span *s = next_span(l);
        size_t n = len < s->left ? len : s->left;
        if (s->type != NO_MESSAGE)
            l->count.sent_per_msg[s->type] += n;
        s->left -= (uint32_t)n;
        len -= n;
        if (!s->left)
            l->spans_at += sizeof(*s);
    }
    drop_spans(l);
    pthread_mutex_unlock(&l->lock);
}

static void on_sent(struct conn *c, void *ctx, size_t len)
{
    struct link *l = ctx;
    (void)c;
    link_sent(l, len);
    if (!l->backlog)
        l->events->writable(l->ctx);
}
