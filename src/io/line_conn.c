#include "io/line_conn.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/mem.h"

struct line_conn {
    struct conn *conn;           /* owned */
    struct loop_timer *patience; /* owned */
    const struct line_events *events;
    void *ctx;
    size_t max_line;
    size_t left; /* bytes behind the line that is being handed over */
};

struct conn *line_release(struct line_conn *lc)
{
    struct conn *c = lc->conn;
    loop_timer_free(lc->patience);
    conn_recount(c, lc->left);
    free(lc);
    conn_poke(c);
    return c;
}

void line_close(struct line_conn *lc)
{
    if (lc)
        conn_close(line_release(lc));
}

static void fail(struct line_conn *lc, const char *why)
{
    const struct line_events *events = lc->events;
    void *ctx = lc->ctx;
    line_close(lc);
    events->closed(ctx, why);
}

static void on_impatience(void *arg)
{
    fail(arg, "no answer in time");
}

static void on_connected(struct conn *c, void *ctx)
{
    struct line_conn *lc = ctx;
    (void)c;
    lc->events->connected(lc->ctx);
}

/* One line a call, as the conversation may end or change hands with each. */
static size_t on_data(struct conn *c, void *ctx, const uint8_t *data, size_t len)
{
    struct line_conn *lc = ctx;
    const uint8_t *end = memchr(data, '\n', len);
    size_t n = end ? (size_t)(end - data) : len;
    if (n > lc->max_line) {
        fail(lc, "a line is too long");
        return 0;
    }
    if (!end)
        return 0;
    lc->left = len - (n + 1);
    if (lc->left > 0)
        conn_poke(c);
    struct buf line = {.secret = true};
    buf_append(&line, data, n > 0 && data[n - 1] == '\r' ? n - 1 : n);
    lc->events->line(lc->ctx, buf_cstr(&line));
    buf_clear(&line);
    return n + 1;
}

static void on_closed(struct conn *c, void *ctx, int why)
{
    (void)c;
    fail(ctx, why ? strerror(why) : "the other side hung up");
}

static const struct conn_handlers handlers = {
    .connected = on_connected,
    .data = on_data,
    .closed = on_closed,
};

struct line_conn *line_connect(struct loop *l, const struct endpoint *to,
                               int64_t timeout_ms, size_t max_line,
                               const struct line_events *ev, void *ctx)
{
    struct line_conn *lc = xcalloc(1, sizeof(*lc));
    lc->events = ev;
    lc->ctx = ctx;
    lc->max_line = max_line;
    lc->patience = loop_timer_new(l, on_impatience, lc);
    lc->conn = conn_connect(l, to, timeout_ms, &handlers, lc);
    conn_set_secret(lc->conn);
    return lc;
}

void line_send(struct line_conn *lc, const struct buf *text)
{
    conn_write(lc->conn, text->data, text->len);
}

void line_expect(struct line_conn *lc, int64_t timeout_ms)
{
    if (timeout_ms > 0)
        loop_timer_set(lc->patience, timeout_ms);
    else
        loop_timer_cancel(lc->patience);
}
