/* snft-mint: makes a token with room for files, on an output of the transaction. */
#include "tickets/fee.h"
#include "tickets/fields.h"
#include "tickets/quote.h"
#include "tickets/tokens.h"

enum { COMMITTEE, NAME, QUOTA, ANCHOR, BTNS_KEY, META_CID, BTNS_SIG };

static const struct ticket_field fields[] = {
    [COMMITTEE] = {"committee", FIELD_COMMITTEE},
    [NAME] = {"name", FIELD_NAME, .indexed = true},
    [QUOTA] = {"quota", FIELD_U64},
    [ANCHOR] = {"anchor", FIELD_U16, .derived = true},
    [BTNS_KEY] = {"btns_key", FIELD_ED25519_KEY_OPT, .indexed = true},
    [META_CID] = {"meta_cid", FIELD_CID, .indexed = true},
    [BTNS_SIG] = {"btns_signature", FIELD_ED25519_SIG_OPT, .role = "btns",
                  .cover = COVER_INPUT_AND_BODY, .signer = BTNS_KEY},
};

static bool has_valid_quota(const struct ticket *t)
{
    uint64_t quota = field_uint(t->v[QUOTA].raw);
    return quota >= QUOTA_LEAST && quota <= FILE_SIZE_MOST;
}

static bool quote(struct quote *q, const struct ticket *t, const struct ticket_env *env)
{
    return has_valid_quota(t) &&
           quote_space(q, env->committee, field_uint(t->v[QUOTA].raw));
}

static struct outpoint anchor_of(const struct ticket *t, const struct ticket_env *env)
{
    return (struct outpoint){env->tx->txid, (uint32_t)field_uint(t->v[ANCHOR].raw)};
}

static const char *wrong_anchor(const struct ticket *t, const struct ticket_env *env)
{
    struct outpoint anchor = anchor_of(t, env);
    struct hash256 other;
    if (!token_output_ok(env->tx, anchor.n))
        return "-anchor-unspendable";
    return token_at(env->state, &anchor, &other) ? "-anchor-taken" : NULL;
}

static const char *wrong_key(const struct ticket *t, const struct ticket_env *env)
{
    struct bytes key = t->v[BTNS_KEY].raw;
    struct hash256 other;
    return key.len > 0 && token_of_key(env->state, key, &other) ? "-btns-key-taken"
                                                                : NULL;
}

static bool check(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej)
{
    const char *why = NULL;
    struct quote q;
    if (!has_valid_quota(t))
        why = "-quota";
    else if ((why = wrong_anchor(t, env)) == NULL)
        why = wrong_key(t, env);
    if (why != NULL)
        return reject_suffix(rej, REJECT_TICKET_STATE, "%s", why);
    if (!quote(&q, t, env))
        return reject(rej, REJECT_TICKET_FEE_RANGE, NULL);
    return quote_check_payment(&q, env->tx, rej);
}

static void apply(const struct ticket *t, const struct ticket_env *env)
{
    struct token token = {
        .anchor = anchor_of(t, env),
        .name = t->v[NAME].raw,
        .quota = field_uint(t->v[QUOTA].raw),
        .btns_key = t->v[BTNS_KEY].raw,
        .meta_cid = t->v[META_CID].raw,
        .minted = (uint32_t)env->height,
        .last_sync = (uint32_t)env->height,
    };
    token_mint(env->block, &env->tx->txid, &token);
}

static void claims(const struct ticket *t, struct claim_set *out)
{
    if (t->v[BTNS_KEY].raw.len > 0)
        claim(out, "btns_key", t->v[BTNS_KEY].raw);
}

/* The anchor: where a ticket that is made for a user has it. */
static void derive(struct buf *out, const struct ticket *t,
                   const struct ticket_env *env, size_t field)
{
    (void)t, (void)env, (void)field;
    buf_append(out, "\1\0", 2);
}

const struct ticket_kind ticket_kind_snft_mint = {
    .id = 0x20,
    .name = "snft-mint",
    .help = "makes a token with room for files; its txid is the token",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .min_burn = quote_min_burn,
    .check = check,
    .apply = apply,
    .claims = claims,
    .quote = quote,
    .derive = derive,
    .carries_token = true,
};
