/* Version 3 transactions (BIP 431): their families are pairs of one parent and one
 * small child, so that a child can always be replaced and its parent always be paid
 * for. */
#include <stdio.h>

#include "chain/mempool/accept.h"

#define TRUC_MAX_VSIZE       10000
#define TRUC_CHILD_MAX_VSIZE 1000
#define TRUC_FAMILY          2

static bool is_truc(const struct tx *tx)
{
    return tx->version == TRUC_VERSION;
}

/* ---- what is wrong; each returns false ---- */

/* "<txid> (wtxid=<wtxid>)" */
static const char *name_of(const struct tx *tx, char out[160])
{
    char txid[65], wtxid[65];
    snprintf(out, 160, "%s (wtxid=%s)", hash256_to_hex(txid, &tx->txid),
             hash256_to_hex(wtxid, &tx->wtxid));
    return out;
}

static bool reject_for(struct reject *rej, const struct tx *tx, const char *what)
{
    char name[160];
    return reject_detail(rej, REJECT_TRUC_VIOLATION, "tx %s %s", name_of(tx, name),
                         what);
}

static bool reject_ancestors(struct reject *rej, const struct tx *tx)
{
    return reject_for(rej, tx, "would have too many ancestors");
}

static bool reject_descendants(struct reject *rej, const struct tx *parent)
{
    return reject_for(rej, parent, "would exceed descendant count limit");
}

static bool reject_mix(struct reject *rej, const struct tx *tx, const struct tx *parent)
{
    char name[160], other[160];
    return reject_detail(rej, REJECT_TRUC_VIOLATION,
                         "%sversion=3 tx %s cannot spend from %sversion=3 tx %s",
                         is_truc(tx) ? "" : "non-", name_of(tx, name),
                         is_truc(parent) ? "" : "non-", name_of(parent, other));
}

static bool check_size(struct reject *rej, const struct acceptance *a, bool is_child)
{
    int64_t max = is_child ? TRUC_CHILD_MAX_VSIZE : TRUC_MAX_VSIZE;
    char name[160];
    return a->vsize <= max ||
           reject_detail(rej, REJECT_TRUC_VIOLATION,
                         "version=3 %stx %s is too big: %lld > %lld virtual bytes",
                         is_child ? "child " : "", name_of(a->tx, name),
                         (long long)a->vsize, (long long)max);
}

/* ---- against the pool ---- */

static bool check_versions(struct reject *rej, const struct acceptance *a)
{
    for (size_t i = 0; i < a->ancestors.n; i++)
        if (is_truc(a->ancestors.v[i]->tx) != is_truc(a->tx))
            return reject_mix(rej, a->tx, a->ancestors.v[i]->tx);
    return true;
}

/* A parent may have one child. If it has another one, and neither has relatives besides
 * (a reorg may have brought them), the two compete as if they spent the same coin. */
static bool check_sibling(struct acceptance *a, struct mempool_entry *parent)
{
    if (parent->n_descendants + 1 <= TRUC_FAMILY)
        return true;
    for (uint32_t i = 0; i < parent->n_children; i++)
        if (entry_list_has(&a->conflicts, parent->children[i]))
            return true;
    struct mempool_entry *sibling = parent->children[0];
    if (!a->rules->evicts_siblings || parent->n_descendants != 2 ||
        sibling->n_ancestors != 2)
        return reject_descendants(a->rej, parent->tx);
    entry_list_add(&a->conflicts, sibling);
    a->sibling_eviction = true;
    return true;
}

bool truc_check(struct acceptance *a)
{
    if (!check_versions(a->rej, a))
        return false;
    if (!is_truc(a->tx))
        return true;
    if (!check_size(a->rej, a, false))
        return false;
    if (a->ancestors.n + 1 > TRUC_FAMILY)
        return reject_ancestors(a->rej, a->tx);
    return a->ancestors.n == 0 ||
           (check_size(a->rej, a, true) && check_sibling(a, a->ancestors.v[0]));
}

/* ---- against each other ---- */

/* The parent's only child is @tx, and that has none. */
static bool check_pair(const struct acceptance *as, size_t n, const struct tx *tx,
                       const struct tx *parent, struct reject *package)
{
    for (size_t i = 0; i < n; i++) {
        if (as[i].tx == tx)
            continue;
        if (tx_spends_from(as[i].tx, parent))
            return reject_descendants(package, parent);
        if (tx_spends_from(as[i].tx, tx))
            return reject_ancestors(package, as[i].tx);
    }
    return true;
}

/* Member @at with its parents among the members before it. */
static bool check_member(const struct acceptance *as, size_t n, size_t at,
                         struct reject *package)
{
    const struct acceptance *a = &as[at];
    const struct tx *parent = a->ancestors.n ? a->ancestors.v[0]->tx : NULL;
    size_t n_ancestors = a->ancestors.n;

    for (size_t i = 0; i < at; i++) {
        if (!tx_spends_from(a->tx, as[i].tx))
            continue;
        if (!is_truc(a->tx) && is_truc(as[i].tx))
            return reject_mix(package, a->tx, as[i].tx);
        if (parent == NULL)
            parent = as[i].tx;
        n_ancestors++;
    }
    if (!is_truc(a->tx))
        return true;
    if (n_ancestors + 1 > TRUC_FAMILY)
        return reject_ancestors(package, a->tx);
    if (parent == NULL)
        return true;
    if (!check_size(package, a, true))
        return false;
    if (!is_truc(parent))
        return reject_mix(package, a->tx, parent);
    if (!check_pair(as, n, a->tx, parent, package))
        return false;
    return a->ancestors.n == 0 || a->ancestors.v[0]->n_descendants == 1 ||
           reject_descendants(package, parent);
}

bool truc_check_group(const struct acceptance *as, size_t n, struct reject *package)
{
    for (size_t i = 0; i < n; i++) {
        if (check_member(as, n, i, package))
            continue;
        package->class = PKG_POLICY; /* no one member is to blame */
        return false;
    }
    return true;
}
