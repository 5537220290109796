/* Acceptance of one transaction: a ladder of checks from cheap to dear. */
#include <stdlib.h>

#include "chain/mempool/accept.h"
#include "chain/rules/block_check.h"
#include "chain/rules/locks.h"
#include "chain/rules/tx_check.h"
#include "chain/script/interpreter.h"
#include "chain/store/coins_cache.h"

const struct accept_rules ACCEPT_ALONE = {
    .replaces = true, .evicts_siblings = true, .carve_outs = true, .alone = true};
const struct accept_rules ACCEPT_MEMBER = {.replaces = true, .evicts_siblings = true};
const struct accept_rules ACCEPT_GROUP = {.replaces = true, .group_pays = true};
const struct accept_rules ACCEPT_DRY_GROUP = {0};

/* ---- coins ---- */

bool mempool_any_coin(const struct mempool *mp, const struct outpoint *o,
                      struct coin *out, struct arena *mem)
{
    if (pool_find(mp, &o->txid))
        return mempool_coin(mp, o, out);
    return coins_peek(chainman_coins(mp->cm), o, out, mem);
}

static bool package_coin(const struct acceptance *a, const struct outpoint *o,
                         struct coin *out)
{
    for (size_t i = 0; i < a->n_earlier; i++) {
        const struct tx *p = a->earlier[i].tx;
        if (o->n >= p->n_out || !hash256_equal(&o->txid, &p->txid))
            continue;
        *out = (struct coin){.value = p->out[o->n].value,
                             .height = (uint32_t)pool_next_height(a->mp),
                             .script = p->out[o->n].script};
        return true;
    }
    return false;
}

/* An output of it is in the UTXO set, so it was confirmed already. */
static bool is_known(const struct acceptance *a)
{
    const struct coins_cache *cc = chainman_coins(a->mp->cm);
    struct outpoint o = {.txid = a->tx->txid};
    struct coin c;
    for (; o.n < a->tx->n_out; o.n++)
        if (coins_cached(cc, &o) && coins_peek(cc, &o, &c, NULL))
            return true;
    return false;
}

static bool load_coins(struct acceptance *a)
{
    uint32_t n = a->tx->n_in;
    a->coins = arena_alloc(&a->mp->arena, n * sizeof(*a->coins));
    a->spent = arena_alloc(&a->mp->arena, n * sizeof(*a->spent));
    for (uint32_t i = 0; i < n; i++) {
        const struct outpoint *o = &a->tx->in[i].prevout;
        struct coin *c = &a->coins[i];
        a->spent[i] = c;
        if (!package_coin(a, o, c) && !mempool_any_coin(a->mp, o, c, &a->mp->arena))
            return is_known(a)
                       ? reject(a->rej, REJECT_TXN_ALREADY_KNOWN, NULL)
                       : reject(a->rej, REJECT_BAD_TXNS_INPUTS_MISSINGORSPENT, NULL);
        a->spends_coinbase |= c->coinbase;
    }
    return true;
}

/* ---- the steps ---- */

static bool check_alone(struct acceptance *a)
{
    const struct mempool *mp = a->mp;
    if (!tx_check(a->tx, chainman_params(mp->cm), a->rej))
        return false;
    if (tx_is_coinbase(a->tx))
        return reject(a->rej, REJECT_COINBASE, NULL);
    if (mp->opt.require_standard && !policy_tx_standard(&mp->policy, a->tx, a->rej))
        return false;
    if (a->tx->base_size < MIN_STANDARD_TX_NONWITNESS_SIZE)
        return reject(a->rej, REJECT_TX_SIZE_SMALL, NULL);
    if (!tx_is_final_after(a->tx, pool_tip(mp)))
        return reject(a->rej, REJECT_NON_FINAL, NULL);
    if (mempool_find_wtxid(mp, &a->tx->wtxid))
        return reject(a->rej, REJECT_TXN_ALREADY_IN_MEMPOOL, NULL);
    if (pool_find(mp, &a->tx->txid))
        return reject(a->rej, REJECT_TXN_SAME_NONWITNESS, NULL);
    return true;
}

static struct sequence_lock locks_of(const struct mempool *mp, const struct tx *tx,
                                     const struct coin *const *spent)
{
    uint32_t few[16], *heights = few;
    if (tx->n_in > ARRAY_LEN(few))
        heights = xrealloc_array(NULL, tx->n_in, sizeof(*heights));
    for (uint32_t i = 0; i < tx->n_in; i++)
        heights[i] = spent[i]->height;
    struct sequence_lock lock = sequence_lock_of(tx, heights, pool_tip(mp), NULL);
    if (heights != few)
        free(heights);
    return lock;
}

static bool check_locks(struct acceptance *a)
{
    struct sequence_lock lock = locks_of(a->mp, a->tx, a->spent);
    a->has_locks = lock.height >= 0 || lock.time >= 0 || a->tx->locktime != 0;
    if (!sequence_lock_passed(lock, pool_tip(a->mp)))
        return reject(a->rej, REJECT_NON_BIP68_FINAL, NULL);
    return true;
}

const struct coin *const *pool_entry_coins(struct mempool *mp, const struct tx *tx)
{
    arena_reset(&mp->arena);
    struct coin *coins = arena_alloc(&mp->arena, tx->n_in * sizeof(*coins));
    const struct coin **spent = arena_alloc(&mp->arena, tx->n_in * sizeof(*spent));
    for (uint32_t i = 0; i < tx->n_in; i++) {
        spent[i] = &coins[i];
        if (!mempool_any_coin(mp, &tx->in[i].prevout, &coins[i], &mp->arena))
            return NULL;
    }
    return spent;
}

bool pool_entry_final(struct mempool *mp, const struct mempool_entry *e)
{
    if (!e->has_locks && !e->spends_coinbase)
        return true;
    const struct coin *const *spent = pool_entry_coins(mp, e->tx);
    if (!spent || !tx_is_final_after(e->tx, pool_tip(mp)))
        return false;
    for (uint32_t i = 0; i < e->tx->n_in; i++)
        if (spent[i]->coinbase &&
            pool_next_height(mp) - (int32_t)spent[i]->height < COINBASE_MATURITY)
            return false;
    return sequence_lock_passed(locks_of(mp, e->tx, spent), pool_tip(mp));
}

static bool check_spends(struct acceptance *a)
{
    const struct mempool_options *opt = &a->mp->opt;
    if (!tx_check_inputs(a->tx, a->spent, pool_next_height(a->mp), &a->fee, a->rej))
        return false;
    if (opt->require_standard) {
        if (!policy_inputs_standard(a->tx, a->spent))
            return reject(a->rej, REJECT_BAD_TXNS_NONSTANDARD_INPUTS, NULL);
        if (a->tx->has_witness && !policy_witness_standard(a->tx, a->spent))
            return reject(a->rej, REJECT_BAD_WITNESS_NONSTANDARD, NULL);
    }
    a->sigop_cost = tx_sigop_cost(a->tx, a->spent, SCRIPT_VERIFY_STANDARD);
    a->vsize = policy_vsize(tx_weight(a->tx), a->sigop_cost, opt->bytes_per_sigop);
    a->modified_fee = a->fee.v + pool_delta(a->mp, &a->tx->txid);
    if (a->sigop_cost > MAX_STANDARD_TX_SIGOPS_COST)
        return reject_detail(a->rej, REJECT_BAD_TXNS_TOO_MANY_SIGOPS, "%lld",
                             (long long)a->sigop_cost);
    return true;
}

bool pool_check_fee(const struct mempool *mp, int64_t fee, int64_t vsize,
                    struct reject *rej)
{
    int64_t pool = feerate_fee(mempool_min_feerate(mp), vsize);
    int64_t relay = feerate_fee(mp->opt.min_relay_feerate, vsize);
    if (pool > 0 && fee < pool)
        return reject_detail(rej, REJECT_MEMPOOL_MIN_FEE, "%lld < %lld", (long long)fee,
                             (long long)pool);
    if (fee < relay)
        return reject_detail(rej, REJECT_MIN_RELAY_FEE_BUMPABLE, "%lld < %lld",
                             (long long)fee, (long long)relay);
    return true;
}

/* Who pays for another may be replaced and leave it behind. Only in version 3 families
 * must it leave, too, so only there may a transaction pay less than any relay asks. */
static bool check_fee(struct acceptance *a)
{
    if (a->opt->bypass_limits)
        return true;
    int64_t relay = feerate_fee(a->mp->opt.min_relay_feerate, a->vsize);
    if (a->tx->version != TRUC_VERSION && a->modified_fee < relay)
        return reject_detail(a->rej, REJECT_MIN_RELAY_FEE, "%lld < %lld",
                             (long long)a->modified_fee, (long long)relay);
    return a->rules->group_pays ||
           pool_check_fee(a->mp, a->modified_fee, a->vsize, a->rej);
}

static bool check_max_feerate(const struct acceptance *a)
{
    int64_t max = a->opt->max_feerate;
    if (max && feerate_of(a->modified_fee, a->vsize) > max)
        return reject(a->rej, REJECT_MAX_FEERATE_EXCEEDED, NULL);
    return true;
}

/* ---- scripts ---- */

struct script_run {
    struct sighash_data data;
    struct txout *outs;
    struct sigcache *cache;
};

/* SCRIPT_ERR_OK, or why the first bad input fails. */
static enum script_error verify_inputs(const struct acceptance *a,
                                       const struct script_run *run, uint32_t flags)
{
    for (uint32_t i = 0; i < a->tx->n_in; i++) {
        struct script_check check = {.data = &run->data,
                                     .input = i,
                                     .flags = flags,
                                     .cache = run->cache,
                                     .store = true};
        if (!script_check_run(NULL, &check))
            return check.error;
    }
    return SCRIPT_ERR_OK;
}

/* A failure of policy alone is not the sender's fault. */
static bool reject_script(struct acceptance *a, const struct script_run *run,
                          enum script_error error)
{
    bool policy_only = verify_inputs(a, run, SCRIPT_VERIFY_MANDATORY) == SCRIPT_ERR_OK;
    reject_suffix(a->rej, policy_only ? REJECT_SCRIPT_POLICY : REJECT_SCRIPT_MANDATORY,
                  " (%s)", script_error_text(error));
    if (a->tx->has_witness)
        return false;
    uint32_t relaxed = SCRIPT_VERIFY_STANDARD & ~SCRIPT_VERIFY_CLEANSTACK;
    a->witness_stripped =
        verify_inputs(a, run, relaxed & ~SCRIPT_VERIFY_WITNESS) == SCRIPT_ERR_OK &&
        verify_inputs(a, run, relaxed) != SCRIPT_ERR_OK;
    return false;
}

static bool check_scripts(struct acceptance *a)
{
    struct script_run run = {.cache = chainman_sigcache(a->mp->cm)};
    run.outs = arena_alloc(&a->mp->arena, a->tx->n_in * sizeof(*run.outs));
    for (uint32_t i = 0; i < a->tx->n_in; i++)
        run.outs[i] = (struct txout){a->coins[i].value, a->coins[i].script};
    sighash_data_init(&run.data, a->tx, run.outs, false);
    enum script_error error = verify_inputs(a, &run, SCRIPT_VERIFY_STANDARD);
    bool ok = error == SCRIPT_ERR_OK || reject_script(a, &run, error);
    sighash_data_clear(&run.data);
    return ok;
}

bool acceptance_scripts(struct acceptance *a)
{
    if (!check_scripts(a) || !acceptance_ticket_signatures(a))
        return false;
    /* Whatever passes all standard flags passes the fewer ones of a block. */
    if (!a->opt->test_only) {
        uint32_t flags =
            block_script_flags(chainman_params(a->mp->cm), pool_next_height(a->mp));
        sigcache_add_tx(chainman_sigcache(a->mp->cm), &a->tx->wtxid, flags);
    }
    return true;
}

/* ---- all of it ---- */

void acceptance_init(struct acceptance *a, struct mempool *mp, const struct tx *tx,
                     const struct accept_options *opt, const struct accept_rules *rules,
                     struct reject *rej)
{
    *a =
        (struct acceptance){.mp = mp, .tx = tx, .opt = opt, .rules = rules, .rej = rej};
}

void acceptance_clear(struct acceptance *a)
{
    for (struct deferred_check *d = a->deferred; d; d = d->next)
        if (d->arg)
            d->drop(d->arg);
    a->deferred = NULL;
    buf_clear(&a->grounds);
    entry_list_clear(&a->ancestors);
    entry_list_clear(&a->conflicts);
    entry_list_clear(&a->replaced);
}

/* What a block held may come back in any family. */
static bool check_families(struct acceptance *a)
{
    return limits_check(a) && (a->opt->bypass_limits || truc_check(a)) &&
           replacement_disjoint(a);
}

bool acceptance_prechecks(struct acceptance *a)
{
    return check_alone(a) && replacement_conflicts(a) && load_coins(a) &&
           check_locks(a) && check_spends(a) && check_fee(a) && acceptance_ticket(a) &&
           replacement_claims(a) && check_families(a) && check_max_feerate(a) &&
           (a->rules->group_pays || replacement_pays(a));
}

static struct mempool_entry *make_entry(const struct acceptance *a)
{
    struct mempool_entry *e = pool_entry_new(a->tx);
    e->fee = a->fee;
    e->time = a->opt->time ? a->opt->time : pool_now(a->mp);
    e->entry_height = pool_tip(a->mp)->height;
    e->sigop_cost = (uint32_t)a->sigop_cost;
    e->vsize = a->vsize;
    e->spends_coinbase = a->spends_coinbase;
    e->from_block = a->opt->bypass_limits;
    e->fee_sample = !a->opt->bypass_limits && a->rules->alone;
    e->has_locks = a->has_locks;
    e->n_claims = a->claims.n;
    if (a->claims.n)
        e->claims = xmemdup(a->claims.key, a->claims.n * sizeof(a->claims.key[0]));
    return e;
}

static void log_replaced(const struct acceptance *a, const struct mempool_entry *e)
{
    char txid[65], wtxid[65], new_txid[65], new_wtxid[65];
    log_debug(a->mp->opt.log, LOG_MEMPOOL,
              "replacing mempool tx %s (wtxid=%s, fees=%lld, vsize=%lld). New tx %s "
              "(wtxid=%s, fees=%lld, vsize=%lld)",
              hash256_to_hex(txid, &e->tx->txid), hash256_to_hex(wtxid, &e->tx->wtxid),
              (long long)e->fee.v, (long long)e->vsize,
              hash256_to_hex(new_txid, &a->tx->txid),
              hash256_to_hex(new_wtxid, &a->tx->wtxid), (long long)a->fee.v,
              (long long)a->vsize);
}

static void note_replaced(struct acceptance *a, struct accept_result *out)
{
    out->n_replaced = a->replaced.n;
    if (a->replaced.n == 0)
        return;
    out->replaced = xrealloc_array(NULL, a->replaced.n, sizeof(*out->replaced));
    for (size_t i = 0; i < a->replaced.n; i++) {
        out->replaced[i] = a->replaced.v[i]->tx->txid;
        if (!a->opt->test_only)
            log_replaced(a, a->replaced.v[i]);
    }
}

void acceptance_add(struct acceptance *a, struct accept_result *out)
{
    note_replaced(a, out);
    pool_lock(a->mp);
    pool_remove_all(a->mp, &a->replaced, TX_REMOVED_REPLACED);
    struct mempool_entry *e = make_entry(a);
    pool_add(a->mp, e);
    grounds_rely(a->mp, e, buf_view(&a->grounds));
    pool_unlock(a->mp);
}

static bool finish(struct acceptance *a, struct accept_result *out)
{
    struct mempool *mp = a->mp;
    if (a->opt->test_only) {
        note_replaced(a, out);
        return true;
    }
    pool_lock(mp);
    acceptance_add(a, out);
    if (a->rules->alone && !a->opt->bypass_limits)
        pool_limit(mp);
    const struct mempool_entry *e = pool_find(mp, &a->tx->txid);
    if (e && mp->opt.check_ratio)
        pool_check_entry(mp, e);
    pool_unlock(mp);
    return e || reject(a->rej, REJECT_MEMPOOL_FULL, NULL);
}

static bool check_max_fee(const struct acceptance *a)
{
    if (a->opt->max_fee && a->fee.v > a->opt->max_fee)
        return reject(a->rej, REJECT_MAX_FEE_EXCEEDED, NULL);
    return true;
}

void acceptance_report(const struct acceptance *a, bool accepted,
                       struct accept_result *out)
{
    out->accepted = accepted;
    out->vsize = a->vsize;
    out->fee = a->fee;
    out->modified_fee = amount_of(a->modified_fee);
    out->witness_stripped = a->witness_stripped;
}

bool accept_by_rules(struct mempool *mp, const struct tx *tx,
                     const struct accept_options *opt, const struct accept_rules *rules,
                     struct accept_result *out)
{
    struct acceptance a;

    ASSERT(chainman_on_thread(mp->cm));
    *out = (struct accept_result){0};
    acceptance_init(&a, mp, tx, opt, rules, &out->rej);
    arena_reset(&mp->arena);
    bool ok = acceptance_prechecks(&a) && acceptance_scripts(&a) && check_max_fee(&a) &&
              finish(&a, out);
    acceptance_report(&a, ok, out);
    acceptance_clear(&a);
    return ok;
}

bool mempool_accept_with(struct mempool *mp, const struct tx *tx,
                         const struct accept_options *opt, struct accept_result *out)
{
    return accept_by_rules(mp, tx, opt, &ACCEPT_ALONE, out);
}

bool mempool_accept(struct mempool *mp, const struct tx *tx, bool test_only,
                    bool bypass_limits, int64_t accept_time, struct accept_result *out)
{
    struct accept_options opt = {
        .test_only = test_only, .bypass_limits = bypass_limits, .time = accept_time};
    return mempool_accept_with(mp, tx, &opt, out);
}

void accept_result_clear(struct accept_result *r)
{
    free(r->replaced);
    r->replaced = NULL;
    r->n_replaced = 0;
}
