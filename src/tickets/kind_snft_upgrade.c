/* snft-upgrade: the owner of a token buys more room. */
#include "tickets/fee.h"
#include "tickets/fields.h"
#include "tickets/quote.h"
#include "tickets/tokens.h"

enum { TOKEN, COMMITTEE, QUOTA };

static const struct ticket_field fields[] = {
    [TOKEN] = {"token", FIELD_TXID, .indexed = true},
    [COMMITTEE] = {"committee", FIELD_COMMITTEE},
    [QUOTA] = {"quota", FIELD_U64},
};

/* What is to be paid for; 0 when there is no such token or its room would not grow. */
static uint64_t growth(const struct ticket *t, const struct ticket_env *env)
{
    struct hash256 id;
    struct buf mem = {0};
    struct token token;
    uint64_t quota = field_uint(t->v[QUOTA].raw), old = UINT64_MAX;
    memcpy(id.b, t->v[TOKEN].raw.data, 32);
    if (token_get(env->state, &id, &mem, &token))
        old = token.quota;
    buf_clear(&mem);
    return quota > old && quota <= FILE_SIZE_MOST ? quota - old : 0;
}

static bool quote(struct quote *q, const struct ticket *t, const struct ticket_env *env)
{
    uint64_t more = growth(t, env);
    return more > 0 && quote_space(q, env->committee, more);
}

static bool check(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej)
{
    struct hash256 id;
    struct quote q;
    memcpy(id.b, t->v[TOKEN].raw.data, 32);
    if (!token_check_spent(env->state, env->tx, &id, rej))
        return false;
    if (growth(t, env) == 0)
        return reject_suffix(rej, REJECT_TICKET_STATE, "-quota");
    if (!quote(&q, t, env))
        return reject(rej, REJECT_TICKET_FEE_RANGE, NULL);
    return quote_check_payment(&q, env->tx, rej);
}

static void apply(const struct ticket *t, const struct ticket_env *env)
{
    struct hash256 id;
    struct buf mem = {0};
    struct token token;
    memcpy(id.b, t->v[TOKEN].raw.data, 32);
    if (token_get(env->state, &id, &mem, &token)) {
        token.quota = field_uint(t->v[QUOTA].raw);
        token_update(env->state, &id, &token);
    }
    buf_clear(&mem);
}

static void claims(const struct ticket *t, struct claim_set *out)
{
    claim(out, "token+upgrade", t->v[TOKEN].raw);
}

const struct ticket_kind ticket_kind_snft_upgrade = {
    .id = 0x22,
    .name = "snft-upgrade",
    .help = "gives a token more room; the transaction spends its anchor",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .min_burn = quote_min_burn,
    .check = check,
    .apply = apply,
    .claims = claims,
    .quote = quote,
    .carries_token = true,
};
