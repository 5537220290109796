#include "rpc/descriptor_args.h"

#include <stdlib.h>

#define DEFAULT_SCAN_END 1000
#define MAX_RANGE        1000000

static bool fail(struct rpc_call *c, const char *message)
{
    rpc_error(c, RPC_INVALID_PARAMETER, "%s", message);
    return false;
}

static const char *read_ends(const struct json *v, int64_t *low, int64_t *high,
                             enum rpc_code *code)
{
    static const char no_integer[] = "JSON integer out of range";
    *low = 0;
    *code = RPC_MISC_ERROR;
    if (v->type == JSON_NUMBER)
        return json_to_i64(v, high) ? NULL : no_integer;
    *code = RPC_INVALID_PARAMETER;
    if (v->type != JSON_ARRAY || v->len != 2 || v->items[0].type != JSON_NUMBER ||
        v->items[1].type != JSON_NUMBER)
        return "Range must be specified as end or as [begin,end]";
    if (!json_to_i64(&v->items[0], low) || !json_to_i64(&v->items[1], high)) {
        *code = RPC_MISC_ERROR;
        return no_integer;
    }
    return *low <= *high
               ? NULL
               : "Range specified as [begin,end] must not have begin after end";
}

const char *desc_range_read(const struct json *v, struct desc_range *out,
                            enum rpc_code *code)
{
    int64_t low, high;
    const char *error = read_ends(v, &low, &high, code);
    if (error != NULL)
        return error;
    *code = RPC_INVALID_PARAMETER;
    if (low < 0)
        return "Range should be greater or equal than 0";
    if (high >> 31 != 0)
        return "End of range is too high";
    if (high >= low + MAX_RANGE)
        return "Range is too large";
    out->begin = (uint32_t)low;
    out->end = (uint32_t)high;
    return NULL;
}

bool rpc_to_desc_range(struct rpc_call *c, const struct json *v, struct desc_range *out)
{
    enum rpc_code code;
    const char *error = desc_range_read(v, out, &code);
    if (error != NULL)
        rpc_error(c, code, "%s", error);
    return error == NULL;
}

bool rpc_to_descriptors(struct rpc_call *c, const char *text, struct keystore *keys,
                        bool require_checksum, struct descriptor_list *out)
{
    char *error;
    if (descriptor_parse(out, c->node->params, keys, text, require_checksum, &error))
        return true;
    rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "%s", error);
    free(error);
    return false;
}

/* -- Scan objects -- */

struct scan {
    struct rpc_call *c;
    const char *text;
    struct desc_range range;
    struct keystore keys;
    struct keystore *known;
    bool (*fn)(void *ctx, struct bytes script, const struct keystore *known);
    void *ctx;
};

static bool scan_position(struct scan *s, const struct descriptor *d, uint32_t pos)
{
    struct script_list scripts;
    bool ok = true;
    if (!descriptor_expand(d, s->c->node->params, pos, &s->keys, &scripts, s->known)) {
        rpc_error(s->c, RPC_INVALID_ADDRESS_OR_KEY,
                  "Cannot derive script without private keys: '%s'", s->text);
        return false;
    }
    for (size_t i = 0; ok && s->fn != NULL && i < scripts.n; i++)
        ok = s->fn(s->ctx, buf_view(&scripts.items[i]), s->known);
    script_list_clear(&scripts);
    return ok;
}

static bool scan_range(struct scan *s)
{
    struct descriptor_list list;
    bool ok = true;
    if (!rpc_to_descriptors(s->c, s->text, &s->keys, false, &list))
        return false;
    if (!descriptor_is_range(list.items[0]))
        s->range = (struct desc_range){0, 0};
    for (uint64_t pos = s->range.begin; ok && pos <= s->range.end; pos++) {
        for (size_t i = 0; ok && i < list.n; i++)
            ok = scan_position(s, list.items[i], (uint32_t)pos);
    }
    descriptor_list_clear(&list);
    return ok;
}

static bool read_object(struct scan *s, const struct json *v)
{
    const struct json *desc = v, *range = NULL;
    if (v->type == JSON_OBJECT) {
        desc = json_get(v, "desc");
        range = json_get(v, "range");
        if (desc == NULL || desc->type == JSON_NULL)
            return fail(s->c, "Descriptor needs to be provided in scan object");
        if (!rpc_want(s->c, desc, JSON_STRING))
            return false;
    } else if (v->type != JSON_STRING) {
        return fail(s->c, "Scan object needs to be either a string or an object");
    }
    s->text = desc->str;
    return range == NULL || range->type == JSON_NULL ||
           rpc_to_desc_range(s->c, range, &s->range);
}

static bool scan(struct scan *s, const struct json *object)
{
    s->range = (struct desc_range){0, DEFAULT_SCAN_END};
    keystore_init(&s->keys);
    bool ok = read_object(s, object) && scan_range(s);
    keystore_clear(&s->keys);
    return ok;
}

bool rpc_each_scan_script(struct rpc_call *c, const struct json *object,
                          bool (*fn)(void *ctx, struct bytes script,
                                     const struct keystore *known),
                          void *ctx)
{
    struct keystore known;
    struct scan s = {.c = c, .known = &known, .fn = fn, .ctx = ctx};
    keystore_init(&known);
    bool ok = scan(&s, object);
    keystore_clear(&known);
    return ok;
}

bool rpc_scan_keys(struct rpc_call *c, const struct json *object,
                   struct keystore *known)
{
    struct scan s = {.c = c, .known = known};
    return scan(&s, object);
}
