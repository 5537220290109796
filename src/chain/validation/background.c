/* Behind a UTXO snapshot: the chainstate that began with genesis goes on block by
 * block, in small steps between other jobs, until it stands at the snapshot's base.
 * Then its coins and ticket state must hash to what the snapshot's did. */
#include <stdlib.h>

#include "chain/store/utxo_hash.h"
#include "chain/validation/internal.h"

#define STEP_US 50000 /* before other jobs get their turn */

static bool at_base(const struct chainman *cm)
{
    return chainstate_tip(cm->background) == cm->active->base;
}

/* -- The verdict -- */

static bool reject_snapshot(struct chainman *cm)
{
    int32_t base = cm->active->base->height;
    enum err e = snapshot_dir_invalid(cm);
    if (e != ERR_OK)
        log_error(cm->log, "[snapshot] cannot mark the snapshot as invalid: %s",
                  err_text(e));
    log_error(cm->log,
              "[snapshot] deleting snapshot, reverting to validated chain, and "
              "stopping node");
    return chainman_fatal(
        cm,
        "%s failed to validate the -assumeutxo snapshot state. This indicates a "
        "hardware problem, or a bug in the software, or a bad software modification "
        "that allowed an invalid snapshot to be loaded. As a result of this, the node "
        "will shut down and stop using any state that was built on the snapshot, "
        "resetting the chain height from %d to %d. On the next restart, the node will "
        "resume syncing from %d without using any snapshot data. The invalid snapshot "
        "chainstate will be left on disk in case it is helpful in diagnosing the issue "
        "that caused this error.",
        "Ochre", chain_height(cm), base, base);
}

bool background_found_invalid(struct chainman *cm)
{
    log_error(cm->log, "[snapshot] the history below the snapshot is invalid");
    return flush_chain(cm, FLUSH_ALWAYS) && reject_snapshot(cm);
}

/* The snapshot's chainstate stands on its own from here on. What the other one holds on
 * disk goes at the next start; readers may still look at it. */
static void accept_snapshot(struct chainman *cm)
{
    struct block_index *base = cm->active->base;
    char hex[65];
    enum err e = snapshot_dir_validated(cm);
    if (e != ERR_OK) {
        chainman_fatal_err(cm, "Failed to write to the snapshot directory", e);
        return;
    }
    chainman_write_lock(cm);
    cm->retired = cm->background;
    cm->background = NULL;
    cm->active->base = NULL;
    chainstate_detach(cm->retired);
    coins_flush_done(cm->retired->coins, true);
    state_set_cache_limit(cm->retired->state, 0);
    prefetch_blocks(cm->retired->prefetch, NULL, 0);
    candidates_refill(cm->active);
    candidates_prune(cm->active);
    chainstates_share_cache(cm);
    chainman_write_unlock(cm);
    block_files_split(cm->files, 0);
    log_info(cm->log, "[snapshot] snapshot beginning at %s has been fully validated",
             hash256_to_hex(hex, &base->hash));
    event_snapshot(cm, base, true);
    follow_start(cm);
    chainman_activate_best(cm);
}

static void judge(void *arg)
{
    struct chainman *cm = arg;
    char want[65], got[65];
    pthread_join(cm->background_hasher, NULL);
    cm->hashing = false;
    if (chainman_stopping(cm))
        return;
    if (cm->hash_result != ERR_OK) {
        chainman_fatal_err(cm, "Failed to read the coins of the validated chain",
                           cm->hash_result);
        return;
    }
    struct hash256 root = state_root(cm->background->state);
    if (hash256_equal(&cm->hash, &cm->snapshot->txoutset) &&
        hash256_equal(&root, &cm->snapshot->state_root)) {
        accept_snapshot(cm);
        return;
    }
    log_error(cm->log, "[snapshot] hash mismatch: actual=%s, expected=%s",
              hash256_to_hex(got, &cm->hash),
              hash256_to_hex(want, &cm->snapshot->txoutset));
    reject_snapshot(cm);
}

/* -- The hash: by a thread of its own, for it takes minutes on a large set -- */

struct hash_job {
    struct chainman *cm;
    struct utxo_hash hash;
};

static bool hash_coin(void *ctx, const struct outpoint *o, const struct coin *c)
{
    struct hash_job *j = ctx;
    utxo_hash_add(&j->hash, o, c);
    return !chainman_stopping(j->cm);
}

static void *hash_thread(void *arg)
{
    struct chainman *cm = arg;
    struct hash_job j = {.cm = cm};
    log_thread_name("snapshot");
    utxo_hash_init(&j.hash);
    cm->hash_result = coins_db_each(cm->background->db, NULL, hash_coin, &j);
    utxo_hash_final(&j.hash, &cm->hash);
    chainman_post(cm, judge, cm);
    return NULL;
}

static void begin_hash(struct chainman *cm)
{
    if (!flush_chain(cm, FLUSH_ALWAYS))
        return;
    log_info(cm->log, "[snapshot] computing UTXO stats for background chainstate to "
                      "validate snapshot - this could take a few minutes");
    cm->hashing = pthread_create(&cm->background_hasher, NULL, hash_thread, cm) == 0;
    if (!cm->hashing)
        chainman_fatal(cm, "Cannot start the thread that checks the UTXO snapshot");
}

/* -- Steps -- */

static void background_run(void *arg)
{
    struct chainman *cm = arg;
    int64_t until = clock_steady_us() + STEP_US;
    bool ok = true, done = false;
    cm->background_posted = false;
    if (!cm->background || cm->hashing || cm->fatal || chainman_stopping(cm))
        return;
    while (ok && !done && !chainman_stopping(cm) && clock_steady_us() < until)
        ok = activate_step(cm->background, &done);
    if (!ok || chainman_stopping(cm))
        return;
    if (at_base(cm))
        begin_hash(cm);
    else if (!done)
        background_wake(cm);
}

void background_wake(struct chainman *cm)
{
    if (cm->background && !cm->background_posted && !cm->hashing)
        cm->background_posted = chainman_post(cm, background_run, cm);
}

void background_stop(struct chainman *cm)
{
    if (cm->hashing)
        pthread_join(cm->background_hasher, NULL);
    cm->hashing = false;
}

bool chainman_history_wanted(const struct chainman *cm, struct block_index **from,
                             struct block_index **to)
{
    if (!cm->background || at_base(cm))
        return false;
    *to = cm->active->base;
    *from =
        (struct block_index *)block_index_common(chainstate_tip(cm->background), *to);
    return true;
}

const struct block_index *chainman_snapshot_base(const struct chainman *cm)
{
    return cm->active->base;
}
