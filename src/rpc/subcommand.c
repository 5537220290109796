#include "rpc/subcommand.h"

#include <stdlib.h>

static void unknown(struct rpc_call *c, const struct subcommand *table,
                    const char *name)
{
    struct buf names = {0};
    for (; table->name != NULL; table++)
        buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", table->name);
    rpc_error(c, RPC_INVALID_PARAMETER, "Unknown command \"%s\" of %s; it has: %s",
              name, c->method->name, buf_cstr(&names));
    buf_clear(&names);
}

static size_t count_args(const struct rpc_call *c)
{
    size_t n = SUBCOMMAND_ARGS;
    while (n > 0 && rpc_arg(c, n) == NULL)
        n--;
    return n;
}

void subcommand_run(struct rpc_call *c, const struct subcommand *table)
{
    const char *name = rpc_arg_str(c, 0, "");
    size_t n = count_args(c);
    const struct subcommand *s = table;
    while (s->name != NULL && strcmp(s->name, name) != 0)
        s++;
    if (s->name == NULL)
        unknown(c, table, name);
    else if (n < s->min || n > s->max)
        rpc_error(c, RPC_INVALID_PARAMETER, "Usage: %s %s %s", c->method->name, s->name,
                  s->args);
    else
        s->fn(c);
}

const char *subcommand_text(const struct rpc_call *c, size_t i)
{
    const struct json *v = rpc_arg(c, i);
    if (v == NULL || (v->type != JSON_STRING && v->type != JSON_NUMBER))
        return NULL;
    return v->str;
}

bool subcommand_number(struct rpc_call *c, size_t i, const char *name, int64_t *out)
{
    const char *text = subcommand_text(c, i);
    char *end;
    if (text == NULL)
        return true;
    long long v = strtoll(text, &end, 10);
    if (*text != '\0' && *end == '\0' && v >= 0 && v <= INT32_MAX) {
        *out = v;
        return true;
    }
    rpc_error(c, RPC_INVALID_PARAMETER, "%s must be a whole number from 0", name);
    return false;
}

const struct json *subcommand_json(struct rpc_call *c, size_t i, const char *name,
                                   enum json_type type)
{
    const struct json *v = rpc_arg(c, i);
    const char *error;
    struct json *parsed;
    if (v != NULL && v->type == JSON_STRING &&
        json_parse(&parsed, c->mem, v->str, v->str_len, &error))
        v = parsed;
    if (v != NULL && v->type == type)
        return v;
    rpc_error(c, RPC_TYPE_ERROR, "%s must be a JSON %s", name,
              type == JSON_OBJECT  ? "object"
              : type == JSON_ARRAY ? "array"
                                   : "value");
    return NULL;
}
