/* sn-update: other keys, places or fees of a supernode; lifts its ban. */
#include "tickets/fields.h"
#include "tickets/sn_rules.h"

enum {
    SN,
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
    [SN] = {"sn", FIELD_TXID, .indexed = true},
    [OPERATOR_KEY] = {"operator_key", FIELD_XONLY_KEY, .indexed = true},
    [PAYOUT_SCRIPT] = {"payout_script", FIELD_SCRIPT, .indexed = true},
    [ENDPOINT] = {"endpoint", FIELD_ENDPOINT, .indexed = true},
    [STORAGE_FEE] = {"storage_fee", FIELD_AMOUNT},
    [SENSE_FEE] = {"sense_fee", FIELD_AMOUNT},
    [OPKEY_SIG] = {"operator_key_signature", FIELD_BIP340_SIG_OPT, .role = "opkey",
                   .signer = SIGNER_BY_KIND},
    [COLLATERAL_SIG] = {"collateral_signature", FIELD_SCRIPT_SIG_OPT,
                        .role = "collateral", .signer = SIGNER_BY_KIND},
    [OPERATOR_SIG] = {"operator_signature", FIELD_ED448_SIG, .role = "operator",
                      .signer = SIGNER_BY_KIND},
};

static struct amount min_burn(const struct ticket *t, const struct ticket_env *env)
{
    struct supernode s = {.banned = 0};
    bool lifts = supernode_get(env->state, t->v[SN].raw.data, &s) && s.banned;
    supernode_clear(&s);
    return lifts ? env->params->sn.lift_ban_burn : amount_of(0);
}

static bool new_key(const struct ticket *t, const struct supernode *s)
{
    return memcmp(t->v[OPERATOR_KEY].raw.data, s->operator_key, 32) != 0;
}

static bool new_payout(const struct ticket *t, const struct supernode *s)
{
    return !bytes_equal(t->v[PAYOUT_SCRIPT].raw, s->payout_script);
}

/* The owner of the collateral agrees to another payee; it must be known who that is. */
static bool check_payout(const struct ticket *t, const struct ticket_env *env,
                         const struct supernode *s, struct reject *rej)
{
    uint8_t key[57];
    struct bytes outpoint = bytes_of(s->collateral, sizeof(s->collateral));
    return !new_payout(t, s) || sn_collateral_script(env, outpoint, key).len > 0 ||
           reject_suffix(rej, REJECT_TICKET_STATE, "-collateral-missing");
}

static bool check(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej)
{
    struct supernode s = {.banned = 0};
    struct state_txn *st = env->state;
    bool ok =
        sn_fees_check(t->v[STORAGE_FEE].raw, t->v[SENSE_FEE].raw, rej) &&
        sn_find(env, t->v[SN].raw, &s, rej) &&
        sn_name_free(st, 'k', t->v[OPERATOR_KEY].raw, &s.sn, "operator-key", rej) &&
        sn_name_free(st, 'e', t->v[ENDPOINT].raw, &s.sn, "endpoint", rej) &&
        check_payout(t, env, &s, rej);
    supernode_clear(&s);
    return ok;
}

static void lift_ban(struct supernode *s, uint32_t height)
{
    s->banned = 0;
    s->penalty = 0;
    s->queued = height;
}

static void apply(const struct ticket *t, const struct ticket_env *env)
{
    struct supernode s = {.banned = 0};
    if (supernode_get(env->state, t->v[SN].raw.data, &s)) {
        supernode_remove(env->state, &s);
        memcpy(s.operator_key, t->v[OPERATOR_KEY].raw.data, sizeof(s.operator_key));
        s.payout_script = t->v[PAYOUT_SCRIPT].raw;
        s.endpoint = t->v[ENDPOINT].raw;
        s.storage_fee = field_uint(t->v[STORAGE_FEE].raw);
        s.sense_fee = field_uint(t->v[SENSE_FEE].raw);
        if (s.banned)
            lift_ban(&s, (uint32_t)env->height);
        supernode_add(env->state, &s);
    }
    supernode_clear(&s);
}

static void claims(const struct ticket *t, struct claim_set *out)
{
    claim(out, "sn", t->v[SN].raw);
    claim(out, "operator_key", t->v[OPERATOR_KEY].raw);
    claim(out, "endpoint", t->v[ENDPOINT].raw);
}

/* Nobody signs for what stays as it is. */
static struct bytes signer(const struct ticket *t, const struct ticket_env *env,
                           size_t field, size_t item, uint8_t key[57])
{
    struct supernode s = {.banned = 0};
    struct bytes out = bytes_of(key, 0);
    (void)item;
    if (field == OPERATOR_SIG)
        return sn_pastelid(env, t->v[SN].raw, key);
    if (!supernode_get(env->state, t->v[SN].raw.data, &s))
        out = bytes_of(key, 0);
    else if (field == OPKEY_SIG && new_key(t, &s))
        out = t->v[OPERATOR_KEY].raw;
    else if (field == COLLATERAL_SIG && new_payout(t, &s))
        out = sn_collateral_script(env, bytes_of(s.collateral, 36), key);
    supernode_clear(&s);
    return out;
}

const struct ticket_kind ticket_kind_sn_update = {
    .id = 0x03,
    .name = "sn-update",
    .help = "changes a supernode, and lifts its ban",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .min_burn = min_burn,
    .check = check,
    .apply = apply,
    .claims = claims,
    .signer = signer,
};
