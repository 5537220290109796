#include "node/wallet_chain.h"

#include <stdlib.h>

#include "chain/mempool/mempool.h"
#include "chain/store/filter_index.h"
#include "chain/validation/chainman.h"
#include "wallet/follow.h"
#include "wallet/manager.h"

static struct chainman *lock_chain(void *ctx)
{
    struct chainman *cm = ((struct daemon *)ctx)->node.chainman;
    chainman_read_lock(cm);
    return cm;
}

/* -- Blocks -- */

static struct chain_point point_of(const struct block_index *bi)
{
    return (struct chain_point){bi->hash, bi->height};
}

static void describe(struct chain_block *out, const struct chainman *cm,
                     const struct block_index *bi)
{
    *out = (struct chain_block){
        .at = point_of(bi),
        .time = bi->time,
        .time_max = bi->time_max,
        .mtp = block_index_mtp(bi),
        .active = chain_contains(cm, bi),
        .has_data = (bi->status & BLOCK_HAVE_DATA) != 0,
    };
    if (bi->prev != NULL)
        out->prev = bi->prev->hash;
}

static struct chain_point tip(void *ctx)
{
    struct chainman *cm = lock_chain(ctx);
    struct chain_point p = point_of(chain_tip(cm));
    chainman_read_unlock(cm);
    return p;
}

static bool find(void *ctx, const struct hash256 *hash, struct chain_block *out)
{
    struct chainman *cm = lock_chain(ctx);
    const struct block_index *bi = block_tree_find(cm, hash);
    if (bi != NULL)
        describe(out, cm, bi);
    chainman_read_unlock(cm);
    return bi != NULL;
}

static bool at(void *ctx, int32_t height, struct chain_block *out)
{
    struct chainman *cm = lock_chain(ctx);
    const struct block_index *bi = chain_at(cm, height);
    if (bi != NULL)
        describe(out, cm, bi);
    chainman_read_unlock(cm);
    return bi != NULL;
}

static bool ancestor(void *ctx, const struct hash256 *hash, int32_t height,
                     struct chain_point *out)
{
    struct chainman *cm = lock_chain(ctx);
    const struct block_index *bi = block_tree_find(cm, hash);
    bi = bi != NULL ? block_index_ancestor(bi, height) : NULL;
    if (bi != NULL)
        *out = point_of(bi);
    chainman_read_unlock(cm);
    return bi != NULL;
}

static bool fork_of(void *ctx, const struct hash256 *hash, struct chain_point *out)
{
    struct chainman *cm = lock_chain(ctx);
    const struct block_index *bi = block_tree_find(cm, hash);
    if (bi != NULL)
        *out = point_of(chain_fork_point(cm, bi));
    chainman_read_unlock(cm);
    return bi != NULL;
}

/* time_max never falls along a chain. */
static bool first_since(void *ctx, int64_t time, int32_t min_height,
                        struct chain_block *out)
{
    struct chainman *cm = lock_chain(ctx);
    int32_t low = min_height < 0 ? 0 : min_height, high = chain_height(cm) + 1;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        if (chain_at(cm, mid)->time_max < time)
            low = mid + 1;
        else
            high = mid;
    }
    const struct block_index *bi = chain_at(cm, low);
    if (bi != NULL)
        describe(out, cm, bi);
    chainman_read_unlock(cm);
    return bi != NULL;
}

static enum filter_answer filter_match(void *ctx, const struct hash256 *hash,
                                       const struct bytes *scripts, size_t n)
{
    static const enum filter_answer answers[] = {
        [FILTER_MATCH_NO] = FILTER_MISS,
        [FILTER_MATCH_YES] = FILTER_HIT,
        [FILTER_MALFORMED] = FILTER_NONE,
    };
    struct filter_index *fi = chainman_filters(((struct daemon *)ctx)->node.chainman);
    struct filter_entry f;
    enum filter_answer answer = FILTER_NONE;
    if (filter_index_find(fi, hash, &f) == ERR_OK)
        answer = answers[block_filter_match(buf_view(&f.filter), hash, scripts, n)];
    buf_clear(&f.filter);
    return answer;
}

static enum err read_block(void *ctx, const struct hash256 *hash, struct block **out)
{
    struct chainman *cm = lock_chain(ctx);
    const struct block_index *bi = block_tree_find(cm, hash);
    chainman_read_unlock(cm);
    return bi != NULL ? chainman_read_block(cm, out, bi) : ERR_NOT_FOUND;
}

static int32_t prune_height(void *ctx)
{
    struct chainman *cm = lock_chain(ctx);
    int32_t height = chainman_has_pruned(cm) ? chainman_prune_height(cm) : 0;
    chainman_read_unlock(cm);
    return height;
}

static int32_t snapshot_height(void *ctx)
{
    struct chainman *cm = lock_chain(ctx);
    const struct block_index *base = chainman_snapshot_base(cm);
    int32_t height = base != NULL ? base->height : 0;
    chainman_read_unlock(cm);
    return height;
}

static double progress(void *ctx, const struct hash256 *hash)
{
    struct chainman *cm = lock_chain(ctx);
    const struct block_index *bi = block_tree_find(cm, hash);
    double share = bi != NULL ? chainman_progress(cm, bi) : 0;
    chainman_read_unlock(cm);
    return share;
}

static bool ready(void *ctx)
{
    struct chainman *cm = lock_chain(ctx);
    bool is_ready = !chainman_importing(cm) && !chainman_ibd(cm);
    chainman_read_unlock(cm);
    return is_ready;
}

static bool stopping(void *ctx)
{
    return atomic_load(&((struct daemon *)ctx)->node.stopping);
}

/* -- Coins -- */

static bool coin(void *ctx, const struct outpoint *o, struct coin *out,
                 struct buf *script)
{
    struct chainman *cm = lock_chain(ctx);
    struct arena mem;
    arena_init(&mem, 1024);
    bool found = mempool_any_coin(((struct daemon *)ctx)->node.mempool, o, out, &mem);
    chainman_read_unlock(cm);
    if (found) {
        size_t len = out->script.len, before = script->len;
        buf_append(script, out->script.data, len);
        out->script = bytes_of(script->data + before, len);
    }
    arena_clear(&mem);
    return found;
}

/* -- The user -- */

static void run_command(void *ctx, const char *command)
{
    notifier_run(((struct daemon *)ctx)->notifier, command, NULL);
}

static void warn(void *ctx, const char *text)
{
    daemon_warn(ctx, WARN_PART, text);
}

static void fill_source(struct chain_source *out, struct daemon *d)
{
    *out = (struct chain_source){
        .ctx = d,
        .params = d->node.params,
        .clock = d->node.clock,
        .log = d->node.log,
        .workers = d->node.workers,
        .fees = d->node.fees,
        .tip = tip,
        .find = find,
        .at = at,
        .ancestor = ancestor,
        .fork = fork_of,
        .first_since = first_since,
        .read_block = read_block,
        .filter_match =
            chainman_filters(d->node.chainman) != NULL ? filter_match : NULL,
        .prune_height = prune_height,
        .snapshot_height = snapshot_height,
        .progress = progress,
        .ready = ready,
        .stopping = stopping,
        .coin = coin,
        .coin_bound = wallet_coin_bound,
        .run_command = run_command,
        .warn = warn,
    };
    wallet_pool_fill(out);
}

/* -- Events -- */

static void on_connected(void *ctx, const struct block *b, const struct block_index *bi)
{
    struct chain_point p = point_of(bi);
    chain_feed_connected(ctx, b, &p);
}

static void on_disconnected(void *ctx, const struct block *b,
                            const struct block_index *bi)
{
    struct chain_point p = point_of(bi);
    chain_feed_disconnected(ctx, b, &p);
}

static void on_tx_added(void *ctx, const struct tx *tx, uint64_t sequence UNUSED)
{
    chain_feed_tx_added(ctx, tx);
}

static void on_tx_removed(void *ctx, const struct tx *tx, enum tx_removal why,
                          uint64_t sequence UNUSED)
{
    static const enum feed_removal reasons[] = {
        [TX_REMOVED_EXPIRY] = FEED_REMOVED_OTHER,
        [TX_REMOVED_SIZE_LIMIT] = FEED_REMOVED_OTHER,
        [TX_REMOVED_REORG] = FEED_REMOVED_OTHER,
        [TX_REMOVED_BLOCK] = FEED_REMOVED_BLOCK,
        [TX_REMOVED_CONFLICT] = FEED_REMOVED_CONFLICT,
        [TX_REMOVED_REPLACED] = FEED_REMOVED_OTHER,
    };
    chain_feed_tx_removed(ctx, tx, reasons[why]);
}

static void on_flushed(void *ctx, const struct block_index *at_tip UNUSED)
{
    chain_feed_flushed(ctx);
}

static void on_snapshot(void *ctx, const struct block_index *base, bool validated)
{
    struct chain_point p = point_of(base);
    if (!validated)
        chain_feed_jumped(ctx, &p);
}

static void subscribe(struct daemon *d, struct chain_feed *feed)
{
    const struct chain_events ev = {
        .ctx = feed,
        .block_connected = on_connected,
        .block_disconnected = on_disconnected,
        .tx_added = on_tx_added,
        .tx_removed = on_tx_removed,
        .flushed = on_flushed,
        .snapshot = on_snapshot,
    };
    chainman_subscribe(d->node.chainman, &ev);
}

/* -- Life -- */

struct wallet_link {
    struct chain_source source;
    struct chain_feed *feed; /* owned */
};

struct chain_source *wallet_link_open(struct daemon *d, char **error)
{
    struct wallet_link *l = xcalloc(1, sizeof(*l));
    fill_source(&l->source, d);
    l->feed = chain_feed_new(&l->source);
    if (l->feed == NULL) {
        free(l);
        *error = xstrdup("Could not start a thread.");
        return NULL;
    }
    subscribe(d, l->feed);
    d->wallet_link = l;
    return &l->source;
}

static bool attach(void *ctx, struct wallet *w, struct wallet_error *e)
{
    return follow_join(w, ((struct wallet_link *)ctx)->feed, e);
}

static void detach(void *ctx UNUSED, struct wallet *w)
{
    follow_leave(w);
}

void wallet_link_join(struct daemon *d)
{
    const struct wallet_hooks hooks = {
        .ctx = d->wallet_link, .attach = attach, .detach = detach};
    wallet_manager_set_hooks(d->node.wallets, &hooks);
}

void wallet_link_run_timers(struct daemon *d)
{
    if (d->wallet_link != NULL)
        chain_feed_run_timers(d->wallet_link->feed);
}

void wallet_link_stop(struct daemon *d)
{
    if (d->wallet_link != NULL)
        chain_feed_stop(d->wallet_link->feed);
}

void wallet_link_free(struct daemon *d)
{
    if (d->wallet_link == NULL)
        return;
    chain_feed_free(d->wallet_link->feed);
    free(d->wallet_link);
    d->wallet_link = NULL;
}
