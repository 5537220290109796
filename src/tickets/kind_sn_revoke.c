/* sn-revoke: a supernode leaves for good. */
#include "tickets/sn_rules.h"

enum { SN, REASON, OPERATOR_SIG };

static const struct ticket_field fields[] = {
    [SN] = {"sn", FIELD_TXID, .indexed = true},
    [REASON] = {"reason", FIELD_U8},
    [OPERATOR_SIG] = {"operator_signature", FIELD_ED448_SIG, .role = "operator",
                      .signer = SIGNER_BY_KIND},
};

static bool check(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej)
{
    struct supernode s = {.banned = 0};
    bool ok = sn_find(env, t->v[SN].raw, &s, rej);
    supernode_clear(&s);
    return ok;
}

static void apply(const struct ticket *t, const struct ticket_env *env)
{
    struct supernode s = {.banned = 0};
    if (supernode_get(env->state, t->v[SN].raw.data, &s))
        supernode_remove(env->state, &s);
    supernode_clear(&s);
}

static void claims(const struct ticket *t, struct claim_set *out)
{
    claim(out, "sn", t->v[SN].raw);
}

static struct bytes signer(const struct ticket *t, const struct ticket_env *env,
                           size_t field, size_t item, uint8_t key[57])
{
    (void)field, (void)item;
    return sn_pastelid(env, t->v[SN].raw, key);
}

const struct ticket_kind ticket_kind_sn_revoke = {
    .id = 0x04,
    .name = "sn-revoke",
    .help = "ends a supernode",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .check = check,
    .apply = apply,
    .claims = claims,
    .signer = signer,
};
