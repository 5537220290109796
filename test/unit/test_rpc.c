/* The JSON-RPC server on a socket: versions, errors, named arguments, batches, who may call. */
#include "unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "chain/params/params.h"
#include "io/http.h"
#include "io/sockaddr.h"
#include "rpc/method.h"
#include "rpc/server.h"
#include "util/args.h"
#include "util/base64.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/log.h"

static const struct opt options[] = {
    {"rpcport", OPT_INT},        {"rpcbind", OPT_LIST},     {"rpcallowip", OPT_LIST},
    {"rpcuser", OPT_STR},        {"rpcpassword", OPT_STR},  {"rpcauth", OPT_LIST},
    {"rpccookiefile", OPT_STR},  {"rpccookieperms", OPT_STR}, {"rpcwhitelist", OPT_LIST},
    {"rpcwhitelistdefault", OPT_BOOL}, {"rpcthreads", OPT_INT}, {"rpcworkqueue", OPT_INT},
    {"rpcservertimeout", OPT_INT}, {"debuglogfile", OPT_STR}, {NULL},
};

struct fixture {
    struct node node;
    struct chain_params params;
    struct clock clock;
    char dir[64];
    uint16_t port;
    bool stopped;
};
static struct fixture *the; /* what request_stop reports to */

static void note_stop(struct node *n)
{
    (void)n;
    the->stopped = true;
}

/* Starts a server on a free port with more options, or NULL. */
static void set_up(struct fixture *f, const char *const *more)
{
    char port[32], *error = NULL;
    const char *argv[16] = {"test", port};
    int argc = 2;
    memset(f, 0, sizeof(*f));
    the = f;
    strcpy(f->dir, "/tmp/ochre-test-rpc-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    while (more && more[argc - 2]) {
        argv[argc] = more[argc - 2];
        argc++;
    }
    assert_true(chain_params_get(&f->params, OCHRE, "regtest"));
    clock_init(&f->clock);
    f->node.params = &f->params;
    f->node.clock = &f->clock;
    f->node.log = logger_new();
    f->node.datadir = f->dir;
    f->node.request_stop = note_stop;
    f->node.loop = loop_new(f->node.log);
    assert_int_equal(loop_start(f->node.loop, "test"), ERR_OK);
    /* Below the ports that outgoing connections take. */
    for (f->port = (uint16_t)(10000 + getpid() % 20000);; f->port++) {
        snprintf(port, sizeof(port), "-rpcport=%u", f->port);
        f->node.args = args_new(options);
        assert_true(args_parse_command_line(f->node.args, argc, argv, &error));
        if (rpc_server_start(&f->node, &error))
            break;
        free(error);
        args_free(f->node.args);
    }
}

static void tear_down(struct fixture *f)
{
    rpc_server_interrupt(f->node.rpc);
    rpc_server_stop(f->node.rpc);
    loop_stop(f->node.loop);
    loop_free(f->node.loop);
    logger_free(f->node.log);
    args_free(f->node.args);
    char *cookie = path_join(f->dir, ".cookie");
    assert_false(path_exists(cookie));
    free(cookie);
    assert_int_equal(fs_remove_tree(f->dir), ERR_OK);
}

/* Status and body of one request; the caller frees. @login: NULL for the cookie, "" for none. */
static char *call(struct fixture *f, const char *login, const char *method,
                  const char *body)
{
    struct buf text = {0}, cookie = {0}, answer = {0};
    struct endpoint at;
    struct sockaddr_storage ss;
    char *path = path_join(f->dir, ".cookie");
    if (!login)
        assert_int_equal(fs_read_file(path, 1000, &cookie), ERR_OK);
    else
        buf_append_str(&cookie, login);
    free(path);
    buf_printf(&text, "%s / HTTP/1.1\r\nConnection: close\r\nContent-Length: %zu\r\n", method,
               strlen(body));
    if (cookie.len) {
        buf_append_str(&text, "Authorization: Basic ");
        base64_append(&text, cookie.data, cookie.len);
        buf_append_str(&text, "\r\n");
    }
    buf_printf(&text, "\r\n%s", body);
    assert_true(endpoint_parse(&at, "127.0.0.1", f->port));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&ss, endpoint_to_sockaddr(&ss, &at)), 0);
    assert_int_equal(send(fd, text.data, text.len, MSG_NOSIGNAL), text.len);
    for (;;) {
        char chunk[65536];
        ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
        if (n <= 0)
            break;
        buf_append(&answer, chunk, (size_t)n);
    }
    close(fd);
    buf_clear(&text);
    buf_clear(&cookie);
    char *s = (char *)buf_take(&answer, NULL), *start = strstr(s, "\r\n\r\n");
    assert_non_null(start);
    char *result = xasprintf("%.3s %s", s + 9, start + 4);
    free(s);
    return result;
}

struct exchange {
    const char *request, *reply;
};

static void exchanges(struct fixture *f, const struct exchange *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *got = call(f, NULL, "POST", e[i].request);
        if (strcmp(got, e[i].reply) != 0)
            fail_msg("%s\n  got      %s\n  expected %s", e[i].request, got, e[i].reply);
        free(got);
    }
}

static void warm_up_comes_first(void **state)
{
    static const struct exchange before[] = {
        {"{\"method\":\"uptime\",\"id\":1}",
         "500 {\"result\":null,\"error\":{\"code\":-28,\"message\":\"Loading…\"},\"id\":1}\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"uptime\",\"id\":1}",
         "200 {\"jsonrpc\":\"2.0\",\"error\":{\"code\":-28,\"message\":\"Loading…\"},\"id\":1}\n"},
    };
    struct fixture f;
    (void)state;
    set_up(&f, NULL);
    rpc_server_warmup(f.node.rpc, "Loading…");
    exchanges(&f, before, ARRAY_LEN(before));
    tear_down(&f);
}

static void versions_and_mistakes(void **state)
{
    static const struct exchange cases[] = {
        {"{\"method\":\"echo\",\"id\":\"x\",\"params\":[1,null]}",
         "200 {\"result\":[1,null],\"error\":null,\"id\":\"x\"}\n"},
        {"{\"jsonrpc\":\"1.0\",\"method\":\"echo\",\"id\":null}",
         "200 {\"result\":[],\"error\":null,\"id\":null}\n"},
        {"{\"method\":\"echo\"}", "200 {\"result\":[],\"error\":null}\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":7}",
         "200 {\"jsonrpc\":\"2.0\",\"result\":[],\"id\":7}\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}", "204 "},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"nonsense\",\"id\":1}",
         "200 {\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"Method not "
         "found\"},\"id\":1}\n"},
        {"{\"method\":\"nonsense\",\"id\":1}",
         "404 {\"result\":null,\"error\":{\"code\":-32601,\"message\":\"Method not found\"},"
         "\"id\":1}\n"},
        {"{\"id\":1}", "400 {\"result\":null,\"error\":{\"code\":-32600,\"message\":\"Missing "
                       "method\"},\"id\":1}\n"},
        {"{\"id\":1,\"method\":2}",
         "400 {\"result\":null,\"error\":{\"code\":-32600,\"message\":\"Method must be a "
         "string\"},\"id\":1}\n"},
        {"{\"id\":1,\"method\":\"echo\",\"params\":2}",
         "400 {\"result\":null,\"error\":{\"code\":-32600,\"message\":\"Params must be an array "
         "or object\"},\"id\":1}\n"},
        {"{\"id\":1,\"method\":\"echo\",\"jsonrpc\":2}",
         "400 {\"result\":null,\"error\":{\"code\":-32600,\"message\":\"jsonrpc field must be a "
         "string\"},\"id\":1}\n"},
        {"{\"id\":1,\"method\":\"echo\",\"jsonrpc\":\"3.0\"}",
         "400 {\"result\":null,\"error\":{\"code\":-32600,\"message\":\"JSON-RPC version not "
         "supported\"},\"id\":1}\n"},
        {"nonsense", "500 {\"result\":null,\"error\":{\"code\":-32700,\"message\":\"Parse "
                     "error\"},\"id\":null}\n"},
        {"7", "500 {\"result\":null,\"error\":{\"code\":-32700,\"message\":\"Top-level object "
              "parse error\"},\"id\":null}\n"},
        {"{\"id\":1,\"method\":\"help\",\"params\":[5]}",
         "500 {\"result\":null,\"error\":{\"code\":-3,\"message\":\"Wrong type passed:\\n{\\n    "
         "\\\"Position 1 (command)\\\": \\\"JSON value of type number is not of expected type "
         "string\\\"\\n}\"},\"id\":1}\n"},
        {"{\"id\":1,\"method\":\"help\",\"params\":[\"nonsense\"]}",
         "200 {\"result\":\"help: unknown command: nonsense\",\"error\":null,\"id\":1}\n"},
        {"{\"id\":1,\"method\":\"setmocktime\",\"params\":[-1]}",
         "500 {\"result\":null,\"error\":{\"code\":-8,\"message\":\"Mocktime must be in the "
         "range [0, 9223372036], not -1.\"},\"id\":1}\n"},
        {"{\"id\":1,\"method\":\"setmocktime\",\"params\":[1.5]}",
         "500 {\"result\":null,\"error\":{\"code\":-1,\"message\":\"JSON integer out of "
         "range\"},\"id\":1}\n"},
        {"{\"id\":1,\"method\":\"logging\",\"params\":[[\"nonsense\"]]}",
         "500 {\"result\":null,\"error\":{\"code\":-8,\"message\":\"unknown logging category "
         "nonsense\"},\"id\":1}\n"},
    };
    struct fixture f;
    (void)state;
    set_up(&f, NULL);
    rpc_server_ready(f.node.rpc);
    exchanges(&f, cases, ARRAY_LEN(cases));
    char *got = call(&f, NULL, "POST", "{\"method\":\"setmocktime\",\"id\":1}");
    assert_non_null(strstr(got, "500 {\"result\":null,\"error\":{\"code\":-1,\"message\":"
                                "\"setmocktime timestamp\\n\\n"));
    free(got);
    got = call(&f, NULL, "GET", "");
    assert_string_equal(got, "405 JSONRPC server handles only POST requests");
    free(got);
    got = call(&f, NULL, "POST", "{\"method\":\"stop\",\"id\":1}");
    assert_true(f.stopped);
    free(got);
    tear_down(&f);
}

static void named_arguments(void **state)
{
#define NAMED(params) "{\"id\":1,\"method\":\"echo\",\"params\":{" params "}}"
#define RESULT(value) "200 {\"result\":" value ",\"error\":null,\"id\":1}\n"
#define ERROR(text)                                                                    \
    "500 {\"result\":null,\"error\":{\"code\":-8,\"message\":\"" text "\"},\"id\":1}\n"
    static const struct exchange cases[] = {
        {NAMED(""), RESULT("[]")},
        {NAMED("\"arg0\":0"), RESULT("[0]")},
        {NAMED("\"arg1\":1"), RESULT("[null,1]")},
        {NAMED("\"arg9\":null"), RESULT("[null,null,null,null,null,null,null,null,null,null]")},
        {NAMED("\"arg0\":0,\"arg3\":3,\"arg9\":9"),
         RESULT("[0,null,null,3,null,null,null,null,null,9]")},
        {NAMED("\"args\":[1,2]"), RESULT("[1,2]")},
        {NAMED("\"args\":[1,2],\"arg3\":4"), RESULT("[1,2,null,4]")},
        {NAMED("\"args\":[1,2],\"arg1\":4"),
         ERROR("Parameter arg1 specified twice both as positional and named argument")},
        {NAMED("\"arg0\":1,\"arg0\":2"), ERROR("Parameter arg0 specified multiple times")},
        {NAMED("\"argx\":1"), ERROR("Unknown named parameter argx")},
        {NAMED("\"args\":5"), ERROR("Unknown named parameter args")},
    };
    struct fixture f;
    (void)state;
    set_up(&f, NULL);
    rpc_server_ready(f.node.rpc);
    exchanges(&f, cases, ARRAY_LEN(cases));
    tear_down(&f);
}

static void batches(void **state)
{
    static const struct exchange cases[] = {
        {"[]", "200 []\n"},
        {"[{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}]", "204 "},
        {"[{\"method\":\"echo\",\"id\":1},{\"jsonrpc\":\"2.0\",\"method\":\"echo\"},"
         "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":2},5,{\"id\":3}]",
         "200 [{\"result\":[],\"error\":null,\"id\":1},"
         "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"Method not found\"},"
         "\"id\":2},"
         "{\"result\":null,\"error\":{\"code\":-32600,\"message\":\"Invalid Request object\"},"
         "\"id\":null},"
         "{\"result\":null,\"error\":{\"code\":-32600,\"message\":\"Missing method\"},"
         "\"id\":3}]\n"},
    };
    struct fixture f;
    (void)state;
    set_up(&f, NULL);
    rpc_server_ready(f.node.rpc);
    exchanges(&f, cases, ARRAY_LEN(cases));
    tear_down(&f);
}

static void only_known_users_may_call(void **state)
{
    /* salt and HMAC of bitcoind's own documentation example: user rt, password
     * cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM= */
    static const char *const more[] = {
        "-rpcuser=alice", "-rpcpassword=sec:ret",
        "-rpcauth=rt:93648e835a54c573682c2eb19f882535$"
        "7681e9c5b74bdd85e78166031d2058e1069b3ed7ed967c93fc63abba06f31144",
        "-rpcwhitelist=rt:echo, uptime", "-rpcwhitelist=rt:uptime,help",
        "-rpcwhitelistdefault=0", NULL};
    static const struct {
        const char *login, *method, *status;
    } cases[] = {
        {"alice:sec:ret", "echo", "200"},
        {"alice:secret", "echo", "401"},
        {"bob:sec:ret", "echo", "401"},
        {"", "echo", "401"},
        {"nocolon", "echo", "401"},
        {"rt:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=", "uptime", "200"},
        {"rt:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=", "echo", "403"},
        {"rt:wrong", "uptime", "401"},
    };
    struct fixture f;
    (void)state;
    set_up(&f, more);
    rpc_server_ready(f.node.rpc);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char body[64];
        snprintf(body, sizeof(body), "{\"method\":\"%s\",\"id\":1}", cases[i].method);
        char *got = call(&f, cases[i].login, "POST", body);
        if (strncmp(got, cases[i].status, 3) != 0)
            fail_msg("%s %s: %s", cases[i].login, cases[i].method, got);
        free(got);
    }
    tear_down(&f);
}

static void help_has_the_usual_layout(void **state)
{
    struct buf text = {0};
    (void)state;
    assert_true(rpc_help(&text, NULL, "logging"));
    const char *s = buf_cstr(&text);
    assert_memory_equal(
        s, "logging ( [\"include_category\",...] [\"exclude_category\",...] )\n\n", 63);
    assert_non_null(strstr(s, "\nArguments:\n1. include"));
    assert_non_null(strstr(s, "\n     [\n       \"include_category\","));
    assert_non_null(strstr(s, "\n       ...\n     ]\n2. exclude"));
    assert_non_null(strstr(s, "\nResult:\n{                            (json object)") ||
                    strstr(s, "\nResult:\n{"));
    assert_non_null(strstr(s, "\nExamples:\n> ochre-cli logging '[\"all\"]' '[\"http\"]'\n"));
    assert_non_null(strstr(s, "\"params\": [[\"all\"], [\"http\"]]}'"));
    buf_reset(&text);
    assert_true(rpc_help(&text, NULL, NULL));
    s = buf_cstr(&text);
    assert_non_null(strstr(s, "== Control ==\ngetmemoryinfo ( \"mode\" )\n"));
    assert_null(strstr(s, "echojson"));
    assert_false(rpc_help(&text, NULL, "nonsense"));
    buf_clear(&text);
}

static void every_table_is_whole(void **state)
{
    (void)state;
    for (size_t t = 0; rpc_tables[t]; t++) {
        for (size_t i = 0; i < rpc_tables[t]->n; i++) {
            const struct rpc_method *m = &rpc_tables[t]->methods[i];
            assert_non_null(m->fn);
            assert_non_null(m->help);
            assert_ptr_equal(rpc_find_method(m->name), m); /* no name twice */
            for (const struct rpc_param *p = m->params; p && p->names; p++)
                assert_non_null(p->help);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warm_up_comes_first),
        cmocka_unit_test(versions_and_mistakes),
        cmocka_unit_test(named_arguments),
        cmocka_unit_test(batches),
        cmocka_unit_test(only_known_users_may_call),
        cmocka_unit_test(help_has_the_usual_layout),
        cmocka_unit_test(every_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
