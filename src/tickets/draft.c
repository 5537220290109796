#include "tickets/draft.h"

#include <stdlib.h>

#include "chain/script/solver.h"
#include "crypto/ed25519.h"
#include "crypto/ed448.h"
#include "tickets/carrier.h"
#include "tickets/fields.h"
#include "util/mem.h"

void ticket_draft_init(struct ticket_draft *d, const struct chain_params *params,
                       const struct ticket_kind *kind)
{
    *d = (struct ticket_draft){.params = params, .kind = kind};
}

void ticket_draft_clear(struct ticket_draft *d)
{
    for (size_t i = 0; i < TICKET_MAX_FIELDS; i++)
        buf_clear(&d->raw[i]);
    committee_clear(&d->committee);
}

bool ticket_draft_knows(const struct ticket_field *f)
{
    return f->derived || f->type == FIELD_COMMITTEE || f->type == FIELD_SUPERNODES;
}

/* --- octets --- */

static bool is_made_here(const struct ticket_field *f)
{
    return f->role != NULL && f->type != FIELD_QUORUM && f->type != FIELD_SYNC_LIST;
}

size_t ticket_sig_size(enum sig_scheme scheme, struct bytes key)
{
    switch (scheme) {
    case SIG_ED448:
        return ED448_SIG_SIZE;
    case SIG_ED25519:
        return ED25519_SIG_SIZE;
    case SIG_BIP340:
        return 64;
    case SIG_SCRIPT: /* BIP 340 for P2TR, else a signed message */
        return script_type_of(key) == SCRIPT_WITNESS_V1_TAPROOT ? 64 : 65;
    }
    return 0;
}

static struct bytes key_at(const struct ticket_draft *d, size_t field, size_t item)
{
    const struct draft_key *k = &d->keys[field][item];
    return bytes_of(k->octets, k->len);
}

/* Room for a signature that is missing, and for what has no other default. */
static size_t placeholder(const struct ticket_draft *d, size_t i)
{
    const struct ticket_field *f = &d->kind->fields[i];
    struct bytes key = key_at(d, i, 0);
    size_t max, size = field_size(f->type, &max);
    if (size > 0)
        return size;
    if (f->type == FIELD_QUORUM) /* of nobody */
        return 1;
    return key.len > 0 ? ticket_sig_size(field_scheme(f), key) : 0;
}

static void values_of(const struct ticket_draft *d,
                      struct ticket_value values[TICKET_MAX_FIELDS])
{
    static const uint8_t zeros[TRIO * ED448_SIG_SIZE];
    for (size_t i = 0; i < d->kind->n_fields; i++) {
        struct bytes raw = buf_view(&d->raw[i]);
        if (raw.len == 0)
            raw = bytes_of(zeros, placeholder(d, i));
        values[i] = (struct ticket_value){.raw = raw};
    }
}

void ticket_draft_payload(const struct ticket_draft *d, struct buf *out)
{
    struct ticket_value values[TICKET_MAX_FIELDS];
    values_of(d, values);
    ticket_encode(out, d->kind, values);
}

/* --- what follows from the rest --- */

/* The draft as rules see tickets: without payload. */
static void look(const struct ticket_draft *d, struct ticket *t)
{
    *t = (struct ticket){.kind = d->kind};
    values_of(d, t->v);
}

static size_t find_field(const struct ticket_kind *kind, enum field_type type)
{
    size_t i = 0;
    while (i < kind->n_fields && kind->fields[i].type != type)
        i++;
    return i;
}

/* The reference to the committee of the block six below the tip. */
static void name_committee(struct ticket_draft *d, struct state_txn *st, int32_t height,
                           struct buf *out)
{
    struct committee c = {.n = 0};
    struct sink s = sink_to_buf(out);
    int64_t lowest = d->params->tickets_height, h = height - 1 - DRAFT_COMMITTEE_DEPTH;
    bool found = committee_get(st, (uint32_t)(h < lowest ? lowest : h), &c);
    write_u32(&s, c.height);
    write_bytes(&s, c.block.b, 32);
    (void)found; /* an empty reference fails like any wrong one */
    committee_clear(&c);
}

static bool find_committee(struct ticket_draft *d, struct state_txn *st, int32_t height,
                           char **error)
{
    size_t i = find_field(d->kind, FIELD_COMMITTEE);
    struct reject rej = {.code = REJECT_NONE};
    char reason[512];
    if (i == d->kind->n_fields)
        return true;
    if (!d->given[i])
        name_committee(d, st, height, &d->raw[i]);
    if (committee_find(&d->committee, buf_view(&d->raw[i]), st, d->params, height,
                       &rej))
        return true;
    *error = xasprintf("committee of block %u: %s; a network needs %u active "
                       "supernodes for this ticket",
                       (unsigned)get_le32(d->raw[i].data), reject_text(&rej, reason),
                       (unsigned)d->params->sn.min_committee);
    return false;
}

static void choose_supernodes(struct ticket_draft *d)
{
    size_t i = find_field(d->kind, FIELD_SUPERNODES);
    if (i == d->kind->n_fields || d->given[i])
        return;
    for (size_t rank = 0; rank < TRIO; rank++)
        buf_append(&d->raw[i], d->committee.members[rank].sn.b, 32);
}

/* The burn that was asked for, or the least. */
static struct amount burn_of(const struct ticket_draft *d, const struct ticket_env *env,
                             const struct amount *wanted)
{
    struct ticket t;
    look(d, &t);
    return wanted != NULL ? *wanted : ticket_min_burn(&t, env);
}

static void derive_fields(struct ticket_draft *d, struct ticket_env *env,
                          const struct amount *wanted)
{
    for (size_t i = 0; i < d->kind->n_fields; i++) {
        struct ticket t;
        if (!d->kind->fields[i].derived || d->given[i])
            continue;
        env->burn = burn_of(d, env, wanted);
        look(d, &t);
        d->kind->derive(&d->raw[i], &t, env, i);
    }
    env->burn = burn_of(d, env, wanted);
}

/* Under the names of a committee that lacks the supernodes there is no key. */
static void find_keys(struct ticket_draft *d, const struct ticket_env *env)
{
    struct ticket t;
    look(d, &t);
    for (size_t i = 0; i < d->kind->n_fields; i++) {
        const struct ticket_field *f = &d->kind->fields[i];
        size_t n = f->type == FIELD_SUPERNODE_SIGS ? TRIO : 1;
        for (size_t item = 0; item < n && is_made_here(f); item++) {
            struct draft_key *k = &d->keys[i][item];
            struct bytes key = f->signer == SIGNER_BY_KIND
                                   ? d->kind->signer(&t, env, i, item, k->octets)
                                   : t.v[f->signer].raw;
            ASSERT(key.len <= sizeof(k->octets));
            memmove(k->octets, key.data, key.len);
            k->len = (uint8_t)key.len;
        }
    }
}

static bool check_supernodes(struct ticket_draft *d, char **error)
{
    const struct committee_member *members[PAID_MEMBERS];
    struct reject rej = {.code = REJECT_NONE};
    size_t i = find_field(d->kind, FIELD_SUPERNODES);
    char reason[192];
    if (i == d->kind->n_fields ||
        quote_members(members, &d->committee, d->raw[i].data, &rej))
        return true;
    *error = xasprintf("%s: they must be of the committee, the best rank first (%s)",
                       d->kind->fields[i].name, reject_reason(&rej, reason));
    return false;
}

static bool check_burn(const struct ticket_draft *d, const struct ticket_env *env,
                       char **error)
{
    char burn[32], least[32];
    struct amount needed = burn_of(d, env, NULL);
    if (env->burn.v >= needed.v)
        return true;
    *error = xasprintf("burn is %s, less than the %s that this ticket must burn",
                       amount_format(burn, env->burn, d->params->decimals),
                       amount_format(least, needed, d->params->decimals));
    return false;
}

bool ticket_draft_complete(struct ticket_draft *d, struct rule_env *next,
                           const struct amount *burn, char **error)
{
    struct ticket_env env = {.params = d->params,
                             .height = next->height,
                             .state = next->state,
                             .block = next,
                             .committee = &d->committee};
    struct ticket t;
    if (!find_committee(d, next->state, next->height, error))
        return false;
    choose_supernodes(d);
    if (!check_supernodes(d, error))
        return false;
    derive_fields(d, &env, burn);
    if (!check_burn(d, &env, error))
        return false;
    d->burn = env.burn;
    look(d, &t);
    d->pays = d->kind->quote != NULL && d->kind->quote(&d->quote, &t, &env);
    find_keys(d, &env);
    return true;
}

/* JSON and rules know the forms of most values, decoding those of all. */
bool ticket_draft_check(const struct ticket_draft *d, char **error)
{
    struct buf payload = {0};
    struct ticket t;
    ticket_draft_payload(d, &payload);
    bool ok = payload.len <= CARRIER_MAX &&
              ticket_decode(&t, buf_view(&payload)) == TICKET_OK;
    buf_clear(&payload);
    if (!ok)
        *error = xasprintf("a field of this %s has a value that tickets cannot hold "
                           "(ticket-malformed)",
                           d->kind->name);
    return ok;
}

/* --- signatures --- */

struct hash256 ticket_draft_hash(const struct ticket_draft *d, size_t field,
                                 const struct outpoint *prevout)
{
    struct buf payload = {0};
    struct ticket t;
    ticket_draft_payload(d, &payload);
    ASSERT(ticket_decode(&t, buf_view(&payload)) == TICKET_OK);
    struct hash256 h = ticket_sign_hash(d->params, &t, field, prevout);
    buf_clear(&payload);
    return h;
}

static bool is_zero(const uint8_t *octets, size_t n)
{
    while (n > 0 && octets[n - 1] == 0)
        n--;
    return n == 0;
}

static void extend_by_zeros(struct buf *b, size_t len)
{
    size_t more = len - b->len;
    memset(buf_extend(b, more), 0, more);
}

static bool sign_one(struct ticket_draft *d, size_t field, size_t item,
                     const struct outpoint *prevout,
                     bool (*sign)(void *, const struct ticket_signing *, uint8_t *),
                     void *ctx)
{
    const struct ticket_field *f = &d->kind->fields[field];
    struct bytes key = key_at(d, field, item);
    size_t size = ticket_sig_size(field_scheme(f), key);
    if (key.len == 0)
        return true;
    size_t whole = f->type == FIELD_SUPERNODE_SIGS ? TRIO * size : size;
    if (d->raw[field].len < whole)
        extend_by_zeros(&d->raw[field], whole);
    uint8_t *sig = d->raw[field].data + item * size;
    if (!is_zero(sig, size))
        return true;
    struct ticket_signing what = {.field = f,
                                  .scheme = field_scheme(f),
                                  .message = ticket_draft_hash(d, field, prevout),
                                  .key = key};
    return sign(ctx, &what, sig);
}

bool ticket_draft_sign(struct ticket_draft *d, const struct outpoint *prevout,
                       bool (*sign)(void *ctx, const struct ticket_signing *what,
                                    uint8_t *sig),
                       void *ctx)
{
    for (size_t i = 0; i < d->kind->n_fields; i++) {
        const struct ticket_field *f = &d->kind->fields[i];
        size_t n = f->type == FIELD_SUPERNODE_SIGS ? TRIO : 1;
        for (size_t item = 0; item < n && is_made_here(f); item++)
            if (!sign_one(d, i, item, prevout, sign, ctx))
                return false;
    }
    return true;
}
