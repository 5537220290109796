/* sn-penalty: a committee punishes a supernode that fails its duties. */
#include "tickets/committee.h"
#include "tickets/sn_rules.h"

#define PENALTY         40
#define BAN_AT          100
#define COMMITTEE_EVERY 12 /* heights whose committees may punish */
#define COMMITTEE_DEPTH 6
#define BLOCKS_PER_BAN  48

enum { SN, COMMITTEE, REASON, EVIDENCE, QUORUM };

static const struct ticket_field fields[] = {
    [SN] = {"sn", FIELD_TXID, .indexed = true},
    [COMMITTEE] = {"committee", FIELD_COMMITTEE},
    [REASON] = {"reason", FIELD_U8},
    [EVIDENCE] = {"evidence", FIELD_HASH, .indexed = true},
    [QUORUM] = {"quorum", FIELD_QUORUM, .role = "quorum", .cover = COVER_ALL_BEFORE},
};

uint32_t sn_penalty_committee(int32_t height)
{
    int32_t h = height - COMMITTEE_DEPTH;
    return h < 0 ? 0 : (uint32_t)(h - h % COMMITTEE_EVERY);
}

static uint32_t penalty_after(const struct supernode *s, const struct ticket_env *env)
{
    return supernode_penalty_at(s, (uint32_t)env->height) + PENALTY;
}

/* Bans come one at a time, so that no committee can empty the list. */
static bool ban_is_too_soon(const struct ticket_env *env)
{
    uint32_t last;
    return last_ban_get(env->state, &last) &&
           (uint32_t)env->height - last < BLOCKS_PER_BAN;
}

/* Time forgives, so what is allowed now stays allowed until another committee's turn.
 */
static void note_heights(const struct ticket_env *env)
{
    rule_env_heights(env->block, env->height,
                     env->committee->height + INT64_C(0) + COMMITTEE_DEPTH +
                         COMMITTEE_EVERY - 1);
}

static const char *fault_of(const struct supernode *s, const struct ticket_env *env)
{
    const struct committee *c = env->committee;
    if (c->height != sn_penalty_committee(env->height))
        return "-penalty-committee";
    if (!supernode_active(s, (uint32_t)env->height - 1,
                          env->params->sn.activation_depth))
        return "-sn-inactive";
    if (c->height <= s->penalty_H)
        return "-penalty-repeated";
    if (env->block->penalties > 0)
        return "-penalty-second";
    if (penalty_after(s, env) >= BAN_AT && ban_is_too_soon(env))
        return "-penalty-ban-too-soon";
    return NULL;
}

static bool check(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej)
{
    struct supernode s = {.banned = 0};
    bool ok = sn_find(env, t->v[SN].raw, &s, rej);
    note_heights(env);
    if (ok) {
        const char *fault = fault_of(&s, env);
        ok = fault == NULL || reject_suffix(rej, REJECT_TICKET_STATE, "%s", fault);
    }
    supernode_clear(&s);
    return ok && quorum_check(t->v[QUORUM].raw, env->committee,
                              quorum_least_penalty(env->committee), rej);
}

static void apply(const struct ticket *t, const struct ticket_env *env)
{
    struct supernode s = {.banned = 0};
    if (supernode_get(env->state, t->v[SN].raw.data, &s)) {
        s.penalty = (uint16_t)penalty_after(&s, env);
        s.penalty_height = (uint32_t)env->height;
        s.penalty_H = env->committee->height;
        s.banned = s.penalty >= BAN_AT;
        supernode_put(env->state, &s);
        if (s.banned)
            last_ban_put(env->state, (uint32_t)env->height);
    }
    supernode_clear(&s);
    env->block->penalties++;
}

static void claims(const struct ticket *t, struct claim_set *out)
{
    claim(out, "sn-penalty", t->v[SN].raw);
}

const struct ticket_kind ticket_kind_sn_penalty = {
    .id = 0x05,
    .name = "sn-penalty",
    .help = "a committee punishes a supernode",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .check = check,
    .apply = apply,
    .claims = claims,
};
