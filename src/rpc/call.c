#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "chain/params/params.h"
#include "chain/prim/tx.h"
#include "chain/validation/chainman.h"
#include "io/http.h"
#include "rpc/job.h"
#include "util/hex.h"

void rpc_error(struct rpc_call *c, enum rpc_code code, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    if (c->failed)
        return;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    c->failed = true;
    c->job->code = code;
    c->job->message = arena_dup(c->mem, buf_cstr(&text), text.len + 1);
    buf_clear(&text);
}

void rpc_usage_error(struct rpc_call *c, enum rpc_code code)
{
    struct buf text = {0};
    rpc_help(&text, c->node, c->method->name);
    rpc_error(c, code, "%s", buf_cstr(&text));
    buf_clear(&text);
}

bool rpc_on_chain(struct rpc_call *c, void (*fn)(void *arg), void *arg)
{
    if (chainman_call(c->node->chainman, fn, arg) == ERR_OK)
        return true;
    rpc_error(c, RPC_CLIENT_NOT_CONNECTED, "Shutting down");
    return false;
}

void rpc_after_reply(struct rpc_call *c, void (*fn)(void *arg), void *arg)
{
    if (c->job->rq)
        http_after_reply(c->job->rq, fn, arg);
}

bool rpc_cancelled(const struct rpc_call *c)
{
    return atomic_load(&c->node->stopping) || (c->job->rq && http_gone(c->job->rq));
}

const struct json *rpc_arg(const struct rpc_call *c, size_t i)
{
    const struct json *v = json_at(c->params, i);
    return v && v->type != JSON_NULL ? v : NULL;
}

const char *rpc_arg_str(const struct rpc_call *c, size_t i, const char *def)
{
    const struct json *v = rpc_arg(c, i);
    return v ? v->str : def;
}

bool rpc_arg_bool(const struct rpc_call *c, size_t i, bool def)
{
    const struct json *v = rpc_arg(c, i);
    return v ? v->boolean : def;
}

bool rpc_want(struct rpc_call *c, const struct json *v, enum json_type t)
{
    enum json_type is = v ? v->type : JSON_NULL;
    if (is == t)
        return true;
    rpc_error(c, RPC_TYPE_ERROR, "JSON value of type %s is not of expected type %s",
              json_type_name(is), json_type_name(t));
    return false;
}

bool rpc_to_i64(struct rpc_call *c, const struct json *v, int64_t *out)
{
    if (!rpc_want(c, v, JSON_NUMBER))
        return false;
    if (!json_to_i64(v, out))
        rpc_error(c, RPC_MISC_ERROR, "JSON integer out of range");
    return !c->failed;
}

bool rpc_to_i32(struct rpc_call *c, const struct json *v, int32_t *out)
{
    int64_t n;
    if (!rpc_to_i64(c, v, &n))
        return false;
    if (n < INT32_MIN || n > INT32_MAX)
        rpc_error(c, RPC_MISC_ERROR, "JSON integer out of range");
    else
        *out = (int32_t)n;
    return !c->failed;
}

bool rpc_arg_i64(struct rpc_call *c, size_t i, int64_t *out)
{
    const struct json *v = rpc_arg(c, i);
    return !v || rpc_to_i64(c, v, out);
}

bool rpc_arg_i32(struct rpc_call *c, size_t i, int32_t *out)
{
    const struct json *v = rpc_arg(c, i);
    return !v || rpc_to_i32(c, v, out);
}

bool rpc_to_hash(struct rpc_call *c, const struct json *v, const char *name,
                 struct hash256 *out)
{
    if (!rpc_want(c, v, JSON_STRING))
        return false;
    if (v->str_len != 64)
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "%s must be of length 64 (not %zu, for '%s')", name, v->str_len,
                  v->str);
    else if (!hash256_from_hex(out, v->str))
        rpc_error(c, RPC_INVALID_PARAMETER, "%s must be hexadecimal string (not '%s')",
                  name, v->str);
    return !c->failed;
}

bool rpc_to_outpoint(struct rpc_call *c, const struct json *obj, struct outpoint *out)
{
    int32_t n;
    if (!rpc_to_hash(c, json_get(obj, "txid"), "txid", &out->txid) ||
        !rpc_to_i32(c, json_get(obj, "vout"), &n))
        return false;
    if (n < 0)
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Invalid parameter, vout cannot be negative");
    out->n = (uint32_t)n;
    return !c->failed;
}

bool rpc_arg_hash(struct rpc_call *c, size_t i, const char *name, struct hash256 *out)
{
    return rpc_to_hash(c, json_at(c->params, i), name, out);
}

bool rpc_to_bytes(struct rpc_call *c, const struct json *v, const char *name,
                  struct buf *out)
{
    if (!rpc_want(c, v, JSON_STRING))
        return false;
    if (v->str_len == 0 || !hex_decode(out, v->str, v->str_len))
        rpc_error(c, RPC_INVALID_PARAMETER, "%s must be hexadecimal string (not '%s')",
                  name, v->str);
    return !c->failed;
}

static bool to_decimal(struct rpc_call *c, const struct json *v, unsigned decimals,
                       struct amount *out)
{
    struct amount a;
    if (!v || (v->type != JSON_NUMBER && v->type != JSON_STRING))
        rpc_error(c, RPC_TYPE_ERROR, "Amount is not a number or string");
    else if (!amount_parse(&a, v->str, v->str_len, decimals))
        rpc_error(c, RPC_TYPE_ERROR, "Invalid amount");
    else if (!money_range(a))
        rpc_error(c, RPC_TYPE_ERROR, "Amount out of range");
    else
        *out = a;
    return !c->failed;
}

bool rpc_to_amount(struct rpc_call *c, const struct json *v, struct amount *out)
{
    return to_decimal(c, v, c->node->params->decimals, out);
}

bool rpc_to_feerate(struct rpc_call *c, const struct json *v, int64_t *out)
{
    struct amount a = {0};
    if (!to_decimal(c, v, 3, &a))
        return false;
    *out = a.v;
    return true;
}

static bool check_field(struct rpc_call *c, const struct json *obj,
                        const struct rpc_field *f)
{
    const struct json *v = json_get(obj, f->name);
    bool absent = !v || v->type == JSON_NULL;
    if (absent && !f->optional)
        rpc_error(c, RPC_TYPE_ERROR, "Missing %s", f->name);
    else if (!absent && !f->any && v->type != f->type)
        rpc_error(c, RPC_TYPE_ERROR,
                  "JSON value of type %s for field %s is not of expected type %s",
                  json_type_name(v->type), f->name, json_type_name(f->type));
    return !c->failed;
}

static bool is_field(const struct rpc_field *fields, const char *name)
{
    for (; fields->name; fields++)
        if (strcmp(fields->name, name) == 0)
            return true;
    return false;
}

bool rpc_check_fields(struct rpc_call *c, const struct json *obj,
                      const struct rpc_field *fields, bool strict)
{
    for (const struct rpc_field *f = fields; f->name; f++)
        if (!check_field(c, obj, f))
            return false;
    for (size_t i = 0; strict && i < obj->len; i++) {
        if (is_field(fields, obj->keys[i].str))
            continue;
        rpc_error(c, RPC_TYPE_ERROR, "Unexpected key %s", obj->keys[i].str);
        return false;
    }
    return true;
}

void rpc_write_amount(struct rpc_call *c, const char *key, struct amount v)
{
    if (key != NULL)
        json_key(c->w, key);
    json_amount(c->w, v, c->node->params->decimals);
}

void rpc_write_warnings(struct rpc_call *c)
{
    const char *texts[16];
    size_t n =
        c->node->warnings ? c->node->warnings(c->node, texts, ARRAY_LEN(texts)) : 0;
    if (c->node->warnings_as_text) {
        json_kv_str(c->w, "warnings", n ? texts[n - 1] : "");
        return;
    }
    json_key(c->w, "warnings");
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++)
        json_str(c->w, texts[i]);
    json_end_array(c->w);
}
