/* One wallet and one event of the chain. */
#include "wallet/follow.h"

#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"
#include "util/reader.h"
#include "util/sink.h"
#include "wallet/follow_impl.h"
#include "wallet/spkman.h"
#include "wallet/store.h"

#define BEST_BLOCK_KEY "best_block"
#define MAX_LOCATOR    64
/* Without anything to write, a block is noted this often: a wallet that was not closed
 * reads at most so many again. */
#define SAVE_INTERVAL 144

/* -- Where the wallet stands -- */

struct chain_point follow_best(const struct wallet *w)
{
    return w->follower->best;
}

int64_t follow_best_mtp(const struct wallet *w)
{
    return w->follower->best_mtp;
}

int64_t follow_best_time(const struct wallet *w)
{
    return w->follower->best_time;
}

void follow_set_best(struct follower *f, const struct chain_point *at)
{
    const struct chain_source *chain = f->w->opt->chain;
    struct chain_block block;
    f->best = *at;
    if (at->height >= 0 && chain->find(chain->ctx, &at->hash, &block)) {
        f->best_time = block.time;
        f->best_mtp = block.mtp;
    }
}

static bool write_ancestor(struct buf *out, const struct chain_source *chain,
                           const struct chain_point *at, int32_t height)
{
    struct chain_point p;
    if (!chain->ancestor(chain->ctx, &at->hash, height, &p))
        return false;
    buf_append(out, p.hash.b, sizeof(p.hash.b));
    return true;
}

/* Hashes from the block downwards, the steps doubling, and genesis: whatever is
 * reorganised away, one of them is near the fork. Layout: n x 32 octets. */
static void write_locator(struct buf *out, const struct chain_source *chain,
                          const struct chain_point *at)
{
    int32_t step = 1, height = at->height;
    while (height > 0 && write_ancestor(out, chain, at, height)) {
        if (out->len > 10 * sizeof(at->hash.b))
            step *= 2;
        height -= step;
    }
    write_ancestor(out, chain, at, 0);
}

enum err follow_save_best(struct follower *f, const struct chain_point *at)
{
    struct buf locator = {0};
    if (at->height < 0 || chain_point_equal(at, &f->saved))
        return ERR_OK;
    write_locator(&locator, f->w->opt->chain, at);
    enum err e = store_put(f->w->store, BEST_BLOCK_KEY, buf_view(&locator));
    if (e == ERR_OK)
        f->saved = *at;
    buf_clear(&locator);
    return e;
}

static void load_locator(struct follower *f)
{
    struct buf b = {0};
    if (store_get(f->w->store, BEST_BLOCK_KEY, &b) == ERR_OK) {
        f->n_locator = b.len / sizeof(struct hash256);
        if (f->n_locator > MAX_LOCATOR)
            f->n_locator = MAX_LOCATOR;
        f->locator = (struct hash256 *)buf_take(&b, NULL);
    }
    buf_clear(&b);
}

struct follower *follower_new(struct wallet *w)
{
    struct follower *f = xcalloc(1, sizeof(*f));
    f->w = w;
    f->best = f->saved = CHAIN_POINT_NONE;
    load_locator(f);
    if (w->opt->chain != NULL)
        follow_plan_resend(f);
    return f;
}

void follower_free(struct follower *f)
{
    if (f == NULL)
        return;
    free(f->locator);
    free(f);
}

void follower_begin_at_tip(struct wallet *w)
{
    const struct chain_source *chain = w->opt->chain;
    struct chain_point tip = chain->tip(chain->ctx);
    struct follower *f = w->follower;
    struct chain_block genesis;
    f->locator = xrealloc_array(f->locator, 2, sizeof(*f->locator));
    f->locator[0] = f->locator[1] = tip.hash;
    if (chain->at(chain->ctx, 0, &genesis))
        f->locator[1] = genesis.at.hash;
    f->n_locator = 2;
}

/* -- Blocks -- */

/* What the file does not take, the store tells the user about when it happens; the
 * wallet then refuses to change until it is loaded again. */
static void note(struct follower *f, enum err e)
{
    if (e != ERR_OK)
        log_error(f->w->opt->log, "[%s] The wallet file cannot be written: %s",
                  f->w->name, store_error(f->w->store));
}

static bool is_time_to_save(const struct follower *f)
{
    return f->best.height - f->saved.height >= SAVE_INTERVAL ||
           f->best.height < f->saved.height;
}

static void connect(struct follower *f, const struct block *b,
                    const struct chain_point *at)
{
    const struct sighting s = {.state = WTX_CONFIRMED, .block = *at};
    bool mine = false;
    follow_set_best(f, at);
    store_begin(f->w->store);
    enum err e = txstore_see_block(f->w, b, &s, true, &mine);
    if (e == ERR_OK && (mine || is_time_to_save(f)))
        e = follow_save_best(f, at);
    note(f, store_end(f->w->store, e));
}

/* Rivals of what the block held are no longer beaten. */
static enum err release_rivals(struct follower *f, const struct block *b,
                               int32_t height)
{
    enum err e = ERR_OK;
    for (uint32_t i = 0; i < b->n_tx; i++)
        for (uint32_t k = 0; k < b->txs[i].n_in && e == ERR_OK; k++) {
            struct spend_link *l =
                txstore_spend_links(f->w->txs, &b->txs[i].in[k].prevout);
            for (; l != NULL && e == ERR_OK; l = l->next)
                e = txstore_unmark_conflicted(f->w->txs, l->wtx, height);
        }
    return e;
}

static void disconnect(struct follower *f, const struct block *b,
                       const struct chain_point *at)
{
    const struct sighting s = {.state = WTX_INACTIVE, .block = CHAIN_POINT_NONE};
    const struct chain_point prev = {b->header.prev, at->height - 1};
    bool mine = false;
    follow_set_best(f, &prev);
    store_begin(f->w->store);
    enum err e = txstore_see_block(f->w, b, &s, true, &mine);
    if (e == ERR_OK)
        e = release_rivals(f, b, at->height);
    if (e == ERR_OK)
        e = follow_save_best(f, &prev);
    note(f, store_end(f->w->store, e));
}

/* -- Gaps -- */

/* Runs a step over a block from disk. False: it is not there any more. */
static bool with_block(struct follower *f, const struct chain_point *at,
                       void (*step)(struct follower *f, const struct block *b,
                                    const struct chain_point *at))
{
    const struct chain_source *chain = f->w->opt->chain;
    char hex[65];
    struct block *b;
    enum err e = chain->read_block(chain->ctx, &at->hash, &b);
    if (e != ERR_OK) {
        log_error(f->w->opt->log,
                  "[%s] Block %s (height %d) cannot be read: %s. Load the wallet again "
                  "once the block is there.",
                  f->w->name, hash256_to_hex(hex, &at->hash), (int)at->height,
                  err_text(e));
        return false;
    }
    step(f, b, at);
    block_unref(b);
    return true;
}

static bool is_ancestor(const struct chain_source *chain, const struct chain_point *a,
                        const struct chain_point *of)
{
    struct chain_point p;
    return a->height <= of->height &&
           chain->ancestor(chain->ctx, &of->hash, a->height, &p) &&
           chain_point_equal(&p, a);
}

/* Leads the wallet back to the chain of @at. */
static bool leave_branch(struct follower *f, const struct chain_point *at)
{
    const struct chain_source *chain = f->w->opt->chain;
    while (!is_ancestor(chain, &f->best, at)) {
        struct chain_point best = f->best;
        if (!with_block(f, &best, disconnect))
            return false;
    }
    return true;
}

/* Leads the wallet up to, but without, @at. */
static bool close_gap(struct follower *f, const struct chain_point *at)
{
    const struct chain_source *chain = f->w->opt->chain;
    struct chain_point next;
    while (f->best.height + 1 < at->height) {
        if (!chain->ancestor(chain->ctx, &at->hash, f->best.height + 1, &next) ||
            !with_block(f, &next, connect))
            return false;
    }
    return true;
}

void follow_block_connected(struct follower *f, const struct block *b,
                            const struct chain_point *at)
{
    if (is_ancestor(f->w->opt->chain, at, &f->best) || !leave_branch(f, at) ||
        !close_gap(f, at))
        return;
    if (b != NULL)
        connect(f, b, at);
    else
        with_block(f, at, connect);
}

void follow_jumped(struct follower *f, const struct chain_point *to)
{
    if (!leave_branch(f, to))
        return;
    log_warning(
        f->w->opt->log,
        "[%s] The chain goes on from a UTXO snapshot at height %d. Blocks above "
        "height %d are not searched: call rescanblockchain once they are "
        "validated (getchainstates).",
        f->w->name, (int)to->height, (int)f->best.height);
    follow_set_best(f, to);
    note(f, follow_save_best(f, to));
}

void follow_to(struct follower *f, const struct chain_point *tip)
{
    if (leave_branch(f, tip) && close_gap(f, tip) && f->best.height < tip->height)
        with_block(f, tip, connect);
}

/* A wallet that stands elsewhere has left the block before, or never was there. */
void follow_block_disconnected(struct follower *f, const struct block *b,
                               const struct chain_point *at)
{
    if (!chain_point_equal(&f->best, at))
        return;
    if (b != NULL)
        disconnect(f, b, at);
    else
        with_block(f, at, disconnect);
}

/* -- The mempool -- */

static enum err see_one(struct follower *f, const struct tx *tx, enum wtx_state state)
{
    const struct sighting s = {.state = state, .block = CHAIN_POINT_NONE};
    store_begin(f->w->store);
    enum err e = txstore_see(f->w, tx, &s, true, NULL);
    return store_end(f->w->store, e);
}

static bool is_confirmed(const struct wallet_tx *wtx)
{
    return wtx != NULL && wtx->state == WTX_CONFIRMED;
}

void follow_tx_added(struct follower *f, const struct tx *tx)
{
    if (is_confirmed(txstore_find(f->w, &tx->txid)))
        return;
    note(f, see_one(f, tx, WTX_MEMPOOL));
    txstore_rival_came(f->w->txs, tx);
}

static enum err left_mempool(struct follower *f, const struct tx *tx)
{
    struct wallet_tx *wtx = txstore_find(f->w, &tx->txid);
    if (wtx == NULL || wtx->state != WTX_MEMPOOL)
        return ERR_OK;
    return txstore_set_state(f->w->txs, wtx, WTX_INACTIVE, &CHAIN_POINT_NONE, 0);
}

/* A transaction that a block has confirmed keeps its state until the event of the block
 * comes, right behind. */
void follow_tx_removed(struct follower *f, const struct tx *tx, enum feed_removal why)
{
    if (why != FEED_REMOVED_BLOCK)
        note(f, left_mempool(f, tx));
    if (why == FEED_REMOVED_CONFLICT && !is_confirmed(txstore_find(f->w, &tx->txid)))
        note(f, see_one(f, tx, WTX_INACTIVE));
    txstore_rival_left(f->w->txs, tx);
}
