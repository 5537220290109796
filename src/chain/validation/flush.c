/* From memory to disk, always in this order and each step synced: block and undo
 * files, block index, chain state. So the index never names data that is not there,
 * and the chain state never stands at a block that the index does not know.
 *
 * Coins, ticket state and the block they stand at go in one batch if they fit
 * -dbbatchsize: after a crash at any moment the chain state is that of some block.
 * Otherwise the first batch has all of the ticket state and says where the coins are
 * going, the others have coins, and the last one the block; after a crash amid them the
 * next start brings the coins there, see replay.c. */
#include <stdlib.h>

#include "chain/validation/internal.h"
#include "util/rand.h"

#define FLUSH_INTERVAL_US     (INT64_C(10) * 60 * 1000000)
#define FLUSH_INTERVAL_IBD_US (INT64_C(60) * 60 * 1000000)

bool flush_index(struct chainman *cm)
{
    enum err e = block_files_sync(cm->files);
    if (e != ERR_OK)
        return chainman_fatal_err(cm, "Failed to write block files", e);
    e = block_db_save(cm->index, cm->dirty.v, cm->dirty.n, cm->files);
    if (e != ERR_OK)
        return chainman_fatal_err(cm, "Failed to write to block index database", e);
    for (size_t i = 0; i < cm->dirty.n; i++)
        ((struct tree_node *)cm->dirty.v[i])->dirty = false;
    cm->dirty.n = 0;
    return true;
}

/* -dbcrashratio: between two batches the disk holds half a flush. */
static void crash_perhaps(const struct chainman *cm)
{
    if (cm->opt.db_crash_ratio == 0 || rand_u64() % cm->opt.db_crash_ratio > 0)
        return;
    log_info(cm->log, "Simulating a crash. Goodbye.");
    _Exit(0);
}

enum err chainstate_write(struct chainstate *cs, bool drop)
{
    struct coins_flush f = {0};
    struct db_batch batch;
    enum err e = coins_cache_error(cs->coins);
    bool more = true;
    if (e == ERR_OK)
        e = state_error(cs->state);
    db_batch_init(&batch);
    state_flush_into(cs->state, &batch);
    while (e == ERR_OK && more) {
        more = coins_flush_into(cs->coins, &f, &batch, cs->cm->opt.db_batch_bytes);
        e = db_write(cs->db, &batch, true);
        db_batch_reset(&batch);
        if (e == ERR_OK && more)
            crash_perhaps(cs->cm);
    }
    db_batch_clear(&batch);
    if (e != ERR_OK)
        return e;
    coins_flush_done(cs->coins, drop);
    state_flush_done(cs->state);
    cs->on_disk = true;
    cs->flush_count++;
    return ERR_OK;
}

static bool save_chainstate(struct chainstate *cs, bool drop)
{
    if (!coins_cache_dirty(cs->coins))
        return true;
    enum err e = chainstate_write(cs, drop);
    if (e == ERR_OK)
        return true;
    /* Half a flush may be on disk, which nothing but that flush must follow. */
    cs->cm->fatal = true;
    return chainman_fatal_err(cs->cm, "Failed to write to coin database", e);
}

static bool enough_disk(struct chainstate *cs, uint64_t reserve)
{
    uint64_t have;
    uint64_t need =
        reserve + coins_cache_flush_disk(cs->coins) + state_dirty_memory(cs->state);
    if (fs_free_bytes(cs->cm->opt.datadir, &have) != ERR_OK || have >= need)
        return true;
    return chainman_disk_full(cs->cm, "Cannot save the chain state");
}

static bool flush_now(struct chainstate *cs, bool drop, uint64_t reserve)
{
    struct chainman *cm = cs->cm;
    if (cm->fatal || !enough_disk(cs, reserve))
        return false;
    int64_t begin = clock_steady_us();
    chainman_write_lock(cm);
    size_t coins = coins_cache_count(cs->coins);
    bool ok = flush_index(cm) && save_chainstate(cs, drop) && follow_save(cm);
    chainman_write_unlock(cm);
    if (!ok)
        return false;
    int64_t now = clock_steady_us();
    cm->next_flush_us = now + (cm->ibd ? FLUSH_INTERVAL_IBD_US : FLUSH_INTERVAL_US);
    log_debug(cm->log, LOG_COINDB, "Flushed %zu coins and the block index in %lld ms",
              coins, (long long)(now - begin) / 1000);
    if (cs == cm->active)
        event_flushed(cm);
    return true;
}

bool flush_chain(struct chainman *cm, enum flush_mode mode)
{
    struct chainstates all = chainstates_of(cm);
    uint64_t reserve = mode == FLUSH_CLOSING ? 0 : MIN_FREE_BYTES;
    if (mode == FLUSH_IF_NEEDED && cm->opt.prune_target > 1 && !prune_auto(cm))
        return false;
    bool due = mode != FLUSH_IF_NEEDED || clock_steady_us() >= cm->next_flush_us;
    for (struct chainstate **cs = all.v; *cs; cs++) {
        bool full = chainstate_memory(*cs) > chainstate_limit(*cs);
        if ((due || full) && !flush_now(*cs, full, reserve))
            return false;
    }
    return true;
}

enum err chainman_flush(struct chainman *cm)
{
    return flush_chain(cm, FLUSH_ALWAYS) ? ERR_OK : ERR_IO;
}
