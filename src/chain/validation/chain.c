/* The chain that a chainstate stands on, by height. */
#include "chain/validation/internal.h"

void chainstate_set_tip(struct chainstate *cs, struct block_index *bi)
{
    struct block_list *l = &cs->chain;
    while (l->n <= (size_t)bi->height)
        block_list_push(l, NULL);
    l->n = (size_t)bi->height + 1;
    for (; bi && l->v[bi->height] != bi; bi = bi->prev)
        l->v[bi->height] = bi;
}

struct block_index *chainstate_tip(const struct chainstate *cs)
{
    return cs->chain.n > 0 ? cs->chain.v[cs->chain.n - 1] : NULL;
}

struct block_index *chainstate_at(const struct chainstate *cs, int32_t height)
{
    return height >= 0 && (size_t)height < cs->chain.n ? cs->chain.v[height] : NULL;
}

bool chainstate_contains(const struct chainstate *cs, const struct block_index *bi)
{
    return chainstate_at(cs, bi->height) == bi;
}

struct block_index *chainstate_fork_point(const struct chainstate *cs,
                                          const struct block_index *bi)
{
    int32_t height = (int32_t)cs->chain.n - 1;
    if (bi->height > height)
        bi = block_index_ancestor(bi, height);
    while (bi && !chainstate_contains(cs, bi))
        bi = bi->prev;
    return (struct block_index *)bi;
}

/* -- The active one -- */

struct block_index *chain_tip(const struct chainman *cm)
{
    return chainstate_tip(cm->active);
}

int32_t chain_height(const struct chainman *cm)
{
    return (int32_t)cm->active->chain.n - 1;
}

struct block_index *chain_at(const struct chainman *cm, int32_t height)
{
    return chainstate_at(cm->active, height);
}

bool chain_contains(const struct chainman *cm, const struct block_index *bi)
{
    return chainstate_contains(cm->active, bi);
}

struct block_index *chain_fork_point(const struct chainman *cm,
                                     const struct block_index *bi)
{
    return chainstate_fork_point(cm->active, bi);
}

struct block_index *chain_next(const struct chainman *cm, const struct block_index *bi)
{
    return chain_contains(cm, bi) ? chain_at(cm, bi->height + 1) : NULL;
}
