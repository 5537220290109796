/* id-revoke: the owner of a registered PastelID's owner_script ends it. */
#include "chain/prim/coin.h"
#include "tickets/state_keys.h"
#include "tickets/supernode.h"
#include "tickets/ticket.h"

enum { PASTELID };

static const struct ticket_field fields[] = {
    [PASTELID] = {"pastelid", FIELD_PASTELID, .indexed = true},
};

static bool spends_script(const struct ticket_env *env, struct bytes script)
{
    for (uint32_t i = 0; i < env->tx->n_in; i++)
        if (bytes_equal(env->spent[i]->script, script))
            return true;
    return false;
}

static bool check(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej)
{
    struct buf mem = {0};
    struct identity id;
    const uint8_t *pastelid = t->v[PASTELID].raw.data;
    bool ok = identity_get_active(env->state, pastelid, &mem, &id, rej) &&
              (spends_script(env, id.owner_script) ||
               reject_suffix(rej, REJECT_TICKET_STATE, "-id-not-owner"));
    buf_clear(&mem);
    return ok;
}

static void apply(const struct ticket *t, const struct ticket_env *env)
{
    struct buf mem = {0};
    struct identity id;
    if (identity_get(env->state, t->v[PASTELID].raw.data, &mem, &id)) {
        id.flags |= IDENTITY_REVOKED;
        identity_put(env->state, t->v[PASTELID].raw.data, &id);
        supernode_pastelid_revoked(env->state, t->v[PASTELID].raw);
    }
    buf_clear(&mem);
}

static void claims(const struct ticket *t, struct claim_set *out)
{
    claim(out, "pastelid", t->v[PASTELID].raw);
}

const struct ticket_kind ticket_kind_id_revoke = {
    .id = 0x06,
    .name = "id-revoke",
    .help = "ends a PastelID; the transaction spends a coin of its owner script",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .check = check,
    .apply = apply,
    .claims = claims,
};
