/* Blocks from files: -reindex, -loadblock, and then the activation of what they made
 * possible. */
#include <stdlib.h>

#include "chain/validation/internal.h"

/* A block whose parent was not met yet: files hold blocks in the order of arrival. */
struct orphan {
    struct filepos pos;
    uint32_t next; /* index + 1 of the next orphan of the same parent; 0: none */
};

struct import {
    struct chainman *cm;
    int32_t file;           /* being reindexed; -1: a foreign file */
    struct map by_parent;   /* parent's hash -> u32 index + 1 */
    struct orphan *orphans; /* owned */
    uint32_t n_orphans, cap_orphans;
    uint32_t ready; /* index + 1 of the first orphan whose parent has come */
    uint64_t n_loaded;
};

static void orphan_add(struct import *im, const struct hash256 *parent,
                       struct filepos pos)
{
    uint32_t *head = map_put(&im->by_parent, parent, NULL);
    if (im->n_orphans == im->cap_orphans) {
        im->cap_orphans = im->cap_orphans ? im->cap_orphans * 2 : 1024;
        im->orphans =
            xrealloc_array(im->orphans, im->cap_orphans, sizeof(*im->orphans));
    }
    im->orphans[im->n_orphans] = (struct orphan){pos, *head};
    *head = ++im->n_orphans;
}

/* The parent has come: its orphans go before what is ready. */
static void orphans_ready(struct import *im, const struct hash256 *parent)
{
    const uint32_t *head = map_get(&im->by_parent, parent);
    if (!head)
        return;
    uint32_t first = *head, last = first;
    while (im->orphans[last - 1].next != 0)
        last = im->orphans[last - 1].next;
    im->orphans[last - 1].next = im->ready;
    im->ready = first;
    map_del(&im->by_parent, parent);
}

static void import_block(struct import *im, const struct block *b,
                         const struct filepos *pos)
{
    struct reject rej = {0};
    struct block_index *bi;
    bool is_new = false;
    char text[512], hash[65];
    if (accept_block(im->cm, b, true, pos, true, &bi, &is_new, &rej))
        im->n_loaded += is_new;
    else if (rej.code != REJECT_NONE)
        log_debug(im->cm->log, LOG_REINDEX, "Block %s of a file is refused: %s",
                  hash256_to_hex(hash, &b->hash), reject_text(&rej, text));
    orphans_ready(im, &b->hash);
}

static void import_ready(struct import *im)
{
    while (im->ready != 0 && !chainman_stopping(im->cm)) {
        struct orphan *o = &im->orphans[im->ready - 1];
        struct filepos pos = o->pos;
        struct block *b;
        im->ready = o->next;
        if (block_files_read(im->cm->files, &b, &pos) != ERR_OK)
            continue;
        import_block(im, b, &pos);
        block_unref(b);
    }
}

static void import_one(struct import *im, const struct block *b,
                       const struct filepos *pos)
{
    const struct hash256 *parent = &b->header.prev;
    bool genesis = hash256_equal(&b->hash, &im->cm->params->genesis_hash);
    if (!genesis && !block_tree_find(im->cm, parent)) {
        if (pos)
            orphan_add(im, parent, *pos);
        return;
    }
    import_block(im, b, pos);
    import_ready(im);
}

static enum scan_step on_record(void *ctx, struct bytes raw, uint64_t at)
{
    struct import *im = ctx;
    struct block *b = block_from_bytes(raw.data, raw.len);
    if (!b)
        return SCAN_SKIP;
    struct filepos pos = {im->file, (uint32_t)at};
    import_one(im, b, im->file >= 0 ? &pos : NULL);
    block_unref(b);
    jobs_run_pending(im->cm);
    return chainman_stopping(im->cm) ? SCAN_STOP : SCAN_NEXT;
}

static void import_file(struct import *im, const char *path,
                        const struct block_xor *key)
{
    uint64_t before = im->n_loaded;
    int64_t begin = clock_steady_us();
    enum err e = block_file_scan(path, im->cm->params->magic, key, on_record, im);
    if (e != ERR_OK)
        log_warning(im->cm->log, "Could not read block file %s: %s", path, err_text(e));
    else
        log_info(im->cm->log, "Loaded %llu blocks from external file in %lldms",
                 (unsigned long long)(im->n_loaded - before),
                 (long long)(clock_steady_us() - begin) / 1000);
}

/* Pruning leaves gaps, and what lies behind one cannot be connected: it is fetched
 * again. */
static void remove_behind_gap(struct chainman *cm)
{
    int32_t n = 0;
    while (block_files_exist(cm->files, n))
        n++;
    block_files_remove_from(cm->files, n);
}

static void reindex_files(struct import *im)
{
    struct chainman *cm = im->cm;
    if (cm->opt.prune_target > 0)
        remove_behind_gap(cm);
    for (im->file = 0; block_files_exist(cm->files, im->file) && !chainman_stopping(cm);
         im->file++) {
        char *path = block_file_path(cm->files, im->file, false);
        log_info(cm->log, "Reindexing block file blk%05u.dat...", (unsigned)im->file);
        import_file(im, path, block_files_key(cm->files));
        free(path);
    }
}

static void reindex(struct import *im)
{
    struct chainman *cm = im->cm;
    reindex_files(im);
    if (chainman_stopping(cm))
        return;
    if (!genesis_store(cm) || !flush_chain(cm, FLUSH_ALWAYS))
        return;
    enum err e = block_db_set_flag(cm->index, BLOCK_DB_REINDEXING, false);
    if (e != ERR_OK) {
        chainman_fatal_err(cm, "Failed to write to block index database", e);
        return;
    }
    log_info(cm->log, "Reindexing finished");
}

static void load_external(struct import *im)
{
    im->file = -1;
    const char *const *path = im->cm->opt.load_blocks;
    for (; path && *path && !chainman_stopping(im->cm); path++) {
        log_info(im->cm->log, "Importing blocks file %s...", *path);
        struct block_xor key = block_xor_guess(*path, im->cm->params->magic);
        import_file(im, *path, &key);
    }
}

void import_run(void *arg)
{
    struct chainman *cm = arg;
    struct import im = {.cm = cm};
    map_init(&im.by_parent, sizeof(struct hash256), sizeof(uint32_t));
    if (block_db_flag(cm->index, BLOCK_DB_REINDEXING))
        reindex(&im);
    load_external(&im);
    map_clear(&im.by_parent);
    free(im.orphans);
    if (!chainman_stopping(cm))
        chainman_activate_best(cm);
    cm->importing = false;
}

void chainman_start_import(struct chainman *cm)
{
    cm->importing = true;
    if (!chainman_post(cm, import_run, cm))
        cm->importing = false;
}

bool chainman_importing(const struct chainman *cm)
{
    return cm->importing;
}
