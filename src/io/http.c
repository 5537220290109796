#include "io/http_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

#define SWEEP_MS 1000
/* Bodies up to this go out in one piece with the head. */
#define JOIN_BODY (32u << 10)

/* -- Requests ------------------------------------------------------------- */

void http_free_request(struct http_request *rq)
{
    free(rq->head);
    free(rq->headers);
    buf_clear(&rq->body);
    buf_clear(&rq->extra);
    buf_clear(&rq->reply);
    free(rq);
}

enum http_method http_method(const struct http_request *rq)
{
    static const char *const names[] = {"GET", "POST", "PUT", "HEAD"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(rq->method, names[i]) == 0)
            return (enum http_method)i;
    return HTTP_OTHER;
}

const char *http_path(const struct http_request *rq)
{
    return rq->path;
}

const char *http_header(const struct http_request *rq, const char *name)
{
    for (size_t i = 0; i < rq->n_headers; i++)
        if (strcasecmp(rq->headers[i].name, name) == 0)
            return rq->headers[i].value;
    return NULL;
}

struct bytes http_body(const struct http_request *rq)
{
    return buf_view(&rq->body);
}

const struct endpoint *http_peer(const struct http_request *rq)
{
    return &rq->peer;
}

bool http_gone(const struct http_request *rq)
{
    return atomic_load(&rq->gone);
}

void http_set_header(struct http_request *rq, const char *name, const char *value)
{
    buf_printf(&rq->extra, "%s: %s\r\n", name, value);
}

void http_after_reply(struct http_request *rq, void (*fn)(void *arg), void *arg)
{
    rq->after = fn;
    rq->after_arg = arg;
}

/* -- Replies -------------------------------------------------------------- */

static const char *status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        {200, "OK"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {413, "Request Entity Too Large"},
        {417, "Expectation Failed"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "Unknown";
}

/* The date of replies, made once a second. */
static const char *date_text(struct http_server *s)
{
    struct tm tm;
    time_t now = time(NULL);
    if (now != s->date_of) {
        gmtime_r(&now, &tm);
        strftime(s->date, sizeof(s->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        s->date_of = now;
    }
    return s->date;
}

static void put_head(struct http_server *s, struct buf *out, int status,
                     const struct buf *extra, size_t body, bool close)
{
    buf_printf(out, "HTTP/1.1 %d %s\r\n", status, status_text(status));
    if (extra)
        buf_append(out, extra->data, extra->len);
    buf_printf(out, "Date: %s\r\n", date_text(s));
    if (status != 204)
        buf_printf(out, "Content-Length: %zu\r\n", body);
    if (close)
        buf_append_str(out, "Connection: close\r\n");
    buf_append_str(out, "\r\n");
}

static void run_after(struct hconn *hc)
{
    void (*fn)(void *arg) = hc->after;
    hc->after = NULL;
    if (fn)
        fn(hc->after_arg);
}

static void remove_hconn(struct hconn *hc)
{
    *hc->link = hc->next;
    if (hc->next)
        hc->next->link = hc->link;
    hc->server->n_conns--;
    free(hc);
}

/* The client has gone or must go. A busy handler keeps the rest until its reply. */
static void drop(struct hconn *hc)
{
    conn_close(hc->conn);
    hc->conn = NULL;
    run_after(hc);
    if (hc->state == BUSY) {
        atomic_store(&hc->rq->gone, true);
        return;
    }
    if (hc->rq)
        http_free_request(hc->rq);
    remove_hconn(hc);
}

static void send_reply(struct hconn *hc, int status, const struct buf *extra,
                       struct buf *body, bool head_only)
{
    struct buf head = {.secret = true};
    size_t len = body ? body->len : 0;
    put_head(hc->server, &head, status, extra, len, hc->close_after);
    if (head_only)
        len = 0;
    if (len > 0 && len <= JOIN_BODY)
        buf_append(&head, body->data, len);
    conn_write_buf(hc->conn, &head);
    if (len > JOIN_BODY)
        conn_write_buf(hc->conn, body);
    hc->last_active = clock_steady_us();
    if (conn_unsent(hc->conn) == 0)
        run_after(hc);
    if (hc->close_after) {
        conn_finish(hc->conn);
    } else if (hc->pipelined) {
        hc->pipelined = false;
        conn_pause(hc->conn, false);
        conn_poke(hc->conn);
    }
}

/* For what never reaches a handler; the connection ends with it. */
static void refuse(struct hconn *hc, int status)
{
    hc->close_after = true;
    send_reply(hc, status, NULL, NULL, false);
}

static void finish_request(void *arg)
{
    struct http_request *rq = arg;
    struct hconn *hc = rq->hc;
    hc->rq = NULL;
    hc->state = READ_HEAD;
    hc->after = rq->after;
    hc->after_arg = rq->after_arg;
    if (hc->conn) {
        send_reply(hc, rq->status, &rq->extra, &rq->reply,
                   http_method(rq) == HTTP_HEAD);
    } else {
        run_after(hc);
        remove_hconn(hc);
    }
    struct http_server *s = rq->server;
    http_free_request(rq);
    http_settle(s);
}

void http_reply(struct http_request *rq, int status, struct buf *take_body)
{
    rq->status = status;
    if (take_body) {
        rq->reply = *take_body;
        buf_init(take_body);
    }
    loop_post(rq->server->opt.loop, finish_request, rq);
}

void http_reply_text(struct http_request *rq, int status, const char *text)
{
    struct buf body = {0};
    buf_append_str(&body, text);
    http_reply(rq, status, &body);
}

/* -- Dispatch ------------------------------------------------------------- */

static const struct http_route *find_route(const struct http_server *s,
                                           const char *path)
{
    const struct http_route *best = NULL;
    for (size_t i = 0; i < s->n_routes; i++) {
        const struct http_route *r = &s->routes[i];
        size_t n = strlen(r->path);
        if (strncmp(path, r->path, n) != 0 || (r->exact && path[n] != 0))
            continue;
        if (!best || n > strlen(best->path))
            best = r;
    }
    return best;
}

static bool allowed(const struct http_server *s, const struct endpoint *e)
{
    for (size_t i = 0; i < s->opt.n_allow; i++)
        if (subnet_contains(&s->allow[i], e))
            return true;
    return false;
}

/* The request is complete: to a handler, or answered here. */
static void dispatch(struct hconn *hc)
{
    struct http_server *s = hc->server;
    struct http_request *rq = hc->rq;
    const char *connection = http_header(rq, "Connection");
    char from[ENDPOINT_TEXT];
    hc->state = BUSY;
    hc->close_after = http_is_token(connection, "close") ||
                      (rq->http10 && !http_is_token(connection, "keep-alive"));
    log_debug(s->opt.log, LOG_HTTP, "Received a %s request for %.256s from %s",
              rq->method, rq->path, endpoint_format(from, &rq->peer, true));
    rq->route = find_route(s, rq->path);
    int status = !allowed(s, &rq->peer)          ? 403
                 : http_method(rq) == HTTP_OTHER ? 405
                 : !rq->route                    ? 404
                                                 : 0;
    if (status == 0 && http_enqueue(s, rq))
        return;
    if (status == 0) {
        log_warning(s->opt.log,
                    "request rejected because http work queue depth exceeded, it "
                    "can be increased with the -rpcworkqueue= setting");
        http_reply_text(rq, 503, "Work queue depth exceeded");
        return;
    }
    if (status == 403)
        log_debug(
            s->opt.log, LOG_HTTP,
            "HTTP request from %s rejected: Client network is not allowed RPC access",
            endpoint_format(from, &rq->peer, true));
    http_add_pending(s);
    http_reply(rq, status, NULL);
}

static size_t on_data(struct conn *c, void *ctx, const uint8_t *data, size_t len)
{
    struct hconn *hc = ctx;
    size_t used = 0;
    while (hc->state != BUSY && !hc->close_after) {
        int status = 0;
        size_t n = http_read(hc, data + used, len - used, &status);
        used += n;
        if (status != 0) {
            refuse(hc, status);
            return len;
        }
        if (http_is_complete(hc))
            dispatch(hc);
        else if (n == 0)
            break;
    }
    if (used > 0) /* a head must come whole within the time */
        hc->last_active = clock_steady_us();
    if (hc->state == BUSY && used < len) {
        hc->pipelined = true;
        conn_pause(c, true);
    }
    return used;
}

static void on_drained(struct conn *c, void *ctx)
{
    (void)c;
    run_after(ctx);
}

static void on_closed(struct conn *c, void *ctx, int why)
{
    (void)c;
    (void)why;
    drop(ctx);
}

/* -- Connections ---------------------------------------------------------- */

static void sweep(void *arg)
{
    struct http_server *s = arg;
    int64_t oldest = clock_steady_us() - (int64_t)s->opt.timeout_s * 1000000;
    for (struct hconn *hc = s->conns, *next; hc; hc = next) {
        next = hc->next;
        if (hc->state != BUSY && hc->conn && hc->last_active < oldest)
            drop(hc);
    }
    s->sweeping = s->conns != NULL;
    if (s->sweeping)
        loop_timer_set(s->sweep, SWEEP_MS);
}

/* Whoever has waited longest goes, unless a handler is at work for it. */
static void make_room(struct http_server *s)
{
    struct hconn *idle = NULL;
    if (s->n_conns < s->opt.max_connections)
        return;
    for (struct hconn *hc = s->conns; hc; hc = hc->next)
        if (hc->state != BUSY && hc->conn &&
            (!idle || hc->last_active < idle->last_active))
            idle = hc;
    if (idle)
        drop(idle);
}

static void on_accepted(void *ctx, struct conn *c)
{
    static const struct conn_handlers handlers = {
        .data = on_data, .drained = on_drained, .closed = on_closed};
    struct http_server *s = ctx;
    make_room(s);
    struct hconn *hc = xcalloc(1, sizeof(*hc));
    s->n_conns++;
    hc->server = s;
    hc->conn = c;
    hc->last_active = clock_steady_us();
    hc->next = s->conns;
    hc->link = &s->conns;
    if (hc->next)
        hc->next->link = &hc->next;
    s->conns = hc;
    conn_set_secret(c);
    conn_set_input_limit(c, s->opt.max_header + (1u << 20));
    conn_set_handlers(c, &handlers, hc);
    if (!s->sweeping) {
        s->sweeping = true;
        loop_timer_set(s->sweep, SWEEP_MS);
    }
}

/* -- Server --------------------------------------------------------------- */

enum err http_server_new(struct http_server **out, const struct http_options *opt)
{
    struct http_server *s = xcalloc(1, sizeof(*s));
    s->opt = *opt;
    s->allow = xmemdup(opt->allow, opt->n_allow * sizeof(*opt->allow));
    s->last = &s->first;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->settled, NULL);
    s->sweep = loop_timer_new(opt->loop, sweep, s);
    *out = s;
    return ERR_OK;
}

struct bind_call {
    struct http_server *server;
    const struct endpoint *at;
    enum err result;
    int why;
};

static void bind_on_loop(void *arg)
{
    struct bind_call *c = arg;
    struct http_server *s = c->server;
    c->result = ERR_FULL;
    if (s->n_listeners < HTTP_MAX_LISTENERS)
        c->result = listener_open(&s->listeners[s->n_listeners], s->opt.loop, c->at,
                                  on_accepted, s);
    c->why = errno;
    if (c->result == ERR_OK)
        s->n_listeners++;
}

enum err http_server_bind(struct http_server *s, const struct endpoint *at)
{
    struct bind_call c = {s, at, ERR_OK, 0};
    loop_call(s->opt.loop, bind_on_loop, &c);
    errno = c.why;
    return c.result;
}

void http_server_route(struct http_server *s, const char *path, bool exact,
                       http_handler *fn, void *ctx)
{
    ASSERT(s->n_routes < HTTP_MAX_ROUTES);
    s->routes[s->n_routes++] = (struct http_route){path, exact, fn, ctx};
}

static void close_listeners(void *arg)
{
    struct http_server *s = arg;
    for (size_t i = 0; i < s->n_listeners; i++)
        listener_close(s->listeners[i]);
    s->n_listeners = 0;
}

void http_server_interrupt(struct http_server *s)
{
    loop_call(s->opt.loop, close_listeners, s);
    http_workers_stop(s);
}

/* A request that was refused a moment ago still holds its connection's record until
 * its reply is due. */
static void close_all(void *arg)
{
    struct http_server *s = arg;
    struct hconn *next;
    for (struct hconn *hc = s->conns; hc; hc = next) {
        next = hc->next;
        if (hc->conn)
            drop(hc);
    }
    loop_timer_free(s->sweep);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    http_server_interrupt(s);
    http_workers_join(s);
    http_wait_settled(s);
    loop_call(s->opt.loop, close_all, s);
    http_wait_settled(s); /* of those that came between the two */
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->settled);
    free(s->allow);
    free(s);
}
