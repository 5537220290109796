#include "rpc/result_check.h"

#include <stdarg.h>
#include <stdio.h>

#include "util/hex.h"

struct check {
    struct buf path; /* ".vin.0" */
    struct buf *why;
    bool ok;
};

static void complain(struct check *k, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void complain(struct check *k, const char *fmt, ...)
{
    va_list ap;
    k->ok = false;
    if (k->path.len > 0)
        buf_printf(k->why, "%s: ", buf_cstr(&k->path) + 1);
    va_start(ap, fmt);
    buf_vprintf(k->why, fmt, ap);
    va_end(ap);
    buf_append_byte(k->why, '\n');
}

static void check_value(struct check *k, const struct rpc_result *doc,
                        const struct json *v);

static void check_inside(struct check *k, const struct rpc_result *doc,
                         const struct json *v, const char *key)
{
    size_t here = k->path.len;
    buf_printf(&k->path, ".%s", key);
    check_value(k, doc, v);
    k->path.len = here;
}

static bool has_inner(const struct rpc_result *doc)
{
    return doc->inner && doc->inner[0].name && doc->inner[0].type != R_MORE;
}

/* More elements than documented are like the last. */
static void check_array(struct check *k, const struct rpc_result *doc,
                        const struct json *v)
{
    const struct rpc_result *inner = doc->inner;
    for (size_t i = 0; i < v->len && has_inner(doc); i++) {
        char index[24];
        snprintf(index, sizeof(index), "%zu", i);
        check_inside(k, inner, &v->items[i], index);
        inner += inner[1].name != NULL;
    }
}

static const struct rpc_result *member_doc(const struct rpc_result *doc,
                                           const char *name, bool *more)
{
    *more = false;
    for (const struct rpc_result *r = doc->inner; r && r->name; r++) {
        *more |= r->type == R_MORE;
        if (r->type != R_MORE && strcmp(r->name, name) == 0)
            return r;
    }
    return NULL;
}

/* A member may stand in the table twice, in the forms that it can have. */
static void check_forms(struct check *k, const struct rpc_result *r,
                        const struct json *v)
{
    const char *name = r->name;
    size_t before = k->why->len;
    bool ok = k->ok;
    k->ok = false;
    for (; r->name && !k->ok; r++) {
        if (r->type == R_MORE || strcmp(r->name, name) != 0)
            continue;
        k->ok = true;
        check_inside(k, r, v, name);
    }
    if (k->ok)
        k->why->len = before;
    k->ok &= ok;
}

static void check_member(struct check *k, const struct rpc_result *doc,
                         const struct json *v, size_t i)
{
    const char *key = v->keys[i].str;
    bool more;
    const struct rpc_result *r = member_doc(doc, key, &more);
    if (r)
        check_forms(k, r, &v->items[i]);
    else if (!more)
        complain(k, "%s: key returned that was not in doc", key);
    if (json_get(v, key) != &v->items[i])
        complain(k, "%s: key returned twice", key);
}

static void check_object(struct check *k, const struct rpc_result *doc,
                         const struct json *v)
{
    for (size_t i = 0; i < v->len; i++)
        check_member(k, doc, v, i);
    for (const struct rpc_result *r = doc->inner; r && r->name; r++)
        if (r->type != R_MORE && !r->optional && !json_get(v, r->name))
            complain(k, "%s: key missing, despite not being optional in doc", r->name);
}

static void check_map(struct check *k, const struct rpc_result *doc,
                      const struct json *v)
{
    for (size_t i = 0; i < v->len && has_inner(doc); i++)
        check_inside(k, doc->inner, &v->items[i], v->keys[i].str);
}

static void check_hex(struct check *k, const struct rpc_result *doc,
                      const struct json *v)
{
    (void)doc;
    if (v->str_len > 0 && !hex_is(v->str, v->str_len))
        complain(k, "returned string is not hex, but declared as such in doc");
}

/* Of each type of result: what it is in JSON, and what else must hold of it. */
static const struct {
    enum json_type type;
    void (*check)(struct check *k, const struct rpc_result *doc, const struct json *v);
} kinds[] = {
    [R_STR] = {JSON_STRING, NULL},
    [R_HEX] = {JSON_STRING, check_hex},
    [R_NUM] = {JSON_NUMBER, NULL},
    [R_AMOUNT] = {JSON_NUMBER, NULL},
    [R_BOOL] = {JSON_BOOL, NULL},
    [R_NONE] = {JSON_NULL, NULL},
    [R_TIME] = {JSON_NUMBER, NULL},
    [R_OBJ] = {JSON_OBJECT, check_object},
    [R_OBJ_DYN] = {JSON_OBJECT, check_map},
    [R_ARR] = {JSON_ARRAY, check_array},
    [R_ARR_FIXED] = {JSON_ARRAY, check_array},
};

static void check_value(struct check *k, const struct rpc_result *doc,
                        const struct json *v)
{
    if (doc->type == R_ANY || doc->type == R_MORE ||
        (doc->nullable && v->type == JSON_NULL))
        return;
    if (v->type != kinds[doc->type].type)
        complain(k, "returned type is %s, but declared as %s in doc",
                 json_type_name(v->type), json_type_name(kinds[doc->type].type));
    else if (kinds[doc->type].check)
        kinds[doc->type].check(k, doc, v);
}

bool rpc_result_fits(const struct rpc_method *m, struct bytes reply, struct arena *mem,
                     struct buf *why)
{
    static const struct rpc_result none[] = {{R_NONE, "", ""}, {.name = NULL}};
    static const struct json null = {.type = JSON_NULL};
    const struct json *v = &null;
    struct json *parsed;
    const char *error;
    bool ok = false;
    if (reply.len > 0) {
        if (!json_parse(&parsed, mem, (const char *)reply.data, reply.len, &error)) {
            buf_printf(why, "no JSON: %s\n", error);
            return false;
        }
        v = parsed;
    }
    for (const struct rpc_result *r = m->results ? m->results : none; r->name && !ok;
         r++) {
        struct check k = {.why = why, .ok = true};
        check_value(&k, r, v);
        ok = k.ok;
        buf_clear(&k.path);
    }
    return ok;
}
