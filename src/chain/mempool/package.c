/* Several transactions judged together. */
#include <stdlib.h>

#include "chain/mempool/accept.h"

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

/* The package as one lump may not pass the limits of any pooled ancestor, nor its own. */
static bool check_package_limits(struct mempool *mp, const struct acceptance *as, size_t n,
                                 struct reject *rej)
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
        ok = acceptance_scripts(&as[i]) || reject(package, REJECT_PACKAGE_TX_FAILED, NULL);
        report(&as[i], &results[i], ok);
    }
    for (size_t i = 0; i < n; i++)
        acceptance_clear(&as[i]);
    free(as);
    return ok;
}
