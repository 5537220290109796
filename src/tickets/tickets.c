#include "tickets/tickets.h"

#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/store/undo.h"
#include "tickets/committee.h"
#include "tickets/index.h"
#include "tickets/pastelid.h"
#include "tickets/rules.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/rand.h"

#define SIGCACHE_BYTES  (8u << 20) /* signatures of some thirty full blocks */
#define MIN_INDEX_CACHE (1u << 20)
#define STEP_US         50000 /* of catching up, before other jobs get their turn */

struct tickets {
    struct tickets_options opt; /* datadir owned */
    struct consensus_hooks hooks;
    struct ticket_rules rules;
    struct pastelid_store *pastelids;
    struct ticket_index *index; /* NULL before attach */
    struct chainman *cm;
};

static bool has_tickets(const struct tickets *t)
{
    return t->opt.params->tickets_height != TICKETS_NEVER;
}

struct tickets *tickets_new(const struct tickets_options *opt)
{
    struct tickets *t = xcalloc(1, sizeof(*t));
    t->opt = *opt;
    t->opt.datadir = xstrdup(opt->datadir);
    t->pastelids = pastelid_store_new(opt->datadir, opt->kdf_memory);
    if (has_tickets(t)) {
        t->rules.cache = sigcache_new(SIGCACHE_BYTES);
        rand_bytes(t->rules.salt, sizeof(t->rules.salt));
        t->rules.supernodes = opt->supernodes;
        ticket_rules_hooks(&t->hooks, &t->rules);
    }
    return t;
}

void tickets_free(struct tickets *t)
{
    if (t == NULL)
        return;
    if (t->index != NULL && ticket_index_sync(t->index) != ERR_OK)
        log_warning(t->opt.log, "The ticket index was not saved; it will catch up");
    ticket_index_close(t->index);
    pastelid_store_free(t->pastelids);
    sigcache_free(t->rules.cache);
    free((char *)t->opt.datadir);
    free(t);
}

const struct consensus_hooks *tickets_hooks(struct tickets *t)
{
    return has_tickets(t) ? &t->hooks : NULL;
}

struct ticket_index *tickets_index(struct tickets *t)
{
    return t->index;
}

struct pastelid_store *tickets_pastelids(struct tickets *t)
{
    return t->pastelids;
}

/* --- the index follows the chain --- */

static void stop(struct tickets *t, const char *sentence)
{
    log_error(t->opt.log, "%s", sentence);
    if (t->opt.request_stop != NULL)
        t->opt.request_stop(t->opt.stop_ctx, sentence);
}

static void on_db_error(void *ctx, enum err e, const char *message)
{
    struct tickets *t = ctx;
    char *sentence = xasprintf(
        "%s. %s", message,
        e == ERR_CORRUPT ? "Remove that directory and restart: it is built anew"
                         : "Check the disk, then restart");
    if (t->index != NULL) /* while it opens, the caller deals with it */
        stop(t, sentence);
    free(sentence);
}

/* What is damaged is built anew: blocks hold everything that stands in the index. */
static enum err open_index(struct tickets *t, char **error)
{
    size_t cache = t->opt.index_cache_bytes > MIN_INDEX_CACHE ? t->opt.index_cache_bytes
                                                              : MIN_INDEX_CACHE;
    enum err e = ticket_index_open(&t->index, t->opt.datadir, cache, t->opt.reindex,
                                   on_db_error, t, error);
    if (e != ERR_CORRUPT)
        return e;
    log_warning(t->opt.log,
                "%s/indexes/tickets is damaged; it is built anew from the blocks",
                t->opt.datadir);
    free(*error);
    return ticket_index_open(&t->index, t->opt.datadir, cache, true, on_db_error, t,
                             error);
}

/* A block whose state is long gone: nobody was there to be paid if the coinbase did
 * not take the share. */
static enum err share_untaken(struct tickets *t, const struct block *b,
                              const struct block_index *bi, bool *untaken)
{
    struct amount subsidy = block_subsidy(t->opt.params, bi->height);
    struct block_undo undo;
    struct arena mem;
    int64_t fees = 0;
    arena_init(&mem, 64 << 10);
    enum err e = chainman_read_undo(t->cm, &undo, bi, &mem);
    for (uint32_t i = 0; e == ERR_OK && i < undo.n_tx; i++) {
        for (uint32_t k = 0; k < undo.txs[i].n; k++)
            fees += undo.txs[i].coins[k].value.v;
        fees -= tx_value_out(&b->txs[i + 1]).v;
    }
    arena_clear(&mem);
    *untaken = tx_value_out(&b->txs[0]).v - fees <= subsidy_without_share(subsidy).v;
    return e;
}

/* The share of the block's subsidy that was not created. The committee of the block
 * below has all who could be paid; it is kept for a while. */
static enum err withheld(struct tickets *t, const struct block *b,
                         const struct block_index *bi, struct amount *out)
{
    struct committee below = {.n = 0};
    bool nobody = true;
    enum err e = ERR_OK;
    *out = amount_of(0);
    if (!tickets_active_at(t->opt.params, bi->height))
        return ERR_OK;
    struct state_txn *st = state_begin(chainman_state(t->cm));
    if (committee_get(st, (uint32_t)bi->height - 1, &below))
        nobody = below.n == 0;
    else if ((uint32_t)bi->height > t->opt.params->tickets_height)
        e = share_untaken(t, b, bi, &nobody);
    state_discard(st);
    committee_clear(&below);
    if (nobody)
        *out = supernode_share(block_subsidy(t->opt.params, bi->height));
    return e;
}

static enum err index_block(struct tickets *t, const struct block *b,
                            const struct block_index *bi)
{
    struct amount share;
    enum err e = withheld(t, b, bi, &share);
    return e == ERR_OK ? ticket_index_connect(t->index, b, bi->height, share) : e;
}

/* Indexes one block of the active chain. */
static enum err add_block(struct tickets *t, const struct block_index *bi)
{
    struct block *b;
    enum err e = chainman_read_block(t->cm, &b, bi);
    if (e != ERR_OK)
        return e;
    e = index_block(t, b, bi);
    block_unref(b);
    return e;
}

/* The last block that index and active chain share; NULL: none, the index is to begin
 * anew. */
static struct block_index *shared_block(struct tickets *t)
{
    struct hash256 hash;
    int32_t height;
    ticket_index_best(t->index, &hash, &height);
    struct block_index *bi = height >= 0 ? block_tree_find(t->cm, &hash) : NULL;
    return bi != NULL ? chain_fork_point(t->cm, bi) : NULL;
}

/* Behind a UTXO snapshot blocks may not have come yet; they will, in order. */
static bool is_to_come(const struct tickets *t, const struct block_index *bi)
{
    const struct block_index *base = chainman_snapshot_base(t->cm);
    return base != NULL && bi->height <= base->height &&
           !(bi->status & BLOCK_HAVE_UNDO);
}

/* From wherever the index stands towards the tip, until the clock says @until (0: all
 * the way); *height is where it stopped, *done that there is no more. */
static enum err catch_up(struct tickets *t, int64_t until, int32_t *height, bool *done)
{
    struct block_index *at = shared_block(t);
    if (at == NULL)
        at = chain_at(t->cm, 0);
    *height = at->height;
    enum err e = ticket_index_rewind(t->index, at->height, &at->hash);
    for (;;) {
        at = chain_next(t->cm, at);
        *done = at == NULL || is_to_come(t, at);
        if (*done || e != ERR_OK || (until != 0 && clock_steady_us() >= until))
            return e;
        *height = at->height;
        e = add_block(t, at);
    }
}

static void on_connected(void *ctx, const struct block *b, const struct block_index *bi)
{
    struct tickets *t = ctx;
    struct hash256 best;
    int32_t height;
    ticket_index_best(t->index, &best, &height);
    if (bi->prev == NULL || !hash256_equal(&bi->prev->hash, &best))
        return;                   /* an earlier failure is being dealt with */
    (void)!index_block(t, b, bi); /* on_db_error stops the node */
}

static void on_disconnected(void *ctx, const struct block *b,
                            const struct block_index *bi)
{
    struct tickets *t = ctx;
    struct hash256 best;
    int32_t height;
    (void)b;
    ticket_index_best(t->index, &best, &height);
    if (bi->prev != NULL && hash256_equal(&bi->hash, &best))
        (void)!ticket_index_rewind(t->index, bi->prev->height, &bi->prev->hash);
}

static char *catch_up_error(enum err e, int32_t height)
{
    const char *cause = e == ERR_NOT_FOUND ? "its data was pruned" : err_text(e);
    return xasprintf(
        "The ticket index cannot read block %d: %s. Restart with -reindex to "
        "rebuild it",
        (int)height, cause);
}

/* The history is complete: what was built on the snapshot follows, in steps. */
static void go_on(void *arg)
{
    struct tickets *t = arg;
    int32_t height;
    bool done = false;
    enum err e = catch_up(t, clock_steady_us() + STEP_US, &height, &done);
    if (e != ERR_OK) {
        char *sentence = catch_up_error(e, height);
        stop(t, sentence);
        free(sentence);
    } else if (!done) {
        chainman_post(t->cm, go_on, t);
    }
}

static void on_snapshot(void *ctx, const struct block_index *base UNUSED,
                        bool validated)
{
    struct tickets *t = ctx;
    if (validated)
        chainman_post(t->cm, go_on, t);
}

enum err tickets_attach(struct tickets *t, struct chainman *cm, char **error)
{
    int32_t height;
    bool done;
    *error = NULL;
    if (!has_tickets(t))
        return ERR_OK;
    t->cm = cm;
    enum err e = open_index(t, error);
    if (e != ERR_OK)
        return e;
    e = catch_up(t, 0, &height, &done);
    if (e != ERR_OK) {
        *error = catch_up_error(e, height);
        return e;
    }
    chainman_subscribe(cm,
                       &(struct chain_events){.ctx = t,
                                              .block_connected = on_connected,
                                              .history_connected = on_connected,
                                              .snapshot = on_snapshot,
                                              .block_disconnected = on_disconnected});
    return ERR_OK;
}
