/* Who spends whom inside the pool: links between entries, walks over them, and the sums
 * that every entry keeps of its ancestors and descendants. */
#include <stdlib.h>

#include "chain/mempool/pool.h"
#include "chain/store/coins_cache.h"

/* ---- walks ---- */

void walk_begin(struct mempool *mp)
{
    mp->mark++;
}

bool walk_visit(struct mempool *mp, struct mempool_entry *e)
{
    if (e->mark == mp->mark)
        return false;
    e->mark = mp->mark;
    return true;
}

static void visit_links(struct mempool *mp, struct entry_list *out,
                        struct mempool_entry *const *links, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (walk_visit(mp, links[i]))
            entry_list_add(out, links[i]);
}

void walk_ancestors(struct mempool *mp, struct entry_list *out, struct mempool_entry *e)
{
    size_t next = out->n;
    visit_links(mp, out, e->parents, e->n_parents);
    for (; next < out->n; next++)
        visit_links(mp, out, out->v[next]->parents, out->v[next]->n_parents);
}

void walk_descendants(struct mempool *mp, struct entry_list *out,
                      struct mempool_entry *e)
{
    size_t next = out->n;
    visit_links(mp, out, e->children, e->n_children);
    for (; next < out->n; next++)
        visit_links(mp, out, out->v[next]->children, out->v[next]->n_children);
}

static void ancestors_of(struct mempool *mp, struct entry_list *out,
                         struct mempool_entry *e)
{
    out->n = 0;
    walk_begin(mp);
    walk_visit(mp, e);
    walk_ancestors(mp, out, e);
}

static void descendants_of(struct mempool *mp, struct entry_list *out,
                           struct mempool_entry *e)
{
    out->n = 0;
    walk_begin(mp);
    walk_visit(mp, e);
    walk_descendants(mp, out, e);
}

/* ---- links ---- */

/* Capacities are powers of two, so they need not be kept. */
static void links_add(struct mempool_entry ***links, uint32_t *n,
                      struct mempool_entry *e)
{
    if ((*n & (*n - 1)) == 0)
        *links = xrealloc_array(*links, *n ? 2 * (size_t)*n : 1, sizeof(**links));
    (*links)[(*n)++] = e;
}

static void links_del(struct mempool_entry **links, uint32_t *n,
                      const struct mempool_entry *e)
{
    for (uint32_t i = 0; i < *n; i++) {
        if (links[i] != e)
            continue;
        memmove(&links[i], &links[i + 1], (*n - i - 1) * sizeof(*links));
        --*n;
        return;
    }
}

/* Both ends in their arrays, which are seldom long. */
#define LINK_USAGE (2 * (sizeof(struct mempool_entry *) + MALLOC_USAGE))

static void link_pair(struct mempool *mp, struct mempool_entry *parent,
                      struct mempool_entry *child)
{
    links_add(&parent->children, &parent->n_children, child);
    links_add(&child->parents, &child->n_parents, parent);
    mp->usage += LINK_USAGE;
}

static void link_parents(struct mempool *mp, struct mempool_entry *e)
{
    walk_begin(mp);
    for (uint32_t i = 0; i < e->tx->n_in; i++) {
        struct mempool_entry *p = pool_find(mp, &e->tx->in[i].prevout.txid);
        if (p && walk_visit(mp, p))
            link_pair(mp, p, e);
    }
}

/* True when there are any that did not know e as a parent. */
static bool link_children(struct mempool *mp, struct mempool_entry *e)
{
    struct outpoint o = {.txid = e->tx->txid};
    uint32_t before = e->n_children;
    walk_begin(mp);
    for (uint32_t i = 0; i < before; i++)
        walk_visit(mp, e->children[i]);
    for (; o.n < e->tx->n_out; o.n++) {
        struct mempool_entry *c = pool_spender(mp, &o);
        if (c && walk_visit(mp, c))
            link_pair(mp, e, c);
    }
    return e->n_children > before;
}

/* ---- sums ---- */

static void ancestor_sums_add(struct mempool_entry *e, const struct mempool_entry *a,
                              int sign)
{
    e->n_ancestors += (uint64_t)(int64_t)sign;
    e->ancestor_vsize += sign * a->vsize;
    e->ancestor_fees += sign * entry_modified_fee(a);
    e->ancestor_sigops += sign * (int64_t)a->sigop_cost;
}

static void descendant_sums_add(struct mempool_entry *e, const struct mempool_entry *d,
                                int sign)
{
    e->n_descendants += (uint64_t)(int64_t)sign;
    e->descendant_vsize += sign * d->vsize;
    e->descendant_fees += sign * entry_modified_fee(d);
}

static void ancestor_sums_from(struct mempool_entry *e,
                               const struct entry_list *ancestors)
{
    e->n_ancestors = 0;
    e->ancestor_vsize = e->ancestor_fees = e->ancestor_sigops = 0;
    ancestor_sums_add(e, e, 1);
    for (size_t i = 0; i < ancestors->n; i++)
        ancestor_sums_add(e, ancestors->v[i], 1);
}

static void descendant_sums_from(struct mempool_entry *e,
                                 const struct entry_list *descendants)
{
    e->n_descendants = 0;
    e->descendant_vsize = e->descendant_fees = 0;
    descendant_sums_add(e, e, 1);
    for (size_t i = 0; i < descendants->n; i++)
        descendant_sums_add(e, descendants->v[i], 1);
}

void family_join(struct mempool *mp, struct mempool_entry *e)
{
    struct entry_list ancestors = {0};

    link_parents(mp, e);
    if (e->n_parents)
        ancestors_of(mp, &ancestors, e);
    ancestor_sums_from(e, &ancestors);
    descendant_sums_from(e, &(struct entry_list){0});
    for (size_t i = 0; i < ancestors.n; i++) {
        descendant_sums_add(ancestors.v[i], e, 1);
        eviction_fix(mp, ancestors.v[i]);
    }
    eviction_fix(mp, e);
    entry_list_clear(&ancestors);
}

void walk_families(struct mempool *mp, struct entry_list *l)
{
    size_t n = l->n;
    walk_begin(mp);
    for (size_t i = 0; i < n; i++)
        walk_visit(mp, l->v[i]);
    for (size_t i = 0; i < n; i++)
        walk_descendants(mp, l, l->v[i]);
}

/* Appends all ancestors and descendants, and what else these descend from. */
static void add_relatives(struct mempool *mp, struct entry_list *l)
{
    walk_families(mp, l);
    size_t below = l->n;
    for (size_t i = 0; i < below; i++)
        walk_ancestors(mp, l, l->v[i]);
}

void families_adopt(struct mempool *mp, const struct entry_list *parents)
{
    struct entry_list stale = {0}, walk = {0};

    for (size_t i = 0; i < parents->n; i++)
        if (link_children(mp, parents->v[i]))
            entry_list_add(&stale, parents->v[i]);
    add_relatives(mp, &stale);
    for (size_t i = 0; i < stale.n; i++) {
        struct mempool_entry *e = stale.v[i];
        ancestors_of(mp, &walk, e);
        ancestor_sums_from(e, &walk);
        descendants_of(mp, &walk, e);
        descendant_sums_from(e, &walk);
        eviction_fix(mp, e);
    }
    entry_list_clear(&stale);
    entry_list_clear(&walk);
}

void family_leave(struct mempool *mp, struct mempool_entry *e)
{
    struct entry_list l = {0};

    if (e->n_parents) {
        ancestors_of(mp, &l, e);
        for (size_t i = 0; i < l.n; i++) {
            descendant_sums_add(l.v[i], e, -1);
            eviction_fix(mp, l.v[i]);
        }
    }
    if (e->n_children) {
        descendants_of(mp, &l, e);
        for (size_t i = 0; i < l.n; i++)
            ancestor_sums_add(l.v[i], e, -1);
    }
    for (uint32_t i = 0; i < e->n_parents; i++)
        links_del(e->parents[i]->children, &e->parents[i]->n_children, e);
    for (uint32_t i = 0; i < e->n_children; i++)
        links_del(e->children[i]->parents, &e->children[i]->n_parents, e);
    mp->usage -= (e->n_parents + e->n_children) * LINK_USAGE;
    entry_list_clear(&l);
}

void family_fee_changed(struct mempool *mp, struct mempool_entry *e, int64_t diff)
{
    struct entry_list l = {0};

    e->ancestor_fees += diff;
    e->descendant_fees += diff;
    eviction_fix(mp, e);
    ancestors_of(mp, &l, e);
    for (size_t i = 0; i < l.n; i++) {
        l.v[i]->descendant_fees += diff;
        eviction_fix(mp, l.v[i]);
    }
    descendants_of(mp, &l, e);
    for (size_t i = 0; i < l.n; i++)
        l.v[i]->ancestor_fees += diff;
    entry_list_clear(&l);
}

/* ---- for readers: they share the pool, so they leave no marks in it ---- */

static const struct mempool_entry **collect(const struct mempool_entry *e, bool up,
                                            size_t *n)
{
    const struct mempool_entry **out = NULL;
    struct map seen;
    size_t cap = 0, next = 0;

    *n = 0;
    map_init(&seen, sizeof(e), 0);
    const struct mempool_entry *at = e;
    for (;;) {
        struct mempool_entry *const *links = up ? at->parents : at->children;
        uint32_t n_links = up ? at->n_parents : at->n_children;
        for (uint32_t i = 0; i < n_links; i++) {
            bool is_new;
            map_put(&seen, &links[i], &is_new);
            if (!is_new)
                continue;
            if (*n == cap) {
                cap = cap ? 2 * cap : 16;
                out = xrealloc_array(out, cap, sizeof(*out));
            }
            out[(*n)++] = links[i];
        }
        if (next == *n)
            break;
        at = out[next++];
    }
    map_clear(&seen);
    return out;
}

const struct mempool_entry **mempool_ancestors(const struct mempool *mp UNUSED,
                                               const struct mempool_entry *e, size_t *n)
{
    return collect(e, true, n);
}

const struct mempool_entry **mempool_descendants(const struct mempool *mp UNUSED,
                                                 const struct mempool_entry *e,
                                                 size_t *n)
{
    return collect(e, false, n);
}

bool tx_spends_from(const struct tx *tx, const struct tx *parent)
{
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (hash256_equal(&tx->in[i].prevout.txid, &parent->txid))
            return true;
    return false;
}

bool tx_signals_rbf(const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (tx->in[i].sequence < SEQUENCE_FINAL - 1)
            return true;
    return false;
}

bool mempool_signals_rbf(const struct mempool *mp UNUSED, const struct mempool_entry *e)
{
    size_t n;
    bool found = tx_signals_rbf(e->tx);
    if (found || e->n_parents == 0)
        return found;
    const struct mempool_entry **all = collect(e, true, &n);
    for (size_t i = 0; i < n && !found; i++)
        found = tx_signals_rbf(all[i]->tx);
    free(all);
    return found;
}

/* ---- consistency ---- */

static void check_sums(const struct mempool_entry *e)
{
    struct mempool_entry sum = *e;
    struct entry_list l = {0};

    l.v = (struct mempool_entry **)collect(e, true, &l.n);
    ancestor_sums_from(&sum, &l);
    entry_list_clear(&l);
    l.v = (struct mempool_entry **)collect(e, false, &l.n);
    descendant_sums_from(&sum, &l);
    entry_list_clear(&l);
    ASSERT(sum.n_ancestors == e->n_ancestors && sum.n_descendants == e->n_descendants);
    ASSERT(sum.ancestor_vsize == e->ancestor_vsize);
    ASSERT(sum.ancestor_fees == e->ancestor_fees);
    ASSERT(sum.ancestor_sigops == e->ancestor_sigops);
    ASSERT(sum.descendant_vsize == e->descendant_vsize);
    ASSERT(sum.descendant_fees == e->descendant_fees);
}

static bool has_link(struct mempool_entry *const *links, uint32_t n,
                     const struct mempool_entry *e)
{
    for (uint32_t i = 0; i < n; i++)
        if (links[i] == e)
            return true;
    return false;
}

static void check_links(const struct mempool *mp, const struct mempool_entry *e)
{
    const struct tx *tx = e->tx;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        ASSERT(pool_spender(mp, &tx->in[i].prevout) == e);
        const struct mempool_entry *p = pool_find(mp, &tx->in[i].prevout.txid);
        ASSERT(!p || (tx->in[i].prevout.n < p->tx->n_out &&
                      has_link(e->parents, e->n_parents, p)));
    }
    for (uint32_t i = 0; i < e->n_parents; i++)
        ASSERT(has_link(e->parents[i]->children, e->parents[i]->n_children, e));
    for (uint32_t i = 0; i < e->n_children; i++)
        ASSERT(has_link(e->children[i]->parents, e->children[i]->n_parents, e));
    for (uint32_t i = 0; i < e->n_claims; i++)
        ASSERT(pool_claimer(mp, &e->claims[i]) == e);
}

void pool_check_entry(const struct mempool *mp, const struct mempool_entry *e)
{
    ASSERT(pool_find(mp, &e->tx->txid) == e);
    ASSERT(mempool_find_wtxid(mp, &e->tx->wtxid) == e);
    ASSERT(eviction_at(mp, e->heap_pos) == e);
    ASSERT(e->delta.v == pool_delta(mp, &e->tx->txid));
    ASSERT(e->time >= mp->oldest_time);
    check_links(mp, e);
    check_sums(e);
}

/* Every input exists, in the chain or in the pool. */
static void check_inputs(const struct mempool *mp, const struct mempool_entry *e)
{
    for (uint32_t i = 0; mp->cm && i < e->tx->n_in; i++) {
        const struct outpoint *o = &e->tx->in[i].prevout;
        struct coin c;
        ASSERT(pool_find(mp, &o->txid) ||
               coins_peek(chainman_coins(mp->cm), o, &c, NULL));
    }
}

void mempool_check(const struct mempool *mp)
{
    int64_t vsize = 0, fee = 0;
    size_t n = 0, spends = 0, usage = grounds_usage(mp);

    for (const struct mempool_entry *e = mp->oldest; e; e = e->newer) {
        pool_check_entry(mp, e);
        check_inputs(mp, e);
        vsize += e->vsize;
        fee += e->fee.v;
        usage += e->usage + e->n_parents * LINK_USAGE;
        spends += e->tx->n_in;
        n++;
    }
    ASSERT(n == mp->by_txid.len && n == mp->by_wtxid.len);
    ASSERT(spends == mp->by_spend.len);
    ASSERT(vsize == mp->total_vsize && fee == mp->total_fee && usage == mp->usage);
}
