/* Any bytes on an HTTP connection, cut into pieces at will: every reply is well-formed, and the
 * server never reads or keeps more than it allows. */
#include "fuzz.h"

#include "../../src/io/http.c"

#define MAX_BODY 4096

/* In place of io/conn.c and io/loop.c: one connection, whose output is collected. */
struct conn {
    const struct conn_handlers *handlers;
    void *ctx;
    struct buf in, out;
    bool closed, paused, finishing;
    struct endpoint peer;
};
static bool poked;

void conn_close(struct conn *c)
{
    if (c)
        c->closed = true;
}

void conn_set_handlers(struct conn *c, const struct conn_handlers *h, void *ctx)
{
    c->handlers = h;
    c->ctx = ctx;
}

void conn_finish(struct conn *c)
{
    c->finishing = true;
}

void conn_write(struct conn *c, const void *data, size_t len)
{
    buf_append(&c->out, data, len);
}

void conn_write_buf(struct conn *c, struct buf *take_data)
{
    conn_write(c, take_data->data, take_data->len);
    buf_clear(take_data);
}

size_t conn_unsent(const struct conn *c)
{
    (void)c;
    return 0;
}

void conn_pause(struct conn *c, bool paused)
{
    c->paused = paused;
}

void conn_poke(struct conn *c)
{
    (void)c;
    poked = true;
}

void conn_set_input_limit(struct conn *c, size_t bytes)
{
    (void)c;
    (void)bytes;
}

void conn_set_secret(struct conn *c)
{
    (void)c;
}

const struct endpoint *conn_peer(const struct conn *c)
{
    return &c->peer;
}

enum err listener_open(struct listener **out, struct loop *l, const struct endpoint *at,
                       void (*accepted)(void *ctx, struct conn *c), void *ctx)
{
    (void)out, (void)l, (void)at, (void)accepted, (void)ctx;
    return ERR_UNSUPPORTED;
}

void listener_close(struct listener *ls)
{
    (void)ls;
}

void loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    (void)l;
    fn(arg);
}

void loop_call(struct loop *l, void (*fn)(void *arg), void *arg)
{
    (void)l;
    fn(arg);
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
    (void)l, (void)fn, (void)arg;
    return NULL;
}

void loop_timer_free(struct loop_timer *t)
{
    (void)t;
}

void loop_timer_set(struct loop_timer *t, int64_t delay_ms)
{
    (void)t, (void)delay_ms;
}

static void echo(void *ctx, struct http_request *rq)
{
    struct buf out = {0};
    (void)ctx;
    ASSERT(http_body(rq).len <= MAX_BODY);
    (void)http_header(rq, "Authorization");
    buf_append(&out, http_body(rq).data, http_body(rq).len);
    http_reply(rq, 200, &out);
}

/* What the workers would do. */
static void run_queue(struct http_server *s)
{
    while (s->first) {
        struct http_request *rq = s->first;
        s->first = rq->next;
        if (!s->first)
            s->last = &s->first;
        s->queued--;
        rq->route->fn(rq->route->ctx, rq);
    }
}

static void feed(struct http_server *s, struct conn *c, const uint8_t *data, size_t len)
{
    buf_append(&c->in, data, len);
    while (c->in.len > 0) {
        poked = false;
        size_t used = c->handlers->data(c, c->ctx, c->in.data, c->in.len);
        ASSERT(used <= c->in.len);
        c->in.len -= used;
        memmove(c->in.data, c->in.data + used, c->in.len);
        run_queue(s);
        if (!poked || c->finishing)
            break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct subnet any = {{0}, {0}};
    struct http_options opt = {.threads = 1, .queue_depth = 2, .timeout_s = 30,
                               .max_header = 512, .max_body = MAX_BODY, .allow = &any,
                               .n_allow = 1};
    struct http_server *s;
    struct conn c = {0};
    ASSERT(http_server_new(&s, &opt) == ERR_OK);
    http_server_route(s, "/", true, echo, NULL);
    on_accepted(s, &c);
    while (size > 0 && !c.finishing && !c.closed) {
        size_t n = 1 + data[0] * 4u; /* the first byte cuts the next piece */
        data++, size--;
        n = n < size ? n : size;
        feed(s, &c, data, n);
        data += n, size -= n;
    }
    ASSERT(c.out.len == 0 || (c.out.len > 12 && memcmp(c.out.data, "HTTP/1.1 ", 9) == 0));
    http_server_free(s);
    buf_clear(&c.in);
    buf_clear(&c.out);
    return 0;
}
