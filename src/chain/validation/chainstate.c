/* A chainstate's life: its database and the memory above it. */
#include <stdlib.h>

#include "chain/validation/internal.h"

#define CHAINSTATE_VERSION 1
#define COINS_DB_CACHE     (8u << 20)
#define MIN_DBCACHE        (4u << 20)

static void on_db_error(void *ctx, enum err e, const char *message)
{
    struct chainman *cm = ctx;
    log_error(cm->log, "Chain state: %s (%s)", message, err_text(e));
}

/* -dbcache pays for everything: LevelDB's block cache and memtables, ticket state,
 * coins. */
struct cache_shares {
    size_t coins_db, write_buffer, state, rest;
};

static struct cache_shares share_cache(const struct chainman *cm)
{
    struct cache_shares s;
    size_t total = cm->opt.dbcache > MIN_DBCACHE ? cm->opt.dbcache : MIN_DBCACHE;
    total -= total > 8 * INDEX_CACHE ? INDEX_CACHE : 0;
    s.coins_db = total / 4 < COINS_DB_CACHE ? total / 4 : COINS_DB_CACHE;
    s.write_buffer = total / 8 < COINS_DB_CACHE ? total / 8 : COINS_DB_CACHE;
    s.rest = total - s.coins_db - 2 * s.write_buffer;
    s.state = cm->params->tickets_height == TICKETS_NEVER ? 1u << 20 : s.rest / 4;
    return s;
}

static enum err open_db(struct chainstate *cs, const char *name,
                        const struct cache_shares *shares, bool wipe, char **error)
{
    struct db_options opt = {
        .name = "coins",
        .cache_bytes = shares->coins_db,
        .write_buffer_bytes = shares->write_buffer,
        .bloom = true,
        .wipe = wipe,
        .version = CHAINSTATE_VERSION,
        .way_out = "-reindex-chainstate",
        .on_error = on_db_error,
        .ctx = cs->cm,
    };
    char *dir = path_join(cs->cm->opt.datadir, name);
    enum err e = db_open(&cs->db, dir, &opt, error);
    free(dir);
    return e;
}

void chainstate_attach(struct chainstate *cs)
{
    const struct consensus_hooks *h = cs->cm->opt.hooks;
    if (h != NULL && h->attach != NULL)
        h->attach(h->ctx, cs->cm->params, cs->state);
    cs->attached = true;
}

static void mark_coin(void *ctx, const struct outpoint *o, uint8_t marks)
{
    coins_mark(ctx, o, marks);
}

void chainstate_mark_coins(struct chainstate *cs)
{
    const struct consensus_hooks *h = cs->cm->opt.hooks;
    if (h != NULL && h->each_mark != NULL)
        h->each_mark(h->ctx, cs->state, mark_coin, cs->coins);
}

void chainstate_detach(struct chainstate *cs)
{
    const struct consensus_hooks *h = cs->cm->opt.hooks;
    if (cs->attached && h != NULL && h->detach != NULL)
        h->detach(h->ctx, cs->state);
    cs->attached = false;
}

enum err chainstate_open(struct chainstate **out, struct chainman *cm, const char *name,
                         bool wipe, char **error)
{
    struct cache_shares shares = share_cache(cm);
    struct chainstate *cs = xcalloc(1, sizeof(*cs));
    cs->cm = cm;
    *out = cs;
    enum err e = open_db(cs, name, &shares, wipe, error);
    if (e != ERR_OK)
        return e;
    cm->coins_share = shares.rest;
    cm->state_share = shares.state;
    cs->db_cache = shares.coins_db;
    cs->coins = coins_cache_new(cs->db);
    cs->state = state_new(cs->db, shares.state);
    cs->prefetch = prefetch_new(cs);
    if (coins_cache_error(cs->coins) != ERR_OK) {
        *error = xasprintf("The chain state in %s/%s is damaged. Restart with "
                           "-reindex-chainstate",
                           cm->opt.datadir, name);
        return ERR_CORRUPT;
    }
    struct hash256 best = coins_best_block(cs->coins);
    struct coins_heads heads;
    cs->on_disk = !hash256_is_zero(&best) || coins_torn(cs->coins, &heads);
    return ERR_OK;
}

void chainstate_free(struct chainstate *cs)
{
    if (!cs)
        return;
    prefetch_free(cs->prefetch);
    chainstate_detach(cs);
    state_free(cs->state);
    coins_cache_free(cs->coins);
    db_close(cs->db);
    block_list_clear(&cs->chain);
    block_list_clear(&cs->candidates);
    free(cs);
}

size_t chainstate_memory(const struct chainstate *cs)
{
    return coins_cache_memory(cs->coins) +
           coins_cache_flush_memory(cs->coins, cs->cm->opt.db_batch_bytes) +
           state_memory(cs->state) + state_dirty_memory(cs->state);
}

/* Whichever is further behind has most to do: the active one while it catches up with
 * the network, then the background one. */
size_t chainstate_limit(const struct chainstate *cs)
{
    const struct chainman *cm = cs->cm;
    size_t all = cm->coins_share, little = all / 20;
    if (!cm->background)
        return all;
    return (cs == cm->background) == cm->ibd ? little : all - little;
}

void chainstates_share_cache(struct chainman *cm)
{
    struct chainstates all = chainstates_of(cm);
    size_t n = cm->background ? 2 : 1;
    for (struct chainstate **cs = all.v; *cs; cs++)
        state_set_cache_limit((*cs)->state, cm->state_share / n);
}

struct chainstates chainstates_of(const struct chainman *cm)
{
    return (struct chainstates){{cm->active, cm->background, NULL}};
}

/* -- For readers -- */

static struct chainstate_info describe(const struct chainstate *cs)
{
    const struct chainman *cm = cs->cm;
    struct chainstate_info info = {
        .tip = chainstate_tip(cs),
        .coins_db_cache = cs->db_cache,
        .coins_cache = chainstate_limit(cs),
        .validated = cs->base == NULL,
        .from_snapshot = cs == cm->active && cm->from_snapshot,
    };
    if (info.from_snapshot)
        info.snapshot_base = cm->snapshot->block;
    return info;
}

size_t chainman_chainstates(const struct chainman *cm,
                            struct chainstate_info out[MAX_CHAINSTATES])
{
    size_t n = 0;
    if (cm->background)
        out[n++] = describe(cm->background);
    out[n++] = describe(cm->active);
    return n;
}

size_t chainman_coins_limit(const struct chainman *cm)
{
    return chainstate_limit(cm->active);
}

size_t chainman_coins_db_limit(const struct chainman *cm)
{
    return cm->active->db_cache;
}
