/* Any HTTP body, against a small table of methods: the reply is always JSON. */
#include "fuzz.h"

#include "chain/params/params.h"
#include "rpc/auth.h"
#include "rpc/job.h"
#include "rpc/request.h"

/* In place of rpc/methods.c, auth.c and server.c. */
static void echo(struct rpc_call *c)
{
    json_value(c->w, c->params);
}

static void check(struct rpc_call *c)
{
    int32_t n = 0;
    struct hash256 h;
    struct amount a;
    struct buf bytes = {0};
    json_begin_object(c->w);
    if (rpc_arg_i32(c, 0, &n) && rpc_arg_hash(c, 1, "hash", &h) &&
        rpc_to_bytes(c, rpc_arg(c, 2), "bytes", &bytes) && rpc_to_amount(c, rpc_arg(c, 3), &a))
        json_kv_int(c->w, "n", n);
    buf_clear(&bytes);
    if (!c->failed)
        json_end_object(c->w);
}

static const struct rpc_method methods[] = {
    {
        .name = "echo",
        .help = "echo",
        .params = PARAMS({"a|b", P_STR, P_OPTIONAL | P_NO_TYPE_CHECK, .help = ""},
                         {"options", P_OBJ, P_OPTIONAL, NULL, "",
                          PARAMS({"x", P_NUM, P_OPTIONAL | P_NAMED_ONLY, .help = ""},
                                 {"y", P_NUM, P_OPTIONAL | P_NAMED_ONLY, .help = ""})},
                         {"c", P_ARR, P_OPTIONAL, NULL, "", PARAMS({"e", P_STR, .help = ""})}),
        .examples = EXAMPLES("a '{\"x\": 1}'"),
        .fn = echo,
    },
    {
        .name = "check",
        .help = "check",
        .params = PARAMS({"n", P_NUM, .help = ""}, {"hash", P_HEX, .help = ""},
                         {"bytes", P_HEX, .help = ""}, {"amount", P_AMOUNT, .help = ""}),
        .fn = check,
    },
};
static const struct rpc_table table = {"Fuzz", methods, ARRAY_LEN(methods)};
const struct rpc_table *const rpc_tables[] = {&table, NULL};
const char *const RPC_UNKNOWN_METHOD = "unknown";

const struct rpc_method *rpc_find_method(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

const struct rpc_method *rpc_find_method_of(const struct node *n, const char *name,
                                            bool *public_reply)
{
    (void)n;
    *public_reply = false;
    return rpc_find_method(name);
}

void rpc_count_call(struct rpc_server *s, const char *name, int64_t us, bool failed)
{
    (void)s, (void)us, (void)failed;
    ASSERT(name);
}

bool rpc_auth_may_call_any(const struct rpc_auth *auth, const char *user)
{
    (void)auth;
    (void)user;
    return true;
}

bool rpc_auth_may_call(const struct rpc_auth *auth, const char *user, const char *method)
{
    (void)auth;
    (void)user;
    return strcmp(method, "forbidden") != 0;
}

bool rpc_is_warm(struct rpc_call *c)
{
    (void)c;
    return true;
}

void rpc_job_enter(struct rpc_server *s, struct rpc_job *j)
{
    (void)s;
    (void)j;
}

void rpc_job_leave(struct rpc_server *s, struct rpc_job *j)
{
    (void)s;
    (void)j;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct chain_params params = {.decimals = 5};
    struct node node = {.params = &params};
    struct rpc_origin from = {.node = &node, .user = "user", .path = "/"};
    struct buf out = {0};
    int status = rpc_serve(&from, bytes_of(data, size), &out);
    if (status == 204 || status == 403) {
        ASSERT(out.len == 0);
    } else {
        struct arena a;
        struct json *v;
        arena_init(&a, 4096);
        ASSERT(json_parse(&v, &a, (char *)out.data, out.len, NULL));
        arena_clear(&a);
    }
    buf_clear(&out);
    return 0;
}
