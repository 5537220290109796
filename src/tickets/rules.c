#include "tickets/rules.h"

#include <stdlib.h>

#include "chain/prim/coin.h"
#include "crypto/ed448.h"
#include "crypto/sha256.h"
#include "tickets/carrier.h"
#include "tickets/state_keys.h"
#include "tickets/ticket.h"
#include "util/mem.h"

#define COMMITTEES_KEPT 1000
#define SUPERNODE_SHARE 5 /* one part in five */

/* --- the commitment --- */

static const uint8_t commitment_head[6] = {0x6a, 0x24, 'O', 'C', 'S', 'T'};

void state_commitment_script(uint8_t out[STATE_COMMITMENT_SIZE],
                             const struct hash256 *root)
{
    memcpy(out, commitment_head, sizeof(commitment_head));
    memcpy(out + sizeof(commitment_head), root->b, 32);
}

bool state_commitment_find(struct hash256 *root, const struct tx *coinbase)
{
    size_t n = 0;
    for (uint32_t i = 0; i < coinbase->n_out; i++) {
        struct bytes script = coinbase->out[i].script;
        if (script.len != STATE_COMMITMENT_SIZE ||
            memcmp(script.data, commitment_head, sizeof(commitment_head)) != 0)
            continue;
        memcpy(root->b, script.data + sizeof(commitment_head), 32);
        n++;
    }
    return n == 1;
}

/* --- signatures --- */

struct sig_job {
    struct ticket_rules *rules;
    struct hash256 message;
    uint8_t pub[ED448_KEY_SIZE];
    uint8_t sig[ED448_SIG_SIZE];
};

static struct hash256 cache_key(const struct sig_job *j)
{
    struct sha256 h;
    struct hash256 key;
    sha256_init(&h);
    sha256_update(&h, j->rules->salt, sizeof(j->rules->salt));
    sha256_update(&h, j->message.b, 32);
    sha256_update(&h, j->pub, sizeof(j->pub));
    sha256_update(&h, j->sig, sizeof(j->sig));
    sha256_final(&h, key.b);
    return key;
}

static bool sig_job_run(void *arg)
{
    struct sig_job *j = arg;
    struct hash256 key = cache_key(j);
    bool ok = sigcache_has_signature(j->rules->cache, &key, false);
    if (!ok) {
        ok = ed448_verify(j->pub, j->sig, j->message.b, 32);
        if (ok)
            sigcache_add_signature(j->rules->cache, &key);
    }
    free(j);
    return ok;
}

static bool check_signature(struct ticket_rules *rules, struct rule_env *env,
                            const struct ticket *t, size_t field, const struct tx *tx)
{
    const struct ticket_field *f = &t->kind->fields[field];
    struct sig_job *j = xmalloc(sizeof(*j));
    j->rules = rules;
    j->message = ticket_sign_hash(env->params, t, field, &tx->in[0].prevout);
    memcpy(j->pub, t->v[f->signer].raw.data, sizeof(j->pub));
    memcpy(j->sig, t->v[field].raw.data, sizeof(j->sig));
    if (env->defer == NULL)
        return sig_job_run(j);
    env->defer(env->defer_ctx, sig_job_run, free, j);
    return true;
}

static bool check_signatures(struct ticket_rules *rules, struct rule_env *env,
                             const struct ticket *t, const struct tx *tx)
{
    for (size_t i = 0; i < t->kind->n_fields; i++)
        if (t->kind->fields[i].role != NULL && !check_signature(rules, env, t, i, tx))
            return false;
    return true;
}

/* --- one ticket --- */

/* Cheap checks first; signatures, the dearest, may be left to the workers. */
static bool check_ticket(struct ticket_rules *rules, struct rule_env *env,
                         const struct ticket *t, const struct ticket_env *te,
                         struct reject *rej)
{
    unsigned sigops = ticket_sigops(t);
    if (env->sigops + sigops > TICKET_MAX_SIGOPS)
        return reject(rej, REJECT_TICKET_SIGOPS, NULL);
    struct amount least = t->kind->min_burn(t, te);
    if (te->burn.v < least.v)
        return reject_detail(rej, REJECT_TICKET_BURN,
                             "burns %lld, at least %lld is required",
                             (long long)te->burn.v, (long long)least.v);
    if (!t->kind->check(t, te, rej))
        return false;
    if (!check_signatures(rules, env, t, te->tx))
        return reject(rej, REJECT_TICKET_SIGNATURE, NULL);
    env->sigops += sigops;
    return true;
}

static bool hook_tx(void *ctx, struct rule_env *env, const struct tx *tx,
                    const struct coin *const *spent, struct claim_set *claims,
                    struct reject *rej)
{
    uint32_t out;
    struct bytes payload;
    struct ticket t;
    size_t n = carrier_find(tx, &out, &payload);
    if (n == 0)
        return true;
    if (n > 1)
        return reject(rej, REJECT_TICKET_MULTIPLE, NULL);
    switch (ticket_decode(&t, payload)) {
    case TICKET_UNKNOWN:
        return true;
    case TICKET_MALFORMED:
        return reject(rej, REJECT_TICKET_MALFORMED, NULL);
    case TICKET_OK:
        break;
    }
    struct ticket_env te = {env->params, env->height,        tx,
                            spent,       tx->out[out].value, env->state};
    if (!check_ticket(ctx, env, &t, &te, rej))
        return false;
    t.kind->apply(&t, &te);
    burn_add(env->state, t.kind->id, te.burn);
    if (claims != NULL)
        t.kind->claims(&t, claims);
    return true;
}

/* --- blocks --- */

static bool hook_active(void *ctx, const struct chain_params *params, int32_t height)
{
    (void)ctx;
    return tickets_active_at(params, height);
}

struct amount subsidy_without_share(struct amount subsidy)
{
    return amount_of(subsidy.v - subsidy.v / SUPERNODE_SHARE);
}

static bool hook_block_begin(void *ctx, struct rule_env *env, const struct block *b,
                             struct amount subsidy, struct amount *max_value,
                             struct reject *rej)
{
    const struct tx *coinbase = &b->txs[0];
    struct hash256 stated = {{0}}, root = state_txn_root(env->state);
    uint32_t out;
    struct bytes payload;
    (void)ctx;
    *max_value = subsidy_without_share(subsidy);
    if (carrier_find(coinbase, &out, &payload) > 0)
        return reject(rej, REJECT_TICKET_COINBASE, NULL), reject_as_block(rej);
    if (!state_commitment_find(&stated, coinbase))
        return reject(rej, REJECT_BAD_STATE_ROOT, "not exactly one state commitment");
    if (!hash256_equal(&stated, &root))
        return reject(rej, REJECT_BAD_STATE_ROOT, "another root than the state has");
    return true;
}

static bool hook_block_end(void *ctx, struct rule_env *env, const struct block *b,
                           struct reject *rej)
{
    (void)ctx, (void)rej;
    if (env->height > COMMITTEES_KEPT)
        committee_del(env->state, (uint32_t)(env->height - COMMITTEES_KEPT));
    committee_put_empty(env->state, (uint32_t)env->height, &b->hash);
    return true;
}

static size_t hook_coinbase_outputs(void *ctx, struct rule_env *env,
                                    struct amount subsidy, struct amount *max_value,
                                    struct arena *mem, struct required_output out[8])
{
    struct hash256 root = state_txn_root(env->state);
    uint8_t *script = arena_alloc(mem, STATE_COMMITMENT_SIZE);
    (void)ctx;
    *max_value = subsidy_without_share(subsidy);
    state_commitment_script(script, &root);
    out[0] = (struct required_output){bytes_of(script, STATE_COMMITMENT_SIZE),
                                      amount_of(0), "state-root"};
    return 1;
}

static enum carrier_relay hook_carrier_relay(void *ctx, struct bytes script)
{
    struct bytes payload;
    struct ticket t;
    (void)ctx;
    if (!carrier_parse(script, &payload))
        return RELAY_DEFAULT;
    /* a malformed one is for consensus to refuse, under its own name */
    return ticket_decode(&t, payload) == TICKET_UNKNOWN ? RELAY_REFUSE : RELAY_CARRIER;
}

void ticket_rules_hooks(struct consensus_hooks *out, struct ticket_rules *rules)
{
    *out = (struct consensus_hooks){
        .ctx = rules,
        .active = hook_active,
        .block_begin = hook_block_begin,
        .tx = hook_tx,
        .block_end = hook_block_end,
        .coinbase_outputs = hook_coinbase_outputs,
        .carrier_relay = hook_carrier_relay,
    };
}
