/* The connection to the node: credentials, one request, waiting. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/http_client.h"
#include "io/conn.h"
#include "util/clock.h"
#include "util/fs.h"

#define RPC_IN_WARMUP (-28)
#define WAIT_STEP_MS  100
#define MAX_COOKIE    4096

bool cli_resolve_server(struct cli *c, char **error)
{
    const char *where = args_str(c->args, "rpcconnect", "127.0.0.1");
    const char *port = args_str(c->args, "rpcport", NULL);
    uint16_t named;
    if (!endpoint_split(where, 0, &c->host, &named)) {
        *error = xasprintf("Invalid port provided in -rpcconnect: %s", where);
        return false;
    }
    c->port = named ? named : c->setup.params.rpc_port;
    if (port == NULL)
        return true;
    if (!port_parse(&c->port, port)) {
        *error = xasprintf("Invalid port provided in -rpcport: %s", port);
        return false;
    }
    if (named)
        fprintf(stderr,
                "Warning: Port specified in both -rpcconnect and -rpcport. Using "
                "-rpcport %u\n",
                c->port);
    return true;
}

/* "user:password" from the options, else the cookie; NULL: neither is there. */
static char *credentials(const struct cli *c)
{
    const char *password =
        c->password ? c->password : args_str(c->args, "rpcpassword", "");
    if (password[0] != '\0')
        return xasprintf("%s:%s", args_str(c->args, "rpcuser", ""), password);
    char *net = path_join(c->setup.base_datadir, c->setup.params.name);
    char *path = setup_path(net, args_str(c->args, "rpccookiefile", ".cookie"));
    struct buf cookie = {0};
    char *found = NULL;
    if (fs_read_file(path, MAX_COOKIE, &cookie) == ERR_OK)
        found = xasprintf("%.*s", (int)strcspn(buf_cstr(&cookie), "\r\n"),
                          buf_cstr(&cookie));
    buf_clear(&cookie);
    free(path);
    free(net);
    return found;
}

static char *connect_error(const struct cli *c, enum err e)
{
    return xasprintf(
        "Could not connect to the server %s:%u (%s)\n\n"
        "Make sure the ochred server is running and that you are connecting to "
        "the correct RPC port.\nUse \"ochre-cli -help\" for more info.",
        c->host, c->port, err_text(e));
}

/* An answer of HTTP that holds no JSON-RPC. */
static char *http_error(const struct cli *c, const struct http_answer *a,
                        bool had_credentials)
{
    if (a->status == 401 && !had_credentials)
        return xasprintf(
            "Could not locate RPC credentials. No authentication cookie could be "
            "found, and RPC password is not set.  See -rpcpassword and "
            "-stdinrpcpass.  Configuration file: (%s)",
            c->setup.config_path);
    if (a->status == 401)
        return xstrdup("Authorization failed: Incorrect rpcuser or rpcpassword");
    if (a->status == 503)
        return xasprintf("Server response: %.*s", (int)a->body.len,
                         (char *)a->body.data);
    if (a->status >= 400 && a->status != 400 && a->status != 404 && a->status != 500)
        return xasprintf("server returned HTTP error %d", a->status);
    return a->body.len == 0 ? xstrdup("no response from server") : NULL;
}

static bool in_warmup(const struct json *reply)
{
    int64_t code;
    const struct json *first = reply->type == JSON_ARRAY ? json_at(reply, 0) : reply;
    const struct json *error = first ? json_get(first, "error") : NULL;
    const struct json *v = error ? json_get(error, "code") : NULL;
    return v != NULL && json_to_i64(v, &code) && code == RPC_IN_WARMUP;
}

static char *wallet_path(const char *wallet)
{
    struct buf out = {0};
    buf_append_str(&out, wallet != NULL ? "/wallet/" : "/");
    for (const char *p = wallet; p != NULL && *p; p++) {
        bool plain = (*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= 'a' && *p <= 'z') || strchr("-_.~", *p) != NULL;
        buf_printf(&out, plain ? "%c" : "%%%02X", (unsigned char)*p);
    }
    char *path = xstrdup(buf_cstr(&out));
    buf_clear(&out);
    return path;
}

enum cli_outcome cli_send(struct cli *c, struct json **reply, const char *wallet,
                          struct bytes body, char **error)
{
    struct http_answer a;
    const char *why;
    char *login = credentials(c);
    char *path = wallet_path(wallet);
    int timeout = (int)args_int(c->args, "rpcclienttimeout", 900);
    enum cli_outcome outcome = CLI_FAILED;

    enum err e =
        http_post(&a, c->host, c->port, path, login ? login : ":", body, timeout);
    if (e != ERR_OK) {
        *error = connect_error(c, e);
        outcome = CLI_TRANSIENT;
        goto out;
    }
    *error = http_error(c, &a, login != NULL);
    if (*error != NULL) {
        /* A node that starts has not written its cookie yet. */
        outcome = a.status == 401 && login == NULL ? CLI_TRANSIENT : CLI_FAILED;
        goto out;
    }
    if (!json_parse(reply, &c->mem, (char *)a.body.data, a.body.len, &why)) {
        *error = xstrdup("couldn't parse reply from server");
        goto out;
    }
    outcome = in_warmup(*reply) ? CLI_TRANSIENT : CLI_OK;
out:
    if (login != NULL)
        explicit_bzero(login, strlen(login));
    free(login);
    free(path);
    buf_clear(&a.body);
    return outcome;
}

bool cli_send_waiting(struct cli *c, struct json **reply, const char *wallet,
                      struct bytes body, char **error)
{
    static const struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000};
    int64_t limit_us = args_int(c->args, "rpcwaittimeout", 0) * 1000000;
    int64_t start = clock_steady_us();
    for (;;) {
        *reply = NULL;
        *error = NULL;
        enum cli_outcome o = cli_send(c, reply, wallet, body, error);
        bool wait = args_bool(c->args, "rpcwait", false);
        if (o != CLI_TRANSIENT || (!wait && *error == NULL))
            return *error == NULL; /* a warm-up error is printed like any other */
        if (!wait || (limit_us > 0 && clock_steady_us() - start >= limit_us)) {
            char *last = *error;
            *error = xasprintf("timeout on transient error: %s",
                               last ? last : "server in warmup");
            free(last);
            return false;
        }
        free(*error);
        nanosleep(&step, NULL);
    }
}

const char *cli_wallet(const struct cli *c)
{
    return args_str(c->args, "rpcwallet", NULL);
}

bool cli_batch(struct cli *c, const struct json **replies, const char *const *methods,
               size_t n, char **error)
{
    struct buf body = {0};
    struct json_writer w;
    struct json *reply;
    bool ok = true;
    json_writer_init(&w, &body, 0);
    json_begin_array(&w);
    for (size_t i = 0; i < n && ok; i++)
        ok = cli_write_call(&w, methods[i], NULL, 0, false, (int)i, &c->mem, error);
    json_end_array(&w);
    ok = ok && cli_send_waiting(c, &reply, cli_wallet(c), buf_view(&body), error);
    buf_clear(&body);
    if (!ok)
        return false;
    for (size_t i = 0; i < n; i++)
        replies[i] = NULL;
    for (size_t i = 0; reply->type == JSON_ARRAY && i < reply->len; i++) {
        const struct json *id = json_get(&reply->items[i], "id");
        const struct json *result = json_get(&reply->items[i], "result");
        int64_t k;
        if (id != NULL && json_to_i64(id, &k) && k >= 0 && (size_t)k < n &&
            result != NULL && result->type != JSON_NULL)
            replies[k] = result;
    }
    return true;
}
