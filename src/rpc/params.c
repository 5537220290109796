/* From the params of a request to the positional arguments that a handler sees. */
#include "rpc/job.h"
#include "util/mem.h"

#define MAX_NAMED 256 /* members of a params object; more is nobody's honest call */

static bool is_required(const struct rpc_param *p)
{
    return !p->def && !(p->flags & P_OPTIONAL);
}

static size_t count_params(const struct rpc_param *p)
{
    size_t n = 0;
    while (p && p[n].names)
        n++;
    return n;
}

/* Whether @name is one of "verbosity|verbose". */
static bool matches(const char *names, const char *name, size_t len)
{
    while (names) {
        const char *bar = strchr(names, '|');
        size_t n = bar ? (size_t)(bar - names) : strlen(names);
        if (n == len && memcmp(names, name, n) == 0)
            return true;
        names = bar ? bar + 1 : NULL;
    }
    return false;
}

/* -- Named arguments ------------------------------------------------------ */

struct placing {
    struct rpc_call *call;
    const struct json *in;
    bool used[MAX_NAMED];
    struct json *out; /* one per parameter; null where nothing was given */
    size_t n_params;
    size_t given; /* one more than the last place that was given */
    size_t first; /* the first place that was given, n_params when none */
};

static bool find_duplicates(struct rpc_call *c, const struct json *in)
{
    for (size_t i = 0; i < in->len; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(in->keys[i].str, in->keys[j].str) != 0)
                continue;
            rpc_error(c, RPC_INVALID_PARAMETER, "Parameter %s specified multiple times",
                      in->keys[i].str);
            return true;
        }
    }
    return false;
}

/* The unused member that belongs to a parameter, or in->len. Aliases in order of the
 * table. */
static size_t take_member(struct placing *p, const char *names)
{
    for (size_t i = 0; i < p->in->len; i++) {
        if (!p->used[i] && matches(names, p->in->keys[i].str, p->in->keys[i].str_len)) {
            p->used[i] = true;
            return i;
        }
    }
    return p->in->len;
}

/* Fields of the parameter that callers may also name at the top: gathered in an object.
 * NULL: none was given. */
static struct json *gather_options(struct placing *p, const struct rpc_param *param)
{
    struct json *o = NULL;
    size_t max = count_params(param->inner);
    for (size_t k = 0; k < max; k++) {
        if (!(param->inner[k].flags & P_NAMED_ONLY))
            continue;
        size_t i = take_member(p, param->inner[k].names);
        if (i == p->in->len)
            continue;
        if (!o) {
            o = arena_alloc(p->call->mem, sizeof(*o));
            *o = (struct json){.type = JSON_OBJECT};
            o->keys = arena_alloc(p->call->mem, max * sizeof(*o));
            o->items = arena_alloc(p->call->mem, max * sizeof(*o));
        }
        o->keys[o->len] = p->in->keys[i];
        o->items[o->len++] = p->in->items[i];
    }
    return o;
}

static bool place_one(struct placing *p, size_t at)
{
    const struct rpc_param *param = &p->call->method->params[at];
    struct json *options = gather_options(p, param);
    size_t i = take_member(p, param->names);
    bool named = i < p->in->len;
    if (!named && !options)
        return true;
    if (named && options) {
        rpc_error(p->call, RPC_INVALID_PARAMETER,
                  "Parameter %s conflicts with parameter %s", p->in->keys[i].str,
                  options->keys[0].str);
        return false;
    }
    p->out[at] = named ? p->in->items[i] : *options;
    p->given = at + 1;
    if (p->first == p->n_params)
        p->first = at;
    return true;
}

/* "args": positional arguments that stand before the named ones. */
static const struct json *place_args(struct placing *p, const struct json *result)
{
    size_t i = 0;
    while (i < p->in->len && strcmp(p->in->keys[i].str, "args") != 0)
        i++;
    if (i == p->in->len || p->used[i] || p->in->items[i].type != JSON_ARRAY)
        return result;
    const struct json *args = &p->in->items[i];
    p->used[i] = true;
    if (p->first < p->n_params && args->len > p->first) {
        rpc_error(p->call, RPC_INVALID_PARAMETER,
                  "Parameter %s specified twice both as positional and named argument",
                  p->call->method->params[p->first].names);
        return result;
    }
    struct json *all = arena_alloc(p->call->mem, sizeof(*all));
    *all = *result;
    all->len = args->len > result->len ? args->len : result->len;
    all->items = arena_alloc(p->call->mem, all->len * sizeof(*all));
    memcpy(all->items, result->items, result->len * sizeof(*all));
    memcpy(all->items, args->items, args->len * sizeof(*all));
    return all;
}

static bool place_named(struct rpc_call *c, const struct json *in)
{
    struct placing p = {.call = c, .in = in};
    if (in->len > MAX_NAMED) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Too many named parameters");
        return false;
    }
    if (find_duplicates(c, in))
        return false;
    p.n_params = p.first = count_params(c->method->params);
    p.out = arena_alloc(c->mem, (p.n_params + 1) * sizeof(*p.out));
    memset(p.out, 0, (p.n_params + 1) * sizeof(*p.out)); /* JSON_NULL */
    for (size_t at = 0; at < p.n_params; at++)
        if (!place_one(&p, at))
            return false;
    struct json *result = arena_alloc(c->mem, sizeof(*result));
    *result = (struct json){.type = JSON_ARRAY, .len = p.given, .items = p.out};
    c->params = place_args(&p, result);
    for (size_t i = 0; i < in->len && !c->failed; i++)
        if (!p.used[i])
            rpc_error(c, RPC_INVALID_PARAMETER, "Unknown named parameter %s",
                      in->keys[i].str);
    return !c->failed;
}

bool rpc_place_params(struct rpc_call *c, const struct json *params)
{
    static const struct json none = {.type = JSON_ARRAY};
    if (params && params->type == JSON_OBJECT)
        return place_named(c, params);
    c->params = params ? params : &none;
    return true;
}

/* -- Checks --------------------------------------------------------------- */

static bool expected_type(const struct rpc_param *p, enum json_type *out)
{
    switch (p->type) {
    case P_STR:
    case P_HEX:
        *out = JSON_STRING;
        return true;
    case P_NUM:
        *out = JSON_NUMBER;
        return true;
    case P_BOOL:
        *out = JSON_BOOL;
        return true;
    case P_OBJ:
    case P_OBJ_USER:
        *out = JSON_OBJECT;
        return true;
    case P_ARR:
        *out = JSON_ARRAY;
        return true;
    case P_AMOUNT:
    case P_RANGE:
    case P_ANY:
        return false;
    }
    return false;
}

/* Adds a line about an argument of the wrong type. */
static void check_type(struct rpc_call *c, size_t i, struct json_writer *mismatch)
{
    const struct rpc_param *p = &c->method->params[i];
    const struct json *v = json_at(c->params, i);
    enum json_type want, is = v ? v->type : JSON_NULL;
    if ((p->flags & P_NO_TYPE_CHECK) || (is == JSON_NULL && !is_required(p)) ||
        !expected_type(p, &want) || is == want)
        return;
    json_key(mismatch, arena_printf(c->mem, "Position %zu (%s)", i + 1, p->names));
    json_str(mismatch,
             arena_printf(c->mem, "JSON value of type %s is not of expected type %s",
                          json_type_name(is), json_type_name(want)));
}

static bool count_is_right(const struct rpc_call *c)
{
    size_t most = count_params(c->method->params), least = most;
    while (least > 0 && !is_required(&c->method->params[least - 1]))
        least--;
    return c->params->len >= least && c->params->len <= most;
}

static bool has_null_character(const struct json *v)
{
    if (v->type == JSON_STRING)
        return memchr(v->str, '\0', v->str_len) != NULL;
    for (size_t i = 0; i < v->len; i++)
        if (has_null_character(&v->items[i]) ||
            (v->type == JSON_OBJECT && has_null_character(&v->keys[i])))
            return true;
    return false;
}

/* Texts are C strings further on: what stands behind a null character would silently be
 * lost. */
static bool texts_are_whole(struct rpc_call *c)
{
    for (size_t i = 0; i < c->params->len; i++) {
        const struct rpc_param *p = &c->method->params[i];
        if (p->flags & P_ANY_TEXT || !has_null_character(&c->params->items[i]))
            continue;
        rpc_error(c, RPC_INVALID_PARAMETER, "Position %zu (%.*s) has a null character",
                  i + 1, (int)strcspn(p->names, "|"), p->names);
        return false;
    }
    return true;
}

bool rpc_check_params(struct rpc_call *c)
{
    struct buf text = {0};
    struct json_writer w;
    if (!count_is_right(c)) {
        rpc_help(&text, c->node, c->method->name);
        rpc_error(c, RPC_MISC_ERROR, "%s", buf_cstr(&text));
        buf_clear(&text);
        return false;
    }
    json_writer_init(&w, &text, 4);
    json_begin_object(&w);
    size_t empty = text.len;
    for (size_t i = 0; i < count_params(c->method->params); i++)
        check_type(c, i, &w);
    bool ok = text.len == empty;
    json_end_object(&w);
    if (!ok)
        rpc_error(c, RPC_TYPE_ERROR, "Wrong type passed:\n%s", buf_cstr(&text));
    buf_clear(&text);
    return ok && texts_are_whole(c);
}
