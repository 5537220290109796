#include "net/i2p_stream.h"

#include <stdlib.h>

#include "io/line_conn.h"
#include "net/sam.h"

enum step {
    AWAITING,   /* the session */
    GREETING,   /* HELLO was said */
    LOOKING_UP, /* the peer's destination by its address */
    CONNECTING,
    ACCEPTING, /* asked for a caller */
    LISTENING, /* the caller's destination comes as a line */
};

struct i2p_stream {
    struct i2p_waiter waiter; /* first */
    struct i2p_session *session;
    struct line_conn *link; /* owned; NULL: the session is awaited */
    enum step step;
    bool incoming;
    struct netaddr to;
    const struct i2p_stream_events *events;
    void *ctx;
};

static struct logger *log_of(const struct i2p_stream *st)
{
    return i2p_session_net(st->session)->log;
}

void i2p_cancel(struct i2p_stream *st)
{
    if (!st)
        return;
    if (st->step == AWAITING)
        i2p_session_forget(st->session, &st->waiter);
    line_close(st->link);
    free(st);
}

static void report(const struct i2p_stream *st, const char *why)
{
    char text[NETADDR_TEXT];
    if (!st->incoming)
        log_debug(log_of(st), LOG_I2P, "Error connecting to %s: %s",
                  netaddr_format(text, &st->to, true), why);
    else if (st->step == LISTENING)
        log_debug(log_of(st), LOG_I2P, "Error accepting: %s", why);
    else
        log_warning(log_of(st), "i2p: Couldn't listen: %s", why);
}

static void give_up(struct i2p_stream *st, const char *why, bool peers_fault)
{
    const struct i2p_stream_events *events = st->events;
    void *ctx = st->ctx;
    report(st, why);
    i2p_cancel(st);
    events->failed(ctx, peers_fault);
}

static void succeed(struct i2p_stream *st, const struct netaddr *peer)
{
    const struct i2p_stream_events *events = st->events;
    struct netaddr from = *peer;
    void *ctx = st->ctx;
    struct conn *c = line_release(st->link);
    free(st);
    events->connected(ctx, c, &from);
}

/* -- The bridge's answers ------------------------------------------------- */

static void on_greeting(struct i2p_stream *st, const char *line)
{
    char text[NETADDR_TEXT];
    if (!sam_result_is(line, "OK")) {
        give_up(st, "the bridge does not speak SAM 3.1", false);
    } else if (st->incoming) {
        st->step = ACCEPTING;
        i2p_ask(st->link, "STREAM ACCEPT ID=%s SILENT=false",
                i2p_session_id(st->session));
    } else {
        st->step = LOOKING_UP;
        i2p_ask(st->link, "NAMING LOOKUP NAME=%s",
                netaddr_format(text, &st->to, false));
    }
}

static void on_looked_up(struct i2p_stream *st, const char *line)
{
    struct buf destination = {0};
    if (sam_result_is(line, "OK") && sam_value(&destination, line, "VALUE")) {
        st->step = CONNECTING;
        i2p_ask(st->link, "STREAM CONNECT ID=%s DESTINATION=%s SILENT=false",
                i2p_session_id(st->session), buf_cstr(&destination));
    } else {
        give_up(st, line, false);
    }
    buf_clear(&destination);
}

/* The session that the bridge does not know any more is no use to anyone. */
static void check_session(struct i2p_stream *st, const char *line)
{
    if (sam_result_is(line, "INVALID_ID") || sam_result_is(line, "I2P_ERROR"))
        i2p_session_break(st->session);
}

static void on_connected_through(struct i2p_stream *st, const char *line)
{
    if (sam_result_is(line, "OK")) {
        succeed(st, &st->to);
        return;
    }
    if (sam_result_is(line, "INVALID_ID"))
        i2p_session_break(st->session);
    give_up(st, line,
            sam_result_is(line, "CANT_REACH_PEER") || sam_result_is(line, "TIMEOUT"));
}

static void on_accepting(struct i2p_stream *st, const char *line)
{
    if (!sam_result_is(line, "OK")) {
        check_session(st, line);
        give_up(st, line, false);
        return;
    }
    st->step = LISTENING;
    line_expect(st->link, 0);
    if (st->events->listening)
        st->events->listening(st->ctx);
}

/* The caller's destination, or that there is no session any more. */
static void on_caller(struct i2p_stream *st, const char *line)
{
    struct netaddr peer;
    if (sam_address_parse(&peer, line)) {
        succeed(st, &peer);
        return;
    }
    check_session(st, line);
    give_up(st, line, false);
}

static void on_line(void *ctx, const char *line)
{
    static void (*const steps[])(struct i2p_stream *, const char *) = {
        [GREETING] = on_greeting,
        [LOOKING_UP] = on_looked_up,
        [CONNECTING] = on_connected_through,
        [ACCEPTING] = on_accepting,
        [LISTENING] = on_caller,
    };
    struct i2p_stream *st = ctx;
    steps[st->step](st, line);
}

static void on_connected(void *ctx)
{
    struct i2p_stream *st = ctx;
    i2p_ask(st->link, "HELLO VERSION MIN=3.1 MAX=3.1");
}

static void on_closed(void *ctx, const char *why)
{
    struct i2p_stream *st = ctx;
    st->link = NULL;
    give_up(st, why, false);
}

static const struct line_events line_events = {
    .connected = on_connected,
    .line = on_line,
    .closed = on_closed,
};

/* -- Beginning ------------------------------------------------------------ */

static void session_ready(struct i2p_waiter *w)
{
    struct i2p_stream *st = (struct i2p_stream *)w;
    st->step = GREETING;
    st->link = i2p_dial_bridge(i2p_session_net(st->session), &line_events, st);
}

static void session_failed(struct i2p_waiter *w, const char *why)
{
    give_up((struct i2p_stream *)w, why, false);
}

static struct i2p_stream *begin(struct i2p_stream *st)
{
    st->waiter.ready = session_ready;
    st->waiter.failed = session_failed;
    i2p_session_wait(st->session, &st->waiter);
    return st;
}

struct i2p_stream *i2p_connect(struct i2p_session *s, const struct netaddr *to,
                               const struct i2p_stream_events *ev, void *ctx)
{
    struct i2p_stream *st = xcalloc(1, sizeof(*st));
    st->session = s;
    st->to = *to;
    st->events = ev;
    st->ctx = ctx;
    return begin(st);
}

struct i2p_stream *i2p_accept(struct i2p_session *s, const struct i2p_stream_events *ev,
                              void *ctx)
{
    struct i2p_stream *st = xcalloc(1, sizeof(*st));
    st->session = s;
    st->incoming = true;
    st->events = ev;
    st->ctx = ctx;
    return begin(st);
}
