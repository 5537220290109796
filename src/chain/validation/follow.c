/* The indexes (-txindex, -blockfilterindex) follow the active chain: along with each
 * block when they are up to date, else in small steps between other jobs. */
#include <stdio.h>

#include "chain/store/filter_index.h"
#include "chain/store/txindex.h"
#include "chain/validation/internal.h"

#define STEP_US 50000 /* of catching up, before other jobs get their turn */

/* -- What each index does ------------------------------------------------- */

static enum err add_txs(struct chainman *cm, const struct block *b,
                        const struct block_index *bi)
{
    struct filepos pos = {bi->file, bi->data_pos};
    return txindex_add(cm->txindex, b, &pos);
}

static enum err add_filter(struct chainman *cm, const struct block *b,
                           const struct block_index *bi)
{
    struct block_undo undo;
    struct arena mem;
    if (!bi->prev)
        return filter_index_add(cm->filters, b, NULL);
    arena_init(&mem, 64 << 10);
    enum err e = chainman_read_undo(cm, &undo, bi, &mem);
    if (e == ERR_OK)
        e = filter_index_add(cm->filters, b, &undo);
    arena_clear(&mem);
    return e;
}

static struct hash256 best_txs(const struct chainman *cm)
{
    return txindex_best(cm->txindex);
}

static struct hash256 best_filter(const struct chainman *cm)
{
    return filter_index_best(cm->filters);
}

static enum err rewind_txs(struct chainman *cm, const struct hash256 *best)
{
    return txindex_rewind(cm->txindex, best);
}

static enum err rewind_filter(struct chainman *cm, const struct hash256 *best)
{
    return filter_index_rewind(cm->filters, best);
}

static bool has_txs(const struct chainman *cm)
{
    return cm->txindex != NULL;
}

static bool has_filters(const struct chainman *cm)
{
    return cm->filters != NULL;
}

static const struct follower {
    const char *name; /* as getindexinfo has it */
    bool (*on)(const struct chainman *cm);
    struct hash256 (*best)(const struct chainman *cm);
    enum err (*add)(struct chainman *cm, const struct block *b,
                    const struct block_index *bi);
    enum err (*rewind)(struct chainman *cm, const struct hash256 *best);
} followers[] = {
    {"txindex", has_txs, best_txs, add_txs, rewind_txs},
    {"basic block filter index", has_filters, best_filter, add_filter, rewind_filter},
};

static bool follow_failed(struct chainman *cm, const struct follower *f, enum err e)
{
    char what[64];
    snprintf(what, sizeof(what), "Failed to write to %s", f->name);
    return e == ERR_OK || chainman_fatal_err(cm, what, e);
}

/* The block the index stands at: NULL when it begins, or when the chain does not
 * know it. */
static struct block_index *index_tip(const struct chainman *cm,
                                     const struct follower *f)
{
    struct hash256 best = f->best(cm);
    return hash256_is_zero(&best) ? NULL : block_tree_find(cm, &best);
}

/* -- Along with the chain ------------------------------------------------- */

bool follow_connected(struct chainman *cm, const struct block *b,
                      const struct block_index *bi)
{
    for (const struct follower *f = followers; f < followers + ARRAY_LEN(followers);
         f++)
        if (f->on(cm) && index_tip(cm, f) == bi->prev &&
            !follow_failed(cm, f, f->add(cm, b, bi)))
            return false;
    return true;
}

bool follow_disconnected(struct chainman *cm, const struct block_index *bi)
{
    for (const struct follower *f = followers; f < followers + ARRAY_LEN(followers);
         f++)
        if (f->on(cm) && index_tip(cm, f) == bi &&
            !follow_failed(cm, f, f->rewind(cm, &bi->prev->hash)))
            return false;
    return true;
}

/* -- Catching up ---------------------------------------------------------- */

/* The first block of the active chain above the index's own; NULL: it is up to date. */
static struct block_index *next_of(const struct chainman *cm, const struct follower *f)
{
    struct block_index *at = index_tip(cm, f);
    const struct block_index *fork = at ? chain_fork_point(cm, at) : NULL;
    return fork ? chain_next(cm, fork) : chain_at(cm, 0);
}

/* Indexes one block. False: nothing to do. */
static bool follow_step(struct chainman *cm, const struct follower *f)
{
    struct block_index *next = next_of(cm, f);
    struct block *b;
    if (!next || !(next->status & BLOCK_HAVE_DATA))
        return false;
    enum err e = chainman_read_block(cm, &b, next);
    if (e == ERR_OK) {
        e = f->add(cm, b, next);
        block_unref(b);
    }
    return follow_failed(cm, f, e);
}

static void follow_run(void *arg)
{
    struct chainman *cm = arg;
    int64_t until = clock_steady_us() + STEP_US;
    bool more = true;
    while (more && clock_steady_us() < until && !chainman_stopping(cm)) {
        more = false;
        for (size_t i = 0; i < ARRAY_LEN(followers); i++)
            more |= followers[i].on(cm) && follow_step(cm, &followers[i]);
    }
    if (more && !chainman_stopping(cm))
        chainman_post(cm, follow_run, cm);
}

void follow_start(struct chainman *cm)
{
    for (size_t i = 0; i < ARRAY_LEN(followers); i++)
        if (followers[i].on(cm)) {
            chainman_post(cm, follow_run, cm);
            return;
        }
}

enum err follow_check(struct chainman *cm, char **error)
{
    for (const struct follower *f = followers; f < followers + ARRAY_LEN(followers);
         f++) {
        const struct block_index *next = f->on(cm) ? next_of(cm, f) : NULL;
        if (!next || !cm->have_pruned || next->status & BLOCK_HAVE_DATA)
            continue;
        *error = xasprintf("%s best block of the index goes beyond pruned data. Please "
                           "disable the index or reindex (which will download the "
                           "whole blockchain again)",
                           f->name);
        return ERR_NOT_FOUND;
    }
    return ERR_OK;
}

size_t chainman_indexes(const struct chainman *cm, struct index_status *out)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(followers); i++) {
        const struct block_index *at;
        if (!followers[i].on(cm))
            continue;
        at = index_tip(cm, &followers[i]);
        out[n++] = (struct index_status){.name = followers[i].name,
                                         .synced = at != NULL && at == chain_tip(cm),
                                         .height = at ? at->height : 0};
    }
    return n;
}
