#include "wallet/psbt_analyze.h"

#include "chain/rules/policy.h"
#include "rpc/psbt_args.h"

static void put_ids(struct rpc_call *c, const char *key, uint8_t (*ids)[20], size_t n)
{
    if (n == 0)
        return;
    json_key(c->w, key);
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++)
        json_hex(c->w, ids[i], sizeof(ids[i]));
    json_end_array(c->w);
}

static void put_missing(struct rpc_call *c, const struct sig_missing *m)
{
    if (m->n_pubkeys == 0 && m->n_sigs == 0 && !m->redeem_script && !m->witness_script)
        return;
    json_key(c->w, "missing");
    json_begin_object(c->w);
    put_ids(c, "pubkeys", m->pubkeys, m->n_pubkeys);
    if (m->redeem_script)
        json_kv_hex(c->w, "redeemscript", m->redeem_hash, sizeof(m->redeem_hash));
    if (m->witness_script)
        json_kv_hex(c->w, "witnessscript", m->witness_hash, sizeof(m->witness_hash));
    put_ids(c, "signatures", m->sigs, m->n_sigs);
    json_end_object(c->w);
}

static void put_input(struct rpc_call *c, const struct psbt_input_state *s)
{
    json_begin_object(c->w);
    json_kv_bool(c->w, "has_utxo", s->has_utxo);
    json_kv_bool(c->w, "is_final", s->is_final);
    json_kv_str(c->w, "next", psbt_role_name(s->next));
    put_missing(c, &s->missing);
    json_end_object(c->w);
}

static void put_analysis(struct rpc_call *c, const struct psbt_analysis *a)
{
    json_begin_object(c->w);
    if (a->n_in > 0) {
        json_key(c->w, "inputs");
        json_begin_array(c->w);
        for (uint32_t i = 0; i < a->n_in; i++)
            put_input(c, &a->in[i]);
        json_end_array(c->w);
    }
    if (a->vsize >= 0) {
        json_kv_int(c->w, "estimated_vsize", a->vsize);
        rpc_write_amount(c, "estimated_feerate",
                         amount_of(feerate_of(a->fee.v, a->vsize)));
    }
    if (a->has_fee)
        rpc_write_amount(c, "fee", a->fee);
    json_kv_str(c->w, "next", psbt_role_name(a->next));
    if (a->error != NULL)
        json_kv_str(c->w, "error", a->error);
    json_end_object(c->w);
}

void rpc_analyzepsbt(struct rpc_call *c)
{
    struct psbt p;
    struct psbt_analysis a;
    if (!rpc_to_psbt(c, rpc_arg(c, 0), &p))
        return;
    psbt_analyze(&a, c->node->params, &p);
    put_analysis(c, &a);
    psbt_analysis_clear(&a);
    psbt_clear(&p);
}
