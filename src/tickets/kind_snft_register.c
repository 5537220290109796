/* snft-register: the owner of a token names the key of its usage records. */
#include "tickets/fields.h"
#include "tickets/tokens.h"

enum { TOKEN, BTNS_KEY, BTNS_SIG };

#define BURN 100000 /* 1 PSL */

static const struct ticket_field fields[] = {
    [TOKEN] = {"token", FIELD_TXID, .indexed = true},
    [BTNS_KEY] = {"btns_key", FIELD_ED25519_KEY, .indexed = true},
    [BTNS_SIG] = {"btns_signature", FIELD_ED25519_SIG, .role = "btns",
                  .cover = COVER_INPUT_AND_BODY, .signer = BTNS_KEY},
};

static struct amount min_burn(const struct ticket *t, const struct ticket_env *env)
{
    (void)t, (void)env;
    return amount_of(BURN);
}

/* The same key again would begin its reports anew and let old ones pass. */
static bool check(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej)
{
    struct hash256 id, other;
    memcpy(id.b, t->v[TOKEN].raw.data, 32);
    if (!token_check_spent(env->state, env->tx, &id, rej))
        return false;
    if (token_of_key(env->state, t->v[BTNS_KEY].raw, &other))
        return reject_suffix(rej, REJECT_TICKET_STATE, "-btns-key-taken");
    return true;
}

static void apply(const struct ticket *t, const struct ticket_env *env)
{
    struct hash256 id;
    memcpy(id.b, t->v[TOKEN].raw.data, 32);
    token_set_key(env->state, &id, t->v[BTNS_KEY].raw);
}

static void claims(const struct ticket *t, struct claim_set *out)
{
    claim(out, "token+register", t->v[TOKEN].raw);
    claim(out, "btns_key", t->v[BTNS_KEY].raw);
}

const struct ticket_kind ticket_kind_snft_register = {
    .id = 0x21,
    .name = "snft-register",
    .help =
        "names the key of a token's usage records; the transaction spends its anchor",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .min_burn = min_burn,
    .check = check,
    .apply = apply,
    .claims = claims,
    .carries_token = true,
};
