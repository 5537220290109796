/* Towards the chain with the most work. */
#include <math.h>
#include <stdio.h>

#include "chain/validation/internal.h"

/* -- The tip -- */

/* Initial block download ends once: when the tip is recent and has the work asked
 * for. */
bool chainman_ibd(const struct chainman *cm)
{
    const struct block_index *tip = chain_tip(cm);
    if (!cm->ibd)
        return false;
    if (cm->importing ||
        u256_cmp(&tip->chain_work, &cm->params->minimum_chain_work) < 0 ||
        tip->time < clock_now(cm->opt.clock) - cm->opt.max_tip_age)
        return true;
    if (atomic_exchange(&((struct chainman *)cm)->ibd, false))
        log_info(cm->log, "Leaving InitialBlockDownload (latching to false)");
    return false;
}

/* Headers say how many blocks there are, and the age of the best one how many more
 * are to be expected, unless blocks come when somebody asks for them (regtest). */
double chainman_progress(const struct chainman *cm, const struct block_index *bi)
{
    const struct block_index *best = cm->best_header;
    if (!bi || bi->chain_tx == 0)
        return 0.0;
    if (!best || best->height < bi->height)
        best = bi;
    double blocks = best->height + 1.0;
    int64_t age = clock_now(cm->opt.clock) - best->time;
    if (cm->params->retarget != RETARGET_NONE && age > cm->opt.max_tip_age)
        blocks += (double)age / cm->params->spacing;
    return (bi->height + 1.0) / blocks;
}

static void log_tip(const struct chainstate *cs)
{
    const struct chainman *cm = cs->cm;
    char hash[65], when[32];
    const struct block_index *tip = chainstate_tip(cs);
    log_info(cm->log,
             "%sUpdateTip: new best=%s height=%d version=0x%08x log2_work=%.6f tx=%llu "
             "date='%s' progress=%f cache=%.1fMiB(%zutxo)",
             cs == cm->background ? "[background validation] " : "",
             hash256_to_hex(hash, &tip->hash), tip->height, (unsigned)tip->version,
             log2(u256_to_double(&tip->chain_work)), (unsigned long long)tip->chain_tx,
             clock_format_utc(when, tip->time), chainman_progress(cm, tip),
             (double)coins_cache_memory(cs->coins) / (1 << 20),
             coins_cache_count(cs->coins));
}

static void set_tip(struct chainstate *cs, struct block_index *bi)
{
    chainstate_set_tip(cs, bi);
    chainman_ibd(cs->cm);
    log_tip(cs);
}

/* The failures of disk and memory that a block's read can have; always false. */
static bool fatal_block(struct chainman *cm, const char *what,
                        const struct block_index *bi, enum err e)
{
    char text[160], hash[65];
    snprintf(text, sizeof(text), "%s block. (%s at height %d)", what,
             hash256_to_hex(hash, &bi->hash), bi->height);
    return chainman_fatal_err(cm, text, e);
}

static bool is_active(const struct chainstate *cs)
{
    return cs == cs->cm->active;
}

bool tip_disconnect(struct chainstate *cs, bool give_back)
{
    struct chainman *cm = cs->cm;
    struct block_index *tip = chainstate_tip(cs);
    struct block *b;
    enum err e = chainman_read_block(cm, &b, tip);
    if (e != ERR_OK)
        return fatal_block(cm, "Failed to read", tip, e);
    chainman_write_lock(cm);
    bool ok = block_disconnect(cs, b, tip) == DISCONNECT_OK;
    if (ok) {
        if (is_active(cs) && cm->mempool.block_disconnected)
            cm->mempool.block_disconnected(cm->mempool.ctx, b, give_back);
        set_tip(cs, tip->prev);
    }
    chainman_write_unlock(cm);
    if (!ok)
        fatal_block(cm, "Failed to disconnect", tip, ERR_CORRUPT);
    else if (is_active(cs))
        event_block_disconnected(cm, b, tip);
    block_unref(b);
    if (ok)
        follow_disconnected(cm, tip);
    return ok && flush_chain(cm, FLUSH_IF_NEEDED);
}

/* A failed chain six blocks ahead of ours means that most others may not find it
 * invalid. */
static void warn_of_invalid_chain(struct chainman *cm)
{
    const struct block_index *tip = chain_tip(cm);
    struct u256 limit =
        u256_add(tip->chain_work, u256_mul_u32(work_of_bits(tip->bits), 6));
    bool ahead =
        cm->best_invalid && u256_cmp(&cm->best_invalid->chain_work, &limit) > 0;
    if (chainman_ibd(cm))
        return; /* much may still change */
    if (ahead && !cm->warned_of_invalid) {
        log_warning(cm->log,
                    "Found invalid chain at least ~6 blocks longer than our best "
                    "chain. Chain state database corruption likely.");
        event_invalid_chain(
            cm, "Warning: We do not appear to fully agree with our peers! You may "
                "need to upgrade, or other nodes may need to upgrade.");
    } else if (!ahead && cm->warned_of_invalid) {
        event_invalid_chain(cm, NULL);
    }
    cm->warned_of_invalid = ahead;
}

void block_found_invalid(struct chainman *cm, struct block_index *bi,
                         const struct reject *rej)
{
    char hash[65], text[512];
    if (rej->class == BLOCK_MUTATED)
        return;
    chainman_write_lock(cm);
    block_tree_fail(cm, bi);
    chainman_write_unlock(cm);
    log_info(cm->log, "InvalidChainFound: invalid block=%s height=%d: %s",
             hash256_to_hex(hash, &bi->hash), bi->height, reject_text(rej, text));
    warn_of_invalid_chain(cm);
}

static void tell_connected(struct chainstate *cs, const struct block *b,
                           const struct block_index *bi, const struct reject *rej)
{
    struct chainman *cm = cs->cm;
    if (is_active(cs))
        event_block_checked(cm, &bi->hash, rej);
    if (rej->code != REJECT_NONE)
        return;
    if (is_active(cs)) {
        event_block_connected(cm, b, bi);
        warn_of_invalid_chain(cm);
    } else {
        event_history_connected(cm, b, bi);
    }
}

/* Connects bi, a child of the tip. *invalid: it breaks a rule. False: fatal. */
static bool tip_connect(struct chainstate *cs, struct block_index *bi,
                        const struct block *b, bool *invalid)
{
    struct chainman *cm = cs->cm;
    struct reject rej = {0};
    chainman_write_lock(cm);
    int64_t begin = clock_steady_us();
    bool ok = block_connect(cs, b, bi, CONNECT_FULL, &rej);
    histogram_add(&cm->connect_times, clock_steady_us() - begin);
    if (ok) {
        set_tip(cs, bi);
        candidates_prune(cs);
        if (is_active(cs) && cm->mempool.block_connected)
            cm->mempool.block_connected(cm->mempool.ctx, b, bi->height);
    }
    chainman_write_unlock(cm);
    if (!ok && rej.code == REJECT_NONE)
        return false;
    *invalid = !ok;
    tell_connected(cs, b, bi, &rej);
    if (ok)
        return follow_connected(cm, b, bi) && flush_chain(cm, FLUSH_IF_NEEDED);
    if (rej.class == BLOCK_MUTATED)
        return fatal_block(cm, "Corrupt on disk (possibly hardware failure):", bi,
                           ERR_CORRUPT);
    if (!is_active(cs))
        return background_found_invalid(cm);
    block_found_invalid(cm, bi, &rej);
    return true;
}

/* -- The way -- */

/* Whether all blocks from the active chain up to bi are there and unfailed. Takes bi
 * out of the candidates if not. */
static bool usable(struct chainstate *cs, struct block_index *bi)
{
    struct block_index *gap = NULL;
    bool failed = false;
    for (struct block_index *a = bi; a && !chainstate_contains(cs, a); a = a->prev) {
        failed |= (a->status & BLOCK_FAILED_MASK) != 0;
        if (!(a->status & BLOCK_HAVE_DATA))
            gap = a;
    }
    if (!failed && !gap)
        return true;
    candidates_remove(cs, bi);
    /* When the missing block arrives, what stands on it is tried again. */
    for (struct block_index *a = bi; gap && !failed && a != gap; a = a->prev)
        if (a->prev == gap)
            block_tree_wait_for(gap, a);
    return false;
}

static struct block_index *find_most_work(struct chainstate *cs)
{
    while (cs->candidates.n > 0) {
        struct block_index *bi = cs->candidates.v[cs->candidates.n - 1];
        if (usable(cs, bi))
            return bi;
    }
    return NULL;
}

/* The block at the tip's next height on the way to @target, from the one being
 * processed, from what was read ahead, or from disk. The ones behind it start being
 * read. */
static enum err take_block(struct chainstate *cs, struct block **out,
                           struct block_index *bi, const struct block_index *target)
{
    const struct chainman *cm = cs->cm;
    struct block_index *next[3];
    size_t n = 0;
    if (cm->current && hash256_equal(&cm->current->hash, &bi->hash)) {
        *out = block_ref(cm->current);
    } else {
        enum err e = prefetch_take(cs->prefetch, out, bi);
        if (e != ERR_OK)
            return e;
    }
    while (n < ARRAY_LEN(next) && bi->height + 1 + (int32_t)n <= target->height) {
        next[n] = block_index_ancestor(target, bi->height + 1 + (int32_t)n);
        n++;
    }
    prefetch_blocks(cs->prefetch, next, n);
    if (n > 0)
        prefetch_coins(cs->prefetch, next[0]);
    return ERR_OK;
}

static bool disconnect_to(struct chainstate *cs, const struct block_index *fork)
{
    while (chainstate_tip(cs) != fork)
        if (!tip_disconnect(cs, true))
            return false;
    return true;
}

void tell_state_changes(const struct chainstate *cs, const struct state_txn *st,
                        const struct map *marks)
{
    const struct mempool_link *link = &cs->cm->mempool;
    if (is_active(cs) && link->state_changes)
        link->state_changes(link->ctx, st, marks);
}

void settle_mempool(struct chainman *cm, bool reorged)
{
    if (!cm->mempool.tip_settled)
        return;
    chainman_write_lock(cm);
    cm->mempool.tip_settled(cm->mempool.ctx, reorged);
    chainman_write_unlock(cm);
}

/* Connects on the way to @target until the tip has more work than @start had, or a
 * block fails. */
static bool connect_towards(struct chainstate *cs, const struct block_index *target,
                            const struct block_index *start)
{
    bool invalid = false;
    while (chainstate_tip(cs) != target && !invalid) {
        struct block_index *bi =
            block_index_ancestor(target, chainstate_tip(cs)->height + 1);
        struct block *b;
        enum err e = take_block(cs, &b, bi, target);
        if (e != ERR_OK)
            return fatal_block(cs->cm, "Failed to read", bi, e);
        bool ok = tip_connect(cs, bi, b, &invalid);
        block_unref(b);
        if (!ok)
            return false;
        if (u256_cmp(&chainstate_tip(cs)->chain_work, &start->chain_work) > 0)
            break;
    }
    return true;
}

bool activate_step(struct chainstate *cs, bool *done)
{
    struct chainman *cm = cs->cm;
    struct block_index *start = chainstate_tip(cs);
    struct block_index *target = find_most_work(cs);
    *done = !target || target == start;
    if (*done)
        return true;
    struct block_index *fork = chainstate_fork_point(cs, target);
    if (!disconnect_to(cs, fork))
        return false;
    bool reorged = fork != start;
    if (!connect_towards(cs, target, start))
        return false;
    if (!is_active(cs))
        return true;
    settle_mempool(cm, reorged);
    if (chain_tip(cm) != start)
        event_tip_changed(cm, fork);
    return true;
}

static bool at_stop_height(struct chainman *cm)
{
    if (cm->opt.stop_at_height <= 0 || chain_height(cm) < cm->opt.stop_at_height)
        return false;
    chainman_stop_wanted(cm);
    return true;
}

bool chainman_activate_best(struct chainman *cm)
{
    /* An import may take hours, so other jobs run between its steps. One of them
     * that comes here goes all the way: what it brought is connected when it
     * returns. */
    bool outermost = !cm->activating;
    bool ok = true, done = false;
    cm->activating = true;
    while (ok && !done && !chainman_stopping(cm)) {
        ok = activate_step(cm->active, &done);
        if (ok && at_stop_height(cm))
            break;
        if (ok && outermost && cm->importing)
            jobs_run_pending(cm);
    }
    cm->activating = !outermost;
    if (ok && cm->opt.check_block_index)
        check_block_index(cm);
    background_wake(cm);
    return ok && !cm->fatal;
}

/* -- What users ask for -- */

/* Takes blocks off until bi is not in the active chain. */
static bool disconnect_down_past(struct chainman *cm, const struct block_index *bi)
{
    unsigned n = 0;
    while (chain_contains(cm, bi)) {
        /* Deep down, giving transactions back to the mempool is not worth the time. */
        if (!tip_disconnect(cm->active, ++n <= 10) || chainman_stopping(cm))
            return false;
    }
    return true;
}

bool chainman_invalidate(struct chainman *cm, struct block_index *bi)
{
    const struct block_index *base = cm->active->base;
    if (!bi->prev || (base && block_index_ancestor(base, bi->height) == bi))
        return false;
    struct block_index *start = chain_tip(cm);
    bool was_active = chain_contains(cm, bi);
    if (!disconnect_down_past(cm, bi))
        return false;
    chainman_write_lock(cm);
    block_tree_fail(cm, bi);
    candidates_refill(cm->active);
    chainman_write_unlock(cm);
    if (was_active) {
        settle_mempool(cm, true);
        if (chain_tip(cm) != start)
            event_tip_changed(cm, chain_tip(cm));
    }
    warn_of_invalid_chain(cm);
    return chainman_activate_best(cm);
}

bool chainman_reconsider(struct chainman *cm, struct block_index *bi)
{
    chainman_write_lock(cm);
    block_tree_unfail(cm, bi);
    chainman_write_unlock(cm);
    return chainman_activate_best(cm);
}

bool chainman_precious(struct chainman *cm, struct block_index *bi)
{
    const struct block_index *tip = chain_tip(cm);
    if (u256_cmp(&bi->chain_work, &tip->chain_work) < 0)
        return true;
    if (u256_cmp(&tip->chain_work, &cm->precious_work) > 0)
        cm->precious_sequence = -1;
    cm->precious_work = tip->chain_work;
    chainman_write_lock(cm);
    candidates_remove(cm->active, bi);
    bi->sequence = cm->precious_sequence;
    if (cm->precious_sequence > INT32_MIN)
        cm->precious_sequence--;
    if (bi->chain_tx > 0 && block_index_is_valid(bi, BLOCK_VALID_TRANSACTIONS) &&
        candidate_in_reach(cm->active, bi))
        candidates_add(cm->active, bi);
    candidates_prune(cm->active);
    chainman_write_unlock(cm);
    return chainman_activate_best(cm);
}
