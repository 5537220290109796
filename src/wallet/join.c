/* A wallet joins the chain: it finds the block at which it stood, makes up for what it
 * has missed, and hears of everything from then on. */
#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"
#include "wallet/follow_impl.h"
#include "wallet/rebroadcast.h"
#include "wallet/scan.h"
#include "wallet/store.h"

/* Headers may lie about the time by as much. */
#define TIMESTAMP_WINDOW_S (2 * 60 * 60)

/* -- Where it stood -- */

/* The newest block of the locator in the active chain, or where its chain leaves it;
 * the genesis block when the chain knows none of them. */
static struct chain_point locate(const struct follower *f)
{
    const struct chain_source *chain = f->w->opt->chain;
    struct chain_point fork;
    struct chain_block genesis;
    for (size_t i = 0; i < f->n_locator; i++)
        if (chain->fork(chain->ctx, &f->locator[i], &fork))
            return fork;
    ASSERT(chain->at(chain->ctx, 0, &genesis));
    return genesis.at;
}

/* The first block that may hold something for a wallet that has seen all up to @seen:
 * none before it was born. */
static int32_t first_to_read(const struct follower *f, const struct chain_point *seen,
                             int32_t tip)
{
    const struct chain_source *chain = f->w->opt->chain;
    struct chain_block block;
    int32_t from = f->n_locator > 0 ? seen->height + 1 : 0;
    int64_t born = f->w->birth_time - TIMESTAMP_WINDOW_S;
    if (from > tip || born <= 0)
        return from;
    return chain->first_since(chain->ctx, born, from, &block) ? block.at.height
                                                              : tip + 1;
}

/* -- Blocks that are gone -- */

static bool still_active(const struct chain_source *chain, struct chain_block *last,
                         const struct wallet_tx *wtx)
{
    if (!hash256_equal(&last->at.hash, &wtx->block.hash) &&
        !chain->find(chain->ctx, &wtx->block.hash, last))
        *last = (struct chain_block){.at = CHAIN_POINT_NONE};
    return last->active && last->at.height == wtx->block.height;
}

/* States that rest on a block which is not in the chain (any more) are void. Nothing is
 * given up for that, not even what spends a coinbase: a node that was killed may have
 * lost blocks that it will fetch again. */
static enum err drop_lost_blocks(struct follower *f)
{
    struct chain_block last = {.at = CHAIN_POINT_NONE};
    enum err e = ERR_OK;
    for (size_t i = 0; i < txstore_count(f->w) && e == ERR_OK; i++) {
        struct wallet_tx *wtx = txstore_at(f->w, i);
        if (wtx->block.height < 0 || still_active(f->w->opt->chain, &last, wtx))
            continue;
        e = txstore_set_state(f->w->txs, wtx, WTX_INACTIVE, &CHAIN_POINT_NONE, 0);
    }
    return e;
}

static bool stand_at(struct follower *f, const struct chain_point *tip,
                     struct wallet_error *e)
{
    wallet_lock(f->w);
    follow_set_best(f, tip);
    store_begin(f->w->store);
    enum err dropped = drop_lost_blocks(f);
    bool ok = wallet_wrote(f->w, store_end(f->w->store, dropped), e);
    wallet_unlock(f->w);
    return ok;
}

/* A wallet that has followed another chain has that chain's genesis block. */
static bool same_chain(const struct follower *f, struct wallet_error *e)
{
    const struct chain_source *chain = f->w->opt->chain;
    struct chain_block genesis;
    if (f->n_locator == 0 || f->w->opt->cross_chain ||
        !chain->at(chain->ctx, 0, &genesis) ||
        hash256_equal(&f->locator[f->n_locator - 1], &genesis.at.hash))
        return true;
    return wallet_fail(e, WALLET_FAILED,
                       "Wallet files should not be reused across chains. Restart with "
                       "-walletcrosschain to override.");
}

/* -- Reading what was missed -- */

static bool scan_missed(struct follower *f, int32_t from, struct wallet_error *e)
{
    const struct scan_options opt = {
        .from = from, .to = -1, .update = true, .save_progress = true};
    struct scan_report report;
    if (!scan_begin(f->w, false))
        return wallet_fail(e, WALLET_FAILED,
                           "Failed to acquire rescan reserver during wallet "
                           "initialization");
    wallet_scan(f->w, &opt, &report);
    scan_end(f->w);
    return report.result == SCAN_DONE ||
           wallet_fail(e, WALLET_FAILED,
                       "Failed to rescan the wallet during initialization");
}

static bool catch_up(struct follower *f, struct wallet_error *e)
{
    const struct chain_source *chain = f->w->opt->chain;
    struct chain_point tip = chain->tip(chain->ctx);
    struct chain_point seen = locate(f);
    int32_t from = first_to_read(f, &seen, tip.height);
    if (!stand_at(f, &tip, e))
        return false;
    if (from > tip.height)
        return true;
    int32_t snapshot = chain->snapshot_height(chain->ctx);
    if (snapshot > 0 && from <= snapshot)
        return wallet_fail(
            e, WALLET_FAILED,
            "Wallet loading failed. Error loading wallet. Wallet requires blocks to be "
            "downloaded, and software does not currently support loading wallets while "
            "blocks are being downloaded out of order when using assumeutxo snapshots. "
            "Wallet should be able to load successfully after node sync reaches height "
            "%d",
            (int)snapshot);
    if (from < chain->prune_height(chain->ctx))
        return wallet_fail(
            e, WALLET_FAILED,
            "Prune: last wallet synchronisation goes beyond pruned data. "
            "You need to -reindex (download the whole blockchain again "
            "in case of pruned node)");
    wallet_log(f->w, "Rescanning last %d blocks (from block %d)...",
               (int)(tip.height - from), (int)from);
    return scan_missed(f, from, e);
}

/* -- The mempool -- */

struct pool_copy {
    struct tx **txs; /* owned references */
    size_t n, cap;
};

static void copy_tx(void *arg, const struct tx *tx)
{
    struct pool_copy *c = arg;
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 256;
        c->txs = xrealloc_array(c->txs, c->cap, sizeof(struct tx *));
    }
    c->txs[c->n++] = tx_ref(tx);
}

/* The pool is copied under the wallet's lock: events about what happens to it later are
 * heard later. */
void follow_see_mempool(struct follower *f)
{
    const struct chain_source *chain = f->w->opt->chain;
    struct pool_copy c = {0};
    wallet_lock(f->w);
    chain->each_mempool(chain->ctx, copy_tx, &c);
    for (size_t i = 0; i < c.n; i++) {
        follow_tx_added(f, c.txs[i]);
        tx_unref(c.txs[i]);
    }
    wallet_unlock(f->w);
    free(c.txs);
}

/* -- Joining -- */

/* Blocks that came while the last ones were read, before the feed brought them. */
static void close_last_gap(struct follower *f)
{
    const struct chain_source *chain = f->w->opt->chain;
    wallet_lock(f->w);
    struct chain_point tip = chain->tip(chain->ctx);
    follow_to(f, &tip);
    wallet_unlock(f->w);
}

bool follow_join(struct wallet *w, struct chain_feed *feed, struct wallet_error *e)
{
    struct follower *f = w->follower;
    if (!same_chain(f, e) || !catch_up(f, e))
        return false;
    chain_feed_add(feed, f);
    close_last_gap(f);
    wallet_lock(w);
    enum err saved = follow_save_best(f, &f->best);
    bool ok = wallet_wrote(w, saved, e);
    wallet_unlock(w);
    if (!ok) {
        chain_feed_del(feed, f);
        return false;
    }
    wallet_resubmit(w, false, true);
    follow_see_mempool(f);
    return true;
}

void follow_leave(struct wallet *w)
{
    struct follower *f = w->follower;
    if (f->feed == NULL)
        return;
    scan_abort(w);
    chain_feed_drain(f->feed);
    chain_feed_del(f->feed, f);
    wallet_lock(w);
    if (follow_save_best(f, &f->best) != ERR_OK)
        log_error(w->opt->log, "[%s] Could not note the best block: %s", w->name,
                  store_error(w->store));
    wallet_unlock(w);
}
