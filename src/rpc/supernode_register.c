#include "rpc/supernode_register.h"

#include "chain/params/params.h"
#include "chain/validation/chainman.h"
#include "rpc/json_supernode.h"
#include "rpc/subcommand.h"
#include "rpc/ticket_register.h"

/* An object in the making: what the caller says, and what goes without saying. */
struct object {
    struct rpc_call *call;
    const struct json *said;
    struct buf text;
    struct json_writer w;
};

static bool begin(struct object *o, struct rpc_call *c, size_t arg)
{
    *o = (struct object){.call = c};
    o->said = subcommand_json(c, arg, "The ticket", JSON_OBJECT);
    json_writer_init(&o->w, &o->text, 0);
    json_begin_object(&o->w);
    for (size_t i = 0; o->said != NULL && i < o->said->len; i++) {
        json_key(&o->w, o->said->keys[i].str);
        json_value(&o->w, &o->said->items[i]);
    }
    return o->said != NULL;
}

static bool says(const struct object *o, const char *name)
{
    return json_get(o->said, name) != NULL;
}

/* Reads the object back and has it registered. */
static void finish(struct object *o, const char *kind)
{
    struct json *all;
    const char *error;
    json_end_object(&o->w);
    ASSERT(json_parse(&all, o->call->mem, (const char *)o->text.data, o->text.len,
                      &error));
    ticket_register_object(o->call, ticket_kind_by_name(kind), all);
}

static void write_amount(struct object *o, const char *name, uint64_t v)
{
    if (!says(o, name))
        json_kv_amount(&o->w, name, amount_of((int64_t)v),
                       o->call->node->params->decimals);
}

/* Everything of an update that the caller does not want to change. */
static void write_record(struct object *o, const struct supernode *s)
{
    char text[SN_ENDPOINT_TEXT];
    json_kv_hash(&o->w, "sn", &s->sn);
    if (!says(o, "operator_key"))
        json_kv_hex(&o->w, "operator_key", s->operator_key, sizeof(s->operator_key));
    if (!says(o, "payout_script") && !says(o, "payout_address"))
        json_kv_hex(&o->w, "payout_script", s->payout_script.data,
                    s->payout_script.len);
    if (!says(o, "endpoint"))
        json_kv_str(&o->w, "endpoint", sn_endpoint_format(text, s->endpoint));
    write_amount(o, "storage_fee", s->storage_fee);
    write_amount(o, "sense_fee", s->sense_fee);
}

static bool find(struct rpc_call *c, struct supernode *out)
{
    struct hash256 sn;
    struct chainman *cm = c->node->chainman;
    if (!rpc_arg_hash(c, 1, "sn", &sn))
        return false;
    chainman_read_lock(cm);
    struct state_txn *t = state_begin(chainman_state(cm));
    bool found = supernode_get(t, sn.b, out);
    state_discard(t);
    chainman_read_unlock(cm);
    if (!found)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "There is no supernode of that txid; see: supernode list");
    return found;
}

void supernode_register(struct rpc_call *c)
{
    struct object o;
    if (begin(&o, c, 1))
        finish(&o, "sn-register");
    buf_clear(&o.text);
}

void supernode_update(struct rpc_call *c)
{
    struct object o;
    struct supernode s = {.banned = 0};
    if (begin(&o, c, 2) && find(c, &s)) {
        write_record(&o, &s);
        finish(&o, "sn-update");
    }
    buf_clear(&o.text);
    supernode_clear(&s);
}

void supernode_revoke(struct rpc_call *c)
{
    struct object o;
    struct supernode s = {.banned = 0};
    if (begin(&o, c, 2) && find(c, &s)) {
        json_kv_hash(&o.w, "sn", &s.sn);
        if (!says(&o, "reason"))
            json_kv_int(&o.w, "reason", 0);
        finish(&o, "sn-revoke");
    }
    buf_clear(&o.text);
    supernode_clear(&s);
}
