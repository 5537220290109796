/* Feerate diagrams: how much fee the best-paying vbytes carry, for every number of
 * them. Only families of one or two are compared, whose best order is known at once. */
#include <stdio.h>
#include <stdlib.h>

#include "chain/mempool/accept.h"

/* ---- which families can be compared ---- */

static const char *txid_of(const struct mempool_entry *e, char hex[65])
{
    return hash256_to_hex(hex, &e->tx->txid);
}

/* The two of a family are each other's only relatives. */
static bool is_simple(const struct mempool_entry *e, char why[256])
{
    unsigned long long up = e->n_ancestors - 1, down = e->n_descendants - 1;
    char x[65], y[65];

    txid_of(e, x);
    if (up > 1)
        snprintf(why, 256, "%s has %llu ancestors, max 1 allowed", x, up);
    else if (down > 1)
        snprintf(why, 256, "%s has %llu descendants, max 1 allowed", x, down);
    else if (up && down)
        snprintf(why, 256,
                 "%s has both ancestor and descendant, exceeding cluster limit of 2",
                 x);
    else if (down && e->children[0]->n_ancestors > 2)
        snprintf(why, 256, "%s is not the only parent of child %s", x,
                 txid_of(e->children[0], y));
    else if (up && e->parents[0]->n_descendants > 2)
        snprintf(why, 256, "%s is not the only child of parent %s", x,
                 txid_of(e->parents[0], y));
    else
        return true;
    return false;
}

/* ---- diagrams ---- */

struct chunk {
    int64_t fee, vsize;
};
struct diagram {
    struct chunk *v; /* owned; best first once sorted */
    size_t n;
};

static int compare_rate(struct chunk a, struct chunk b)
{
    __int128 x = (__int128)a.fee * b.vsize, y = (__int128)b.fee * a.vsize;
    return (x > y) - (x < y);
}

static int best_first(const void *a, const void *b)
{
    return compare_rate(*(const struct chunk *)b, *(const struct chunk *)a);
}

static void diagram_add(struct diagram *d, int64_t fee, int64_t vsize)
{
    d->v[d->n++] = (struct chunk){fee, vsize};
}

static void diagram_sort(struct diagram *d)
{
    qsort(d->v, d->n, sizeof(*d->v), best_first);
}

/* Where the point lies: above the diagram (1), on it (0) or below (-1). Beyond its end
 * a diagram is level. */
static int compare_point(struct chunk p, const struct diagram *d)
{
    struct chunk at = {0, 0};
    for (size_t i = 0; i < d->n; i++) {
        struct chunk c = d->v[i];
        if (p.vsize <= at.vsize + c.vsize) {
            __int128 x = (__int128)(p.fee - at.fee) * c.vsize;
            __int128 y = (__int128)c.fee * (p.vsize - at.vsize);
            return (x > y) - (x < y);
        }
        at.fee += c.fee;
        at.vsize += c.vsize;
    }
    return (p.fee > at.fee) - (p.fee < at.fee);
}

/* Looks from @a's corners at @b. */
static void compare_corners(const struct diagram *a, const struct diagram *b,
                            bool *above, bool *below)
{
    struct chunk at = {0, 0};
    for (size_t i = 0; i < a->n; i++) {
        at.fee += a->v[i].fee;
        at.vsize += a->v[i].vsize;
        int cmp = compare_point(at, b);
        *above |= cmp > 0;
        *below |= cmp < 0;
    }
}

/* Nowhere worse, somewhere better. Between corners both are straight. */
static bool is_better(const struct diagram *a, const struct diagram *b)
{
    bool better = false, worse = false;
    compare_corners(a, b, &better, &worse);
    compare_corners(b, a, &worse, &better);
    return better && !worse;
}

/* A childless member with its parent: one chunk when it pays for the parent. */
static void add_family(struct diagram *d, const struct mempool_entry *e)
{
    struct chunk own = {entry_modified_fee(e), e->vsize};
    struct chunk all = {e->ancestor_fees, e->ancestor_vsize};

    if (e->n_ancestors == 1) {
        diagram_add(d, own.fee, own.vsize);
    } else if (compare_rate(own, all) > 0) {
        diagram_add(d, all.fee, all.vsize);
    } else {
        diagram_add(d, all.fee - own.fee, all.vsize - own.vsize);
        diagram_add(d, own.fee, own.vsize);
    }
}

static void diagram_before(struct diagram *d, const struct entry_list *replaced)
{
    d->v = xrealloc_array(NULL, 2 * replaced->n, sizeof(*d->v));
    for (size_t i = 0; i < replaced->n; i++)
        if (replaced->v[i]->n_descendants == 1)
            add_family(d, replaced->v[i]);
    diagram_sort(d);
}

/* Parents that lose their child stay. */
static void diagram_after(struct diagram *d, const struct entry_list *conflicts,
                          const struct entry_list *replaced, int64_t fee, int64_t vsize)
{
    d->v = xrealloc_array(NULL, conflicts->n + 1, sizeof(*d->v));
    for (size_t i = 0; i < conflicts->n; i++) {
        const struct mempool_entry *e = conflicts->v[i];
        if (e->n_parents && !entry_list_has(replaced, e->parents[0]))
            diagram_add(d, entry_modified_fee(e->parents[0]), e->parents[0]->vsize);
    }
    diagram_add(d, fee, vsize);
    diagram_sort(d);
}

bool diagram_improves(const struct entry_list *conflicts,
                      const struct entry_list *replaced, int64_t fee, int64_t vsize,
                      char why[256])
{
    struct diagram before = {0}, after = {0};

    for (size_t i = 0; i < conflicts->n; i++)
        if (!is_simple(conflicts->v[i], why))
            return false;
    diagram_before(&before, replaced);
    diagram_after(&after, conflicts, replaced, fee, vsize);
    bool ok = is_better(&after, &before);
    free(before.v);
    free(after.v);
    if (!ok)
        snprintf(why, 256, "insufficient feerate: does not improve feerate diagram");
    return ok;
}
