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

static enum err open_db(struct chainstate *cs, const struct cache_shares *shares,
                        bool wipe, char **error)
{
    struct db_options opt = {
        .name = "chain state",
        .cache_bytes = shares->coins_db,
        .write_buffer_bytes = shares->write_buffer,
        .bloom = true,
        .wipe = wipe,
        .version = CHAINSTATE_VERSION,
        .way_out = "-reindex-chainstate",
        .on_error = on_db_error,
        .ctx = cs->cm,
    };
    char *dir = path_join(cs->cm->opt.datadir, "chainstate");
    enum err e = db_open(&cs->db, dir, &opt, error);
    free(dir);
    return e;
}

/* Rules above may follow the state from here on. */
static void attach_hooks(struct chainstate *cs)
{
    const struct consensus_hooks *h = cs->cm->opt.hooks;
    if (h != NULL && h->attach != NULL)
        h->attach(h->ctx, cs->cm->params, cs->state);
}

enum err chainstate_open(struct chainstate **out, struct chainman *cm, bool wipe,
                         char **error)
{
    struct cache_shares shares = share_cache(cm);
    struct chainstate *cs = xcalloc(1, sizeof(*cs));
    cs->cm = cm;
    *out = cs;
    enum err e = open_db(cs, &shares, wipe, error);
    if (e != ERR_OK)
        return e;
    cs->cache_limit = shares.rest;
    cs->db_cache = shares.coins_db;
    cs->coins = coins_cache_new(cs->db);
    cs->state = state_new(cs->db, shares.state);
    cs->prefetch = prefetch_new(cs);
    attach_hooks(cs);
    if (coins_cache_error(cs->coins) != ERR_OK) {
        *error = xasprintf("The chain state in %s/chainstate is damaged. Restart with "
                           "-reindex-chainstate",
                           cm->opt.datadir);
        return ERR_CORRUPT;
    }
    struct hash256 best = coins_best_block(cs->coins);
    cs->on_disk = !hash256_is_zero(&best);
    return ERR_OK;
}

void chainstate_free(struct chainstate *cs)
{
    if (!cs)
        return;
    prefetch_free(cs->prefetch);
    state_free(cs->state);
    coins_cache_free(cs->coins);
    db_close(cs->db);
    block_list_clear(&cs->chain);
    block_list_clear(&cs->candidates);
    free(cs);
}

size_t chainstate_memory(const struct chainstate *cs)
{
    return coins_cache_memory(cs->coins) + coins_cache_flush_memory(cs->coins) +
           state_memory(cs->state) + state_dirty_memory(cs->state);
}

size_t chainman_coins_limit(const struct chainman *cm)
{
    return cm->active->cache_limit;
}

size_t chainman_coins_db_limit(const struct chainman *cm)
{
    return cm->active->db_cache;
}
