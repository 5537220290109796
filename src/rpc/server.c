#include "rpc/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain/params/params.h"
#include "io/http.h"
#include "rpc/auth.h"
#include "rpc/job.h"
#include "rpc/metrics.h"
#include "rpc/request.h"
#include "rpc/rest.h"
#include "util/args.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/map.h"

#define MAX_HEADER              8192
#define MAX_BODY                (32u << 20)
#define MAX_CONNECTIONS         1000
#define WRONG_PASSWORD_DELAY_US 250000 /* slows guessing */

struct rpc_server {
    struct node *node;
    struct http_server *http;
    struct rpc_auth *auth;
    pthread_mutex_t lock;
    bool warm;               /* warm-up is over */
    bool check_results;
    char *status;            /* owned: of the warm-up */
    struct rpc_job *running; /* list */
    struct map calls;        /* name of a method, by its address -> rpc_method_calls */
};

/* -- Calls ---------------------------------------------------------------- */

bool rpc_server_warming_up(struct rpc_server *s, struct buf *status)
{
    pthread_mutex_lock(&s->lock);
    bool warm = s->warm;
    if (!warm)
        buf_append_str(status, s->status);
    pthread_mutex_unlock(&s->lock);
    return !warm;
}

bool rpc_checks_results(const struct rpc_server *s)
{
    return s->check_results;
}

bool rpc_is_warm(struct rpc_call *c)
{
    struct buf status = {0};
    bool warm = !rpc_server_warming_up(c->node->rpc, &status);
    if (!warm)
        rpc_error(c, RPC_IN_WARMUP, "%s", buf_cstr(&status));
    buf_clear(&status);
    return warm;
}

void rpc_job_enter(struct rpc_server *s, struct rpc_job *j)
{
    pthread_mutex_lock(&s->lock);
    j->link = &s->running;
    while (*j->link) /* oldest first */
        j->link = &(*j->link)->next;
    *j->link = j;
    pthread_mutex_unlock(&s->lock);
}

void rpc_job_leave(struct rpc_server *s, struct rpc_job *j)
{
    pthread_mutex_lock(&s->lock);
    *j->link = j->next;
    if (j->next)
        j->next->link = j->link;
    pthread_mutex_unlock(&s->lock);
}

void rpc_count_call(struct rpc_server *s, const char *name, int64_t us, bool failed)
{
    pthread_mutex_lock(&s->lock);
    struct rpc_method_calls *c = map_put(&s->calls, &name, NULL);
    histogram_add(&c->times, us);
    c->errors += failed;
    pthread_mutex_unlock(&s->lock);
}

bool rpc_server_calls(struct rpc_server *s, const char *name,
                      struct rpc_method_calls *out)
{
    pthread_mutex_lock(&s->lock);
    const struct rpc_method_calls *c = map_get(&s->calls, &name);
    if (c)
        *out = *c;
    pthread_mutex_unlock(&s->lock);
    return c != NULL;
}

size_t rpc_server_active(struct rpc_server *s)
{
    size_t n = 0;
    pthread_mutex_lock(&s->lock);
    for (const struct rpc_job *j = s->running; j; j = j->next)
        n++;
    pthread_mutex_unlock(&s->lock);
    return n;
}

/* -- HTTP ----------------------------------------------------------------- */

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

static void answer(struct rpc_server *s, struct http_request *rq, const char *user)
{
    struct rpc_origin from = {s->node, s->auth, rq, user, http_path(rq)};
    struct buf out = {0};
    int status = rpc_serve(&from, http_body(rq), &out);
    if (out.len > 0)
        http_set_header(rq, "Content-Type", "application/json");
    http_reply(rq, status, &out);
}

static void handle(void *ctx, struct http_request *rq)
{
    struct rpc_server *s = ctx;
    struct buf user = {0};
    const char *credentials = http_header(rq, "Authorization");
    if (http_method(rq) != HTTP_POST)
        http_reply_text(rq, 405, "JSONRPC server handles only POST requests");
    else if (!rpc_auth_check(s->auth, credentials, &user))
        refuse_stranger(s, rq, credentials != NULL);
    else
        answer(s, rq, buf_cstr(&user));
    buf_clear(&user);
}

/* -- Set-up --------------------------------------------------------------- */

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
        *error = xasprintf(
            "Invalid -rpcallowip subnet specification: %s. Valid are a single "
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
        log_warning(lg, "Binding RPC on address %s port %u failed: unknown address",
                    host, port);
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
            log_warning(s->node->log,
                        "Option -rpcallowip was specified without -rpcbind; this "
                        "doesn't usually make sense");
        if (n_bind > 0)
            log_warning(s->node->log,
                        "Option -rpcbind was ignored because -rpcallowip was not "
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
    s->check_results = args_bool(a, "rpcdoccheck", false);
    if (read_allowed(&nets, a, error)) {
        int64_t threads = args_int(a, "rpcthreads", 4),
                depth = args_int(a, "rpcworkqueue", 64);
        struct http_options opt = {
            .loop = s->node->loop,
            .log = s->node->log,
            .threads = threads > 0 ? (unsigned)threads : 1,
            .queue_depth = depth > 0 ? (size_t)depth : 1,
            .timeout_s = (int)args_int(a, "rpcservertimeout", 30),
            .max_connections = MAX_CONNECTIONS,
            .max_header = MAX_HEADER,
            .max_body = MAX_BODY,
            .allow = nets.list,
            .n_allow = nets.n,
        };
        ok = http_server_new(&s->http, &opt) == ERR_OK;
    }
    free(nets.list);
    if (!ok)
        return false;
    http_server_route(s->http, "/", true, handle, s);
    http_server_route(s->http, "/wallet/", false, handle, s);
    if (args_bool(a, "rest", false))
        rest_routes(s->http, s->node);
    if (args_bool(a, "metrics", false))
        metrics_route(s->http, s->node);
    http_server_start(s->http);
    return bind_all(s, error); /* the last step: calls come from here on */
}

static void clear(struct rpc_server *s)
{
    http_server_free(s->http);
    rpc_auth_free(s->auth);
    pthread_mutex_destroy(&s->lock);
    map_clear(&s->calls);
    free(s->status);
    free(s);
}

bool rpc_server_start(struct node *n, char **error)
{
    struct rpc_server *s = xcalloc(1, sizeof(*s));
    s->node = n;
    s->status = xstrdup("RPC server started");
    pthread_mutex_init(&s->lock, NULL);
    map_init(&s->calls, sizeof(const char *), sizeof(struct rpc_method_calls));
    n->rpc = s;
    if (rpc_auth_new(&s->auth, n->args, n->log, n->datadir, error) &&
        start_http(s, error))
        return true;
    n->rpc = NULL;
    clear(s);
    return false;
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
