/* What a newcomer must satisfy to take the place of others: BIP 125 with full RBF,
 * alone or as a parent with its child. */
#include <stdio.h>
#include <stdlib.h>

#include "chain/mempool/accept.h"

#define MAX_REPLACEMENTS 100

/* ---- conflicts ---- */

static bool add_conflict(struct acceptance *a, struct mempool_entry *e)
{
    if (!e || entry_list_has(&a->conflicts, e))
        return true;
    if (!a->rules->replaces)
        return reject(a->rej, REJECT_BIP125_DISALLOWED, NULL);
    if (!a->mp->opt.full_rbf && !tx_signals_rbf(e->tx) &&
        e->tx->version != TRUC_VERSION)
        return reject(a->rej, REJECT_TXN_MEMPOOL_CONFLICT, NULL);
    entry_list_add(&a->conflicts, e);
    return true;
}

bool replacement_conflicts(struct acceptance *a)
{
    for (uint32_t i = 0; i < a->tx->n_in; i++)
        if (!add_conflict(a, pool_spender(a->mp, &a->tx->in[i].prevout)))
            return false;
    return true;
}

bool replacement_claims(struct acceptance *a)
{
    for (uint32_t i = 0; i < a->claims.n; i++)
        if (!add_conflict(a, pool_claimer(a->mp, &a->claims.key[i])))
            return false;
    return true;
}

/* Nobody can spend what he himself throws out. */
bool replacement_disjoint(struct acceptance *a)
{
    char txid[65], other[65];
    for (size_t i = 0; i < a->ancestors.n; i++) {
        const struct mempool_entry *e = a->ancestors.v[i];
        if (entry_list_has(&a->conflicts, e))
            return reject_detail(a->rej, REJECT_BAD_TXNS_SPENDS_CONFLICTING,
                                 "%s spends conflicting transaction %s",
                                 hash256_to_hex(txid, &a->tx->txid),
                                 hash256_to_hex(other, &e->tx->txid));
    }
    return true;
}

/* ---- the rules; @why: DETAIL_SIZE, filled when one is broken ---- */

#define DETAIL_SIZE 256

/* In one order, so that the same one is named whichever input found it. */
static void sort_conflicts(struct entry_list *l)
{
    if (l->n > 1)
        qsort(l->v, l->n, sizeof(*l->v), mempool_compare_txid);
}

/* A better fee rate than each that it conflicts with. */
static bool pays_better_rate(struct acceptance *a, char why[DETAIL_SIZE])
{
    char txid[65], x[POOL_AMOUNT_TEXT], y[POOL_AMOUNT_TEXT];
    int64_t rate = feerate_of(a->modified_fee, a->vsize);
    for (size_t i = 0; i < a->conflicts.n; i++) {
        const struct mempool_entry *e = a->conflicts.v[i];
        int64_t old = feerate_of(entry_modified_fee(e), e->vsize);
        if (rate > old)
            continue;
        snprintf(why, DETAIL_SIZE,
                 "rejecting replacement %s; new feerate %s <= old feerate %s",
                 hash256_to_hex(txid, &a->tx->txid), pool_rate_text(a->mp, x, rate),
                 pool_rate_text(a->mp, y, old));
        return false;
    }
    return true;
}

/* Fills @replaced with all that has to go; not too many. The line end is Bitcoin
 * Core's.
 */
static bool collect_replaced(struct mempool *mp, const struct entry_list *conflicts,
                             const struct tx *tx, struct entry_list *replaced,
                             char why[DETAIL_SIZE])
{
    char txid[65];
    uint64_t n = 0;
    for (size_t i = 0; i < conflicts->n; i++) {
        n += conflicts->v[i]->n_descendants;
        if (n <= MAX_REPLACEMENTS)
            continue;
        snprintf(why, DETAIL_SIZE,
                 "rejecting replacement %s; too many potential replacements (%llu > "
                 "%d)\n",
                 hash256_to_hex(txid, &tx->txid), (unsigned long long)n,
                 MAX_REPLACEMENTS);
        return false;
    }
    walk_begin(mp);
    for (size_t i = 0; i < conflicts->n; i++) {
        if (!walk_visit(mp, conflicts->v[i]))
            continue;
        entry_list_add(replaced, conflicts->v[i]);
        walk_descendants(mp, replaced, conflicts->v[i]);
    }
    return true;
}

static void collect_parents(struct map *txids, const struct entry_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        for (uint32_t j = 0; j < l->v[i]->tx->n_in; j++)
            map_put(txids, &l->v[i]->tx->in[j].prevout.txid, NULL);
}

/* An unconfirmed input that none of the replaced had could delay the newcomer. */
static bool adds_no_unconfirmed(struct acceptance *a, char why[DETAIL_SIZE])
{
    struct map known;
    char txid[65];
    bool ok = true;

    if (a->ancestors.n == 0)
        return true;
    map_init(&known, sizeof(struct hash256), 0);
    collect_parents(&known, &a->replaced);
    for (uint32_t i = 0; i < a->tx->n_in && ok; i++) {
        const struct hash256 *parent = &a->tx->in[i].prevout.txid;
        ok = map_get(&known, parent) || !pool_find(a->mp, parent);
        if (!ok)
            snprintf(why, DETAIL_SIZE, "replacement %s adds unconfirmed input, idx %u",
                     hash256_to_hex(txid, &a->tx->txid), i);
    }
    map_clear(&known);
    return ok;
}

/* As much as all that leave, and its own relay on top. */
static bool pays_for_all(const struct mempool *mp, const struct entry_list *replaced,
                         const struct tx *tx, int64_t fee, int64_t vsize,
                         char why[DETAIL_SIZE])
{
    char txid[65], x[POOL_AMOUNT_TEXT], y[POOL_AMOUNT_TEXT];
    int64_t old = 0;
    for (size_t i = 0; i < replaced->n; i++)
        old += entry_modified_fee(replaced->v[i]);
    int64_t more = fee - old;
    int64_t relay = feerate_fee(mp->opt.incremental_feerate, vsize);
    hash256_to_hex(txid, &tx->txid);
    if (more < 0)
        snprintf(why, DETAIL_SIZE,
                 "rejecting replacement %s, less fees than conflicting txs; %s < %s",
                 txid, pool_money_text(mp, x, fee), pool_money_text(mp, y, old));
    else if (more < relay)
        snprintf(why, DETAIL_SIZE,
                 "rejecting replacement %s, not enough additional fees to relay; %s < "
                 "%s",
                 txid, pool_money_text(mp, x, more), pool_money_text(mp, y, relay));
    return more >= 0 && more >= relay;
}

/* ---- one transaction ---- */

static bool reject_replacement(struct acceptance *a, enum reject_code code,
                               const char *why)
{
    reject(a->rej, code, why);
    if (a->sibling_eviction)
        snprintf(a->rej->suffix, sizeof(a->rej->suffix),
                 " (including sibling eviction)");
    return false;
}

bool replacement_pays(struct acceptance *a)
{
    char why[DETAIL_SIZE];

    if (a->conflicts.n == 0)
        return true;
    sort_conflicts(&a->conflicts);
    if (!pays_better_rate(a, why))
        return reject_replacement(a, REJECT_INSUFFICIENT_FEE, why);
    if (!collect_replaced(a->mp, &a->conflicts, a->tx, &a->replaced, why))
        return reject_replacement(a, REJECT_TOO_MANY_REPLACEMENTS, why);
    if (!adds_no_unconfirmed(a, why))
        return reject_replacement(a, REJECT_REPLACEMENT_ADDS_UNCONFIRMED, why);
    if (!pays_for_all(a->mp, &a->replaced, a->tx, a->modified_fee, a->vsize, why))
        return reject_replacement(a, REJECT_INSUFFICIENT_FEE, why);
    return true;
}

/* ---- a parent with its child ---- */

static bool reject_group(struct reject *package, const char *what, const char *detail)
{
    reject_suffix(package, REJECT_PACKAGE_RBF_FAILED, ": %s", what);
    if (detail)
        snprintf(package->detail, sizeof(package->detail), "%s", detail);
    return false;
}

static void join_conflicts(struct acceptance *as, size_t n, struct entry_list *out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < as[i].conflicts.n; j++)
            if (!entry_list_has(out, as[i].conflicts.v[j]))
                entry_list_add(out, as[i].conflicts.v[j]);
    sort_conflicts(out);
}

/* The child must pay for more than the damage: its parent has to gain by it. */
static bool child_helps(const struct acceptance *parent, int64_t fee, int64_t vsize,
                        struct reject *package)
{
    char x[POOL_AMOUNT_TEXT], y[POOL_AMOUNT_TEXT], why[DETAIL_SIZE];
    int64_t alone = feerate_of(parent->modified_fee, parent->vsize);
    int64_t both = feerate_of(fee, vsize);
    if (both > alone)
        return true;
    snprintf(why, sizeof(why), "package feerate %s <= parent feerate is %s",
             pool_rate_text(parent->mp, x, both), pool_rate_text(parent->mp, y, alone));
    return reject_group(package,
                        "package feerate is less than or equal to parent feerate", why);
}

static bool pair_pays(struct acceptance *as, const struct entry_list *conflicts,
                      struct reject *package)
{
    struct mempool *mp = as[0].mp;
    struct entry_list *replaced = &as[0].replaced;
    int64_t fee = as[0].modified_fee + as[1].modified_fee;
    int64_t vsize = as[0].vsize + as[1].vsize;
    char why[DETAIL_SIZE];

    if (!collect_replaced(mp, conflicts, as[1].tx, replaced, why))
        return reject_group(package, "too many potential replacements", why);
    if (!pays_for_all(mp, replaced, as[1].tx, fee, vsize, why))
        return reject_group(package, "insufficient anti-DoS fees", why);
    if (!child_helps(&as[0], fee, vsize, package))
        return false;
    return diagram_improves(conflicts, replaced, fee, vsize, why) ||
           reject_group(package, why, NULL);
}

bool replacement_group_pays(struct acceptance *as, size_t n, struct reject *package)
{
    struct entry_list conflicts = {0};
    bool ok = true;

    join_conflicts(as, n, &conflicts);
    if (conflicts.n == 0)
        return true;
    if (n != 2)
        ok = reject_group(package, "package must be 1-parent-1-child", NULL);
    else if (as[0].ancestors.n || as[1].ancestors.n)
        ok = reject_group(package, "new transaction cannot have mempool ancestors",
                          NULL);
    else
        ok = pair_pays(as, &conflicts, package);
    entry_list_clear(&conflicts);
    return ok;
}
