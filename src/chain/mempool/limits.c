/* How far families in the pool may grow: counts and sizes of ancestors and descendants.
 */
#include <stdio.h>

#include "chain/mempool/accept.h"

#define CARVE_OUT_VSIZE 10000
#define WHY_SIZE        160

struct limits {
    uint64_t ancestors, descendants; /* counts */
    int64_t ancestor_vsize, descendant_vsize;
};

static struct limits default_limits(const struct mempool *mp)
{
    const struct mempool_options *o = &mp->opt;
    return (struct limits){o->max_ancestors, o->max_descendants, o->max_ancestor_bytes,
                           o->max_descendant_bytes};
}

/* Transactions that join families, as one lump. */
struct joining {
    struct mempool *mp;
    uint64_t count;
    int64_t vsize;
    const struct limits *limits;
    struct entry_list *up; /* the families' members above them */
    char *why;             /* of WHY_SIZE */
};

static bool too_many(const struct joining *j, const char *what)
{
    if (j->up->n + j->count <= j->limits->ancestors)
        return false;
    snprintf(j->why, WHY_SIZE, "too many unconfirmed %s [limit: %llu]", what,
             (unsigned long long)j->limits->ancestors);
    return true;
}

/* Adds the parents in the pool of one that joins. */
static bool add_parents(const struct joining *j, const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct mempool_entry *p = pool_find(j->mp, &tx->in[i].prevout.txid);
        if (p && walk_visit(j->mp, p))
            entry_list_add(j->up, p);
        if (too_many(j, "parents"))
            return false;
    }
    return true;
}

/* What they would do to one of their ancestors. @vsize: that of all ancestors so far.
 */
static bool fits_below(const struct joining *j, const struct mempool_entry *e,
                       int64_t vsize)
{
    const struct limits *l = j->limits;
    char txid[65];

    hash256_to_hex(txid, &e->tx->txid);
    if (e->descendant_vsize + j->vsize > l->descendant_vsize)
        snprintf(j->why, WHY_SIZE,
                 "exceeds descendant size limit for tx %s [limit: %lld]", txid,
                 (long long)l->descendant_vsize);
    else if (e->n_descendants + j->count > l->descendants)
        snprintf(j->why, WHY_SIZE, "too many descendants for tx %s [limit: %llu]", txid,
                 (unsigned long long)l->descendants);
    else if (vsize > l->ancestor_vsize)
        snprintf(j->why, WHY_SIZE, "exceeds ancestor size limit [limit: %lld]",
                 (long long)l->ancestor_vsize);
    else
        return true;
    return false;
}

/* From the parents up. */
static bool climb(const struct joining *j)
{
    int64_t vsize = j->vsize;
    for (size_t next = 0; next < j->up->n; next++) {
        const struct mempool_entry *e = j->up->v[next];
        vsize += e->vsize;
        if (!fits_below(j, e, vsize))
            return false;
        for (uint32_t i = 0; i < e->n_parents; i++)
            if (walk_visit(j->mp, e->parents[i]))
                entry_list_add(j->up, e->parents[i]);
        if (too_many(j, "ancestors"))
            return false;
    }
    return true;
}

/* ---- one transaction ---- */

/* Fills a->ancestors with parents first, then whatever these stand on. */
static bool find_ancestors(struct acceptance *a, const struct limits *l,
                           char why[WHY_SIZE])
{
    struct joining j = {a->mp, 1, a->vsize, l, &a->ancestors, why};
    a->ancestors.n = 0;
    walk_begin(a->mp);
    return add_parents(&j, a->tx) && climb(&j);
}

static bool reject_chain(struct reject *rej, const char *why)
{
    return reject(rej, REJECT_TOO_LONG_MEMPOOL_CHAIN, why);
}

bool limits_check(struct acceptance *a)
{
    struct limits l = default_limits(a->mp);
    char why[WHY_SIZE], second[WHY_SIZE];

    /* What it replaces makes room for it. */
    if (a->rules->carve_outs && a->conflicts.n == 1) {
        l.descendants++;
        l.descendant_vsize += a->conflicts.v[0]->descendant_vsize;
    }
    if (find_ancestors(a, &l, why))
        return true;
    if (!a->rules->carve_outs || a->vsize > CARVE_OUT_VSIZE ||
        a->tx->version == TRUC_VERSION)
        return reject_chain(a->rej, why);
    /* Contracts between two parties rely on each being able to attach one small child.
     */
    struct limits carve_out = {2, l.descendants + 1, l.ancestor_vsize,
                               l.descendant_vsize + CARVE_OUT_VSIZE};
    return find_ancestors(a, &carve_out, second) || reject_chain(a->rej, why);
}

bool mempool_check_limits(struct mempool *mp, const struct tx *tx, struct reject *rej)
{
    struct acceptance a = {.mp = mp, .tx = tx, .vsize = tx_vsize(tx)};
    struct limits l = default_limits(mp);
    char why[WHY_SIZE];
    bool ok = find_ancestors(&a, &l, why) || reject_chain(rej, why);
    entry_list_clear(&a.ancestors);
    return ok;
}

/* ---- a group ---- */

/* It may be too much even for a pool that has no relatives of it. */
static bool group_fits(const struct joining *j)
{
    const struct limits *l = j->limits;
    unsigned long long n = j->count, vsize = (unsigned long long)j->vsize;

    if (n > l->ancestors)
        snprintf(j->why, WHY_SIZE,
                 "package count %llu exceeds ancestor count limit [limit: %llu]", n,
                 (unsigned long long)l->ancestors);
    else if (n > l->descendants)
        snprintf(j->why, WHY_SIZE,
                 "package count %llu exceeds descendant count limit [limit: %llu]", n,
                 (unsigned long long)l->descendants);
    else if (j->vsize > l->ancestor_vsize)
        snprintf(j->why, WHY_SIZE,
                 "package size %llu exceeds ancestor size limit [limit: %lld]", vsize,
                 (long long)l->ancestor_vsize);
    else if (j->vsize > l->descendant_vsize)
        snprintf(j->why, WHY_SIZE,
                 "package size %llu exceeds descendant size limit [limit: %lld]", vsize,
                 (long long)l->descendant_vsize);
    else
        return true;
    return false;
}

bool limits_check_group(const struct acceptance *as, size_t n, struct reject *package)
{
    struct entry_list up = {0};
    struct limits l = default_limits(as[0].mp);
    char why[WHY_SIZE];
    struct joining j = {as[0].mp, n, 0, &l, &up, why};

    for (size_t i = 0; i < n; i++)
        j.vsize += as[i].vsize;
    walk_begin(j.mp);
    bool ok = group_fits(&j);
    for (size_t i = 0; i < n && ok; i++)
        ok = add_parents(&j, as[i].tx);
    if (!ok) {
        reject(package, REJECT_PACKAGE_MEMPOOL_LIMITS, why);
    } else if (!climb(&j)) {
        /* Not all of them need have all these ancestors. */
        ok = reject_detail(package, REJECT_PACKAGE_MEMPOOL_LIMITS, "possibly %s", why);
    }
    entry_list_clear(&up);
    return ok;
}
