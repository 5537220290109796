#include "rpc/json_supernode.h"

#include <stdio.h>

#include "chain/params/params.h"
#include "chain/script/address.h"
#include "tickets/pastelid.h"

const char *supernode_status(const struct supernode *s, const struct chain_params *p,
                             uint32_t height)
{
    if (s->banned)
        return "BANNED";
    return supernode_active(s, height, p->sn.activation_depth) ? "ENABLED"
                                                               : "PRE_ENABLED";
}

void json_payout(struct rpc_call *c, const char *stem, struct bytes script)
{
    char name[32], text[ADDRESS_MAX];
    struct destination d;
    snprintf(name, sizeof(name), "%sscript", stem);
    json_kv_hex(c->w, name, script.data, script.len);
    snprintf(name, sizeof(name), "%saddress", stem);
    if (destination_from_script(&d, script))
        json_kv_str(c->w, name, address_encode(text, c->node->params, &d));
}

void json_pastelid(struct rpc_call *c, const char *key, const uint8_t pastelid[57])
{
    char text[PASTELID_TEXT_SIZE];
    json_kv_str(c->w, key, pastelid_encode(text, pastelid));
}

static void write_amount(struct rpc_call *c, const char *key, uint64_t v)
{
    rpc_write_amount(c, key, amount_of((int64_t)v));
}

void json_supernode(struct rpc_call *c, const struct supernode *s, uint32_t height)
{
    struct json_writer *w = c->w;
    struct outpoint o = supernode_collateral(s);
    char text[SN_ENDPOINT_TEXT];
    json_begin_object(w);
    json_kv_hash(w, "sn", &s->sn);
    json_kv_str(w, "status", supernode_status(s, c->node->params, height));
    json_pastelid(c, "pastelid", s->pastelid);
    json_key(w, "collateral");
    json_begin_object(w);
    json_kv_hash(w, "txid", &o.txid);
    json_kv_int(w, "vout", o.n);
    json_end_object(w);
    json_kv_hex(w, "operator_key", s->operator_key, sizeof(s->operator_key));
    json_payout(c, "payout_", s->payout_script);
    json_kv_str(w, "endpoint", sn_endpoint_format(text, s->endpoint));
    write_amount(c, "storage_fee", s->storage_fee);
    write_amount(c, "sense_fee", s->sense_fee);
    json_kv_int(w, "registered", s->registered);
    json_kv_int(w, "last_paid", s->last_paid);
    json_kv_int(w, "queued", s->queued);
    json_kv_int(w, "penalty", s->banned ? s->penalty : supernode_penalty_at(s, height));
    json_kv_int(w, "penalty_height", s->penalty_height);
    json_kv_int(w, "penalty_committee", s->penalty_H);
    json_kv_bool(w, "banned", s->banned);
    json_end_object(w);
}

void json_members(struct rpc_call *c, const char *key,
                  const struct committee *committee)
{
    json_key(c->w, key);
    json_begin_array(c->w);
    for (size_t i = 0; i < committee->n; i++) {
        const struct committee_member *m = &committee->members[i];
        json_begin_object(c->w);
        json_kv_int(c->w, "rank", (int64_t)i);
        json_kv_hash(c->w, "sn", &m->sn);
        json_pastelid(c, "pastelid", m->pastelid);
        json_kv_hex(c->w, "operator_key", m->operator_key, sizeof(m->operator_key));
        json_payout(c, "payout_", m->payout_script);
        write_amount(c, "storage_fee", m->storage_fee);
        write_amount(c, "sense_fee", m->sense_fee);
        json_end_object(c->w);
    }
    json_end_array(c->w);
}
