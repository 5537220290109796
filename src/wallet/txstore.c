#include "wallet/txstore.h"

#include <stdlib.h>

#include "util/mem.h"
#include "util/sink.h"
#include "wallet/addressbook.h"
#include "wallet/spkman.h"
#include "wallet/tx_row.h"
#include "wallet/txstore_impl.h"
#include "wallet/wallet.h"

/* -- Who spends what -- */

struct spend_link *txstore_spend_links(const struct txstore *ts,
                                       const struct outpoint *o)
{
    struct spend_link **first = map_get(&ts->spends, o);
    return first != NULL ? *first : NULL;
}

/* A coinbase spends nothing. */
static void add_links(struct txstore *ts, struct wallet_tx *wtx)
{
    if (tx_is_coinbase(wtx->tx))
        return;
    wtx->links = xcalloc(wtx->tx->n_in, sizeof(*wtx->links));
    for (uint32_t i = 0; i < wtx->tx->n_in; i++) {
        struct spend_link **first = map_put(&ts->spends, &wtx->tx->in[i].prevout, NULL);
        wtx->links[i] = (struct spend_link){.wtx = wtx, .next = *first};
        *first = &wtx->links[i];
    }
}

static void del_links(struct txstore *ts, struct wallet_tx *wtx)
{
    for (uint32_t i = 0; wtx->links != NULL && i < wtx->tx->n_in; i++) {
        const struct outpoint *o = &wtx->tx->in[i].prevout;
        struct spend_link **first = map_get(&ts->spends, o);
        struct spend_link **at = first;
        while (*at != &wtx->links[i])
            at = &(*at)->next;
        *at = wtx->links[i].next;
        if (*first == NULL)
            map_del(&ts->spends, o);
    }
}

/* Whether its inputs count as spent: conflicted, abandoned and rivalled ones may never
 * be confirmed. */
static bool spends(const struct wallet_tx *wtx)
{
    return wtx->state == WTX_CONFIRMED || wtx->state == WTX_MEMPOOL ||
           (wtx->state == WTX_INACTIVE && wtx->n_rivals == 0);
}

bool txstore_is_spent(const struct wallet *w, const struct outpoint *o)
{
    for (struct spend_link *l = txstore_spend_links(w->txs, o); l; l = l->next)
        if (spends(l->wtx))
            return true;
    return false;
}

size_t txstore_spenders(const struct wallet *w, const struct outpoint *o,
                        struct wallet_tx **out, size_t max)
{
    size_t n = 0;
    for (struct spend_link *l = txstore_spend_links(w->txs, o); l; l = l->next, n++)
        if (n < max)
            out[n] = l->wtx;
    return n;
}

bool txstore_has_spends(const struct wallet *w, const struct wallet_tx *wtx)
{
    struct outpoint o = {.txid = wtx->tx->txid};
    for (; o.n < wtx->tx->n_out; o.n++)
        if (txstore_is_spent(w, &o))
            return true;
    return false;
}

/* -- The unspent array -- */

static struct wallet_coin *coin_at(const struct wallet_tx *wtx, uint32_t n)
{
    uint32_t low = 0, high = wtx->n_coins;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (wtx->coins[mid].n < n)
            low = mid + 1;
        else
            high = mid;
    }
    return low < wtx->n_coins && wtx->coins[low].n == n ? &wtx->coins[low] : NULL;
}

static bool script_reused(const struct wallet *w, struct bytes script)
{
    struct destination d;
    if (!wallet_has_flag(w, WALLET_AVOID_REUSE) || !destination_from_script(&d, script))
        return false;
    const struct address_entry *e = addressbook_find(w->book, &d);
    return e != NULL && e->reused;
}

/* Bytes from near the end, where standard scripts have a hash or key. */
static uint32_t script_tag(struct bytes script)
{
    return script.len < 6 ? 0 : get_le32(script.data + script.len - 6);
}

static void unspent_add(struct txstore *ts, struct wallet_tx *wtx,
                        struct wallet_coin *coin)
{
    const struct txout *out = &wtx->tx->out[coin->n];
    if (ts->n_unspent == ts->cap_unspent) {
        ts->cap_unspent = ts->cap_unspent ? 2 * ts->cap_unspent : 64;
        ts->unspent =
            xrealloc_array(ts->unspent, ts->cap_unspent, sizeof(*ts->unspent));
    }
    coin->place = (uint32_t)ts->n_unspent;
    ts->unspent[ts->n_unspent++] = (struct unspent){
        .wtx = wtx,
        .value = out->value,
        .n = coin->n,
        .coinbase = tx_is_coinbase(wtx->tx),
        .used = script_reused(ts->w, out->script),
        .script_tag = script_tag(out->script),
    };
}

/* The last one takes the place. */
static void unspent_del(struct txstore *ts, struct wallet_coin *coin)
{
    struct unspent *hole = &ts->unspent[coin->place];
    *hole = ts->unspent[--ts->n_unspent];
    if (hole != &ts->unspent[ts->n_unspent])
        coin_at(hole->wtx, hole->n)->place = coin->place;
    coin->place = COIN_SPENT;
}

static void refresh_coin(struct txstore *ts, struct wallet_tx *wtx,
                         struct wallet_coin *coin)
{
    const struct outpoint o = {wtx->tx->txid, coin->n};
    bool spent = txstore_is_spent(ts->w, &o);
    if (spent && coin->place != COIN_SPENT)
        unspent_del(ts, coin);
    else if (!spent && coin->place == COIN_SPENT)
        unspent_add(ts, wtx, coin);
    if (coin->place != COIN_SPENT)
        ts->unspent[coin->place].height =
            wtx->state == WTX_CONFIRMED ? wtx->block.height : -1;
}

static void refresh_own_coins(struct txstore *ts, struct wallet_tx *wtx)
{
    for (uint32_t i = 0; i < wtx->n_coins; i++)
        refresh_coin(ts, wtx, &wtx->coins[i]);
}

static void refresh_inputs(struct txstore *ts, const struct wallet_tx *wtx)
{
    for (uint32_t i = 0; i < wtx->tx->n_in; i++) {
        const struct outpoint *o = &wtx->tx->in[i].prevout;
        struct wallet_tx *parent = txstore_find(ts->w, &o->txid);
        struct wallet_coin *coin = parent != NULL ? coin_at(parent, o->n) : NULL;
        if (coin != NULL)
            refresh_coin(ts, parent, coin);
    }
}

void txstore_state_changed(struct txstore *ts, struct wallet_tx *wtx)
{
    ts->trust_round++;
    refresh_own_coins(ts, wtx);
    refresh_inputs(ts, wtx);
}

const struct unspent *txstore_unspent(const struct wallet *w, size_t *n)
{
    *n = w->txs->n_unspent;
    return w->txs->unspent;
}

void txstore_mark_used(struct txstore *ts, struct bytes script)
{
    for (size_t i = 0; i < ts->n_unspent; i++) {
        struct unspent *u = &ts->unspent[i];
        if (bytes_equal(u->wtx->tx->out[u->n].script, script))
            u->used = 1;
    }
}

/* -- Coins -- */

/* Appends the outputs of the wallet; those that were known keep their places. */
void txstore_find_coins(struct txstore *ts, struct wallet_tx *wtx)
{
    struct wallet_tx old = *wtx;
    ts->trust_round++;
    wtx->coins = NULL;
    wtx->n_coins = 0;
    for (uint32_t n = 0; n < wtx->tx->n_out; n++) {
        if (!spkman_find(ts->w->spkman, wtx->tx->out[n].script, NULL))
            continue;
        if (wtx->coins == NULL)
            wtx->coins = xrealloc_array(NULL, wtx->tx->n_out - n, sizeof(*wtx->coins));
        const struct wallet_coin *known = coin_at(&old, n);
        wtx->coins[wtx->n_coins++] =
            (struct wallet_coin){n, known != NULL ? known->place : COIN_SPENT};
    }
    if (wtx->n_coins > 0)
        wtx->coins = xrealloc_array(wtx->coins, wtx->n_coins, sizeof(*wtx->coins));
    free(old.coins);
    refresh_own_coins(ts, wtx);
}

void txstore_scripts_added(struct wallet *w)
{
    for (size_t i = 0; i < w->txs->n; i++)
        txstore_find_coins(w->txs, w->txs->history[i]);
}

const struct wallet_coin *txstore_coin(const struct wallet *w, const struct outpoint *o,
                                       struct wallet_tx **wtx)
{
    struct wallet_tx *found = txstore_find(w, &o->txid);
    const struct wallet_coin *coin = found != NULL ? coin_at(found, o->n) : NULL;
    if (coin != NULL && wtx != NULL)
        *wtx = found;
    return coin;
}

const struct txout *txstore_my_output(const struct wallet *w, const struct outpoint *o)
{
    struct wallet_tx *wtx;
    return txstore_coin(w, o, &wtx) != NULL ? &wtx->tx->out[o->n] : NULL;
}

/* -- The index -- */

struct wallet_tx *txstore_find(const struct wallet *w, const struct hash256 *txid)
{
    struct wallet_tx **found = map_get(&w->txs->by_txid, txid);
    return found != NULL ? *found : NULL;
}

size_t txstore_count(const struct wallet *w)
{
    return w->txs->n;
}

struct wallet_tx *txstore_at(const struct wallet *w, size_t i)
{
    return w->txs->history[i];
}

int64_t txstore_next_order(const struct txstore *ts)
{
    return ts->n > 0 ? ts->history[ts->n - 1]->order + 1 : 0;
}

void txstore_link(struct txstore *ts, struct wallet_tx *take_wtx)
{
    ASSERT(take_wtx->order >= txstore_next_order(ts));
    if (ts->n == ts->cap) {
        ts->cap = ts->cap ? 2 * ts->cap : 64;
        ts->history = xrealloc_array(ts->history, ts->cap, sizeof(struct wallet_tx *));
    }
    ts->history[ts->n++] = take_wtx;
    *(struct wallet_tx **)map_put(&ts->by_txid, &take_wtx->tx->txid, NULL) = take_wtx;
    add_links(ts, take_wtx);
    txstore_find_coins(ts, take_wtx);
    refresh_inputs(ts, take_wtx);
}

static void wallet_tx_free(struct wallet_tx *wtx)
{
    tx_unref(wtx->tx);
    free(wtx->comment);
    free(wtx->comment_to);
    free(wtx->coins);
    free(wtx->rivals);
    free(wtx->links);
    free(wtx);
}

static size_t history_place(const struct txstore *ts, int64_t order)
{
    size_t low = 0, high = ts->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ts->history[mid]->order < order)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void txstore_unlink(struct txstore *ts, struct wallet_tx *wtx)
{
    size_t at = history_place(ts, wtx->order);
    ts->trust_round++;
    memmove(&ts->history[at], &ts->history[at + 1],
            (--ts->n - at) * sizeof(struct wallet_tx *));
    for (uint32_t i = 0; i < wtx->n_coins; i++)
        if (wtx->coins[i].place != COIN_SPENT)
            unspent_del(ts, &wtx->coins[i]);
    map_del(&ts->by_txid, &wtx->tx->txid);
    del_links(ts, wtx);
    refresh_inputs(ts, wtx);
    wallet_tx_free(wtx);
}

/* -- Life -- */

struct txstore *txstore_new(struct wallet *w)
{
    struct txstore *ts = xcalloc(1, sizeof(*ts));
    ts->w = w;
    map_init(&ts->by_txid, sizeof(struct hash256), sizeof(struct wallet_tx *));
    map_init(&ts->spends, sizeof(struct outpoint), sizeof(struct spend_link *));
    return ts;
}

void txstore_free(struct txstore *ts)
{
    if (ts == NULL)
        return;
    for (size_t i = 0; i < ts->n; i++)
        wallet_tx_free(ts->history[i]);
    free(ts->history);
    free(ts->unspent);
    map_clear(&ts->by_txid);
    map_clear(&ts->spends);
    free(ts);
}

static bool load_row(void *ctx, const struct tx_row *row)
{
    struct txstore *ts = ctx;
    struct wallet_tx *wtx = xcalloc(1, sizeof(*wtx));
    if (!tx_row_decode(row, wtx) || txstore_find(ts->w, &wtx->tx->txid) != NULL) {
        wallet_tx_free(wtx);
        return false;
    }
    txstore_link(ts, wtx);
    return true;
}

bool txstore_load(struct txstore *ts, struct wallet_error *e)
{
    enum err result = tx_rows_each(ts->w->store, load_row, ts);
    if (result == ERR_OK)
        return true;
    return wallet_fail(e, WALLET_FAILED,
                       "Error reading the transactions of wallet \"%s\": %s. Restore a "
                       "backup, or rescue what can be read with ochre-wallet salvage.",
                       ts->w->name, err_text(result));
}
