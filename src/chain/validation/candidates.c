/* The blocks that a chainstate may go to: all that have their ancestors' data and are
 * not worse than where it stands. */
#include "chain/validation/internal.h"

bool block_better(const struct block_index *a, const struct block_index *b)
{
    int c = u256_cmp(&a->chain_work, &b->chain_work);
    if (c != 0)
        return c > 0;
    if (a->sequence != b->sequence)
        return a->sequence < b->sequence;
    /* Both from disk: files hold blocks in the order in which they came. */
    if (a->file != b->file)
        return a->file < b->file;
    if (a->data_pos != b->data_pos)
        return a->data_pos < b->data_pos;
    return memcmp(a->hash.b, b->hash.b, 32) < 0;
}

/* First place whose block is not worse than @bi. */
static size_t candidates_place(const struct chainstate *cs,
                               const struct block_index *bi)
{
    const struct block_list *l = &cs->candidates;
    size_t lo = 0, hi = l->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (block_better(bi, l->v[mid]))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void candidates_add(struct chainstate *cs, struct block_index *bi)
{
    size_t i = candidates_place(cs, bi);
    if (i == cs->candidates.n || cs->candidates.v[i] != bi)
        block_list_insert(&cs->candidates, i, bi);
}

static void candidates_cut(struct chainstate *cs, size_t at, size_t n)
{
    struct block_list *l = &cs->candidates;
    memmove(&l->v[at], &l->v[at + n], (l->n - at - n) * sizeof(*l->v));
    l->n -= n;
}

void candidates_remove(struct chainstate *cs, struct block_index *bi)
{
    size_t i = candidates_place(cs, bi);
    if (i < cs->candidates.n && cs->candidates.v[i] == bi)
        candidates_cut(cs, i, 1);
}

void candidates_prune(struct chainstate *cs)
{
    size_t worse = candidates_place(cs, chainstate_tip(cs));
    if (worse > 0)
        candidates_cut(cs, 0, worse);
}

bool candidate_in_reach(const struct chainstate *cs, const struct block_index *bi)
{
    const struct block_index *base = cs->cm->active->base;
    if (!base)
        return true;
    return cs == cs->cm->active ? block_index_ancestor(bi, base->height) == base
                                : block_index_ancestor(base, bi->height) == bi;
}

/* The base of a snapshot has no data of its own, and needs none. */
static bool has_all_data(const struct chainstate *cs, const struct block_index *bi)
{
    return bi == cs->base
               ? block_index_is_valid(bi, BLOCK_VALID_TREE)
               : bi->chain_tx > 0 && block_index_is_valid(bi, BLOCK_VALID_TRANSACTIONS);
}

static bool may_be_tip(const struct chainstate *cs, const struct block_index *bi)
{
    const struct block_index *tip = chainstate_tip(cs);
    return (!tip || !block_better(tip, bi)) && has_all_data(cs, bi) &&
           candidate_in_reach(cs, bi);
}

static bool refill_one(void *ctx, struct block_index *bi)
{
    if (may_be_tip(ctx, bi))
        candidates_add(ctx, bi);
    return true;
}

void candidates_refill(struct chainstate *cs)
{
    block_tree_each(cs->cm, refill_one, cs);
}

void candidates_consider(struct chainman *cm, struct block_index *bi)
{
    struct chainstates all = chainstates_of(cm);
    for (struct chainstate **cs = all.v; *cs; cs++)
        if (may_be_tip(*cs, bi))
            candidates_add(*cs, bi);
}

void candidates_forget(struct chainman *cm, struct block_index *bi)
{
    struct chainstates all = chainstates_of(cm);
    for (struct chainstate **cs = all.v; *cs; cs++)
        candidates_remove(*cs, bi);
}
