/* Outputs of a payment, and which of them bear the fee. */
#include <stdlib.h>

#include "rpc/raw.h"
#include "rpc/wallet_spend.h"
#include "util/rand.h"

#define BAD "Invalid parameter 'subtract fee from output', "

/* Who is called by name: an output's key. */
struct names {
    const char **v; /* owned array of borrowed */
    size_t n;
};

static void collect_names(struct names *names, const struct json *outputs)
{
    names->v = xmalloc((outputs->len + 1) * sizeof(*names->v));
    names->n = outputs->len;
    for (size_t i = 0; i < outputs->len; i++)
        names->v[i] = outputs->type == JSON_OBJECT ? outputs->keys[i].str
                                                   : outputs->items[i].keys[0].str;
}

static bool position_of(struct rpc_call *c, const struct names *names, const char *name,
                        int32_t *out)
{
    for (size_t i = 0; names != NULL && i < names->n; i++) {
        if (strcmp(names->v[i], name) == 0) {
            *out = (int32_t)i;
            return true;
        }
    }
    rpc_error(c, RPC_INVALID_PARAMETER, BAD "destination %s not found in tx outputs",
              name);
    return false;
}

static bool refuse_position(struct rpc_call *c, const char *what, int32_t pos)
{
    rpc_error(c, RPC_INVALID_PARAMETER, BAD "%s position: %d", what, pos);
    return false;
}

static bool mark(struct outputs_arg *o, struct rpc_call *c, const struct names *names,
                 const struct json *v)
{
    int32_t pos;
    if (v->type == JSON_STRING) {
        if (!position_of(c, names, v->str, &pos))
            return false;
    } else if (v->type == JSON_NUMBER) {
        if (!rpc_to_i32(c, v, &pos))
            return false;
    } else {
        rpc_error(c, RPC_INVALID_PARAMETER, BAD "invalid value type: %s",
                  json_type_name(v->type));
        return false;
    }
    if (pos >= 0 && (size_t)pos < o->n && o->v[pos].subtract_fee)
        return refuse_position(c, "duplicated", pos);
    if (pos < 0)
        return refuse_position(c, "negative", pos);
    if ((size_t)pos >= o->n) {
        rpc_error(c, RPC_INVALID_PARAMETER, BAD "position too large: %d", pos);
        return false;
    }
    o->v[pos].subtract_fee = true;
    return true;
}

/* true (sendtoaddress): the only one. */
static bool mark_all(struct outputs_arg *o, struct rpc_call *c,
                     const struct names *names, const struct json *subtract)
{
    if (!json_given(subtract))
        return true;
    if (subtract->type == JSON_BOOL) {
        o->v[0].subtract_fee = subtract->boolean;
        return true;
    }
    if (!rpc_want(c, subtract, JSON_ARRAY))
        return false;
    for (size_t i = 0; i < subtract->len; i++) {
        if (!mark(o, c, names, &subtract->items[i]))
            return false;
    }
    return true;
}

static void view_outputs(struct outputs_arg *o)
{
    o->n = o->tx.n_out;
    o->v = xcalloc(o->n + 1, sizeof(*o->v));
    for (size_t i = 0; i < o->n; i++)
        o->v[i] = (struct spend_output){o->tx.out[i].value,
                                        buf_view(&o->tx.out[i].script), false};
}

bool outputs_read(struct outputs_arg *out, struct rpc_call *c,
                  const struct json *outputs, const struct json *subtract)
{
    struct names names;
    mtx_init(&out->tx);
    out->v = NULL;
    if (!raw_add_outputs(c, &out->tx, outputs))
        return false;
    view_outputs(out);
    collect_names(&names, outputs);
    bool ok = mark_all(out, c, &names, subtract);
    free(names.v);
    return ok;
}

bool outputs_of_tx(struct outputs_arg *out, struct rpc_call *c, const struct tx *tx,
                   const struct json *subtract)
{
    mtx_from_tx(&out->tx, tx);
    view_outputs(out);
    return mark_all(out, c, NULL, subtract);
}

/* Whoever sees the transaction shall not learn in which order they were asked for. */
void outputs_shuffle(struct outputs_arg *o)
{
    struct rng rng;
    rng_seed_random(&rng);
    rng_shuffle(&rng, o->v, o->n, sizeof(*o->v));
}

void outputs_clear(struct outputs_arg *o)
{
    free(o->v);
    mtx_clear(&o->tx);
    *o = (struct outputs_arg){0};
}
