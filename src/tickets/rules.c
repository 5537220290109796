#include "tickets/rules.h"

#include <stdlib.h>

#include "chain/prim/coin.h"
#include "crypto/sha256.h"
#include "tickets/carrier.h"
#include "tickets/committee.h"
#include "tickets/fields.h"
#include "tickets/signatures.h"
#include "tickets/state_keys.h"
#include "tickets/supernode.h"
#include "tickets/tokens.h"
#include "util/mem.h"

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
    struct ticket_sig sig;
};

static struct hash256 cache_key(const struct sig_job *j)
{
    const struct ticket_sig *s = &j->sig;
    uint8_t head[3] = {(uint8_t)s->scheme, s->key_len, s->sig_len};
    struct sha256 h;
    struct hash256 key;
    sha256_init(&h);
    sha256_update(&h, j->rules->salt, sizeof(j->rules->salt));
    sha256_update(&h, head, sizeof(head));
    sha256_update(&h, s->message.b, 32);
    sha256_update(&h, s->key, s->key_len);
    sha256_update(&h, s->sig, s->sig_len);
    sha256_final(&h, key.b);
    return key;
}

static bool sig_job_run(void *arg)
{
    struct sig_job *j = arg;
    struct hash256 key = cache_key(j);
    bool ok = sigcache_has_signature(j->rules->cache, &key, false);
    if (!ok) {
        ok = ticket_sig_verify(&j->sig);
        if (ok)
            sigcache_add_signature(j->rules->cache, &key);
    }
    free(j);
    return ok;
}

struct sig_run {
    struct ticket_rules *rules;
    struct rule_env *env;
    struct reject *rej;
};

static bool check_signature(void *ctx, const struct ticket_sig *sig)
{
    struct sig_run *run = ctx;
    if (sig->sig_len == 0) /* it may not be needed any more, or not yet */
        return reject_by_state(run->rej, REJECT_TICKET_SIGNATURE, "one is missing");
    struct sig_job *j = xmalloc(sizeof(*j));
    j->rules = run->rules;
    j->sig = *sig;
    if (run->env->defer == NULL)
        return sig_job_run(j) || reject(run->rej, REJECT_TICKET_SIGNATURE, NULL);
    run->env->defer(run->env->defer_ctx, sig_job_run, free, j);
    return true;
}

/* --- one ticket --- */

static bool check_burn(const struct ticket *t, const struct ticket_env *te,
                       struct reject *rej)
{
    struct amount least = ticket_min_burn(t, te);
    return te->burn.v >= least.v ||
           reject_detail(rej, REJECT_TICKET_BURN,
                         "burns %lld, at least %lld is required", (long long)te->burn.v,
                         (long long)least.v);
}

static bool has_field(const struct ticket_kind *kind, enum field_type type)
{
    for (size_t i = 0; i < kind->n_fields; i++)
        if (kind->fields[i].type == type)
            return true;
    return false;
}

/* Reads the committee that the ticket names, if its kind names one. */
static bool find_committee(const struct ticket *t, struct ticket_env *te,
                           struct committee *c, struct reject *rej)
{
    for (size_t i = 0; i < t->kind->n_fields; i++) {
        if (t->kind->fields[i].type != FIELD_COMMITTEE)
            continue;
        te->committee = c;
        if (!committee_find(c, t->v[i].raw, te->state, te->params, te->height, rej))
            return false;
        rule_env_heights(te->block, c->height + INT64_C(1),
                         c->height + INT64_C(0) + COMMITTEE_WINDOW);
    }
    return true;
}

/* Cheap checks first; signatures, the dearest, may be left to the workers. */
static bool check_ticket(struct ticket_rules *rules, const struct ticket *t,
                         struct ticket_env *te, struct committee *c, struct reject *rej)
{
    struct rule_env *env = te->block;
    struct sig_run run = {rules, env, rej};
    unsigned sigops = ticket_sigops(t);
    if (env->sigops + sigops > TICKET_MAX_SIGOPS)
        return reject(rej, REJECT_TICKET_SIGOPS, NULL);
    if (!find_committee(t, te, c, rej) || !check_burn(t, te, rej) ||
        !t->kind->check(t, te, rej))
        return false;
    env->keys_may_change = has_field(t->kind, FIELD_SYNC_LIST);
    if (!ticket_each_signature(t, te, check_signature, &run, rej))
        return false;
    env->sigops += sigops;
    return true;
}

static bool run_ticket(struct ticket_rules *rules, const struct ticket *t,
                       struct ticket_env *te, struct reject *rej)
{
    struct committee c = {.n = 0};
    bool ok = check_ticket(rules, t, te, &c, rej);
    if (ok && !te->block->verdict_only) {
        t->kind->apply(t, te);
        burn_add(te->state, t->kind->id, te->burn);
    }
    committee_clear(&c);
    return ok;
}

/* A supernode whose collateral is spent leaves before the transaction's own ticket. */
static void spend_collaterals(struct rule_env *env, const struct tx *tx,
                              const struct coin *const *spent)
{
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (rule_env_marked(env, &tx->in[i].prevout, spent[i], COIN_MARK_COLLATERAL))
            supernode_collateral_spent(env->state, &tx->in[i].prevout);
}

static bool hook_tx(void *ctx, struct rule_env *env, const struct tx *tx,
                    const struct coin *const *spent, struct claim_set *claims,
                    struct reject *rej)
{
    uint32_t out;
    struct bytes payload;
    struct ticket t;
    struct ticket_rules *rules = ctx;
    size_t n = carrier_find(tx, &out, &payload);
    if (n == 0 && env->verdict_only)
        return true;
    spend_collaterals(env, tx, spent);
    tokens_move(env, tx, spent);
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
    struct ticket_env te = {.params = env->params,
                            .height = env->height,
                            .tx = tx,
                            .spent = spent,
                            .burn = tx->out[out].value,
                            .state = env->state,
                            .block = env,
                            .supernodes = rules->supernodes};
    if (!run_ticket(rules, &t, &te, rej))
        return false;
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

static void hook_attach(void *ctx, const struct chain_params *params, struct state *s)
{
    const struct supernode_view *v = ((struct ticket_rules *)ctx)->supernodes;
    v->attach(v->ctx, s, params);
}

static void hook_detach(void *ctx, struct state *s)
{
    const struct supernode_view *v = ((struct ticket_rules *)ctx)->supernodes;
    if (v->detach != NULL)
        v->detach(v->ctx, s);
}

/* -- Outpoints that records name -- */

struct marking {
    void (*mark)(void *ctx, const struct outpoint *o, uint8_t marks);
    void *ctx;
    uint8_t marks;
};

static bool mark_named(void *ctx, struct bytes key, struct bytes value UNUSED)
{
    const struct marking *m = ctx;
    struct reader r;
    reader_init(&r, key.data + 1, key.len - 1);
    struct outpoint o = outpoint_read(&r);
    if (reader_done(&r))
        m->mark(m->ctx, &o, m->marks);
    return true;
}

static void hook_each_mark(void *ctx UNUSED, struct state *s,
                           void (*mark)(void *mark_ctx, const struct outpoint *o,
                                        uint8_t marks),
                           void *mark_ctx)
{
    struct state_txn *t = state_begin(s);
    struct marking collaterals = {mark, mark_ctx, COIN_MARK_COLLATERAL};
    struct marking anchors = {mark, mark_ctx, COIN_MARK_ANCHOR};
    state_each(t, bytes_of("c", 1), mark_named, &collaterals);
    state_each(t, bytes_of("a", 1), mark_named, &anchors);
    state_discard(t);
}

struct amount supernode_share(struct amount subsidy)
{
    return amount_of(subsidy.v / SUPERNODE_SHARE);
}

struct amount subsidy_without_share(struct amount subsidy)
{
    return amount_of(subsidy.v - supernode_share(subsidy).v);
}

/* Whom the block of env pays, and the script; *max_value is what its coinbase may take
 * without fees. False: nobody is to be paid. */
static bool find_payee(struct ticket_rules *rules, struct rule_env *env,
                       struct amount subsidy, struct supernode *payee,
                       struct amount *max_value)
{
    const struct supernode_view *v = rules->supernodes;
    env->has_payee =
        v->payee(v->ctx, env->state, (uint32_t)env->height - 1, &env->payee) &&
        supernode_get(env->state, env->payee.b, payee);
    *max_value = env->has_payee ? subsidy : subsidy_without_share(subsidy);
    return env->has_payee;
}

static bool pays_at_least(const struct tx *tx, struct bytes script, struct amount least)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (bytes_equal(tx->out[i].script, script))
            sum += tx->out[i].value.v;
    return sum >= least.v;
}

static bool check_payment(struct ticket_rules *rules, struct rule_env *env,
                          const struct tx *coinbase, struct amount subsidy,
                          struct amount *max_value, struct reject *rej)
{
    struct supernode payee = {.banned = 0};
    struct amount share = supernode_share(subsidy);
    bool ok = !find_payee(rules, env, subsidy, &payee, max_value) ||
              pays_at_least(coinbase, payee.payout_script, share) ||
              reject_detail(rej, REJECT_BAD_SN_PAYEE,
                            "less than %lld to the supernode that is due",
                            (long long)share.v);
    supernode_clear(&payee);
    return ok;
}

static bool hook_block_begin(void *ctx, struct rule_env *env, const struct block *b,
                             struct amount subsidy, struct amount *max_value,
                             struct reject *rej)
{
    const struct tx *coinbase = &b->txs[0];
    struct hash256 stated = {{0}}, root = state_txn_root(env->state);
    uint32_t out;
    struct bytes payload;
    if (carrier_find(coinbase, &out, &payload) > 0)
        return reject(rej, REJECT_TICKET_COINBASE, NULL), reject_as_block(rej);
    if (!state_commitment_find(&stated, coinbase))
        return reject(rej, REJECT_BAD_STATE_ROOT, "not exactly one state commitment");
    if (!hash256_equal(&stated, &root))
        return reject(rej, REJECT_BAD_STATE_ROOT, "another root than the state has");
    return check_payment(ctx, env, coinbase, subsidy, max_value, rej);
}

/* (3): the payee, if it is still there, goes to the end of the queue. */
static void pay(struct rule_env *env)
{
    struct supernode s = {.banned = 0};
    if (env->has_payee && supernode_get(env->state, env->payee.b, &s)) {
        s.last_paid = (uint32_t)env->height;
        supernode_put(env->state, &s);
    }
    supernode_clear(&s);
}

static void read_member(struct state_txn *st, const struct hash256 *sn,
                        struct supernode *s, struct committee_member *m)
{
    ASSERT(supernode_get(st, sn->b, s));
    m->sn = *sn;
    memcpy(m->pastelid, s->pastelid, sizeof(m->pastelid));
    memcpy(m->operator_key, s->operator_key, sizeof(m->operator_key));
    m->payout_script = s->payout_script;
    m->storage_fee = s->storage_fee;
    m->sense_fee = s->sense_fee;
}

/* (5), from the state now reached. */
static void store_committee(struct ticket_rules *rules, struct rule_env *env,
                            const struct hash256 *block)
{
    const struct supernode_view *v = rules->supernodes;
    struct hash256 sns[COMMITTEE_SIZE];
    struct supernode s[COMMITTEE_SIZE] = {{.banned = 0}};
    struct committee c = {.height = (uint32_t)env->height, .block = *block};
    c.n = v->choose(v->ctx, env->state, c.height, block, sns);
    for (size_t i = 0; i < c.n; i++)
        read_member(env->state, &sns[i], &s[i], &c.members[i]);
    committee_put(env->state, &c);
    for (size_t i = 0; i < c.n; i++)
        supernode_clear(&s[i]);
}

static bool hook_block_end(void *ctx, struct rule_env *env, const struct block *b,
                           struct reject *rej)
{
    (void)rej;
    pay(env);
    if (env->height > COMMITTEES_KEPT)
        committee_del(env->state, (uint32_t)(env->height - COMMITTEES_KEPT));
    store_committee(ctx, env, &b->hash);
    return true;
}

static size_t hook_coinbase_outputs(void *ctx, struct rule_env *env,
                                    struct amount subsidy, struct amount *max_value,
                                    struct arena *mem, struct required_output out[8])
{
    struct hash256 root = state_txn_root(env->state);
    uint8_t *script = arena_alloc(mem, STATE_COMMITMENT_SIZE);
    struct supernode payee = {.banned = 0};
    struct amount share = supernode_share(subsidy);
    size_t n = 1;
    state_commitment_script(script, &root);
    out[0] = (struct required_output){bytes_of(script, STATE_COMMITMENT_SIZE),
                                      amount_of(0), "state-root"};
    if (find_payee(ctx, env, subsidy, &payee, max_value) && share.v > 0) {
        struct bytes to = payee.payout_script;
        out[n++] =
            (struct required_output){bytes_of(arena_dup(mem, to.data, to.len), to.len),
                                     share, "supernode-payment"};
    }
    supernode_clear(&payee);
    return n;
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
        .attach = hook_attach,
        .detach = hook_detach,
        .each_mark = hook_each_mark,
        .active = hook_active,
        .block_begin = hook_block_begin,
        .tx = hook_tx,
        .block_end = hook_block_end,
        .coinbase_outputs = hook_coinbase_outputs,
        .carrier_relay = hook_carrier_relay,
    };
}
