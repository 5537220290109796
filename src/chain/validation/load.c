/* Opening and closing: databases, the tree of blocks, the place where the chain
 * stands. */
#include <stdlib.h>

#include "chain/script/sigcache.h"
#include "chain/store/index_db.h"
#include "chain/validation/internal.h"
#include "util/fs.h"

#define SCRIPT_QUEUE_ITEMS 4096

static void say(const struct chainman *cm, const char *text)
{
    if (cm->opt.init_message)
        cm->opt.init_message(cm->opt.init_ctx, text);
}

/* -- Databases -- */

static enum err open_block_files(struct chainman *cm, char **error)
{
    struct block_files_options opt = {
        .dir = cm->opt.blocksdir,
        .small_files = cm->opt.small_block_files,
        .min_free_bytes = MIN_FREE_BYTES,
        .log = cm->log,
    };
    memcpy(opt.magic, cm->params->magic, sizeof(opt.magic));
    enum err e = fs_mkdirs(opt.dir, 0700);
    if (e == ERR_OK)
        e = block_xor_open(&opt.key, opt.dir, cm->opt.blocks_xor, cm->log, error);
    if (e == ERR_OK)
        e = block_files_open(&cm->files, &opt);
    if (e != ERR_OK && !*error)
        *error =
            xasprintf("Cannot use the blocks directory %s: %s", opt.dir, err_text(e));
    return e;
}

static enum err open_index(struct chainman *cm, char **error)
{
    char *blocks = path_join(cm->opt.datadir, "blocks");
    char *dir = path_join(blocks, "index");
    enum err e = fs_mkdirs(blocks, 0700);
    if (e == ERR_OK)
        e = block_db_open(&cm->index, dir, INDEX_CACHE, cm->opt.reindex, cm->log,
                          error);
    else
        *error = xasprintf("Cannot create %s: %s", blocks, err_text(e));
    if (e == ERR_OK && cm->opt.reindex) {
        e = block_db_set_flag(cm->index, BLOCK_DB_REINDEXING, true);
        if (e != ERR_OK)
            *error = xasprintf("Cannot write to %s: %s", dir, err_text(e));
    }
    free(dir);
    free(blocks);
    return e;
}

/* -- Tree -- */

struct records {
    struct block_record *v; /* owned */
    size_t n, cap;
};

static bool collect_record(void *ctx, const struct block_record *rec)
{
    struct records *r = ctx;
    if (r->n == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 1024;
        r->v = xrealloc_array(r->v, r->cap, sizeof(*r->v));
    }
    r->v[r->n++] = *rec;
    return true;
}

static int by_height(const void *a, const void *b)
{
    const struct block_record *x = a, *y = b;
    return (x->height > y->height) - (x->height < y->height);
}

/* False: the parent is missing or the height is not one above it. */
static bool insert_record(struct chainman *cm, const struct block_record *rec)
{
    struct block_index *prev = block_tree_find(cm, &rec->header.prev);
    if (rec->height > 0 ? !prev || prev->height + 1 != rec->height : prev != NULL)
        return false;
    struct block_index *bi = block_tree_insert(cm, &rec->header, &rec->hash, prev);
    if (cm->snapshot && hash256_equal(&rec->hash, &cm->snapshot->block))
        bi->chain_tx = cm->snapshot->chain_tx;
    bi->status = rec->status;
    bi->n_tx = rec->n_tx;
    bi->file = rec->file;
    bi->data_pos = rec->data_pos;
    bi->undo_pos = rec->undo_pos;
    block_tree_link_loaded(cm, bi);
    return true;
}

static enum err load_tree(struct chainman *cm)
{
    struct records r = {0};
    enum err e = block_db_load(cm->index, collect_record, &r);
    if (r.n > 0)
        qsort(r.v, r.n, sizeof(*r.v), by_height);
    map_reserve(&cm->by_hash, r.n);
    for (size_t i = 0; e == ERR_OK && i < r.n; i++)
        if (!insert_record(cm, &r.v[i]))
            e = ERR_CORRUPT;
    free(r.v);
    cm->best_header = NULL;
    block_tree_find_best_header(cm);
    return e;
}

static bool check_files_present(struct chainman *cm, char **error)
{
    for (int32_t i = 0; i < block_files_count(cm->files); i++) {
        if (block_files_info(cm->files, i).size == 0 || block_files_exist(cm->files, i))
            continue;
        char *path = block_file_path(cm->files, i, false);
        *error = xasprintf(
            "Error loading block database: %s is missing. Restore it, or restart with "
            "-reindex",
            path);
        free(path);
        return false;
    }
    return true;
}

/* Files that were forgotten when the node stopped before it had deleted them. */
static void remove_pruned(struct chainman *cm)
{
    int32_t n = block_files_count(cm->files) - 1;
    for (int32_t i = 0; cm->have_pruned && i < n; i++)
        if (block_files_info(cm->files, i).size == 0 && block_files_exist(cm->files, i))
            block_files_remove(cm->files, i);
}

static enum err load_index(struct chainman *cm, char **error)
{
    say(cm, "Loading block index…");
    enum err e = load_tree(cm);
    if (e == ERR_OK)
        e = block_db_load_files(cm->index, cm->files);
    if (e != ERR_OK) {
        *error =
            xasprintf("Error loading block database: %s. Please restart with -reindex "
                      "to recover",
                      err_text(e));
        return e;
    }
    if (!check_files_present(cm, error))
        return ERR_CORRUPT;
    cm->have_pruned = block_db_flag(cm->index, BLOCK_DB_PRUNED);
    if (cm->have_pruned && cm->opt.prune_target == 0) {
        *error =
            xstrdup("You need to rebuild the database using -reindex to go back to "
                    "unpruned mode.  This will redownload the entire blockchain");
        return ERR_RANGE;
    }
    remove_pruned(cm);
    if (cm->from_snapshot)
        block_files_split(cm->files, (uint32_t)cm->snapshot->height);
    return ERR_OK;
}

static struct block_index *genesis_entry(struct chainman *cm)
{
    return block_tree_find(cm, &cm->params->genesis_hash);
}

bool genesis_store(struct chainman *cm)
{
    struct block_index *bi = genesis_entry(cm);
    if (bi->n_tx > 0) /* stored once; pruned perhaps */
        return true;
    struct block *b = chain_params_genesis(cm->params);
    struct filepos pos;
    enum err e = block_files_write(cm->files, &pos, b, 0);
    if (e == ERR_OK) {
        chainman_write_lock(cm);
        block_tree_have_data(cm, bi, b->n_tx, &pos);
        chainman_write_unlock(cm);
    }
    block_unref(b);
    return e == ERR_OK || chainman_fatal_err(cm, "Failed to write genesis block", e);
}

static enum err load_genesis(struct chainman *cm, char **error)
{
    if (block_tree_size(cm) > 0 && !genesis_entry(cm)) {
        *error =
            xstrdup("Incorrect or no genesis block found. Wrong datadir for network?");
        return ERR_CORRUPT;
    }
    block_tree_insert(cm, &cm->params->genesis, &cm->params->genesis_hash, NULL);
    block_tree_mark_dirty(cm, genesis_entry(cm));
    if (block_db_flag(cm->index, BLOCK_DB_REINDEXING) || genesis_store(cm))
        return ERR_OK;
    *error = xasprintf("Cannot write the genesis block to %s", cm->opt.blocksdir);
    return ERR_IO;
}

/* A chainstate's chain is the one that its coins stand at. */
static enum err load_tip(struct chainstate *cs, char **error)
{
    struct chainman *cm = cs->cm;
    enum err e = replay_blocks(cs, error);
    if (e != ERR_OK)
        return e;
    struct hash256 best = coins_best_block(cs->coins);
    if (hash256_is_zero(&best)) {
        best = cm->params->genesis_hash;
        coins_set_best_block(cs->coins, &best);
    }
    struct block_index *tip = block_tree_find(cm, &best);
    if (!tip || tip->status & BLOCK_FAILED_MASK) {
        *error =
            xstrdup("The chain state stands at a block that the block index does not "
                    "have. Please restart with -reindex-chainstate or -reindex to "
                    "recover");
        return ERR_CORRUPT;
    }
    chainstate_set_tip(cs, tip);
    return ERR_OK;
}

/* Where the snapshot that the active chainstate was made from begins. */
static enum err load_base(struct chainman *cm, char **error)
{
    if (!cm->background)
        return ERR_OK;
    cm->active->base = block_tree_find(cm, &cm->snapshot->block);
    if (cm->active->base)
        return ERR_OK;
    *error = xstrdup("The block index does not have the block of the UTXO snapshot. "
                     "Please restart with -reindex-chainstate or -reindex to recover");
    return ERR_CORRUPT;
}

static enum err load_tips(struct chainman *cm, char **error)
{
    struct chainstates all = chainstates_of(cm);
    enum err e = load_base(cm, error);
    for (struct chainstate **cs = all.v; *cs && e == ERR_OK; cs++)
        e = load_tip(*cs, error);
    if (e != ERR_OK)
        return e;
    for (int32_t i = 0; i <= chain_height(cm); i++)
        chain_at(cm, i)->sequence = 0;
    for (struct chainstate **cs = all.v; *cs; cs++) {
        candidates_refill(*cs);
        candidates_prune(*cs);
    }
    block_tree_find_best_header(cm);
    tip_announce(cm);
    return ERR_OK;
}

#define PLEASE_REINDEX "Please restart with -reindex or -reindex-chainstate to recover."

static enum err verify_loaded(struct chainman *cm, char **error)
{
    if (chain_height(cm) == 0 || cm->opt.check_blocks < 0)
        return ERR_OK;
    if (chain_tip(cm)->time > clock_now(cm->opt.clock) + MAX_FUTURE_BLOCK_TIME) {
        *error = xstrdup(
            "The block database contains a block which appears to be from the "
            "future. This may be due to your computer's date and time being set "
            "incorrectly. Only rebuild the block database if you are sure that "
            "your computer's date and time are correct.\n" PLEASE_REINDEX);
        return ERR_RANGE;
    }
    say(cm, "Verifying blocks…");
    struct chainstates all = chainstates_of(cm);
    bool sound = true;
    for (struct chainstate **cs = all.v; *cs && sound; cs++)
        sound = verify_chain(*cs, cm->opt.check_level, cm->opt.check_blocks) !=
                VERIFY_DAMAGED;
    if (sound)
        return ERR_OK;
    *error = xstrdup("Corrupted block database detected.\n" PLEASE_REINDEX);
    return ERR_CORRUPT;
}

/* -- Life cycle -- */

static enum err open_chainstates(struct chainman *cm, char **error)
{
    bool wipe = cm->opt.reindex || cm->opt.reindex_chainstate;
    enum err e = snapshot_dir_settle(cm, error);
    if (e == ERR_OK)
        e = chainstate_open(&cm->active, cm, CHAINSTATE_DIR, wipe, error);
    if (e == ERR_OK && cm->from_snapshot) {
        cm->background = cm->active;
        e = chainstate_open(&cm->active, cm, SNAPSHOT_DIR, false, error);
    }
    struct chainstates all = chainstates_of(cm);
    for (struct chainstate **cs = all.v; *cs && e == ERR_OK; cs++)
        chainstate_attach(*cs);
    if (cm->background && e == ERR_OK)
        chainstates_share_cache(cm);
    return e;
}

static void compact(struct chainman *cm, struct db *db)
{
    log_info(cm->log, "Starting database compaction of %s", db_path(db));
    db_compact(db);
    log_info(cm->log, "Finished database compaction of %s", db_path(db));
}

static void compact_all(struct chainman *cm)
{
    if (!cm->opt.compact)
        return;
    say(cm, "Compacting databases…");
    compact(cm, cm->active->db);
    if (cm->background)
        compact(cm, cm->background->db);
    compact(cm, block_db_database(cm->index));
    for (size_t i = 0; i < MAX_INDEXES; i++) {
        const struct index_db *base = index_kinds[i].base(&cm->indexes);
        if (base)
            compact(cm, base->db);
    }
}

static enum err open_all(struct chainman *cm, char **error)
{
    enum err e = open_block_files(cm, error);
    /* With -reindex the chain state goes first: killed in between, the next start
     * finds an index with an empty chain state and connects its blocks. The other
     * way round it could not open. */
    if (e == ERR_OK)
        e = open_chainstates(cm, error);
    if (e == ERR_OK)
        e = open_index(cm, error);
    if (e == ERR_OK)
        e = load_index(cm, error);
    if (e == ERR_OK)
        e = load_genesis(cm, error);
    if (e == ERR_OK)
        e = load_tips(cm, error);
    if (e == ERR_OK)
        e = indexes_open(cm, error);
    if (e == ERR_OK)
        e = follow_check(cm, error);
    if (e == ERR_OK)
        e = verify_loaded(cm, error);
    if (e == ERR_OK)
        compact_all(cm);
    return e;
}

static void free_all(struct chainman *cm)
{
    chainstate_free(cm->active);
    chainstate_free(cm->background);
    chainstate_free(cm->retired);
    snapshot_dir_close(cm);
    check_queue_free(cm->scripts);
    sigcache_free(cm->sigcache);
    versionbits_clear(&cm->versionbits);
    indexes_close(cm);
    block_db_close(cm->index);
    block_files_close(cm->files);
    block_tree_clear(cm);
    thread_clear(cm);
    free(cm);
}

enum err chainman_open(struct chainman **out, const struct chainman_options *opt,
                       char **error)
{
    struct chainman *cm = xcalloc(1, sizeof(*cm));
    cm->opt = *opt;
    cm->params = opt->params;
    cm->log = opt->log;
    cm->ibd = true;
    cm->next_flush_us = clock_steady_us() + INT64_C(3600) * 1000000;
    thread_init(cm);
    block_tree_init(cm);
    versionbits_init(&cm->versionbits, cm->params);
    cm->sigcache = sigcache_new(opt->sigcache_bytes);
    cm->scripts = check_queue_new(opt->workers, sizeof(struct script_check),
                                  SCRIPT_QUEUE_ITEMS, script_check_run, NULL);
    enum err e = open_all(cm, error);
    if (e == ERR_OK && !thread_start(cm)) {
        e = ERR_FULL;
        *error = xstrdup("Cannot start the validation thread");
    }
    if (e != ERR_OK) {
        free_all(cm);
        return e;
    }
    follow_start(cm);
    *out = cm;
    return ERR_OK;
}

void chainman_close(struct chainman *cm)
{
    if (!cm)
        return;
    thread_stop(cm);
    background_stop(cm);
    if (!cm->fatal)
        flush_chain(cm, FLUSH_CLOSING);
    free_all(cm);
}

/* -- Reading -- */

const struct chain_params *chainman_params(const struct chainman *cm)
{
    return cm->params;
}

struct coins_cache *chainman_coins(const struct chainman *cm)
{
    return cm->active->coins;
}

struct state *chainman_state(const struct chainman *cm)
{
    return cm->active->state;
}

struct block_files *chainman_files(const struct chainman *cm)
{
    return cm->files;
}

struct pool *chainman_workers(const struct chainman *cm)
{
    return cm->opt.workers;
}

struct sigcache *chainman_sigcache(const struct chainman *cm)
{
    return cm->sigcache;
}

struct versionbits *chainman_versionbits(const struct chainman *cm)
{
    return (struct versionbits *)&cm->versionbits;
}

const struct histogram *chainman_connect_times(const struct chainman *cm)
{
    return &cm->connect_times;
}

void chainman_set_mempool(struct chainman *cm, const struct mempool_link *link)
{
    cm->mempool = *link;
}

enum err chainman_read_block(struct chainman *cm, struct block **out,
                             const struct block_index *bi)
{
    struct filepos pos = {bi->file, bi->data_pos};
    if (!(bi->status & BLOCK_HAVE_DATA))
        return ERR_NOT_FOUND;
    enum err e = block_files_read(cm->files, out, &pos);
    if (e == ERR_OK && !hash256_equal(&(*out)->hash, &bi->hash)) {
        block_unref(*out);
        *out = NULL;
        e = ERR_CORRUPT;
    }
    return e;
}

enum err chainman_read_undo(struct chainman *cm, struct block_undo *out,
                            const struct block_index *bi, struct arena *mem)
{
    struct filepos pos = {bi->file, bi->undo_pos};
    if (!(bi->status & BLOCK_HAVE_UNDO) || !bi->prev)
        return ERR_NOT_FOUND;
    struct buf data = {0};
    struct reader r;
    enum err e = undo_files_read(cm->files, &data, &pos, &bi->prev->hash);
    reader_init(&r, data.data, data.len);
    if (e == ERR_OK && !block_undo_read(out, &r, mem))
        e = ERR_CORRUPT;
    buf_clear(&data);
    return e;
}
