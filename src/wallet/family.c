/* States that pass from a transaction to all that spends it: conflicts with a block,
 * rivals in the mempool, abandonment. */
#include <stdlib.h>

#include "util/mem.h"
#include "wallet/follow.h"
#include "wallet/store.h"
#include "wallet/tx_row.h"
#include "wallet/txstore_impl.h"
#include "wallet/wallet.h"

/* -- Walks -- */

struct family {
    struct wallet_tx **todo; /* owned */
    size_t n, cap;
    uint64_t walk;
};

static void family_add(struct family *f, struct wallet_tx *wtx)
{
    if (wtx->walk == f->walk)
        return;
    wtx->walk = f->walk;
    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 16;
        f->todo = xrealloc_array(f->todo, f->cap, sizeof(struct wallet_tx *));
    }
    f->todo[f->n++] = wtx;
}

static void family_add_children(struct family *f, const struct txstore *ts,
                                const struct wallet_tx *wtx)
{
    struct outpoint o = {.txid = wtx->tx->txid};
    for (; o.n < wtx->tx->n_out; o.n++)
        for (struct spend_link *l = txstore_spend_links(ts, &o); l; l = l->next)
            family_add(f, l->wtx);
}

void txstore_walk_family(struct txstore *ts, struct wallet_tx *wtx,
                         bool (*fn)(void *ctx, struct wallet_tx *wtx), void *ctx)
{
    struct family f = {.walk = ++ts->walk};
    family_add(&f, wtx);
    while (f.n > 0) {
        struct wallet_tx *next = f.todo[--f.n];
        if (fn(ctx, next))
            family_add_children(&f, ts, next);
    }
    free(f.todo);
}

/* -- States -- */

enum err txstore_set_state(struct txstore *ts, struct wallet_tx *wtx,
                           enum wtx_state state, const struct chain_point *block,
                           int32_t index)
{
    bool stored = wtx->state != state || !chain_point_equal(&wtx->block, block);
    wtx->state = state;
    wtx->block = *block;
    wtx->index = index;
    txstore_state_changed(ts, wtx);
    return stored ? tx_row_put_state(ts->w->store, wtx) : ERR_OK;
}

struct change {
    struct txstore *ts;
    struct chain_point block; /* of the rival */
    int32_t height;
    enum err result;
};

static bool change_to(struct change *c, struct wallet_tx *wtx, enum wtx_state state)
{
    enum err e = txstore_set_state(c->ts, wtx, state, &c->block, 0);
    if (c->result == ERR_OK)
        c->result = e;
    return true;
}

/* What is confirmed deeper, or in conflict with a deeper block, stays. */
static bool conflict_one(void *ctx, struct wallet_tx *wtx)
{
    struct change *c = ctx;
    int32_t depth = follow_best(c->ts->w).height - c->block.height + 1;
    return -depth < wallet_tx_depth(c->ts->w, wtx) && change_to(c, wtx, WTX_CONFLICTED);
}

enum err txstore_mark_conflicted(struct txstore *ts, struct wallet_tx *wtx,
                                 const struct chain_point *at)
{
    struct change c = {.ts = ts, .block = *at};
    if (follow_best(ts->w).height < at->height)
        return ERR_OK;
    txstore_walk_family(ts, wtx, conflict_one, &c);
    return c.result;
}

static bool unconflict_one(void *ctx, struct wallet_tx *wtx)
{
    struct change *c = ctx;
    return wtx->state == WTX_CONFLICTED && wtx->block.height >= c->height &&
           change_to(c, wtx, WTX_INACTIVE);
}

enum err txstore_unmark_conflicted(struct txstore *ts, struct wallet_tx *wtx,
                                   int32_t height)
{
    struct change c = {.ts = ts, .block = CHAIN_POINT_NONE, .height = height};
    txstore_walk_family(ts, wtx, unconflict_one, &c);
    return c.result;
}

static bool abandon_one(void *ctx, struct wallet_tx *wtx)
{
    return wtx->state == WTX_INACTIVE && change_to(ctx, wtx, WTX_ABANDONED);
}

bool wallet_tx_abandon(struct wallet *w, struct wallet_tx *wtx, struct wallet_error *e)
{
    struct change c = {.ts = w->txs, .block = CHAIN_POINT_NONE};
    store_begin(w->store);
    txstore_walk_family(w->txs, wtx, abandon_one, &c);
    return wallet_wrote(w, store_end(w->store, c.result), e);
}

/* What spends a coinbase that is in no block can never be valid again. */
static bool orphan_one(void *ctx, struct wallet_tx *wtx)
{
    return wtx->state != WTX_CONFIRMED && wtx->state != WTX_ABANDONED &&
           change_to(ctx, wtx, WTX_ABANDONED);
}

enum err txstore_orphan(struct txstore *ts, struct wallet_tx *wtx)
{
    struct change c = {.ts = ts, .block = CHAIN_POINT_NONE};
    txstore_walk_family(ts, wtx, orphan_one, &c);
    return c.result;
}

/* -- Rivals in the mempool -- */

static size_t rival_place(const struct wallet_tx *wtx, const struct hash256 *txid)
{
    size_t i = 0;
    while (i < wtx->n_rivals && !hash256_equal(&wtx->rivals[i], txid))
        i++;
    return i;
}

struct rivalry {
    struct txstore *ts;
    const struct hash256 *txid;
};

static bool add_rival(void *ctx, struct wallet_tx *wtx)
{
    struct rivalry *r = ctx;
    if (rival_place(wtx, r->txid) < wtx->n_rivals)
        return false;
    wtx->rivals = xrealloc_array(wtx->rivals, wtx->n_rivals + 1, sizeof(*wtx->rivals));
    wtx->rivals[wtx->n_rivals++] = *r->txid;
    txstore_state_changed(r->ts, wtx);
    return true;
}

static bool del_rival(void *ctx, struct wallet_tx *wtx)
{
    struct rivalry *r = ctx;
    size_t at = rival_place(wtx, r->txid);
    if (at == wtx->n_rivals)
        return false;
    wtx->rivals[at] = wtx->rivals[--wtx->n_rivals];
    txstore_state_changed(r->ts, wtx);
    return true;
}

/* All of the wallet's transactions that spend what @tx spends, but itself. */
static void each_rival(struct txstore *ts, const struct tx *tx,
                       bool (*fn)(void *ctx, struct wallet_tx *wtx))
{
    struct rivalry r = {ts, &tx->txid};
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct spend_link *l = txstore_spend_links(ts, &tx->in[i].prevout);
        for (; l != NULL; l = l->next)
            if (!hash256_equal(&l->wtx->tx->txid, &tx->txid))
                txstore_walk_family(ts, l->wtx, fn, &r);
    }
}

void txstore_rival_came(struct txstore *ts, const struct tx *tx)
{
    each_rival(ts, tx, add_rival);
}

void txstore_rival_left(struct txstore *ts, const struct tx *tx)
{
    each_rival(ts, tx, del_rival);
}
