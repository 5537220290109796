#include "rpc/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain/params/params.h"
#include "io/http.h"
#include "rpc/auth.h"
#include "rpc/job.h"
#include "util/args.h"
#include "util/clock.h"
#include "util/log.h"

#define MAX_HEADER 8192
#define MAX_BODY (32u << 20)
#define WRONG_PASSWORD_DELAY_US 250000 /* slows guessing */
#define ARENA_CHUNK (16u << 10)

enum rpc_version {
    RPC_LEGACY, /* 1.0 and 1.1: result and error both present, HTTP status tells */
    RPC_2_0,
};

struct rpc_server {
    struct node *node;
    struct http_server *http;
    struct rpc_auth *auth;
    pthread_mutex_t lock;
    bool warm; /* warm-up is over */
    char *status; /* owned: of the warm-up */
    struct rpc_job *running; /* list */
};

/* One HTTP request: a call or a batch of them. */
struct session {
    struct rpc_server *server;
    struct http_request *rq;
    struct buf user;
    struct arena parsed; /* the request */
    struct arena mem;    /* of the call that runs */
    struct buf out;      /* the reply's body */
};

/* One request object taken apart. The id is NULL when absent. */
struct request {
    enum rpc_version version;
    const struct json *id;
    const char *method;
    const struct json *params; /* NULL: none */
    enum rpc_code code;        /* when it is no valid request */
    const char *error;         /* NULL: valid */
};

static const struct json null_id = {.type = JSON_NULL};

/* -- Replies ------------------------------------------------------------------------------- */

static void put_text(struct buf *out, const char *text)
{
    buf_append_str(out, text);
}

static void put_id(struct buf *out, const struct json *id)
{
    struct json_writer w;
    if (id) {
        put_text(out, ",\"id\":");
        json_writer_init(&w, out, 0);
        json_value(&w, id);
    }
    put_text(out, "}");
}

static void begin_reply(struct buf *out, enum rpc_version version)
{
    put_text(out, version == RPC_2_0 ? "{\"jsonrpc\":\"2.0\",\"result\":" : "{\"result\":");
}

static void end_reply(struct buf *out, enum rpc_version version, const struct json *id)
{
    if (version == RPC_LEGACY)
        put_text(out, ",\"error\":null");
    put_id(out, id);
}

static void put_error(struct buf *out, enum rpc_version version, const struct json *id,
                      enum rpc_code code, const char *message)
{
    struct json_writer w;
    put_text(out, version == RPC_2_0 ? "{\"jsonrpc\":\"2.0\",\"error\":"
                                     : "{\"result\":null,\"error\":");
    json_writer_init(&w, out, 0);
    json_begin_object(&w);
    json_kv_int(&w, "code", code);
    json_kv_str(&w, "message", message);
    json_end_object(&w);
    put_id(out, id);
}

static int http_status(enum rpc_code code)
{
    return code == RPC_INVALID_REQUEST ? 400 : code == RPC_METHOD_NOT_FOUND ? 404 : 500;
}

/* -- Requests ------------------------------------------------------------------------------ */

static bool invalid(struct request *r, const char *error)
{
    r->code = RPC_INVALID_REQUEST;
    r->error = error;
    return false;
}

static bool read_version(struct request *r, const struct json *v)
{
    if (!v || v->type == JSON_NULL)
        return true;
    if (v->type != JSON_STRING)
        return invalid(r, "jsonrpc field must be a string");
    if (strcmp(v->str, "2.0") == 0)
        r->version = RPC_2_0;
    else if (strcmp(v->str, "1.0") != 0)
        return invalid(r, "JSON-RPC version not supported");
    return true;
}

static bool read_method(struct request *r, const struct json *v)
{
    if (!v || v->type == JSON_NULL)
        return invalid(r, "Missing method");
    if (v->type != JSON_STRING)
        return invalid(r, "Method must be a string");
    r->method = v->str;
    return true;
}

static bool read_params(struct request *r, const struct json *v)
{
    if (!v || v->type == JSON_NULL)
        return true;
    if (v->type != JSON_ARRAY && v->type != JSON_OBJECT)
        return invalid(r, "Params must be an array or object");
    r->params = v;
    return true;
}

static bool read_request(struct request *r, const struct json *v)
{
    *r = (struct request){.version = RPC_LEGACY, .id = &null_id};
    if (v->type != JSON_OBJECT)
        return invalid(r, "Invalid Request object");
    r->id = json_get(v, "id");
    return read_version(r, json_get(v, "jsonrpc")) && read_method(r, json_get(v, "method")) &&
           read_params(r, json_get(v, "params"));
}

/* Nobody waits for its answer. */
static bool is_notification(const struct request *r)
{
    return r->version == RPC_2_0 && !r->id;
}

/* -- Calls --------------------------------------------------------------------------------- */

static bool warm(struct rpc_server *s, struct rpc_call *c)
{
    pthread_mutex_lock(&s->lock);
    bool yes = s->warm;
    if (!yes)
        rpc_error(c, RPC_IN_WARMUP, "%s", s->status);
    pthread_mutex_unlock(&s->lock);
    return yes;
}

static void enter(struct rpc_server *s, struct rpc_job *j)
{
    pthread_mutex_lock(&s->lock);
    j->link = &s->running;
    while (*j->link) /* oldest first */
        j->link = &(*j->link)->next;
    *j->link = j;
    pthread_mutex_unlock(&s->lock);
}

static void leave(struct rpc_server *s, struct rpc_job *j)
{
    pthread_mutex_lock(&s->lock);
    *j->link = j->next;
    if (j->next)
        j->next->link = j->link;
    pthread_mutex_unlock(&s->lock);
}

static void execute(struct rpc_server *s, struct rpc_call *c, const struct request *r)
{
    if (!warm(s, c))
        return;
    c->method = rpc_find_method(r->method);
    if (!c->method) {
        rpc_error(c, RPC_METHOD_NOT_FOUND, "Method not found");
        return;
    }
    if (!rpc_place_params(c, r->params) || !rpc_check_params(c))
        return;
    c->job->name = c->method->name;
    enter(s, c->job);
    c->method->fn(c);
    leave(s, c->job);
}

/* Appends the reply. Returns the error's code, or 0. */
static int run(struct session *ss, const struct request *r)
{
    struct json_writer w;
    struct rpc_job job = {.rq = ss->rq, .start = clock_steady_us()};
    struct rpc_call c = {
        .node = ss->server->node,
        .w = &w,
        .mem = &ss->mem,
        .user = buf_cstr(&ss->user),
        .path = http_path(ss->rq),
        .job = &job,
    };
    log_debug(c.node->log, LOG_RPC, "ThreadRPCServer method=%.64s user=%s", r->method,
              c.user);
    size_t start = ss->out.len;
    begin_reply(&ss->out, r->version);
    size_t result = ss->out.len;
    json_writer_init(&w, &ss->out, 0);
    execute(ss->server, &c, r);
    if (c.failed) {
        ss->out.len = start;
        put_error(&ss->out, r->version, r->id, job.code, job.message);
    } else {
        ASSERT(w.depth == 0);
        if (ss->out.len == result)
            json_null(&w);
        end_reply(&ss->out, r->version, r->id);
    }
    arena_reset(&ss->mem);
    return c.failed ? (int)job.code : 0;
}

/* -- Whole HTTP requests ------------------------------------------------------------------- */

static void send_json(struct session *ss, int status)
{
    put_text(&ss->out, "\n");
    http_set_header(ss->rq, "Content-Type", "application/json");
    http_reply(ss->rq, status, &ss->out);
}

static void send_error(struct session *ss, const struct request *r, enum rpc_code code,
                       const char *message)
{
    buf_reset(&ss->out);
    put_error(&ss->out, r->version, r->id, code, message);
    send_json(ss, http_status(code));
}

static bool may_call(struct session *ss, const char *method)
{
    const char *user = buf_cstr(&ss->user);
    if (rpc_auth_may_call(ss->server->auth, user, method))
        return true;
    log_warning(ss->server->node->log, "RPC User %s not allowed to call method %.64s", user,
                method);
    return false;
}

static void serve_single(struct session *ss, const struct json *v)
{
    struct request r;
    if (!read_request(&r, v)) {
        send_error(ss, &r, r.code, r.error);
        return;
    }
    if (!may_call(ss, r.method)) {
        http_reply(ss->rq, 403, NULL);
        return;
    }
    int code = run(ss, &r);
    if (is_notification(&r))
        http_reply(ss->rq, 204, NULL);
    else /* errors are HTTP errors in the old versions only */
        send_json(ss, code && r.version == RPC_LEGACY ? http_status(code) : 200);
}

static bool may_call_all(struct session *ss, const struct json *batch)
{
    for (size_t i = 0; i < batch->len; i++) {
        const struct json *m = json_get(&batch->items[i], "method");
        if (m && m->type == JSON_STRING && !may_call(ss, m->str))
            return false;
    }
    return true;
}

static void serve_one_of_batch(struct session *ss, const struct json *v)
{
    struct request r;
    size_t before = ss->out.len;
    if (before > 1)
        put_text(&ss->out, ",");
    if (read_request(&r, v))
        run(ss, &r);
    else
        put_error(&ss->out, r.version, r.id, r.code, r.error);
    if (is_notification(&r))
        ss->out.len = before;
}

static void serve_batch(struct session *ss, const struct json *batch)
{
    if (!may_call_all(ss, batch)) {
        http_reply(ss->rq, 403, NULL);
        return;
    }
    put_text(&ss->out, "[");
    for (size_t i = 0; i < batch->len; i++)
        serve_one_of_batch(ss, &batch->items[i]);
    if (ss->out.len == 1 && batch->len > 0) { /* notifications only */
        http_reply(ss->rq, 204, NULL);
        return;
    }
    put_text(&ss->out, "]");
    send_json(ss, 200);
}

static void serve(struct session *ss)
{
    static const struct request unread = {.version = RPC_LEGACY, .id = &null_id};
    struct bytes body = http_body(ss->rq);
    const char *user = buf_cstr(&ss->user);
    struct json *v;
    if (!json_parse(&v, &ss->parsed, (const char *)body.data, body.len, NULL)) {
        send_error(ss, &unread, RPC_PARSE_ERROR, "Parse error");
    } else if (!rpc_auth_may_call_any(ss->server->auth, user)) {
        log_warning(ss->server->node->log, "RPC User %s not allowed to call any methods",
                    user);
        http_reply(ss->rq, 403, NULL);
    } else if (v->type == JSON_OBJECT) {
        serve_single(ss, v);
    } else if (v->type == JSON_ARRAY) {
        serve_batch(ss, v);
    } else {
        send_error(ss, &unread, RPC_PARSE_ERROR, "Top-level object parse error");
    }
}

static void refuse_stranger(struct rpc_server *s, struct http_request *rq, bool guessed)
{
    char from[ENDPOINT_TEXT];
    if (guessed) {
        log_warning(s->node->log, "ThreadRPCServer incorrect password attempt from %s",
                    endpoint_format(from, http_peer(rq), true));
        usleep(WRONG_PASSWORD_DELAY_US);
    }
    http_set_header(rq, "WWW-Authenticate", "Basic realm=\"jsonrpc\"");
    http_reply(rq, 401, NULL);
}

static void handle(void *ctx, struct http_request *rq)
{
    struct rpc_server *s = ctx;
    struct session ss = {.server = s, .rq = rq};
    const char *credentials = http_header(rq, "Authorization");
    if (http_method(rq) != HTTP_POST) {
        http_reply_text(rq, 405, "JSONRPC server handles only POST requests");
    } else if (!rpc_auth_check(s->auth, credentials, &ss.user)) {
        refuse_stranger(s, rq, credentials != NULL);
    } else {
        arena_init(&ss.parsed, ARENA_CHUNK);
        arena_init(&ss.mem, ARENA_CHUNK);
        serve(&ss);
        arena_clear(&ss.parsed);
        arena_clear(&ss.mem);
    }
    buf_clear(&ss.user);
    buf_clear(&ss.out);
}

/* -- Set-up -------------------------------------------------------------------------------- */

struct nets {
    struct subnet *list; /* owned */
    size_t n;
};

static bool add_net(struct nets *nets, const char *text)
{
    nets->list = xrealloc_array(nets->list, nets->n + 1, sizeof(*nets->list));
    return subnet_parse(&nets->list[nets->n++], text);
}

static bool read_allowed(struct nets *nets, const struct args *a, char **error)
{
    size_t n;
    const char *const *list = args_list(a, "rpcallowip", &n);
    if (!add_net(nets, "127.0.0.0/8") || !add_net(nets, "::1"))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (add_net(nets, list[i]))
            continue;
        *error = xasprintf("Invalid -rpcallowip subnet specification: %s. Valid are a single "
                           "IP (e.g. 1.2.3.4), a network/netmask (e.g. "
                           "1.2.3.4/255.255.255.0), a network/CIDR (e.g. 1.2.3.4/24), all "
                           "ipv4 (0.0.0.0/0), or all ipv6 (::/0).",
                           list[i]);
        return false;
    }
    return true;
}

static bool bind_one(struct rpc_server *s, const char *host, uint16_t port)
{
    struct endpoint at;
    struct logger *lg = s->node->log;
    log_info(lg, "Binding RPC on address %s port %u", host, port);
    if (endpoint_resolve(&at, 1, host, port, true) != 1) {
        log_warning(lg, "Binding RPC on address %s port %u failed: unknown address", host,
                    port);
        return false;
    }
    enum err e = http_server_bind(s->http, &at);
    if (e != ERR_OK)
        log_warning(lg, "Binding RPC on address %s port %u failed: %s", host, port,
                    e == ERR_FULL ? "too many addresses" : strerror(errno));
    return e == ERR_OK;
}

static bool bind_all(struct rpc_server *s, char **error)
{
    const struct args *a = s->node->args;
    uint16_t port = (uint16_t)args_int(a, "rpcport", s->node->params->rpc_port);
    size_t n_bind, n_allow, bound = 0;
    const char *const *binds = args_list(a, "rpcbind", &n_bind);
    args_list(a, "rpcallowip", &n_allow);
    if (n_bind == 0 || n_allow == 0) {
        if (n_allow > 0)
            log_warning(s->node->log, "Option -rpcallowip was specified without -rpcbind; this "
                                      "doesn't usually make sense");
        if (n_bind > 0)
            log_warning(s->node->log, "Option -rpcbind was ignored because -rpcallowip was not "
                                      "specified, refusing to allow everyone to connect");
        bound += bind_one(s, "::1", port);
        bound += bind_one(s, "127.0.0.1", port);
        n_bind = 0;
    }
    for (size_t i = 0; i < n_bind; i++) {
        char *host;
        uint16_t at;
        if (!endpoint_split(binds[i], port, &host, &at)) {
            *error = xasprintf("Invalid port specified in -rpcbind: '%s'", binds[i]);
            return false;
        }
        bound += bind_one(s, host, at);
        free(host);
    }
    if (bound == 0) {
        log_error(s->node->log, "Unable to bind any endpoint for RPC server");
        *error = xstrdup("Unable to start HTTP server. See debug log for details.");
    }
    return bound > 0;
}

static bool start_http(struct rpc_server *s, char **error)
{
    const struct args *a = s->node->args;
    struct nets nets = {0};
    bool ok = false;
    if (read_allowed(&nets, a, error)) {
        int64_t threads = args_int(a, "rpcthreads", 4), depth = args_int(a, "rpcworkqueue", 64);
        struct http_options opt = {
            .loop = s->node->loop,
            .log = s->node->log,
            .threads = threads > 0 ? (unsigned)threads : 1,
            .queue_depth = depth > 0 ? (size_t)depth : 1,
            .timeout_s = (int)args_int(a, "rpcservertimeout", 30),
            .max_header = MAX_HEADER,
            .max_body = MAX_BODY,
            .allow = nets.list,
            .n_allow = nets.n,
        };
        ok = http_server_new(&s->http, &opt) == ERR_OK && bind_all(s, error);
    }
    free(nets.list);
    if (!ok)
        return false;
    http_server_route(s->http, "/", true, handle, s);
    http_server_route(s->http, "/wallet/", false, handle, s);
    http_server_start(s->http);
    return true;
}

static void clear(struct rpc_server *s)
{
    http_server_free(s->http);
    rpc_auth_free(s->auth);
    pthread_mutex_destroy(&s->lock);
    free(s->status);
    free(s);
}

bool rpc_server_start(struct node *n, char **error)
{
    struct rpc_server *s = xcalloc(1, sizeof(*s));
    s->node = n;
    s->status = xstrdup("RPC server started");
    pthread_mutex_init(&s->lock, NULL);
    if (!rpc_auth_new(&s->auth, n->args, n->log, n->datadir, error) ||
        !start_http(s, error)) {
        clear(s);
        return false;
    }
    n->rpc = s;
    return true;
}

void rpc_server_warmup(struct rpc_server *s, const char *status)
{
    pthread_mutex_lock(&s->lock);
    free(s->status);
    s->status = xstrdup(status);
    pthread_mutex_unlock(&s->lock);
}

void rpc_server_ready(struct rpc_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->warm = true;
    pthread_mutex_unlock(&s->lock);
}

void rpc_server_interrupt(struct rpc_server *s)
{
    http_server_interrupt(s->http);
}

void rpc_server_stop(struct rpc_server *s)
{
    if (s)
        clear(s);
}

void rpc_write_active(struct rpc_server *s, struct json_writer *w)
{
    int64_t now = clock_steady_us();
    json_begin_array(w);
    pthread_mutex_lock(&s->lock);
    for (const struct rpc_job *j = s->running; j; j = j->next) {
        json_begin_object(w);
        json_kv_str(w, "method", j->name);
        json_kv_int(w, "duration", now - j->start);
        json_end_object(w);
    }
    pthread_mutex_unlock(&s->lock);
    json_end_array(w);
}
