/* The indexes follow the active chain: along with each block when they are up to date,
 * else in small steps between other jobs. */
#include <stdio.h>

#include "chain/store/index_db.h"
#include "chain/validation/internal.h"

#define STEP_US         50000 /* of catching up, before other jobs get their turn */
#define LOG_INTERVAL_US (INT64_C(30) * 1000000)
/* Blocks below an index that pruning leaves to it, should the chain reorganise. */
#define PRUNE_LOCK_BUFFER 10

static bool is_on(const struct chainman *cm, size_t i)
{
    return index_kinds[i].base(&cm->indexes) != NULL;
}

/* The block the index stands at: NULL when it begins, or when the chain does not
 * know it. */
static struct block_index *index_tip(const struct chainman *cm, size_t i)
{
    struct hash256 best = index_db_best(index_kinds[i].base(&cm->indexes));
    return hash256_is_zero(&best) ? NULL : block_tree_find(cm, &best);
}

/* Indexes go by what is validated from genesis on. */
static const struct chainstate *followed(const struct chainman *cm)
{
    return cm->background ? cm->background : cm->active;
}

/* The first block of that chain above the index's own; NULL: it is up to date. */
static struct block_index *next_of(const struct chainman *cm, size_t i)
{
    const struct chainstate *cs = followed(cm);
    struct block_index *at = index_tip(cm, i);
    const struct block_index *fork = at ? chainstate_fork_point(cs, at) : NULL;
    return chainstate_at(cs, fork ? fork->height + 1 : 0);
}

static bool follow_failed(struct chainman *cm, size_t i, enum err e)
{
    char what[64];
    snprintf(what, sizeof(what), "Failed to write to %s", index_kinds[i].name);
    return e == ERR_OK || chainman_fatal_err(cm, what, e);
}

static struct indexed_block indexed_block_of(struct chainman *cm, const struct block *b,
                                             const struct block_index *bi)
{
    struct indexed_block ib = {.cm = cm, .b = b, .bi = bi};
    arena_init(&ib.mem, 64 << 10);
    return ib;
}

/* From wherever it stands, the index goes on with this block. */
static enum err index_block(struct chainman *cm, size_t i, struct indexed_block *ib)
{
    static const struct hash256 none;
    struct index_db *db = index_kinds[i].base(&cm->indexes);
    const struct hash256 *prev = ib->bi->prev ? &ib->bi->prev->hash : &none;
    struct hash256 at = index_db_best(db);
    if (!hash256_equal(&at, prev))
        index_db_rewind(db, prev);
    return index_kinds[i].add(&cm->indexes, ib);
}

/* -- The log -------------------------------------------------------------- */

static void log_behind(struct chainman *cm, size_t i, const struct block_index *next)
{
    int64_t now = clock_steady_us();
    if (cm->indexes.said[i] == SAID_BEHIND && now < cm->indexes.next_log_us[i])
        return;
    log_info(cm->log, "Syncing %s with block chain from height %d", index_kinds[i].name,
             next->height);
    cm->indexes.said[i] = SAID_BEHIND;
    cm->indexes.next_log_us[i] = now + LOG_INTERVAL_US;
}

static void log_synced(struct chainman *cm, size_t i)
{
    const struct block_index *at = index_tip(cm, i);
    if (at && cm->indexes.said[i] != SAID_SYNCED)
        log_info(cm->log, "%s is enabled at height %d", index_kinds[i].name,
                 at->height);
    cm->indexes.said[i] = SAID_SYNCED;
}

/* -- Along with the chain ------------------------------------------------- */

bool follow_connected(struct chainman *cm, const struct block *b,
                      const struct block_index *bi)
{
    struct indexed_block ib = indexed_block_of(cm, b, bi);
    bool ok = true;
    for (size_t i = 0; ok && i < MAX_INDEXES; i++) {
        const struct block_index *next = is_on(cm, i) ? next_of(cm, i) : NULL;
        if (next == bi)
            ok = follow_failed(cm, i, index_block(cm, i, &ib));
        else if (next)
            follow_start(cm);
    }
    arena_clear(&ib.mem);
    return ok;
}

void follow_disconnected(struct chainman *cm, const struct block_index *bi)
{
    for (size_t i = 0; i < MAX_INDEXES; i++) {
        if (!is_on(cm, i) || index_tip(cm, i) != bi)
            continue;
        index_db_rewind(index_kinds[i].base(&cm->indexes), &bi->prev->hash);
        if (cm->opt.prune_target > 0)
            log_debug(cm->log, LOG_PRUNE, "%s prune lock moved back to %d",
                      index_kinds[i].name, bi->prev->height);
    }
}

/* -- Catching up ---------------------------------------------------------- */

/* Whether what indexes take from a block is on disk. */
static bool is_stored(const struct block_index *bi)
{
    return bi->status & BLOCK_HAVE_DATA && (!bi->prev || bi->status & BLOCK_HAVE_UNDO);
}

/* Indexes one block. False: nothing to do. */
static bool follow_step(struct chainman *cm, size_t i)
{
    struct block_index *next = next_of(cm, i);
    struct block *b;
    if (!next)
        log_synced(cm, i);
    if (!next || !is_stored(next))
        return false;
    log_behind(cm, i, next);
    enum err e = chainman_read_block(cm, &b, next);
    if (e == ERR_OK) {
        struct indexed_block ib = indexed_block_of(cm, b, next);
        e = index_block(cm, i, &ib);
        arena_clear(&ib.mem);
        block_unref(b);
    }
    return follow_failed(cm, i, e);
}

/* Where an index stands may be noted once the block index on disk knows the block. */
static bool save_one(struct chainman *cm, size_t i)
{
    struct index_db *db = index_kinds[i].base(&cm->indexes);
    const struct tree_node *at = (const struct tree_node *)index_tip(cm, i);
    return !at || at->dirty || follow_failed(cm, i, index_db_save(db));
}

bool follow_save(struct chainman *cm)
{
    for (size_t i = 0; i < MAX_INDEXES; i++)
        if (is_on(cm, i) && !save_one(cm, i))
            return false;
    return true;
}

static void follow_run(void *arg)
{
    struct chainman *cm = arg;
    int64_t until = clock_steady_us() + STEP_US;
    bool more = true;
    while (more && clock_steady_us() < until && !chainman_stopping(cm)) {
        more = false;
        for (size_t i = 0; i < MAX_INDEXES; i++)
            more |= is_on(cm, i) && follow_step(cm, i);
    }
    cm->indexes.catching_up = false;
    if (follow_save(cm) && more)
        follow_start(cm);
}

void follow_start(struct chainman *cm)
{
    bool any = false;
    for (size_t i = 0; i < MAX_INDEXES; i++)
        any |= is_on(cm, i);
    if (!any || cm->indexes.catching_up || chainman_stopping(cm))
        return;
    cm->indexes.catching_up = true; /* first: at the start we are another thread */
    if (!chainman_post(cm, follow_run, cm))
        cm->indexes.catching_up = false;
}

/* -- Pruning -------------------------------------------------------------- */

enum err follow_check(struct chainman *cm, char **error)
{
    for (size_t i = 0; i < MAX_INDEXES; i++) {
        const struct block_index *next = is_on(cm, i) ? next_of(cm, i) : NULL;
        if (!next || !cm->have_pruned || next->height >= chainman_prune_height(cm))
            continue;
        *error = xasprintf("%s best block of the index goes beyond pruned data. Please "
                           "disable the index or reindex (which will download the "
                           "whole blockchain again)",
                           index_kinds[i].name);
        return ERR_NOT_FOUND;
    }
    return ERR_OK;
}

int32_t follow_prune_limit(const struct chainman *cm, int32_t height)
{
    const char *by = NULL;
    for (size_t i = 0; i < MAX_INDEXES; i++) {
        if (!is_on(cm, i))
            continue;
        const struct block_index *at = index_tip(cm, i);
        int32_t needs = (at ? at->height : 0) - PRUNE_LOCK_BUFFER - 1;
        if (needs >= height)
            continue;
        height = needs > 0 ? needs : 0;
        by = index_kinds[i].name;
    }
    if (by)
        log_debug(cm->log, LOG_PRUNE, "%s limited pruning to height %d", by, height);
    return height;
}

/* -- Who asks ------------------------------------------------------------- */

size_t chainman_indexes(const struct chainman *cm, struct index_status *out)
{
    size_t n = 0;
    for (size_t i = 0; i < MAX_INDEXES; i++) {
        if (!is_on(cm, i))
            continue;
        const struct block_index *at = index_tip(cm, i);
        out[n++] = (struct index_status){
            .name = index_kinds[i].name,
            .synced = at != NULL && at == chain_tip(cm),
            .height = at ? at->height : 0,
            .bytes = index_db_bytes(index_kinds[i].base(&cm->indexes)),
        };
    }
    return n;
}
