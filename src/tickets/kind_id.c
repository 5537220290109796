/* id: registers a PastelID, with the script whose owner may revoke it. */
#include "tickets/state_keys.h"
#include "tickets/ticket.h"

enum { PASTELID, OWNER_SCRIPT, OWNER_SIG };

static const struct ticket_field fields[] = {
    [PASTELID] = {"pastelid", FIELD_PASTELID, .indexed = true},
    [OWNER_SCRIPT] = {"owner_script", FIELD_SCRIPT, .indexed = true},
    [OWNER_SIG] = {"owner_signature", FIELD_ED448_SIG, .role = "owner",
                   .signer = PASTELID},
};

static struct amount min_burn(const struct ticket *t, const struct ticket_env *env)
{
    (void)t;
    return env->params->sn.id_burn;
}

static bool check(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej)
{
    struct buf mem = {0};
    struct identity id;
    bool taken = identity_get(env->state, t->v[PASTELID].raw.data, &mem, &id);
    buf_clear(&mem);
    return taken ? reject_suffix(rej, REJECT_TICKET_STATE, "-id-taken") : true;
}

static void apply(const struct ticket *t, const struct ticket_env *env)
{
    struct identity id = {
        .height = (uint32_t)env->height,
        .owner_script = t->v[OWNER_SCRIPT].raw,
    };
    identity_put(env->state, t->v[PASTELID].raw.data, &id);
}

static void claims(const struct ticket *t, struct claim_set *out)
{
    claim(out, "pastelid", t->v[PASTELID].raw);
}

const struct ticket_kind ticket_kind_id = {
    .id = 0x01,
    .name = "id",
    .help = "registers a PastelID",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .min_burn = min_burn,
    .check = check,
    .apply = apply,
    .claims = claims,
};
