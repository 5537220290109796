/* From words on the command line to a JSON-RPC call, and from the reply to text. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "rpc/method.h"

#define RPC_WALLET_NOT_SPECIFIED (-19)

/* Whether any of the names in "a|b" is @name. */
static bool names_include(const char *names, const char *name)
{
    size_t n = strlen(name);
    for (;;) {
        const char *bar = strchr(names, '|');
        size_t len = bar ? (size_t)(bar - names) : strlen(names);
        if (len == n && memcmp(names, name, n) == 0)
            return true;
        if (bar == NULL)
            return false;
        names = bar + 1;
    }
}

static bool is_text(const struct rpc_param *p)
{
    if (p->flags & P_CLI_STRING)
        return true;
    return (p->type == P_STR || p->type == P_HEX) && !(p->flags & P_CLI_JSON);
}

/* A word stays text unless the method's table says that it is something else. */
static const struct rpc_param *positional_param(const struct rpc_method *m, size_t i)
{
    const struct rpc_param *p = m ? m->params : NULL;
    for (; p != NULL && p->names != NULL; p++)
        if (i-- == 0)
            return p;
    return NULL;
}

/* Fields of an options object may be named like parameters. */
static const struct rpc_param *named_param(const struct rpc_method *m, const char *name)
{
    for (const struct rpc_param *p = m ? m->params : NULL; p && p->names; p++) {
        if (names_include(p->names, name))
            return p;
        for (const struct rpc_param *in = p->inner; in && in->names; in++)
            if ((in->flags & P_NAMED_ONLY) && names_include(in->names, name))
                return in;
    }
    return NULL;
}

static bool write_word(struct json_writer *w, const struct rpc_param *p,
                       const char *word, struct arena *mem, char **error)
{
    struct json *v;
    const char *why;
    if (p == NULL || is_text(p)) {
        json_str(w, word);
        return true;
    }
    if (!json_parse(&v, mem, word, strlen(word), &why)) {
        *error = xasprintf("Error parsing JSON: %s", word);
        return false;
    }
    json_value(w, v);
    return true;
}

static bool write_positional(struct json_writer *w, const struct rpc_method *m,
                             const char *const *words, size_t n, struct arena *mem,
                             char **error)
{
    json_begin_array(w);
    for (size_t i = 0; i < n; i++)
        if (!write_word(w, positional_param(m, i), words[i], mem, error))
            return false;
    json_end_array(w);
    return true;
}

static bool write_named(struct json_writer *w, const struct rpc_method *m,
                        const char *const *words, size_t n, struct arena *mem,
                        char **error)
{
    size_t plain = 0;
    json_begin_object(w);
    for (size_t i = 0; i < n; i++) {
        const char *equals = strchr(words[i], '=');
        if (equals == NULL) {
            plain++;
            continue;
        }
        const char *name =
            arena_printf(mem, "%.*s", (int)(equals - words[i]), words[i]);
        json_key(w, name);
        if (!write_word(w, named_param(m, name), equals + 1, mem, error))
            return false;
    }
    if (plain > 0) {
        size_t k = 0;
        json_key(w, "args");
        json_begin_array(w);
        for (size_t i = 0; i < n; i++)
            if (strchr(words[i], '=') == NULL &&
                !write_word(w, positional_param(m, k++), words[i], mem, error))
                return false;
        json_end_array(w);
    }
    json_end_object(w);
    return true;
}

bool cli_write_call(struct json_writer *w, const char *method, const char *const *words,
                    size_t n, bool named, int id, struct arena *mem, char **error)
{
    const struct rpc_method *m = rpc_find_method(method);
    json_begin_object(w);
    json_kv_str(w, "jsonrpc", "2.0");
    json_kv_str(w, "method", method);
    json_key(w, "params");
    if (!(named ? write_named : write_positional)(w, m, words, n, mem, error))
        return false;
    json_kv_int(w, "id", id);
    json_end_object(w);
    return true;
}

int cli_print_error(const char *error)
{
    fprintf(stderr, "error: %s\n", error);
    return EXIT_FAILURE;
}

static char *pretty(const struct json *v)
{
    struct buf out = {0};
    struct json_writer w;
    json_writer_init(&w, &out, 2);
    json_value(&w, v);
    char *text = xstrdup(buf_cstr(&out));
    buf_clear(&out);
    return text;
}

/* The exit code is the error's code without its sign. */
static int print_rpc_error(const struct json *error)
{
    int64_t code = 0;
    const struct json *c = json_get(error, "code"), *m = json_get(error, "message");
    bool has_code = c != NULL && json_to_i64(c, &code);
    if (m == NULL || m->type != JSON_STRING) {
        char *text = pretty(error);
        fprintf(stderr, "error: %s\n", text);
        free(text);
    } else {
        if (has_code)
            fprintf(stderr, "error code: %lld\n", (long long)code);
        fprintf(stderr, "error message:\n%s\n", m->str);
        if (code == RPC_WALLET_NOT_SPECIFIED)
            fprintf(stderr,
                    "Or for the CLI, specify the \"-rpcwallet=<walletname>\" option "
                    "before the command (run \"ochre-cli -h\" for help or "
                    "\"ochre-cli listwallets\" to see which wallets are currently "
                    "loaded).\n");
    }
    int exit_code = (int)(code < 0 ? -code : code) & 0xff;
    return exit_code != 0 ? exit_code : EXIT_FAILURE;
}

int cli_print_reply(const struct json *reply)
{
    const struct json *result = json_get(reply, "result"),
                      *error = json_get(reply, "error");
    if (error != NULL && error->type != JSON_NULL)
        return print_rpc_error(error);
    if (result == NULL)
        return cli_print_error(
            "expected reply to have result, error and id properties");
    if (result->type == JSON_STRING) {
        printf("%s\n", result->str);
    } else if (result->type != JSON_NULL) {
        char *text = pretty(result);
        printf("%s\n", text);
        free(text);
    }
    return EXIT_SUCCESS;
}
