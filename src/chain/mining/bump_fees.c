/* A miner who fills a block down to the fee rate takes some of the ancestors for their
 * own sake, or for that of other descendants; the rest must be paid for. So the cluster
 * of transactions around the outputs is mined on paper. */
#include "chain/mining/bump_fees.h"

#include <stdlib.h>

#include "chain/rules/policy.h"
#include "util/map.h"
#include "util/mem.h"

/* Larger clusters are not looked at: then nothing is known, and nothing added. */
#define MAX_CLUSTER 500

struct member {
    const struct mempool_entry *entry;
    int64_t fees, vsize; /* of itself and its ancestors that are still there */
    bool taken;          /* mined, or replaced */
    uint64_t mark;
};

struct cluster {
    struct member *v; /* owned */
    size_t n;
    struct map index; /* const struct mempool_entry * -> uint32_t */
    uint64_t mark;
    bool too_large;
};

/* -- Gathering -- */

static struct member *member_of(const struct cluster *c, const struct mempool_entry *e)
{
    const uint32_t *at = map_get(&c->index, &e);
    return at != NULL ? &c->v[*at] : NULL;
}

static void add_member(struct cluster *c, const struct mempool_entry *e)
{
    bool is_new;
    if (c->n == MAX_CLUSTER && member_of(c, e) == NULL) {
        c->too_large = true;
        return;
    }
    uint32_t *at = map_put(&c->index, &e, &is_new);
    if (!is_new)
        return;
    *at = (uint32_t)c->n;
    c->v[c->n++] = (struct member){
        .entry = e, .fees = e->ancestor_fees, .vsize = e->ancestor_vsize};
}

static void add_relatives(struct cluster *c)
{
    for (size_t i = 0; i < c->n && !c->too_large; i++) {
        const struct mempool_entry *e = c->v[i].entry;
        for (uint32_t k = 0; k < e->n_parents; k++)
            add_member(c, e->parents[k]);
        for (uint32_t k = 0; k < e->n_children; k++)
            add_member(c, e->children[k]);
    }
}

/* -- Taking members out -- */

/* Whatever depends on the member loses an ancestor. */
static void relieve_descendants(struct cluster *c, const struct mempool_entry *from,
                                const struct mempool_entry *gone)
{
    for (uint32_t i = 0; i < from->n_children; i++) {
        struct member *m = member_of(c, from->children[i]);
        if (m->mark == c->mark)
            continue;
        m->mark = c->mark;
        m->fees -= entry_modified_fee(gone);
        m->vsize -= gone->vsize;
        relieve_descendants(c, m->entry, gone);
    }
}

static void take(struct cluster *c, struct member *m)
{
    if (m->taken)
        return;
    m->taken = true;
    c->mark++;
    relieve_descendants(c, m->entry, m->entry);
}

static void take_with_ancestors(struct cluster *c, struct member *m)
{
    for (uint32_t i = 0; i < m->entry->n_parents; i++) {
        struct member *parent = member_of(c, m->entry->parents[i]);
        if (!parent->taken)
            take_with_ancestors(c, parent);
    }
    take(c, m);
}

static void replace(struct cluster *c, struct member *m)
{
    if (m->taken)
        return;
    m->taken = true;
    for (uint32_t i = 0; i < m->entry->n_children; i++)
        replace(c, member_of(c, m->entry->children[i]));
}

/* -- Mining on paper -- */

/* The lower of own and ancestors' rate, as fee per size. */
static void score(const struct member *m, __int128 *fee, __int128 *vsize)
{
    int64_t own = entry_modified_fee(m->entry);
    bool alone = (__int128)own * m->vsize <= (__int128)m->fees * m->entry->vsize;
    *fee = alone ? own : m->fees;
    *vsize = alone ? m->entry->vsize : m->vsize;
}

static bool better(const struct member *a, const struct member *b)
{
    __int128 fa, sa, fb, sb;
    score(a, &fa, &sa);
    score(b, &fb, &sb);
    return fa * sb > fb * sa;
}

static struct member *best_member(const struct cluster *c)
{
    struct member *best = NULL;
    for (size_t i = 0; i < c->n; i++)
        if (!c->v[i].taken && (best == NULL || better(&c->v[i], best)))
            best = &c->v[i];
    return best;
}

static void mine(struct cluster *c, int64_t feerate)
{
    struct member *best;
    while ((best = best_member(c)) != NULL &&
           best->fees >= feerate_fee(feerate, best->vsize))
        take_with_ancestors(c, best);
}

/* -- From outputs to what is left -- */

static void gather(struct cluster *c, const struct mempool *mp,
                   const struct outpoint *outs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct mempool_entry *e = mempool_find(mp, &outs[i].txid);
        if (e != NULL)
            add_member(c, e);
    }
    add_relatives(c);
    for (size_t i = 0; i < n && !c->too_large; i++) {
        const struct mempool_entry *spender = mempool_spender(mp, &outs[i]);
        if (spender != NULL && member_of(c, spender) != NULL)
            replace(c, member_of(c, spender));
    }
}

/* False: nothing is left to be paid for. */
static bool cluster_init(struct cluster *c, const struct mempool *mp,
                         const struct outpoint *outs, size_t n, int64_t feerate)
{
    *c = (struct cluster){.v = xcalloc(MAX_CLUSTER, sizeof(*c->v))};
    map_init(&c->index, sizeof(struct mempool_entry *), sizeof(uint32_t));
    gather(c, mp, outs, n);
    if (c->too_large)
        return false;
    mine(c, feerate);
    return true;
}

static void cluster_clear(struct cluster *c)
{
    map_clear(&c->index);
    free(c->v);
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct amount member_bump(const struct member *m, int64_t feerate)
{
    int64_t with_ancestors = feerate_fee(feerate, m->vsize) - m->fees;
    int64_t alone =
        feerate_fee(feerate, m->entry->vsize) - entry_modified_fee(m->entry);
    return amount_of(max64(0, max64(with_ancestors, alone)));
}

void mempool_bump_fees(const struct mempool *mp, const struct outpoint *outs, size_t n,
                       int64_t feerate, struct amount *out)
{
    struct cluster c;
    bool known = cluster_init(&c, mp, outs, n, feerate);
    for (size_t i = 0; i < n; i++) {
        const struct mempool_entry *e = mempool_find(mp, &outs[i].txid);
        const struct member *m = known && e != NULL ? member_of(&c, e) : NULL;
        out[i] = m != NULL && !m->taken ? member_bump(m, feerate) : amount_of(0);
    }
    cluster_clear(&c);
}

/* Sums up what is left of a member and its ancestors, each once. */
static void sum_up(struct cluster *c, struct member *m, int64_t *fees, int64_t *vsize)
{
    if (m->taken || m->mark == c->mark)
        return;
    m->mark = c->mark;
    *fees += entry_modified_fee(m->entry);
    *vsize += m->entry->vsize;
    for (uint32_t i = 0; i < m->entry->n_parents; i++)
        sum_up(c, member_of(c, m->entry->parents[i]), fees, vsize);
}

struct amount mempool_combined_bump_fee(const struct mempool *mp,
                                        const struct outpoint *outs, size_t n,
                                        int64_t feerate)
{
    struct cluster c;
    int64_t fees = 0, vsize = 0;
    bool known = cluster_init(&c, mp, outs, n, feerate);
    c.mark++;
    for (size_t i = 0; i < n && known; i++) {
        const struct mempool_entry *e = mempool_find(mp, &outs[i].txid);
        if (e != NULL)
            sum_up(&c, member_of(&c, e), &fees, &vsize);
    }
    cluster_clear(&c);
    return amount_of(max64(0, feerate_fee(feerate, vsize) - fees));
}
