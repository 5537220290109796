/* snft-sync: what tokens use, signed by their owners' keys and attested by a quorum of
 * a committee. */
#include "tickets/committee.h"
#include "tickets/lists.h"
#include "tickets/tokens.h"

enum { COMMITTEE, REPORTS, QUORUM };

static const struct ticket_field fields[] = {
    [COMMITTEE] = {"committee", FIELD_COMMITTEE},
    [REPORTS] = {"reports", FIELD_SYNC_LIST, .indexed = true, .role = "record",
                 .signer = SIGNER_BY_KIND},
    [QUORUM] = {"quorum", FIELD_QUORUM, .role = "quorum", .cover = COVER_ALL_BEFORE},
};

static struct hash256 token_of(const struct sync_item *item)
{
    struct hash256 id;
    memcpy(id.b, item->token, 32);
    return id;
}

static bool is_repeated(const struct sync_item *items, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (memcmp(items[k].token, items[i].token, 32) == 0)
            return true;
    return false;
}

/* NULL: the report fits its token. */
static const char *wrong_report(struct state_txn *st, const struct sync_item *item)
{
    struct hash256 id = token_of(item);
    struct buf mem = {0};
    struct token token;
    const char *why = NULL;
    if (!token_get(st, &id, &mem, &token))
        why = "-token-unknown";
    else if (token.btns_key.len == 0)
        why = "-token-without-key";
    else if (item->sequence <= token.sequence)
        why = "-sequence";
    else if (item->used > token.quota)
        why = "-above-quota";
    buf_clear(&mem);
    return why;
}

static bool check(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej)
{
    struct sync_item items[SYNC_LIST_MAX];
    size_t n = sync_items(items, t->v[REPORTS].raw);
    if (!quorum_check(t->v[QUORUM].raw, env->committee, quorum_least(env->committee),
                      rej))
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *why = is_repeated(items, i) ? "-token-repeated"
                                                : wrong_report(env->state, &items[i]);
        if (why != NULL)
            return reject_suffix(rej, REJECT_TICKET_STATE, "%s", why);
    }
    return true;
}

static void apply_report(const struct ticket_env *env, const struct sync_item *item)
{
    struct hash256 id = token_of(item);
    struct buf mem = {0};
    struct token token;
    if (token_get(env->state, &id, &mem, &token)) {
        token.sequence = item->sequence;
        token.used = item->used;
        token.cid = item->cid;
        token.last_sync = (uint32_t)env->height;
        token_update(env->state, &id, &token);
    }
    buf_clear(&mem);
}

static void apply(const struct ticket *t, const struct ticket_env *env)
{
    struct sync_item items[SYNC_LIST_MAX];
    size_t n = sync_items(items, t->v[REPORTS].raw);
    for (size_t i = 0; i < n; i++)
        apply_report(env, &items[i]);
}

static void claims(const struct ticket *t, struct claim_set *out)
{
    struct sync_item items[SYNC_LIST_MAX];
    size_t n = sync_items(items, t->v[REPORTS].raw);
    for (size_t i = 0; i < n; i++)
        claim(out, "token+sync", bytes_of(items[i].token, 32));
}

/* A record is signed by the key of its token. */
static struct bytes signer(const struct ticket *t, const struct ticket_env *env,
                           size_t field, size_t item, uint8_t key[57])
{
    struct sync_item items[SYNC_LIST_MAX];
    struct hash256 id;
    struct buf mem = {0};
    struct token token;
    size_t len = 0;
    ASSERT(item < sync_items(items, t->v[field].raw));
    id = token_of(&items[item]);
    if (token_get(env->state, &id, &mem, &token)) {
        len = token.btns_key.len;
        memcpy(key, token.btns_key.data, len);
    }
    buf_clear(&mem);
    return bytes_of(key, len);
}

const struct ticket_kind ticket_kind_snft_sync = {
    .id = 0x23,
    .name = "snft-sync",
    .help = "what tokens use, attested by a committee",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .check = check,
    .apply = apply,
    .claims = claims,
    .signer = signer,
};
