/* -txindex follows the active chain: along with each block when it is up to date,
 * else in small steps between other jobs. */
#include "chain/validation/internal.h"

#define STEP_US 50000 /* of catching up, before other jobs get their turn */

static bool follow_failed(struct chainman *cm, enum err e)
{
    return e == ERR_OK ||
           chainman_fatal_err(cm, "Failed to write to transaction index", e);
}

/* The block the index stands at: NULL when it begins, or when the chain does not
 * know it. */
static struct block_index *index_tip(const struct chainman *cm)
{
    struct hash256 best = txindex_best(cm->txindex);
    return hash256_is_zero(&best) ? NULL : block_tree_find(cm, &best);
}

bool follow_connected(struct chainman *cm, const struct block *b,
                      const struct block_index *bi)
{
    struct filepos pos = {bi->file, bi->data_pos};
    if (!cm->txindex || index_tip(cm) != bi->prev)
        return true;
    return follow_failed(cm, txindex_add(cm->txindex, b, &pos));
}

bool follow_disconnected(struct chainman *cm, const struct block_index *bi)
{
    if (!cm->txindex || index_tip(cm) != bi)
        return true;
    return follow_failed(cm, txindex_rewind(cm->txindex, &bi->prev->hash));
}

/* Indexes the first block of the active chain above the index's own. False: nothing
 * to do. */
static bool follow_step(struct chainman *cm)
{
    struct block_index *at = index_tip(cm);
    const struct block_index *fork = at ? chain_fork_point(cm, at) : NULL;
    struct block_index *next = fork ? chain_next(cm, fork) : chain_at(cm, 0);
    struct block *b;
    if (!next || !(next->status & BLOCK_HAVE_DATA))
        return false;
    enum err e = chainman_read_block(cm, &b, next);
    if (e == ERR_OK) {
        struct filepos pos = {next->file, next->data_pos};
        e = txindex_add(cm->txindex, b, &pos);
        block_unref(b);
    }
    return follow_failed(cm, e);
}

static void follow_run(void *arg)
{
    struct chainman *cm = arg;
    int64_t until = clock_steady_us() + STEP_US;
    bool more = true;
    while (more && clock_steady_us() < until && !chainman_stopping(cm))
        more = follow_step(cm);
    if (more && !chainman_stopping(cm))
        chainman_post(cm, follow_run, cm);
}

void follow_start(struct chainman *cm)
{
    if (cm->txindex)
        chainman_post(cm, follow_run, cm);
}
