/* -prune: old block files are deleted once their blocks are connected and buried. */
#include <stdlib.h>

#include "chain/validation/internal.h"

/* Room kept for what a current file is about to preallocate. */
#define PRUNE_BUFFER (UINT64_C(17) << 20)

uint64_t chainman_prune_target(const struct chainman *cm)
{
    return cm->opt.prune_target;
}

bool chainman_has_pruned(const struct chainman *cm)
{
    return cm->have_pruned;
}

int32_t chainman_prune_height(const struct chainman *cm)
{
    const struct block_index *bi = chain_tip(cm);
    while (bi->prev && bi->prev->status & BLOCK_HAVE_DATA)
        bi = bi->prev;
    return bi->height;
}

struct prune {
    struct chainman *cm;
    int32_t file;
};

static bool forget_block(void *ctx, struct block_index *bi)
{
    const struct prune *p = ctx;
    if (bi->file != p->file || !(bi->status & (BLOCK_HAVE_DATA | BLOCK_HAVE_UNDO)))
        return true;
    bi->status &= ~(uint32_t)(BLOCK_HAVE_DATA | BLOCK_HAVE_UNDO);
    bi->file = -1;
    bi->data_pos = bi->undo_pos = 0;
    block_tree_mark_dirty(p->cm, bi);
    return true;
}

static void forget_file(struct chainman *cm, int32_t file)
{
    struct prune p = {cm, file};
    chainman_write_lock(cm);
    block_tree_each(cm, forget_block, &p);
    chainman_write_unlock(cm);
    block_files_forget(cm->files, file);
    log_debug(cm->log, LOG_PRUNE, "Pruning block file %05d", file);
}

/* Whether the file holds only blocks from above @low up to @high, and any at all. */
static bool lies_between(const struct block_file_info *info, int32_t low, int32_t high)
{
    return info->size > 0 && high > 0 && info->height_last <= (uint32_t)high &&
           (low < 0 || info->height_first > (uint32_t)low);
}

/* What is still being written, or a background chainstate has still to validate, must
 * stay. */
static bool may_prune(struct chainman *cm, int32_t file, int32_t height)
{
    struct block_file_info info = block_files_info(cm->files, file);
    if (block_files_growing(cm->files, file))
        return false;
    if (!cm->background)
        return lies_between(&info, -1, height);
    int32_t validated = chainstate_tip(cm->background)->height - MIN_BLOCKS_TO_KEEP;
    return lies_between(&info, -1, validated < height ? validated : height) ||
           lies_between(&info, cm->active->base->height, height);
}

static bool any_to_prune(struct chainman *cm, int32_t n, int32_t height)
{
    for (int32_t i = 0; i < n; i++)
        if (may_prune(cm, i, height))
            return true;
    return false;
}

static bool set_pruned(struct chainman *cm)
{
    if (cm->have_pruned)
        return true;
    enum err e = block_db_set_flag(cm->index, BLOCK_DB_PRUNED, true);
    cm->have_pruned = e == ERR_OK;
    return e == ERR_OK ||
           chainman_fatal_err(cm, "Failed to write to block index database", e);
}

/* Forgets the files in [0, n) that hold nothing above @height while more than @keep
 * octets are used; saves that, then deletes them. The chain state comes first: a
 * replay needs the blocks behind the one it stands at on disk. */
static bool prune_files(struct chainman *cm, int32_t height, uint64_t keep)
{
    int32_t n = block_files_count(cm->files);
    if (block_files_disk_usage(cm->files) <= keep || !any_to_prune(cm, n, height))
        return true;
    if (!flush_chain(cm, FLUSH_ALWAYS) || !set_pruned(cm))
        return false;
    bool *gone = xcalloc((size_t)n, sizeof(*gone));
    for (int32_t i = 0; i < n && block_files_disk_usage(cm->files) > keep; i++) {
        gone[i] = may_prune(cm, i, height);
        if (gone[i])
            forget_file(cm, i);
    }
    bool ok = flush_index(cm);
    for (int32_t i = 0; ok && i < n; i++)
        if (gone[i])
            block_files_remove(cm->files, i);
    free(gone);
    return ok;
}

/* The highest block that may go: peers, reorganisations and indexes need no older one.
 */
static int32_t prune_limit(const struct chainman *cm)
{
    int32_t keep = chain_height(cm) - MIN_BLOCKS_TO_KEEP;
    int32_t indexed = follow_prune_limit(cm, chain_height(cm));
    return indexed < keep ? indexed : keep;
}

bool prune_auto(struct chainman *cm)
{
    int32_t height = chain_height(cm);
    uint64_t target = cm->opt.prune_target;
    uint64_t buffer = cm->background ? 2 * PRUNE_BUFFER : PRUNE_BUFFER;
    if (height <= cm->params->prune_after_height || height <= MIN_BLOCKS_TO_KEEP ||
        block_files_disk_usage(cm->files) + buffer < target)
        return true;
    return prune_files(cm, prune_limit(cm), target > buffer ? target - buffer : 0);
}

void chainman_prune_to(struct chainman *cm, int32_t height)
{
    int32_t limit = prune_limit(cm);
    prune_files(cm, height < limit ? height : limit, 0);
}
