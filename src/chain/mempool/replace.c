/* What a newcomer must satisfy because of what is in the pool already: limits on
 * families, the topology of version 3 transactions (BIP 431), and replacement (BIP 125
 * with full RBF). */
#include <stdio.h>

#include "chain/mempool/accept.h"

#define MAX_REPLACEMENTS 100
#define CARVE_OUT_VSIZE                                                                \
    10000 /* a small child may exceed its parent's descendant limits by one */
#define TRUC_MAX_VSIZE       10000
#define TRUC_CHILD_MAX_VSIZE 1000
#define TRUC_FAMILY          2

/* ---- conflicts ---- */

static bool list_has(const struct entry_list *l, const struct mempool_entry *e)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i] == e)
            return true;
    return false;
}

static bool add_conflict(struct acceptance *a, struct mempool_entry *e)
{
    if (!e || list_has(&a->conflicts, e))
        return true;
    if (a->forbid_replacement)
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

/* ---- limits on families ---- */

struct limits {
    uint64_t ancestors, descendants; /* counts */
    int64_t ancestor_vsize, descendant_vsize;
};

/* Adds an ancestor and judges what the newcomer would do to it. */
static bool add_ancestor(struct acceptance *a, struct mempool_entry *e,
                         const struct limits *l, int64_t *vsize, struct reject *rej)
{
    char txid[65];
    *vsize += e->vsize;
    if (e->descendant_vsize + a->vsize > l->descendant_vsize)
        return reject_detail(rej, REJECT_TOO_LONG_MEMPOOL_CHAIN,
                             "exceeds descendant size limit for tx %s [limit: %lld]",
                             hash256_to_hex(txid, &e->tx->txid),
                             (long long)l->descendant_vsize);
    if (e->n_descendants + 1 > l->descendants)
        return reject_detail(rej, REJECT_TOO_LONG_MEMPOOL_CHAIN,
                             "too many descendants for tx %s [limit: %llu]",
                             hash256_to_hex(txid, &e->tx->txid),
                             (unsigned long long)l->descendants);
    if (*vsize > l->ancestor_vsize)
        return reject_detail(rej, REJECT_TOO_LONG_MEMPOOL_CHAIN,
                             "exceeds ancestor size limit [limit: %lld]",
                             (long long)l->ancestor_vsize);
    return true;
}

static bool too_many_ancestors(const struct acceptance *a, const struct limits *l,
                               const char *what, struct reject *rej)
{
    if (a->ancestors.n + 1 <= l->ancestors)
        return false;
    reject_detail(rej, REJECT_TOO_LONG_MEMPOOL_CHAIN,
                  "too many unconfirmed %s [limit: %llu]", what,
                  (unsigned long long)l->ancestors);
    return true;
}

/* Fills a->ancestors with parents first, then whatever these stand on. */
static bool find_ancestors(struct acceptance *a, const struct limits *l,
                           struct reject *rej)
{
    struct entry_list *up = &a->ancestors;
    int64_t vsize = a->vsize;

    up->n = 0;
    walk_begin(a->mp);
    for (uint32_t i = 0; i < a->tx->n_in; i++) {
        struct mempool_entry *p = pool_find(a->mp, &a->tx->in[i].prevout.txid);
        if (p && walk_visit(a->mp, p))
            entry_list_add(up, p);
        if (too_many_ancestors(a, l, "parents", rej))
            return false;
    }
    for (size_t next = 0; next < up->n; next++) {
        struct mempool_entry *e = up->v[next];
        if (!add_ancestor(a, e, l, &vsize, rej))
            return false;
        for (uint32_t i = 0; i < e->n_parents; i++)
            if (walk_visit(a->mp, e->parents[i]))
                entry_list_add(up, e->parents[i]);
        if (too_many_ancestors(a, l, "ancestors", rej))
            return false;
    }
    return true;
}

static struct limits limits_for(const struct acceptance *a)
{
    const struct mempool_options *o = &a->mp->opt;
    struct limits l = {o->max_ancestors, o->max_descendants, o->max_ancestor_bytes,
                       o->max_descendant_bytes};
    /* What it replaces makes room for it. */
    if (a->conflicts.n == 1) {
        l.descendants++;
        l.descendant_vsize += a->conflicts.v[0]->descendant_vsize;
    }
    return l;
}

static bool check_limits(struct acceptance *a)
{
    struct limits l = limits_for(a);
    if (find_ancestors(a, &l, a->rej))
        return true;
    if (a->vsize > CARVE_OUT_VSIZE || a->tx->version == TRUC_VERSION)
        return false;
    /* Contracts between two parties rely on each being able to attach one small child.
     */
    struct limits carve_out = {2, l.descendants + 1, l.ancestor_vsize,
                               l.descendant_vsize + CARVE_OUT_VSIZE};
    if (!find_ancestors(a, &carve_out, NULL))
        return false;
    *a->rej = (struct reject){0};
    return true;
}

bool mempool_check_limits(struct mempool *mp, const struct tx *tx, struct reject *rej)
{
    struct acceptance a = {.mp = mp, .tx = tx, .vsize = tx_vsize(tx)};
    struct limits l = limits_for(&a);
    bool ok = find_ancestors(&a, &l, rej);
    entry_list_clear(&a.ancestors);
    return ok;
}

/* ---- version 3 ---- */

static bool reject_truc(struct acceptance *a, const char *what)
{
    char txid[65], wtxid[65];
    return reject_detail(a->rej, REJECT_TRUC_VIOLATION, "tx %s (wtxid=%s) %s",
                         hash256_to_hex(txid, &a->tx->txid),
                         hash256_to_hex(wtxid, &a->tx->wtxid), what);
}

static bool reject_truc_size(struct acceptance *a, const char *kind, int64_t max)
{
    char txid[65], wtxid[65];
    return reject_detail(
        a->rej, REJECT_TRUC_VIOLATION,
        "version=3 %stx %s (wtxid=%s) is too big: %lld > %lld virtual bytes", kind,
        hash256_to_hex(txid, &a->tx->txid), hash256_to_hex(wtxid, &a->tx->wtxid),
        (long long)a->vsize, (long long)max);
}

static bool reject_truc_mix(struct acceptance *a, const struct mempool_entry *parent)
{
    char txid[65], wtxid[65], ptxid[65];
    bool is_truc = a->tx->version == TRUC_VERSION;
    return reject_detail(
        a->rej, REJECT_TRUC_VIOLATION,
        "%sversion=3 tx %s (wtxid=%s) cannot spend from %sversion=3 tx %s",
        is_truc ? "" : "non-", hash256_to_hex(txid, &a->tx->txid),
        hash256_to_hex(wtxid, &a->tx->wtxid), is_truc ? "non-" : "",
        hash256_to_hex(ptxid, &parent->tx->txid));
}

/* A parent may have one child. If it has another one without relatives of its own, the
 * two compete as if they spent the same coin. */
static bool check_sibling(struct acceptance *a, struct mempool_entry *parent)
{
    if (parent->n_descendants + 1 <= TRUC_FAMILY)
        return true;
    for (uint32_t i = 0; i < parent->n_children; i++)
        if (list_has(&a->conflicts, parent->children[i]))
            return true;
    struct mempool_entry *sibling = parent->children[0];
    if (parent->n_descendants != 2 || sibling->n_ancestors != 2 ||
        a->forbid_replacement)
        return reject_truc(a, "would exceed descendant count limit");
    entry_list_add(&a->conflicts, sibling);
    a->sibling_eviction = true;
    return true;
}

static bool check_truc(struct acceptance *a)
{
    bool is_truc = a->tx->version == TRUC_VERSION;
    for (size_t i = 0; i < a->ancestors.n; i++)
        if ((a->ancestors.v[i]->tx->version == TRUC_VERSION) != is_truc)
            return reject_truc_mix(a, a->ancestors.v[i]);
    if (!is_truc)
        return true;
    if (a->vsize > TRUC_MAX_VSIZE)
        return reject_truc_size(a, "", TRUC_MAX_VSIZE);
    if (a->ancestors.n + 1 > TRUC_FAMILY)
        return reject_truc(a, "would have too many ancestors");
    if (a->ancestors.n == 0)
        return true;
    if (a->vsize > TRUC_CHILD_MAX_VSIZE)
        return reject_truc_size(a, "child ", TRUC_CHILD_MAX_VSIZE);
    return check_sibling(a, a->ancestors.v[0]);
}

/* Nobody can spend what he himself throws out. */
static bool check_disjoint(struct acceptance *a)
{
    char txid[65], other[65];
    for (size_t i = 0; i < a->ancestors.n; i++) {
        const struct mempool_entry *e = a->ancestors.v[i];
        if (list_has(&a->conflicts, e))
            return reject_detail(a->rej, REJECT_BAD_TXNS_SPENDS_CONFLICTING,
                                 "%s spends conflicting transaction %s",
                                 hash256_to_hex(txid, &a->tx->txid),
                                 hash256_to_hex(other, &e->tx->txid));
    }
    return true;
}

bool acceptance_families(struct acceptance *a)
{
    return check_limits(a) && check_truc(a) && check_disjoint(a);
}

/* ---- replacement ---- */

/* "0.00001000 BTC/kvB" */
static const char *rate_text(const struct acceptance *a, char out[64], int64_t rate)
{
    const struct chain_params *p = chainman_params(a->mp->cm);
    char number[32];
    snprintf(out, 64, "%s %s/kvB", amount_format(number, amount_of(rate), p->decimals),
             p->unit);
    return out;
}

/* An amount with at least two decimals and no more zeros than needed. */
static const char *money_text(const struct acceptance *a, char out[32], int64_t v)
{
    amount_format(out, amount_of(v), chainman_params(a->mp->cm)->decimals);
    size_t n = strlen(out);
    while (n > 3 && out[n - 1] == '0' && out[n - 3] != '.')
        out[--n] = '\0';
    return out;
}

/* A better fee rate than each that it conflicts with. */
static bool pays_better_rate(struct acceptance *a)
{
    char txid[65], x[64], y[64];
    int64_t rate = feerate_of(a->modified_fee, a->vsize);
    for (size_t i = 0; i < a->conflicts.n; i++) {
        const struct mempool_entry *e = a->conflicts.v[i];
        int64_t old = feerate_of(entry_modified_fee(e), e->vsize);
        if (rate <= old)
            return reject_detail(
                a->rej, REJECT_INSUFFICIENT_FEE,
                "rejecting replacement %s; new feerate %s <= old feerate %s",
                hash256_to_hex(txid, &a->tx->txid), rate_text(a, x, rate),
                rate_text(a, y, old));
    }
    return true;
}

static bool collect_replaced(struct acceptance *a)
{
    char txid[65];
    uint64_t n = 0;
    for (size_t i = 0; i < a->conflicts.n; i++)
        n += a->conflicts.v[i]->n_descendants;
    if (n > MAX_REPLACEMENTS)
        return reject_detail(
            a->rej, REJECT_TOO_MANY_REPLACEMENTS,
            "rejecting replacement %s; too many potential replacements (%llu > %d)",
            hash256_to_hex(txid, &a->tx->txid), (unsigned long long)n,
            MAX_REPLACEMENTS);
    walk_begin(a->mp);
    for (size_t i = 0; i < a->conflicts.n; i++) {
        if (!walk_visit(a->mp, a->conflicts.v[i]))
            continue;
        entry_list_add(&a->replaced, a->conflicts.v[i]);
        walk_descendants(a->mp, &a->replaced, a->conflicts.v[i]);
    }
    return true;
}

static bool spends_same_parent(const struct entry_list *l, const struct hash256 *txid)
{
    for (size_t i = 0; i < l->n; i++)
        for (uint32_t j = 0; j < l->v[i]->tx->n_in; j++)
            if (hash256_equal(&l->v[i]->tx->in[j].prevout.txid, txid))
                return true;
    return false;
}

/* An unconfirmed input that none of the replaced had could delay the newcomer. */
static bool adds_no_unconfirmed(struct acceptance *a)
{
    char txid[65];
    for (uint32_t i = 0; i < a->tx->n_in; i++) {
        const struct hash256 *parent = &a->tx->in[i].prevout.txid;
        if (pool_find(a->mp, parent) && !spends_same_parent(&a->replaced, parent))
            return reject_detail(a->rej, REJECT_REPLACEMENT_ADDS_UNCONFIRMED,
                                 "replacement %s adds unconfirmed input, idx %u",
                                 hash256_to_hex(txid, &a->tx->txid), i);
    }
    return true;
}

/* As much as all that leave, and its own relay on top. */
static bool pays_for_all(struct acceptance *a)
{
    char txid[65], x[32], y[32];
    int64_t old = 0;
    for (size_t i = 0; i < a->replaced.n; i++)
        old += entry_modified_fee(a->replaced.v[i]);
    if (a->modified_fee < old)
        return reject_detail(
            a->rej, REJECT_INSUFFICIENT_FEE_RBF,
            "rejecting replacement %s, less fees than conflicting txs; %s < %s",
            hash256_to_hex(txid, &a->tx->txid), money_text(a, x, a->modified_fee),
            money_text(a, y, old));
    int64_t more = a->modified_fee - old;
    int64_t relay = feerate_fee(a->mp->opt.incremental_feerate, a->vsize);
    if (more < relay)
        return reject_detail(
            a->rej, REJECT_INSUFFICIENT_FEE_RBF,
            "rejecting replacement %s, not enough additional fees to relay; %s < %s",
            hash256_to_hex(txid, &a->tx->txid), money_text(a, x, more),
            money_text(a, y, relay));
    return true;
}

bool replacement_pays(struct acceptance *a)
{
    if (a->conflicts.n == 0)
        return true;
    if (pays_better_rate(a) && collect_replaced(a) && adds_no_unconfirmed(a) &&
        pays_for_all(a))
        return true;
    if (a->sibling_eviction)
        snprintf(a->rej->suffix, sizeof(a->rej->suffix),
                 " (including sibling eviction)");
    return false;
}
