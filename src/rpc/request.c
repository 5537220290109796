/* One HTTP body: a call or a batch of them, in JSON-RPC 1.0, 1.1 or 2.0. */
#include "config.h"

#include "rpc/request.h"

#include "rpc/auth.h"
#include "rpc/job.h"
#include "rpc/result_check.h"
#include "util/clock.h"
#include "util/log.h"

#define ARENA_CHUNK (16u << 10)

enum rpc_version {
    RPC_LEGACY, /* 1.0 and 1.1: result and error both present, HTTP status tells */
    RPC_2_0,
};

struct session {
    const struct rpc_origin *from;
    struct arena parsed; /* the body */
    struct arena mem;    /* of the call that runs */
    struct buf *out;     /* the reply's body */
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

/* -- Replies -------------------------------------------------------------- */

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
    put_text(out,
             version == RPC_2_0 ? "{\"jsonrpc\":\"2.0\",\"result\":" : "{\"result\":");
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

/* -- Requests ------------------------------------------------------------- */

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
    r->method =
        strlen(v->str) == v->str_len ? v->str : ""; /* there is no such method */
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
    return read_version(r, json_get(v, "jsonrpc")) &&
           read_method(r, json_get(v, "method")) &&
           read_params(r, json_get(v, "params"));
}

/* Nobody waits for its answer. */
static bool is_notification(const struct request *r)
{
    return r->version == RPC_2_0 && !r->id;
}

/* -- Calls ---------------------------------------------------------------- */

/* A result that is not what the method's entry says is a bug of ours. */
static void check_result(struct rpc_call *c, size_t start)
{
    const struct buf *out = c->w->out;
    struct bytes reply = bytes_of(out->data + start, out->len - start);
    struct buf why = {0};
    if (!rpc_result_fits(c->method, reply, c->mem, &why)) {
        log_broken(c->node->log, "RPC call \"%s\" returned incorrect type: %s",
                   c->method->name, buf_cstr(&why));
        rpc_error(c, RPC_MISC_ERROR,
                  "Internal bug detected: RPC call \"%s\" returned incorrect type:\n%s"
                  "%s %s\nPlease report this issue here: %s\n",
                  c->method->name, buf_cstr(&why), PACKAGE_NAME, PACKAGE_VERSION,
                  PACKAGE_BUGREPORT);
    }
    buf_clear(&why);
}

static void find_and_run(struct rpc_call *c, const struct request *r)
{
    size_t start = c->w->out->len;
    bool public_reply;
    c->method = rpc_find_method_of(c->node, r->method, &public_reply);
    c->w->out->secret |= !public_reply;
    if (!c->method) {
        rpc_error(c, RPC_METHOD_NOT_FOUND, "Method not found");
        return;
    }
    if (!rpc_place_params(c, r->params) || !rpc_check_params(c))
        return;
    c->job->name = c->method->name;
    rpc_job_enter(c->node->rpc, c->job);
    c->method->fn(c);
    rpc_job_leave(c->node->rpc, c->job);
    if (!c->failed && rpc_checks_results(c->node->rpc))
        check_result(c, start);
}

static void execute(struct rpc_call *c, const struct request *r)
{
    if (!rpc_is_warm(c))
        return;
    find_and_run(c, r);
    rpc_count_call(c->node->rpc, c->method ? c->method->name : RPC_UNKNOWN_METHOD,
                   clock_steady_us() - c->job->start, c->failed);
}

/* Appends the reply. Returns the error's code, or 0. */
static int run(struct session *ss, const struct request *r)
{
    struct json_writer w;
    struct rpc_job job = {.rq = ss->from->rq, .start = clock_steady_us()};
    struct rpc_call c = {
        .node = ss->from->node,
        .w = &w,
        .mem = &ss->mem,
        .user = ss->from->user,
        .path = ss->from->path,
        .job = &job,
    };
    log_debug(c.node->log, LOG_RPC, "ThreadRPCServer method=%.64s user=%s", r->method,
              c.user);
    size_t start = ss->out->len;
    begin_reply(ss->out, r->version);
    size_t result = ss->out->len;
    json_writer_init(&w, ss->out, 0);
    execute(&c, r);
    if (c.failed) {
        ss->out->len = start;
        put_error(ss->out, r->version, r->id, job.code, job.message);
    } else {
        ASSERT(w.depth == 0);
        if (ss->out->len == result)
            json_null(&w);
        end_reply(ss->out, r->version, r->id);
    }
    arena_reset(&ss->mem);
    return c.failed ? (int)job.code : 0;
}

int rpc_run(struct node *n, struct http_request *rq, const char *method,
            const struct json *params, struct buf *out)
{
    const struct request r = {.method = method, .params = params};
    struct arena mem;
    struct json_writer w;
    struct rpc_job job = {.rq = rq, .start = clock_steady_us()};
    struct rpc_call c = {
        .node = n, .w = &w, .mem = &mem, .user = "", .path = "/", .job = &job};
    size_t start = out->len;
    arena_init(&mem, ARENA_CHUNK);
    json_writer_init(&w, out, 0);
    execute(&c, &r);
    if (c.failed) {
        out->len = start;
        put_text(out, job.message);
    }
    arena_clear(&mem);
    return c.failed ? (int)job.code : 0;
}

/* -- Bodies --------------------------------------------------------------- */

static int refuse(struct session *ss, const struct request *r, enum rpc_code code,
                  const char *message)
{
    put_error(ss->out, r->version, r->id, code, message);
    put_text(ss->out, "\n");
    return http_status(code);
}

static bool may_call(struct session *ss, const char *method)
{
    const struct rpc_origin *from = ss->from;
    if (rpc_auth_may_call(from->auth, from->user, method))
        return true;
    log_warning(from->node->log, "RPC User %s not allowed to call method %.64s",
                from->user, method);
    return false;
}

static int serve_single(struct session *ss, const struct json *v)
{
    struct request r;
    if (!read_request(&r, v))
        return refuse(ss, &r, r.code, r.error);
    if (!may_call(ss, r.method))
        return 403;
    int code = run(ss, &r);
    if (is_notification(&r)) {
        buf_reset(ss->out);
        return 204;
    }
    put_text(ss->out, "\n");
    /* errors are HTTP errors in the old versions only */
    return code && r.version == RPC_LEGACY ? http_status(code) : 200;
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
    size_t before = ss->out->len;
    if (before > 1)
        put_text(ss->out, ",");
    if (read_request(&r, v))
        run(ss, &r);
    else
        put_error(ss->out, r.version, r.id, r.code, r.error);
    if (is_notification(&r))
        ss->out->len = before;
}

static int serve_batch(struct session *ss, const struct json *batch)
{
    if (!may_call_all(ss, batch))
        return 403;
    put_text(ss->out, "[");
    for (size_t i = 0; i < batch->len; i++)
        serve_one_of_batch(ss, &batch->items[i]);
    if (ss->out->len == 1 && batch->len > 0) { /* notifications only */
        buf_reset(ss->out);
        return 204;
    }
    put_text(ss->out, "]\n");
    return 200;
}

static int serve(struct session *ss, struct bytes body)
{
    static const struct request unread = {.version = RPC_LEGACY, .id = &null_id};
    const struct rpc_origin *from = ss->from;
    struct json *v;
    if (!json_parse(&v, &ss->parsed, (const char *)body.data, body.len, NULL))
        return refuse(ss, &unread, RPC_PARSE_ERROR, "Parse error");
    if (!rpc_auth_may_call_any(from->auth, from->user)) {
        log_warning(from->node->log, "RPC User %s not allowed to call any methods",
                    from->user);
        return 403;
    }
    if (v->type == JSON_OBJECT)
        return serve_single(ss, v);
    if (v->type == JSON_ARRAY)
        return serve_batch(ss, v);
    return refuse(ss, &unread, RPC_PARSE_ERROR, "Top-level object parse error");
}

int rpc_serve(const struct rpc_origin *from, struct bytes body, struct buf *out)
{
    struct session ss = {.from = from, .out = out};
    arena_init(&ss.parsed, ARENA_CHUNK);
    arena_init(&ss.mem, ARENA_CHUNK);
    ss.parsed.secret = ss.mem.secret = true; /* passphrases, keys */
    int status = serve(&ss, body);
    arena_clear(&ss.parsed);
    arena_clear(&ss.mem);
    return status;
}
