/* sn-register: a new supernode, on a collateral coin that stays unspent. */
#include "chain/prim/coin.h"
#include "tickets/fields.h"
#include "tickets/sn_rules.h"
#include "tickets/state_keys.h"
#include "tickets/supernode_view.h"

enum {
    COLLATERAL,
    PASTELID,
    OPERATOR_KEY,
    PAYOUT_SCRIPT,
    ENDPOINT,
    STORAGE_FEE,
    SENSE_FEE,
    OPKEY_SIG,
    COLLATERAL_SIG,
    OPERATOR_SIG,
};

static const struct ticket_field fields[] = {
    [COLLATERAL] = {"collateral", FIELD_OUTPOINT},
    [PASTELID] = {"pastelid", FIELD_PASTELID, .indexed = true},
    [OPERATOR_KEY] = {"operator_key", FIELD_XONLY_KEY, .indexed = true},
    [PAYOUT_SCRIPT] = {"payout_script", FIELD_SCRIPT, .indexed = true},
    [ENDPOINT] = {"endpoint", FIELD_ENDPOINT, .indexed = true},
    [STORAGE_FEE] = {"storage_fee", FIELD_AMOUNT},
    [SENSE_FEE] = {"sense_fee", FIELD_AMOUNT},
    [OPKEY_SIG] = {"operator_key_signature", FIELD_BIP340_SIG_OPT, .role = "opkey",
                   .signer = OPERATOR_KEY},
    [COLLATERAL_SIG] = {"collateral_signature", FIELD_SCRIPT_SIG_OPT,
                        .role = "collateral", .signer = SIGNER_BY_KIND},
    [OPERATOR_SIG] = {"operator_signature", FIELD_ED448_SIG, .role = "operator",
                      .signer = PASTELID},
};

static bool check_identity(const struct ticket *t, const struct ticket_env *env,
                           struct reject *rej)
{
    struct buf mem = {0};
    struct identity id;
    const uint8_t *pastelid = t->v[PASTELID].raw.data;
    bool ok = identity_get_active(env->state, pastelid, &mem, &id, rej) &&
              (!(id.flags & IDENTITY_HAD_SUPERNODE) ||
               reject_suffix(rej, REJECT_TICKET_STATE, "-id-had-supernode"));
    buf_clear(&mem);
    return ok;
}

static bool check_names(const struct ticket *t, const struct ticket_env *env,
                        struct reject *rej)
{
    struct state_txn *st = env->state;
    return sn_name_free(st, 'c', t->v[COLLATERAL].raw, NULL, "collateral", rej) &&
           sn_name_free(st, 'k', t->v[OPERATOR_KEY].raw, NULL, "operator-key", rej) &&
           sn_name_free(st, 'e', t->v[ENDPOINT].raw, NULL, "endpoint", rej);
}

static bool check_room(const struct ticket_env *env, struct reject *rej)
{
    const struct supernode_view *v = env->supernodes;
    env->block->unsteady = true;
    return v->count(v->ctx, env->state) < MAX_SUPERNODES ||
           reject_suffix(rej, REJECT_TICKET_STATE, "-sn-full");
}

static bool check(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej)
{
    return sn_fees_check(t->v[STORAGE_FEE].raw, t->v[SENSE_FEE].raw, rej) &&
           check_identity(t, env, rej) && check_names(t, env, rej) &&
           check_room(env, rej) && sn_collateral_check(env, t->v[COLLATERAL].raw, rej);
}

static void use_identity(const struct ticket_env *env, const uint8_t pastelid[57])
{
    struct buf mem = {0};
    struct identity id;
    if (identity_get(env->state, pastelid, &mem, &id)) {
        id.flags |= IDENTITY_HAD_SUPERNODE;
        identity_put(env->state, pastelid, &id);
    }
    buf_clear(&mem);
}

static void apply(const struct ticket *t, const struct ticket_env *env)
{
    struct supernode s = {
        .sn = env->tx->txid,
        .payout_script = t->v[PAYOUT_SCRIPT].raw,
        .endpoint = t->v[ENDPOINT].raw,
        .storage_fee = field_uint(t->v[STORAGE_FEE].raw),
        .sense_fee = field_uint(t->v[SENSE_FEE].raw),
        .registered = (uint32_t)env->height,
    };
    memcpy(s.collateral, t->v[COLLATERAL].raw.data, sizeof(s.collateral));
    memcpy(s.pastelid, t->v[PASTELID].raw.data, sizeof(s.pastelid));
    memcpy(s.operator_key, t->v[OPERATOR_KEY].raw.data, sizeof(s.operator_key));
    supernode_add(env->state, &s);
    use_identity(env, s.pastelid);
    struct outpoint o = supernode_collateral(&s);
    rule_env_mark(env->block, &o, COIN_MARK_COLLATERAL);
}

static void claims(const struct ticket *t, struct claim_set *out)
{
    claim(out, "collateral", t->v[COLLATERAL].raw);
    claim(out, "pastelid", t->v[PASTELID].raw);
    claim(out, "operator_key", t->v[OPERATOR_KEY].raw);
    claim(out, "endpoint", t->v[ENDPOINT].raw);
}

static struct bytes signer(const struct ticket *t, const struct ticket_env *env,
                           size_t field, size_t item, uint8_t key[57])
{
    (void)field, (void)item;
    return sn_collateral_script(env, t->v[COLLATERAL].raw, key);
}

const struct ticket_kind ticket_kind_sn_register = {
    .id = 0x02,
    .name = "sn-register",
    .help = "registers a supernode on a collateral coin",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .check = check,
    .apply = apply,
    .claims = claims,
    .signer = signer,
};
