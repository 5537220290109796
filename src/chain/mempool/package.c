#include "chain/mempool/package.h"

#include <stdlib.h>

#include "chain/mempool/accept.h"
#include "chain/store/coins_cache.h"
#include "crypto/sha256.h"

static bool has_duplicates(const struct tx *const *txs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (hash256_equal(&txs[i]->txid, &txs[j]->txid))
                return true;
    return false;
}

static bool spends_output_of(const struct tx *tx, const struct tx *parent)
{
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (hash256_equal(&tx->in[i].prevout.txid, &parent->txid))
            return true;
    return false;
}

static bool is_sorted(const struct tx *const *txs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            if (spends_output_of(txs[i], txs[j]))
                return false;
    return true;
}

/* Transactions of a package spend no coin twice. */
static bool is_consistent(const struct tx *const *txs, size_t n)
{
    struct map seen;
    bool ok = true;
    map_init(&seen, sizeof(struct outpoint), 0);
    for (size_t i = 0; i < n && ok; i++) {
        if (txs[i]->n_in == 0)
            ok = false; /* it could be anywhere */
        for (uint32_t j = 0; j < txs[i]->n_in && ok; j++)
            ok = map_get(&seen, &txs[i]->in[j].prevout) == NULL;
        for (uint32_t j = 0; j < txs[i]->n_in && ok; j++)
            map_put(&seen, &txs[i]->in[j].prevout, NULL);
    }
    map_clear(&seen);
    return ok;
}

static bool check_package(const struct tx *const *txs, size_t n, struct reject *rej)
{
    int64_t weight = 0;
    if (n > MAX_PACKAGE_COUNT)
        return reject(rej, REJECT_PACKAGE_TOO_MANY, NULL);
    for (size_t i = 0; i < n; i++)
        weight += tx_weight(txs[i]);
    if (n > 1 && weight > MAX_PACKAGE_WEIGHT)
        return reject(rej, REJECT_PACKAGE_TOO_LARGE, NULL);
    if (has_duplicates(txs, n))
        return reject(rej, REJECT_PACKAGE_DUPLICATES, NULL);
    if (!is_sorted(txs, n))
        return reject(rej, REJECT_PACKAGE_NOT_SORTED, NULL);
    if (!is_consistent(txs, n))
        return reject(rej, REJECT_PACKAGE_CONFLICT, NULL);
    return true;
}

/* The package as one lump may not pass the limits of any pooled ancestor, nor its own.
 */
static bool check_package_limits(struct mempool *mp, const struct acceptance *as,
                                 size_t n, struct reject *rej)
{
    const struct mempool_options *o = &mp->opt;
    struct entry_list all = {0};
    int64_t own = 0, vsize = 0;
    bool ok = true;

    walk_begin(mp);
    for (size_t i = 0; i < n; i++) {
        own += as[i].vsize;
        for (size_t j = 0; j < as[i].ancestors.n; j++)
            if (walk_visit(mp, as[i].ancestors.v[j]))
                entry_list_add(&all, as[i].ancestors.v[j]);
    }
    vsize = own;
    for (size_t i = 0; i < all.n && ok; i++) {
        const struct mempool_entry *e = all.v[i];
        vsize += e->vsize;
        ok = e->n_descendants + n <= o->max_descendants &&
             e->descendant_vsize + own <= o->max_descendant_bytes;
    }
    ok = ok && all.n + n <= o->max_ancestors && vsize <= o->max_ancestor_bytes;
    entry_list_clear(&all);
    return ok || reject(rej, REJECT_PACKAGE_MEMPOOL_LIMITS, NULL);
}

static void report(const struct acceptance *a, struct accept_result *r, bool ok)
{
    r->accepted = ok;
    r->vsize = a->vsize;
    r->fee = a->fee;
    r->modified_fee = amount_of(a->modified_fee);
}

bool mempool_test_package(struct mempool *mp, const struct tx *const *txs, size_t n,
                          struct accept_result *results, struct reject *package)
{
    static const struct accept_options opt = {.test_only = true};
    struct acceptance *as;
    bool ok;

    ASSERT(chainman_on_thread(mp->cm));
    memset(results, 0, n * sizeof(*results));
    if (!check_package(txs, n, package))
        return false;
    arena_reset(&mp->arena);
    as = xcalloc(n, sizeof(*as));
    for (size_t i = 0; i < n; i++) {
        acceptance_init(&as[i], mp, txs[i], &opt, &results[i].rej);
        as[i].package = txs;
        as[i].n_package = i;
        as[i].forbid_replacement = true;
    }
    ok = true;
    for (size_t i = 0; i < n && ok; i++)
        ok = acceptance_prechecks(&as[i]) ||
             reject(package, REJECT_PACKAGE_TX_FAILED, NULL);
    ok = ok && check_package_limits(mp, as, n, package);
    for (size_t i = 0; i < n && ok; i++) {
        ok = acceptance_scripts(&as[i]) ||
             reject(package, REJECT_PACKAGE_TX_FAILED, NULL);
        report(&as[i], &results[i], ok);
    }
    for (size_t i = 0; i < n; i++)
        acceptance_clear(&as[i]);
    free(as);
    return ok;
}

/* ---- submitting a child with its parents ---- */

bool package_is_tree(const struct tx *const *txs, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (!spends_output_of(txs[n - 1], txs[i]))
            return false;
        for (size_t j = 0; j + 1 < n; j++)
            if (spends_output_of(txs[i], txs[j]))
                return false;
    }
    return true;
}

static bool is_child_with_parents(const struct tx *const *txs, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        if (!spends_output_of(txs[n - 1], txs[i]))
            return false;
    return n > 1;
}

/* Every parent that is missing from the package must be confirmed. */
static bool has_all_parents(struct mempool *mp, const struct tx *const *txs, size_t n)
{
    const struct tx *child = txs[n - 1];
    for (uint32_t i = 0; i < child->n_in; i++) {
        const struct outpoint *o = &child->in[i].prevout;
        struct coin c;
        bool found = coins_peek(chainman_coins(mp->cm), o, &c, NULL);
        for (size_t j = 0; j + 1 < n && !found; j++)
            found = hash256_equal(&txs[j]->txid, &o->txid);
        if (!found)
            return false;
    }
    return true;
}

static bool check_topology(struct mempool *mp, const struct tx *const *txs, size_t n,
                           struct reject *rej)
{
    if (n == 1)
        return true;
    if (!is_child_with_parents(txs, n))
        return reject(rej, REJECT_PACKAGE_NOT_CHILD_WITH_PARENTS, NULL);
    if (!has_all_parents(mp, txs, n))
        return reject(rej, REJECT_PACKAGE_NOT_UNCONFIRMED_PARENTS, NULL);
    return true;
}

static bool find_in_pool(const struct mempool *mp, const struct tx *tx,
                         struct package_tx *out)
{
    const struct mempool_entry *e = pool_find(mp, &tx->txid);
    if (!e)
        return false;
    bool same = hash256_equal(&e->tx->wtxid, &tx->wtxid);
    out->verdict = same ? PACKAGE_IN_POOL : PACKAGE_OTHER_WITNESS;
    out->other_wtxid = e->tx->wtxid;
    out->r.vsize = e->vsize;
    out->r.fee = e->fee;
    return true;
}

/* A failure that the child may heal: too low a fee, or a parent that has not come in.
 */
static bool may_pass_with_others(const struct reject *rej)
{
    return rej->class == TX_RECONSIDERABLE || rej->class == TX_MISSING_INPUTS;
}

/* Alone first: a transaction that can stand by itself needs no package. Members left
 * for the group are marked. False: the package cannot pass any more. */
static bool try_alone(struct mempool *mp, const struct tx *tx, int64_t max_feerate,
                      struct package_tx *out)
{
    struct accept_options opt = {.max_feerate = max_feerate, .in_package = true};
    if (find_in_pool(mp, tx, out))
        return true;
    if (mempool_accept_with(mp, tx, &opt, &out->r)) {
        out->verdict = PACKAGE_ACCEPTED;
        out->effective_feerate = feerate_of(out->r.modified_fee.v, out->r.vsize);
        return true;
    }
    out->verdict = PACKAGE_REFUSED;
    out->grouped = may_pass_with_others(&out->r.rej);
    return out->grouped;
}

/* The members of a group on their way. */
struct group {
    struct mempool *mp;
    const struct tx **txs; /* owned arrays of n */
    struct package_tx **out;
    struct acceptance *as;
    struct reject *rejs;
    size_t n;
    struct accept_options opt;
};

/* Only the member that fails gets a new reason. */
static bool group_fails(struct group *g, size_t i, struct reject *package)
{
    g->out[i]->r.rej = g->rejs[i];
    return reject(package, REJECT_PACKAGE_TX_FAILED, NULL);
}

static bool group_prechecks(struct group *g, struct reject *package)
{
    arena_reset(&g->mp->arena);
    for (size_t i = 0; i < g->n; i++) {
        acceptance_init(&g->as[i], g->mp, g->txs[i], &g->opt, &g->rejs[i]);
        g->as[i].package = g->txs;
        g->as[i].n_package = i;
        g->as[i].forbid_replacement = true;
        if (!acceptance_prechecks(&g->as[i]))
            return group_fails(g, i, package);
    }
    return true;
}

/* All of them together must pay what each alone would have to. */
static bool group_pays(struct group *g, int64_t *rate, struct reject *package)
{
    int64_t fee = 0, vsize = 0;
    for (size_t i = 0; i < g->n; i++) {
        fee += g->as[i].modified_fee;
        vsize += g->as[i].vsize;
    }
    *rate = feerate_of(fee, vsize);
    int64_t pool = feerate_fee(mempool_min_feerate(g->mp), vsize);
    int64_t relay = feerate_fee(g->mp->opt.min_relay_feerate, vsize);
    if (fee >= pool && fee >= relay)
        return true;
    reject(package, REJECT_PACKAGE_TX_FAILED, NULL);
    for (size_t i = 0; i < g->n; i++)
        reject_detail(&g->out[i]->r.rej,
                      fee < pool ? REJECT_MEMPOOL_MIN_FEE : REJECT_MIN_RELAY_FEE,
                      "%lld < %lld", (long long)fee,
                      (long long)(fee < pool ? pool : relay));
    return false;
}

static bool group_scripts(struct group *g, struct reject *package)
{
    for (size_t i = 0; i < g->n; i++)
        if (!acceptance_scripts(&g->as[i]))
            return group_fails(g, i, package);
    return true;
}

static void group_add(struct group *g, int64_t rate)
{
    pool_lock(g->mp);
    for (size_t i = 0; i < g->n; i++) {
        acceptance_add(&g->as[i]);
        report(&g->as[i], &g->out[i]->r, true);
        g->out[i]->verdict = PACKAGE_ACCEPTED;
        g->out[i]->effective_feerate = rate;
    }
    pool_unlock(g->mp);
}

static bool accept_group(struct mempool *mp, const struct tx *const *txs, size_t n,
                         struct package_tx *out, struct reject *package)
{
    struct group g = {.mp = mp, .opt = {.in_package = true, .package_fees = true}};
    int64_t rate;

    g.txs = xcalloc(n, sizeof(*g.txs));
    g.out = xcalloc(n, sizeof(struct package_tx *));
    for (size_t i = 0; i < n; i++) {
        if (!out[i].grouped)
            continue;
        g.txs[g.n] = txs[i];
        g.out[g.n++] = &out[i];
    }
    g.as = xcalloc(n, sizeof(*g.as));
    g.rejs = xcalloc(n, sizeof(*g.rejs));
    bool ok = group_prechecks(&g, package) && group_pays(&g, &rate, package) &&
              (g.n == 1 || check_package_limits(mp, g.as, g.n, package)) &&
              group_scripts(&g, package);
    if (ok)
        group_add(&g, rate);
    for (size_t i = 0; i < g.n; i++)
        acceptance_clear(&g.as[i]);
    free(g.rejs);
    free(g.as);
    free(g.out);
    free(g.txs);
    return ok;
}

/* By the hexadecimal text, in which the last byte stands first. */
static int compare_wtxid_text(const void *a, const void *b)
{
    const struct hash256 *x = a, *y = b;
    for (size_t i = sizeof(x->b); i-- > 0;)
        if (x->b[i] != y->b[i])
            return x->b[i] < y->b[i] ? -1 : 1;
    return 0;
}

struct hash256 package_hash(const struct tx *const *txs, size_t n)
{
    struct hash256 ids[MAX_PACKAGE_COUNT], out;
    ASSERT(n <= MAX_PACKAGE_COUNT);
    for (size_t i = 0; i < n; i++)
        ids[i] = txs[i]->wtxid;
    qsort(ids, n, sizeof(ids[0]), compare_wtxid_text);
    sha256(out.b, ids, n * sizeof(ids[0]));
    return out;
}

/* Trimming may have thrown out what had just come in. */
static bool check_evicted(struct mempool *mp, const struct tx *const *txs, size_t n,
                          struct package_tx *out, struct reject *package)
{
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        if (out[i].verdict != PACKAGE_ACCEPTED || pool_find(mp, &txs[i]->txid))
            continue;
        out[i].verdict = PACKAGE_REFUSED;
        reject(&out[i].r.rej, REJECT_MEMPOOL_FULL, NULL);
        ok = reject(package, REJECT_PACKAGE_TX_FAILED, NULL);
    }
    return ok;
}

bool mempool_submit_package(struct mempool *mp, const struct tx *const *txs, size_t n,
                            int64_t max_feerate, struct package_tx *out,
                            struct reject *package)
{
    size_t grouped = 0;
    bool ok = true;

    ASSERT(chainman_on_thread(mp->cm));
    memset(out, 0, n * sizeof(*out));
    if (!check_package(txs, n, package) || !check_topology(mp, txs, n, package))
        return false;
    for (size_t i = 0; i < n && ok; i++) {
        ok = try_alone(mp, txs[i], max_feerate, &out[i]);
        grouped += out[i].grouped;
    }
    if (!ok || (grouped == 1 && out[n - 1].grouped))
        return reject(package, REJECT_PACKAGE_TX_FAILED,
                      NULL); /* nobody to pay for it */
    if (grouped && !accept_group(mp, txs, n, out, package))
        return false;
    pool_lock(mp);
    pool_limit(mp);
    pool_unlock(mp);
    return check_evicted(mp, txs, n, out, package);
}
