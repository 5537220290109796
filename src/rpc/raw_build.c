#include <stdlib.h>

#include "chain/script/address.h"
#include "chain/script/tx_decode.h"
#include "rpc/raw.h"
#include "util/mem.h"

/* BIP 125: at most this signals that the transaction may be replaced. */
#define SEQUENCE_REPLACEABLE (SEQUENCE_FINAL - 2)
#define SEQUENCE_NONFINAL    (SEQUENCE_FINAL - 1)

struct tx *raw_decode_arg(struct rpc_call *c, const struct json *v, const char *message)
{
    struct tx *tx = NULL;
    if (!rpc_want(c, v, JSON_STRING))
        return NULL;
    tx = tx_decode_hex(v->str, v->str_len, false, true);
    if (tx == NULL)
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "%s", message);
    return tx;
}

void raw_put_mtx(struct rpc_call *c, const struct mtx *m)
{
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    mtx_write(m, &s, true);
    json_hex(c->w, raw.data, raw.len);
    buf_clear(&raw);
}

static bool fail(struct rpc_call *c, const char *message)
{
    rpc_error(c, RPC_INVALID_PARAMETER, "%s", message);
    return false;
}

/* -- Inputs -- */

const struct rpc_param raw_input_fields[] = {
    {"txid", P_HEX, .help = "Transaction to spend from"},
    {"vout", P_NUM, .help = "Which of its outputs"},
    {"sequence", P_NUM, P_OPTIONAL,
     .help = "Sequence number; when omitted, it follows from replaceable and locktime"},
    {0},
};

static uint32_t default_sequence(const struct mtx *m, bool replaceable)
{
    if (replaceable)
        return SEQUENCE_REPLACEABLE;
    return m->locktime != 0 ? SEQUENCE_NONFINAL : SEQUENCE_FINAL;
}

static bool add_input(struct rpc_call *c, struct mtx *m, const struct json *in,
                      bool replaceable)
{
    struct outpoint o;
    int32_t n;
    int64_t sequence = default_sequence(m, replaceable);
    if (!rpc_want(c, in, JSON_OBJECT) ||
        !rpc_to_hash(c, json_get(in, "txid"), "txid", &o.txid))
        return false;
    const struct json *vout = json_get(in, "vout");
    if (vout == NULL || vout->type != JSON_NUMBER)
        return fail(c, "Invalid parameter, missing vout key");
    if (!rpc_to_i32(c, vout, &n))
        return false;
    if (n < 0)
        return fail(c, "Invalid parameter, vout cannot be negative");
    const struct json *given = json_get(in, "sequence");
    if (given != NULL && given->type == JSON_NUMBER) {
        if (!rpc_to_i64(c, given, &sequence))
            return false;
        if (sequence < 0 || sequence > SEQUENCE_FINAL)
            return fail(c, "Invalid parameter, sequence number is out of range");
    }
    o.n = (uint32_t)n;
    mtx_add_in(m, &o, (uint32_t)sequence);
    return true;
}

static bool add_inputs(struct rpc_call *c, struct mtx *m, const struct json *inputs,
                       bool replaceable)
{
    if (inputs == NULL)
        return true;
    if (!rpc_want(c, inputs, JSON_ARRAY))
        return false;
    for (size_t i = 0; i < inputs->len; i++) {
        if (!add_input(c, m, &inputs->items[i], replaceable))
            return false;
    }
    return true;
}

/* -- Outputs -- */

struct outputs {
    struct mtx *m;
    struct destination *seen; /* owned */
    size_t n_seen;
    bool has_data;
};

static bool add_data(struct rpc_call *c, struct outputs *o, const struct json *value)
{
    struct buf data = {0}, script = {0};
    struct json text = *value;
    if (o->has_data)
        return fail(c, "Invalid parameter, duplicate key: data");
    o->has_data = true;
    if (value->type == JSON_NUMBER) /* digits are hex, too */
        text.type = JSON_STRING;
    bool ok = rpc_to_bytes(c, &text, "Data", &data);
    if (ok) {
        script_put_op(&script, OP_RETURN);
        script_put_data(&script, data.data, data.len);
        mtx_add_out(o->m, amount_of(0), buf_view(&script));
    }
    buf_clear(&data);
    buf_clear(&script);
    return ok;
}

static bool is_new_destination(struct outputs *o, const struct destination *d)
{
    for (size_t i = 0; i < o->n_seen; i++) {
        if (destination_equal(&o->seen[i], d))
            return false;
    }
    o->seen = xrealloc_array(o->seen, o->n_seen + 1, sizeof(*o->seen));
    o->seen[o->n_seen++] = *d;
    return true;
}

static bool add_payment(struct rpc_call *c, struct outputs *o, const char *address,
                        const struct json *value)
{
    struct destination d;
    struct amount amount;
    struct buf script = {0};
    bool known = address_decode(&d, c->node->params, address, NULL);
    if (!rpc_to_amount(c, value, &amount))
        return false;
    if (!known) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Invalid Bitcoin address: %s",
                  address);
        return false;
    }
    if (!is_new_destination(o, &d)) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid parameter, duplicated address: %s",
                  address);
        return false;
    }
    destination_to_script(&script, &d);
    mtx_add_out(o->m, amount, buf_view(&script));
    buf_clear(&script);
    return true;
}

static bool add_output(struct rpc_call *c, struct outputs *o, const struct json *object,
                       size_t i)
{
    const char *name = object->keys[i].str;
    if (strcmp(name, "data") == 0)
        return add_data(c, o, &object->items[i]);
    return add_payment(c, o, name, &object->items[i]);
}

/* An object of payments, or (so that order and repetition can be said) an array of such
 * with one key each. */
static bool add_each_output(struct rpc_call *c, struct outputs *o, const struct json *v)
{
    if (v == NULL)
        return fail(c, "Invalid parameter, output argument must be non-null");
    if (v->type == JSON_OBJECT) {
        for (size_t i = 0; i < v->len; i++) {
            if (!add_output(c, o, v, i))
                return false;
        }
        return true;
    }
    if (!rpc_want(c, v, JSON_ARRAY))
        return false;
    for (size_t i = 0; i < v->len; i++) {
        if (v->items[i].type != JSON_OBJECT)
            return fail(c,
                        "Invalid parameter, key-value pair not an object as expected");
        if (v->items[i].len != 1)
            return fail(
                c, "Invalid parameter, key-value pair must contain exactly one key");
    }
    for (size_t i = 0; i < v->len; i++) {
        if (!add_output(c, o, &v->items[i], 0))
            return false;
    }
    return true;
}

bool raw_add_outputs(struct rpc_call *c, struct mtx *m, const struct json *v)
{
    struct outputs o = {.m = m};
    bool ok = add_each_output(c, &o, v);
    free(o.seen);
    return ok;
}

/* -- All of it -- */

static bool signals_replacement(const struct mtx *m)
{
    for (uint32_t i = 0; i < m->n_in; i++) {
        if (m->in[i].sequence <= SEQUENCE_REPLACEABLE)
            return true;
    }
    return false;
}

static bool read_locktime(struct rpc_call *c, const struct json *v, uint32_t *out)
{
    int64_t locktime = 0;
    if (v != NULL && v->type != JSON_NULL && !rpc_to_i64(c, v, &locktime))
        return false;
    if (locktime < 0 || locktime > UINT32_MAX)
        return fail(c, "Invalid parameter, locktime out of range");
    *out = (uint32_t)locktime;
    return true;
}

bool raw_construct_parts(struct rpc_call *c, const struct raw_parts *p, struct mtx *out)
{
    bool replaceable = p->rbf != RAW_RBF_NO;
    mtx_init(out);
    if (!read_locktime(c, p->locktime, &out->locktime) ||
        !add_inputs(c, out, p->inputs, replaceable) ||
        !raw_add_outputs(c, out, p->outputs))
        return false;
    if (p->rbf == RAW_RBF_YES && out->n_in > 0 && !signals_replacement(out))
        return fail(c, "Invalid parameter combination: Sequence number(s) contradict "
                       "replaceable option");
    return true;
}

bool raw_construct(struct rpc_call *c, size_t first, struct mtx *out)
{
    struct raw_parts p = {rpc_arg(c, first), rpc_arg(c, first + 1),
                          rpc_arg(c, first + 2), RAW_RBF_DEFAULT};
    if (rpc_arg(c, first + 3) != NULL)
        p.rbf = rpc_arg_bool(c, first + 3, true) ? RAW_RBF_YES : RAW_RBF_NO;
    return raw_construct_parts(c, &p, out);
}
