/* Finishing a flush of several batches amid which the node stopped.
 *
 * On disk then is the ticket state of the block that the flush went to, and of every
 * coin that a block between there and where it came from touches either what it was or
 * what it should become. Taking off the blocks of the one branch and putting on those
 * of the other, without a look at what is there, leaves each such coin as the last of
 * them wants it. It makes no difference how far the flush, or an earlier replay, came.
 */
#include "chain/validation/internal.h"

static void put_coins(struct chainstate *cs, const struct block *b, int32_t height)
{
    for (uint32_t i = 0; i < b->n_tx; i++) {
        const struct tx *tx = &b->txs[i];
        for (uint32_t k = 0; i > 0 && k < tx->n_in; k++)
            coins_spend(cs->coins, &tx->in[k].prevout, NULL, NULL);
        coins_add_tx(cs->coins, tx, (uint32_t)height, true);
    }
}

/* One block, off or on. What does not fit into memory goes to disk on the way. */
static bool replay_block(struct chainstate *cs, const struct block_index *bi, bool on)
{
    char hash[65];
    struct block *b;
    bool ok = true;
    log_debug(cs->cm->log, LOG_COINDB, "Rolling %s %s (%d)", on ? "forward" : "back",
              hash256_to_hex(hash, &bi->hash), bi->height);
    if (chainman_read_block(cs->cm, &b, bi) != ERR_OK)
        return false;
    if (on)
        put_coins(cs, b, bi->height);
    else
        ok = block_disconnect_coins(cs, b, bi) != DISCONNECT_FAILED;
    block_unref(b);
    if (ok && chainstate_memory(cs) > chainstate_limit(cs))
        ok = chainstate_write(cs, true) == ERR_OK;
    return ok;
}

static bool replay(struct chainstate *cs, const struct coins_heads *heads)
{
    const struct chainman *cm = cs->cm;
    const struct hash256 *from =
        hash256_is_zero(&heads->from) ? &cm->params->genesis_hash : &heads->from;
    const struct block_index *at = block_tree_find(cm, from);
    const struct block_index *to = block_tree_find(cm, &heads->to);
    if (!at || !to)
        return false;
    const struct block_index *fork = block_index_common(at, to);
    for (; at != fork; at = at->prev)
        if (!replay_block(cs, at, false))
            return false;
    while (at != to) {
        at = block_index_ancestor(to, at->height + 1);
        if (!replay_block(cs, at, true))
            return false;
    }
    return true;
}

enum err replay_blocks(struct chainstate *cs, char **error)
{
    struct coins_heads heads;
    if (!coins_torn(cs->coins, &heads))
        return ERR_OK;
    log_info(cs->cm->log, "Replaying blocks: the coins were not saved as a whole");
    if (replay(cs, &heads)) {
        chainstate_mark_coins(cs);
        coins_set_best_block(cs->coins, &heads.to);
        if (chainstate_write(cs, true) == ERR_OK)
            return ERR_OK;
    }
    *error = xstrdup("Unable to replay blocks. You will need to rebuild the database "
                     "using -reindex-chainstate.");
    return ERR_CORRUPT;
}
