#include "rpc/json_ticket.h"

#include "tickets/carrier.h"

void json_ticket_members(struct rpc_call *c, const struct ticket *t)
{
    json_kv_str(c->w, "kind", t->kind->name);
    json_kv_int(c->w, "version", CARRIER_VERSION);
    json_key(c->w, "ticket");
    json_begin_object(c->w);
    ticket_write_fields(t, c->node->params, c->w);
    json_end_object(c->w);
}

void json_ticket_record(struct rpc_call *c, const struct ticket_record *r,
                        int32_t tip_height)
{
    json_begin_object(c->w);
    json_kv_hash(c->w, "txid", &r->txid);
    json_kv_int(c->w, "height", r->height);
    json_kv_hash(c->w, "blockhash", &r->block);
    json_kv_int(c->w, "confirmations", (int64_t)tip_height - r->height + 1);
    rpc_write_amount(c, "burned", r->burned);
    json_ticket_members(c, &r->ticket);
    json_end_object(c->w);
}
