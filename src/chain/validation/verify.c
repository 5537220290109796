/* Does what is on disk make sense? At start-up (-checkblocks, -checklevel) and for
 * verifychain. */
#include "chain/validation/internal.h"

/* What a block passes at the levels that change nothing: 0 it can be read, 1 it is
 * valid by itself, 2 its undo data can be read. */
static bool verify_block(struct chainman *cm, const struct block_index *bi, int level,
                         struct block **out)
{
    struct reject rej = {0};
    char hash[65], text[512];
    hash256_to_hex(hash, &bi->hash);
    enum err e = chainman_read_block(cm, out, bi);
    if (e != ERR_OK) {
        log_error(cm->log, "Verification: block %s at %d: %s", hash, bi->height,
                  err_text(e));
        return false;
    }
    if (level >= 1 && !block_check(*out, cm->params, true, true, &rej)) {
        log_error(cm->log, "Verification: bad block %s at %d: %s", hash, bi->height,
                  reject_text(&rej, text));
        return false;
    }
    if (level < 2 || !bi->prev)
        return true;
    struct arena mem;
    struct block_undo undo;
    arena_init(&mem, 256 << 10);
    e = chainman_read_undo(cm, &undo, bi, &mem);
    arena_clear(&mem);
    if (e != ERR_OK)
        log_error(cm->log, "Verification: undo data of block %s: %s", hash,
                  err_text(e));
    return e == ERR_OK;
}

/* Disconnects in memory: level 3. Memory bounds how far that goes. */
static bool verify_disconnect(struct chainstate *cs, const struct block *b,
                              const struct block_index *bi)
{
    char hash[65];
    enum disconnect_result r = block_disconnect(cs, b, bi);
    if (r == DISCONNECT_OK)
        return true;
    log_error(cs->cm->log, "Verification: cannot undo block %s at %d",
              hash256_to_hex(hash, &bi->hash), bi->height);
    return false;
}

/* Brings coins and state back to the tip; with scripts at level 4. */
static bool verify_reconnect(struct chainstate *cs, const struct block_index *at,
                             int level)
{
    struct chainman *cm = cs->cm;
    while (at != chainstate_tip(cs)) {
        struct block_index *bi = chainstate_at(cs, at->height + 1);
        struct reject rej = {0};
        struct block *b;
        char hash[65], text[512];
        if (chainman_read_block(cm, &b, bi) != ERR_OK)
            return false;
        bool ok =
            block_connect(cs, b, bi, level >= 4 ? CONNECT_REDO : CONNECT_AGAIN, &rej);
        block_unref(b);
        if (!ok) {
            log_error(cm->log, "Verification: cannot connect block %s at %d: %s",
                      hash256_to_hex(hash, &bi->hash), bi->height,
                      reject_text(&rej, text));
            return false;
        }
        at = bi;
    }
    return true;
}

static bool room_for_more(const struct chainstate *cs)
{
    return chainstate_memory(cs) < chainstate_limit(cs);
}

enum verify_result verify_chain(struct chainstate *cs, int level, int blocks)
{
    struct chainman *cm = cs->cm;
    const struct block_index *tip = chainstate_tip(cs), *at = tip, *undone = tip;
    bool ok = true;
    if (blocks <= 0 || blocks > tip->height)
        blocks = tip->height;
    log_info(cm->log, "Verifying last %d blocks at level %d", blocks, level);
    for (; ok && at->prev && at != cs->base && at->height > tip->height - blocks &&
           !cm->interrupted;
         at = at->prev) {
        struct block *b = NULL;
        if (!(at->status & BLOCK_HAVE_DATA)) {
            log_info(cm->log,
                     "Block verification stopping at height %d (no data). This "
                     "could be due to pruning.",
                     at->height);
            break;
        }
        ok = verify_block(cm, at, level, &b);
        if (ok && level >= 3 && undone == at && room_for_more(cs)) {
            ok = verify_disconnect(cs, b, at);
            undone = at->prev;
        }
        block_unref(b);
    }
    if (ok && undone != tip)
        ok = verify_reconnect(cs, undone, level);
    if (!ok)
        return VERIFY_DAMAGED;
    return cm->interrupted ? VERIFY_INTERRUPTED : VERIFY_OK;
}

bool chainman_verify(struct chainman *cm, int level, int blocks)
{
    struct hash256 tip = chain_tip(cm)->hash;
    chainman_write_lock(cm);
    enum verify_result r = verify_chain(cm->active, level, blocks);
    struct hash256 best = coins_best_block(cm->active->coins);
    chainman_write_unlock(cm);
    if (!hash256_equal(&best, &tip))
        chainman_fatal_err(cm, "Chain state does not survive verification",
                           ERR_CORRUPT);
    return r != VERIFY_DAMAGED;
}

/* -- -checkblockindex -- */

static bool is_candidate(const struct chainman *cm, const struct block_index *bi)
{
    for (size_t i = cm->active->candidates.n; i-- > 0;)
        if (cm->active->candidates.v[i] == bi)
            return true;
    return false;
}

static bool is_snapshot_base(const struct chainman *cm, const struct block_index *bi)
{
    return cm->from_snapshot && hash256_equal(&bi->hash, &cm->snapshot->block);
}

static bool check_entry(void *ctx, struct block_index *bi)
{
    const struct chainman *cm = ctx;
    const struct block_index *prev = bi->prev, *tip = chain_tip(cm);
    const struct block_index *base = cm->active->base;
    ASSERT(block_tree_find(cm, &bi->hash) == bi);
    ASSERT(bi->height == (prev ? prev->height + 1 : 0));
    ASSERT(!prev || u256_cmp(&bi->chain_work, &prev->chain_work) >= 0);
    ASSERT(!prev || bi->time_max >= prev->time_max);
    ASSERT(is_snapshot_base(cm, bi) ||
           (bi->chain_tx > 0) == (bi->n_tx > 0 && (!prev || prev->chain_tx > 0)));
    ASSERT(!prev || !(prev->status & BLOCK_FAILED_MASK) ||
           bi->status & BLOCK_FAILED_MASK);
    ASSERT(!(bi->status & BLOCK_HAVE_DATA) || (bi->n_tx > 0 && bi->file >= 0));
    ASSERT(!(bi->status & BLOCK_HAVE_UNDO) || bi->status & BLOCK_HAVE_DATA);
    if (chain_contains(cm, bi)) {
        ASSERT(!(bi->status & BLOCK_FAILED_MASK));
        ASSERT(bi->height == 0 || block_index_is_valid(bi, BLOCK_VALID_SCRIPTS) ||
               (base && bi->height <= base->height));
    }
    if (is_candidate(cm, bi))
        ASSERT(!(bi->status & BLOCK_FAILED_MASK) && bi->chain_tx > 0 &&
               candidate_in_reach(cm->active, bi) && !block_better(tip, bi));
    return true;
}

void check_block_index(struct chainman *cm)
{
    const struct block_index *tip = chain_tip(cm);
    block_tree_each(cm, check_entry, cm);
    ASSERT(is_candidate(cm, tip));
    struct hash256 best = coins_best_block(cm->active->coins);
    ASSERT(hash256_equal(&best, &tip->hash));
    for (size_t i = 1; i < cm->active->candidates.n; i++)
        ASSERT(
            block_better(cm->active->candidates.v[i], cm->active->candidates.v[i - 1]));
}
