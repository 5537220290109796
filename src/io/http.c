/* A connection carries one request at a time: what a client pipelines waits unread.
 * Requests and connections belong to the loop's thread, but for a request between its
 * hand-over to a worker and http_reply, when it belongs to the handler. */
#include "io/http.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

#define SWEEP_MS 1000
/* Bodies up to this go out in one piece with the head. */
#define JOIN_BODY      (32u << 10)
#define MAX_LISTENERS  64
#define MAX_ROUTES     8
#define MAX_CHUNK_LINE 256

struct route {
    const char *path;
    bool exact;
    http_handler *fn;
    void *ctx;
};

struct hconn;

struct worker {
    struct http_server *server;
    pthread_t thread;
    pthread_cond_t wake;
    bool asleep;
    struct worker *next_idle;
};

struct http_server {
    struct http_options opt;
    struct subnet *allow; /* owned */
    struct listener *listeners[MAX_LISTENERS];
    size_t n_listeners;
    struct route routes[MAX_ROUTES];
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
    struct worker *workers; /* owned */
    unsigned n_workers;
    struct worker
        *idle; /* list; the one that ran last is woken first, its caches are warm */
    struct http_request *first, **last;
    size_t queued;
    size_t pending; /* requests handed over and not yet replied to */
    bool stop;
};

enum body_state {
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
    enum body_state state;
    size_t left;         /* of the body or chunk */
    int64_t last_active; /* steady us */
    bool close_after;
    bool pipelined; /* more stands unread, and reading is paused */
    void (*after)(void *arg);
    void *after_arg;
};

struct header {
    char *name, *value;
};

struct http_request {
    struct http_server *server;
    struct hconn *hc;
    struct http_request *next; /* in the work queue */
    struct endpoint peer;
    char *head; /* owned; method, path and headers point into it */
    char *method, *path;
    struct header *headers; /* owned */
    size_t n_headers;
    struct buf body;
    bool http10;
    const struct route *route;
    /* The reply */
    struct buf extra; /* header lines */
    struct buf reply;
    int status;
    void (*after)(void *arg);
    void *after_arg;
    atomic_bool gone;
};

/* -- Requests ------------------------------------------------------------- */

static void free_request(struct http_request *rq)
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
        free_request(hc->rq);
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
    free_request(rq);
    pthread_mutex_lock(&s->lock);
    s->pending--;
    pthread_cond_broadcast(&s->settled);
    pthread_mutex_unlock(&s->lock);
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

/* -- Work queue ----------------------------------------------------------- */

/* Under the lock. Until there is work or the end. */
static void sleep_for_work(struct worker *w)
{
    struct http_server *s = w->server;
    w->asleep = true;
    w->next_idle = s->idle;
    s->idle = w;
    while (w->asleep && !s->stop)
        pthread_cond_wait(&w->wake, &s->lock);
}

static struct http_request *next_request(struct worker *w)
{
    struct http_server *s = w->server;
    pthread_mutex_lock(&s->lock);
    while (!s->first && !s->stop)
        sleep_for_work(w);
    struct http_request *rq = s->first;
    if (rq) {
        s->first = rq->next;
        if (!s->first)
            s->last = &s->first;
        s->queued--;
    }
    pthread_mutex_unlock(&s->lock);
    return rq;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct http_request *rq;
    log_thread_name("httpworker");
    while ((rq = next_request(w)) != NULL)
        rq->route->fn(rq->route->ctx, rq);
    return NULL;
}

/* False: the queue is full. */
static bool enqueue(struct http_server *s, struct http_request *rq)
{
    struct worker *w = NULL;
    pthread_mutex_lock(&s->lock);
    bool room = s->queued < s->opt.queue_depth && !s->stop;
    s->pending++;
    if (room) {
        rq->next = NULL;
        *s->last = rq;
        s->last = &rq->next;
        s->queued++;
        w = s->idle;
    }
    if (w) {
        s->idle = w->next_idle;
        w->asleep = false;
    }
    pthread_mutex_unlock(&s->lock);
    if (w)
        pthread_cond_signal(&w->wake); /* unlocked: it need not wait for us */
    return room;
}

static const struct route *find_route(const struct http_server *s, const char *path)
{
    const struct route *best = NULL;
    for (size_t i = 0; i < s->n_routes; i++) {
        const struct route *r = &s->routes[i];
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

static bool is_token(const char *value, const char *token)
{
    return value && strcasecmp(value, token) == 0;
}

/* The request is complete: to a handler, or answered here. */
static void dispatch(struct hconn *hc)
{
    struct http_server *s = hc->server;
    struct http_request *rq = hc->rq;
    const char *connection = http_header(rq, "Connection");
    char from[ENDPOINT_TEXT];
    hc->state = BUSY;
    hc->close_after = is_token(connection, "close") ||
                      (rq->http10 && !is_token(connection, "keep-alive"));
    log_debug(s->opt.log, LOG_HTTP, "Received a %s request for %.256s from %s",
              rq->method, rq->path, endpoint_format(from, &rq->peer, true));
    rq->route = find_route(s, rq->path);
    int status = !allowed(s, &rq->peer)          ? 403
                 : http_method(rq) == HTTP_OTHER ? 405
                 : !rq->route                    ? 404
                                                 : 0;
    if (status == 0 && enqueue(s, rq))
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
    pthread_mutex_lock(&s->lock);
    s->pending++;
    pthread_mutex_unlock(&s->lock);
    http_reply(rq, status, NULL);
}

/* -- Reading -------------------------------------------------------------- */

static char *next_line(char **at)
{
    char *line = *at, *end = strstr(line, "\r\n");
    if (!end)
        return NULL;
    *end = 0;
    *at = end + 2;
    return line;
}

static bool parse_request_line(struct http_request *rq, char *line)
{
    char *save = NULL;
    rq->method = strtok_r(line, " ", &save);
    rq->path = strtok_r(NULL, " ", &save);
    const char *version = strtok_r(NULL, " ", &save);
    if (!version || strncmp(version, "HTTP/1.", 7) != 0 || strtok_r(NULL, " ", &save))
        return false;
    rq->http10 = version[7] == '0';
    return rq->path[0] == '/' || strcmp(rq->path, "*") == 0;
}

static bool parse_header(struct http_request *rq, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon || colon == line || isspace((unsigned char)colon[-1]))
        return false;
    *colon++ = 0;
    colon += strspn(colon, " \t");
    size_t n = strlen(colon);
    while (n > 0 && isspace((unsigned char)colon[n - 1]))
        colon[--n] = 0;
    rq->headers = xrealloc_array(rq->headers, rq->n_headers + 1, sizeof(*rq->headers));
    rq->headers[rq->n_headers++] = (struct header){line, colon};
    return true;
}

static bool parse_head(struct http_request *rq, const uint8_t *data, size_t len)
{
    rq->head = xmalloc(len + 1);
    memcpy(rq->head, data, len);
    rq->head[len] = 0;
    char *at = rq->head, *line = next_line(&at);
    if (memchr(data, 0, len) || !line || !parse_request_line(rq, line))
        return false;
    while ((line = next_line(&at)) != NULL && line[0] != 0)
        if (!parse_header(rq, line))
            return false;
    return line != NULL;
}

/* What follows the head. 0, or the status to refuse with. */
static int expect_body(struct hconn *hc)
{
    const char *length = http_header(hc->rq, "Content-Length");
    const char *encoding = http_header(hc->rq, "Transfer-Encoding");
    const char *expect = http_header(hc->rq, "Expect");
    hc->left = 0;
    hc->state = READ_BODY;
    if (encoding) {
        if (!is_token(encoding, "chunked"))
            return 400;
        hc->state = READ_CHUNK_SIZE;
    } else if (length) {
        size_t digits = strspn(length, "0123456789");
        if (digits == 0 || digits > 18 || length[digits] != 0)
            return 400;
        hc->left = (size_t)strtoull(length, NULL, 10);
        if (hc->left > hc->server->opt.max_body)
            return 413;
    }
    if (!expect)
        return 0;
    if (!is_token(expect, "100-continue"))
        return 417;
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    conn_write(hc->conn, go_on, sizeof(go_on) - 1);
    return 0;
}

/* Each step returns how many bytes it used; 0 means that it needs more. *status is set
 * when the request must be refused. */
static size_t read_head(struct hconn *hc, const uint8_t *data, size_t len, int *status)
{
    size_t skip = 0;
    while (skip + 1 < len && data[skip] == '\r' && data[skip + 1] == '\n')
        skip += 2; /* blank lines before a request are harmless (RFC 9112, 2.2) */
    size_t most = hc->server->opt.max_header;
    const uint8_t *end = memmem(data + skip, len - skip, "\r\n\r\n", 4);
    size_t n = end ? (size_t)(end - data) + 4 : 0;
    if (!end || n - skip > most) {
        if (len - skip > most)
            *status = 400;
        return 0;
    }
    struct http_request *rq = xcalloc(1, sizeof(*rq));
    rq->body.secret = true;
    rq->server = hc->server;
    rq->hc = hc;
    rq->peer = *conn_peer(hc->conn);
    hc->rq = rq;
    *status = parse_head(rq, data + skip, n - skip) ? expect_body(hc) : 400;
    return n;
}

static size_t read_piece(struct hconn *hc, const uint8_t *data, size_t len,
                         enum body_state after)
{
    size_t n = len < hc->left ? len : hc->left;
    if (hc->rq->body.len == 0)
        buf_reserve(&hc->rq->body, hc->left + 1); /* capped by max_body */
    buf_append(&hc->rq->body, data, n);
    hc->left -= n;
    if (hc->left == 0)
        hc->state = after;
    return n;
}

static size_t read_chunk_size(struct hconn *hc, const uint8_t *data, size_t len,
                              int *status)
{
    char line[MAX_CHUNK_LINE];
    const uint8_t *end = memmem(data, len, "\r\n", 2);
    if (!end) {
        *status = len >= sizeof(line) ? 400 : 0;
        return 0;
    }
    size_t n = (size_t)(end - data);
    if (n == 0 || n >= sizeof(line)) {
        *status = 400;
        return 0;
    }
    memcpy(line, data, n);
    line[n] = 0;
    size_t digits = strspn(line, "0123456789abcdefABCDEF");
    if (digits == 0 || digits > 8 || (line[digits] != 0 && line[digits] != ';'))
        *status = 400;
    hc->left = digits <= 8 ? strtoull(line, NULL, 16) : 0;
    if (hc->left + hc->rq->body.len > hc->server->opt.max_body)
        *status = 413;
    hc->state = hc->left ? READ_CHUNK : READ_TRAILER;
    return n + 2;
}

static size_t read_line_end(struct hconn *hc, const uint8_t *data, size_t len,
                            int *status)
{
    if (len < 2)
        return 0;
    if (data[0] != '\r' || data[1] != '\n')
        *status = 400;
    hc->state = READ_CHUNK_SIZE;
    return 2;
}

static size_t read_trailer(struct hconn *hc, const uint8_t *data, size_t len,
                           int *status)
{
    const uint8_t *end = memmem(data, len, "\r\n", 2);
    if (!end) {
        *status = len > hc->server->opt.max_header ? 400 : 0;
        return 0;
    }
    if (end == data) {
        hc->left = 0;
        hc->state = READ_BODY; /* which is complete */
    }
    return (size_t)(end - data) + 2;
}

static size_t read_step(struct hconn *hc, const uint8_t *data, size_t len, int *status)
{
    switch (hc->state) {
    case READ_HEAD:
        return read_head(hc, data, len, status);
    case READ_BODY:
        return read_piece(hc, data, len, READ_BODY);
    case READ_CHUNK:
        return read_piece(hc, data, len, READ_CHUNK_END);
    case READ_CHUNK_SIZE:
        return read_chunk_size(hc, data, len, status);
    case READ_CHUNK_END:
        return read_line_end(hc, data, len, status);
    case READ_TRAILER:
        return read_trailer(hc, data, len, status);
    case BUSY:
        break;
    }
    return 0;
}

static size_t on_data(struct conn *c, void *ctx, const uint8_t *data, size_t len)
{
    struct hconn *hc = ctx;
    size_t used = 0;
    while (hc->state != BUSY && !hc->close_after) {
        int status = 0;
        size_t n = read_step(hc, data + used, len - used, &status);
        used += n;
        if (status != 0) {
            refuse(hc, status);
            return len;
        }
        if (hc->state == READ_BODY && hc->rq && hc->left == 0)
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
    if (s->n_listeners < MAX_LISTENERS)
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
    ASSERT(s->n_routes < MAX_ROUTES);
    s->routes[s->n_routes++] = (struct route){path, exact, fn, ctx};
}

void http_server_start(struct http_server *s)
{
    unsigned n = s->opt.threads ? s->opt.threads : 1;
    s->workers = xcalloc(n, sizeof(*s->workers));
    for (unsigned i = 0; i < n; i++) {
        struct worker *w = &s->workers[i];
        w->server = s;
        pthread_cond_init(&w->wake, NULL);
        if (pthread_create(&w->thread, NULL, work, w) != 0)
            break;
        s->n_workers++;
    }
    ASSERT(s->n_workers > 0);
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
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    for (unsigned i = 0; i < s->n_workers; i++)
        pthread_cond_signal(&s->workers[i].wake);
    pthread_mutex_unlock(&s->lock);
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

static void wait_for_replies(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->pending > 0)
        pthread_cond_wait(&s->settled, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    http_server_interrupt(s);
    for (unsigned i = 0; i < s->n_workers; i++) {
        pthread_join(s->workers[i].thread, NULL);
        pthread_cond_destroy(&s->workers[i].wake);
    }
    wait_for_replies(s);
    loop_call(s->opt.loop, close_all, s);
    wait_for_replies(s); /* of those that came between the two */
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->settled);
    free(s->workers);
    free(s->allow);
    free(s);
}
