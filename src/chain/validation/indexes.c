/* The optional indexes: what switches each on, where it lives, what it takes from a
 * block. */
#include <stdlib.h>

#include "chain/store/coinstats_index.h"
#include "chain/store/filter_index.h"
#include "chain/store/txindex.h"
#include "chain/validation/internal.h"

/* -- Opening -------------------------------------------------------------- */

/* Makes <datadir>/@parent and names the index's own directory in it. */
static enum err index_dir(struct chainman *cm, char **dir, const char *parent,
                          const char *name, char **error)
{
    char *indexes = path_join(cm->opt.datadir, parent);
    enum err e = fs_mkdirs(indexes, 0700);
    if (e == ERR_OK)
        *dir = path_join(indexes, name);
    else
        *error = xasprintf("Cannot create %s: %s", indexes, err_text(e));
    free(indexes);
    return e;
}

static enum err open_txs(struct chainman *cm, const char *dir, char **error)
{
    return txindex_open(&cm->indexes.txs, dir, INDEX_CACHE, cm->opt.reindex, cm->log,
                        error);
}

static enum err open_filters(struct chainman *cm, const char *dir, char **error)
{
    return filter_index_open(&cm->indexes.filters, dir, INDEX_CACHE, cm->opt.reindex,
                             cm->log, error);
}

static enum err open_stats(struct chainman *cm, const char *dir, char **error)
{
    return coinstats_index_open(&cm->indexes.stats, dir, INDEX_CACHE, cm->opt.reindex,
                                cm->log, error);
}

enum err indexes_open(struct chainman *cm, char **error)
{
    const struct {
        bool on;
        const char *parent, *name;
        enum err (*open)(struct chainman *cm, const char *dir, char **error);
    } places[] = {
        {cm->opt.txindex, "indexes", "txindex", open_txs},
        {cm->opt.filter_index, "indexes/blockfilter", "basic", open_filters},
        {cm->opt.coinstats_index, "indexes/coinstats", "db", open_stats},
    };
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(places); i++) {
        char *dir = NULL;
        if (!places[i].on)
            continue;
        e = index_dir(cm, &dir, places[i].parent, places[i].name, error);
        if (e == ERR_OK)
            e = places[i].open(cm, dir, error);
        free(dir);
    }
    return e;
}

void indexes_close(struct chainman *cm)
{
    txindex_close(cm->indexes.txs);
    filter_index_close(cm->indexes.filters);
    coinstats_index_close(cm->indexes.stats);
}

/* -- Taking a block ------------------------------------------------------- */

/* *out is NULL for the genesis block, which has none. */
static enum err undo_of(struct indexed_block *ib, const struct block_undo **out)
{
    enum err e = ERR_OK;
    *out = NULL;
    if (!ib->bi->prev)
        return ERR_OK;
    if (!ib->has_undo)
        e = chainman_read_undo(ib->cm, &ib->undo, ib->bi, &ib->mem);
    ib->has_undo = e == ERR_OK;
    *out = &ib->undo;
    return e;
}

static enum err add_txs(struct indexes *x, struct indexed_block *ib)
{
    struct filepos pos = {ib->bi->file, ib->bi->data_pos};
    return txindex_add(x->txs, ib->b, &pos);
}

static enum err add_filter(struct indexes *x, struct indexed_block *ib)
{
    const struct block_undo *undo;
    enum err e = undo_of(ib, &undo);
    return e == ERR_OK ? filter_index_add(x->filters, ib->b, undo) : e;
}

static enum err add_stats(struct indexes *x, struct indexed_block *ib)
{
    const struct block_undo *undo;
    int32_t height = ib->bi->height;
    enum err e = undo_of(ib, &undo);
    if (e != ERR_OK)
        return e;
    return coinstats_index_add(x->stats, ib->b, undo, (uint32_t)height,
                               block_subsidy(ib->cm->params, height),
                               ib->cm->opt.workers);
}

static struct index_db *base_of_txs(const struct indexes *x)
{
    return x->txs ? txindex_base(x->txs) : NULL;
}

static struct index_db *base_of_filters(const struct indexes *x)
{
    return x->filters ? filter_index_base(x->filters) : NULL;
}

static struct index_db *base_of_stats(const struct indexes *x)
{
    return x->stats ? coinstats_index_base(x->stats) : NULL;
}

const struct index_kind index_kinds[MAX_INDEXES] = {
    {"txindex", base_of_txs, add_txs},
    {"coinstatsindex", base_of_stats, add_stats},
    {"basic block filter index", base_of_filters, add_filter},
};

/* -- Who asks ------------------------------------------------------------- */

struct txindex *chainman_txindex(const struct chainman *cm)
{
    return cm->indexes.txs;
}

struct filter_index *chainman_filters(const struct chainman *cm)
{
    return cm->indexes.filters;
}

struct coinstats_index *chainman_coinstats(const struct chainman *cm)
{
    return cm->indexes.stats;
}
