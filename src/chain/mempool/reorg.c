/* What a moving tip does to the pool. */
#include <stdlib.h>

#include "chain/mempool/pool.h"
#include "util/rand.h"

/* ---- transactions of disconnected blocks ---- */

#define MAX_DISCONNECTED_BYTES 20000000

void disconnected_init(struct disconnected *d)
{
    *d = (struct disconnected){0};
    map_init(&d->places, sizeof(struct hash256), sizeof(size_t));
}

void disconnected_clear(struct disconnected *d)
{
    for (size_t i = d->first; i < d->n; i++)
        tx_unref(d->txs[i]);
    free(d->txs);
    map_clear(&d->places);
    disconnected_init(d);
}

static size_t waiting_usage(const struct tx *tx)
{
    return pool_tx_usage(tx) + sizeof(void *) +
           SLOT_USAGE(sizeof(struct hash256), sizeof(size_t));
}

static void disconnected_add(struct disconnected *d, const struct tx *tx)
{
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 256;
        d->txs = xrealloc_array(d->txs, d->cap, sizeof(struct tx *));
    }
    *(size_t *)map_put(&d->places, &tx->txid, NULL) = d->n;
    d->txs[d->n++] = tx_ref(tx);
    d->bytes += waiting_usage(tx);
}

static void disconnected_del(struct disconnected *d, size_t place)
{
    struct tx *tx = d->txs[place];
    d->txs[place] = NULL;
    d->bytes -= waiting_usage(tx);
    map_del(&d->places, &tx->txid);
    tx_unref(tx);
}

/* Whatever spends the transaction cannot be confirmed any more. */
static void remove_spenders(struct mempool *mp, const struct tx *tx,
                            enum tx_removal why)
{
    struct outpoint o = {.txid = tx->txid};
    for (; o.n < tx->n_out; o.n++) {
        struct mempool_entry *e = pool_spender(mp, &o);
        if (e)
            pool_remove_family(mp, e, why);
    }
}

/* A very deep reorg: the last blocks' transactions are given up first. */
static void disconnected_limit(struct mempool *mp)
{
    struct disconnected *d = &mp->disconnected;
    for (; d->bytes > MAX_DISCONNECTED_BYTES; d->first++) {
        if (!d->txs[d->first])
            continue;
        remove_spenders(mp, d->txs[d->first], TX_REMOVED_REORG);
        disconnected_del(d, d->first);
    }
}

/* The new chain holds some of them, too. */
static void disconnected_confirm(struct disconnected *d, const struct block *b)
{
    for (uint32_t i = 0; i < b->n_tx; i++) {
        const size_t *place = map_get(&d->places, &b->txs[i].txid);
        if (place)
            disconnected_del(d, *place);
    }
}

/* ---- blocks ---- */

static void remove_conflicts(struct mempool *mp, const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct mempool_entry *e = pool_spender(mp, &tx->in[i].prevout);
        if (!e)
            continue;
        map_del(&mp->deltas, &e->tx->txid);
        pool_remove_family(mp, e, TX_REMOVED_CONFLICT);
    }
}

void mempool_block_connected(struct mempool *mp, const struct block *b, int32_t height)
{
    grounds_height(mp, height + 1);
    for (uint32_t i = 0; i < b->n_tx; i++) {
        const struct tx *tx = &b->txs[i];
        struct mempool_entry *e = pool_find(mp, &tx->txid);
        if (e)
            pool_remove(mp, e, TX_REMOVED_BLOCK);
        else
            remove_conflicts(mp, tx);
        map_del(&mp->deltas, &tx->txid);
    }
    disconnected_confirm(&mp->disconnected, b);
    pool_rolling_block(mp);
}

void mempool_block_disconnected(struct mempool *mp, const struct block *b,
                                bool give_back)
{
    grounds_height(mp, pool_tip(mp)->height);
    for (uint32_t i = b->n_tx; i-- > 0;)
        if (give_back)
            disconnected_add(&mp->disconnected, &b->txs[i]);
        else
            remove_spenders(mp, &b->txs[i], TX_REMOVED_REORG);
    disconnected_limit(mp);
}

/* ---- the settled tip ---- */

static void readd(struct mempool *mp, const struct tx *tx)
{
    struct accept_result r = {0};
    if (tx_is_coinbase(tx) || !mempool_accept(mp, tx, false, true, 0, &r))
        remove_spenders(mp, tx, TX_REMOVED_REORG);
    accept_result_clear(&r);
}

/* What came in and left again, replaced by another one that came back, takes along what
 * spends it. */
static void adopt_children(struct mempool *mp, const struct disconnected *d)
{
    struct entry_list back = {0};
    for (size_t i = d->first; i < d->n; i++)
        if (d->txs[i] && !pool_find(mp, &d->txs[i]->txid))
            remove_spenders(mp, d->txs[i], TX_REMOVED_REORG);
    for (size_t i = d->first; i < d->n; i++) {
        struct mempool_entry *e = d->txs[i] ? pool_find(mp, &d->txs[i]->txid) : NULL;
        if (e)
            entry_list_add(&back, e);
    }
    families_adopt(mp, &back);
    entry_list_clear(&back);
}

static void readd_disconnected(struct mempool *mp)
{
    struct disconnected *d = &mp->disconnected;
    for (size_t i = d->n; i-- > d->first;)
        if (d->txs[i])
            readd(mp, d->txs[i]);
    adopt_children(mp, d);
    disconnected_clear(d);
}

/* Removes what is in the list, with descendants, and clears it. */
static void remove_families(struct mempool *mp, struct entry_list *l,
                            enum tx_removal why)
{
    walk_families(mp, l);
    pool_remove_all(mp, l, why);
    entry_list_clear(l);
}

/* Removes every entry of which @lasts says no, with its descendants. */
static void sweep(struct mempool *mp,
                  bool (*lasts)(struct mempool *mp, const struct mempool_entry *e),
                  enum tx_removal why)
{
    struct entry_list l = {0};
    for (struct mempool_entry *e = mp->oldest; e; e = e->newer)
        if (!lasts(mp, e))
            entry_list_add(&l, e);
    remove_families(mp, &l, why);
}

/* Transactions that came back may have found more descendants than the limits allow. */
static bool within_limits(struct mempool *mp, const struct mempool_entry *e)
{
    return e->n_ancestors <= mp->opt.max_ancestors &&
           e->ancestor_vsize <= mp->opt.max_ancestor_bytes;
}

/* ---- tickets ---- */

/* Before the rules held, nobody looked for tickets. */
static void doubt_all(struct mempool *mp)
{
    for (struct mempool_entry *e = mp->oldest; e; e = e->newer)
        doubt_begin(mp, e);
}

static bool judge_again(struct mempool *mp, struct mempool_entry *e)
{
    struct buf names = {0};
    bool ok = pool_ticket_judge(mp, e, &names);
    if (ok)
        grounds_rely(mp, e, buf_view(&names));
    buf_clear(&names);
    return ok;
}

static void settle_tickets(struct mempool *mp, enum tx_removal why)
{
    struct entry_list l = {0};
    bool active = pool_tickets_active(mp);

    if (active && !mp->had_tickets)
        doubt_all(mp);
    mp->had_tickets = active;
    grounds_settle(mp);
    while (active && mp->doubtful.n > 0) {
        struct mempool_entry *e = mp->doubtful.v[mp->doubtful.n - 1];
        doubt_end(mp, e);
        if (!judge_again(mp, e))
            entry_list_add(&l, e);
    }
    remove_families(mp, &l, why);
}

/* Nothing stays that the rules would refuse, whatever its grounds. */
static void check_verdicts(struct mempool *mp)
{
    if (!pool_tickets_active(mp))
        return;
    for (struct mempool_entry *e = mp->oldest; e; e = e->newer)
        ASSERT(e->doubt == 0 && pool_ticket_judge(mp, e, NULL));
}

void mempool_tip_settled(struct mempool *mp, bool reorged)
{
    if (reorged) {
        readd_disconnected(mp);
        sweep(mp, within_limits, TX_REMOVED_SIZE_LIMIT);
        sweep(mp, pool_entry_final, TX_REMOVED_REORG);
    }
    settle_tickets(mp, reorged ? TX_REMOVED_REORG : TX_REMOVED_CONFLICT);
    if (reorged)
        pool_limit(mp);
    mp->updates++;
    if (mp->opt.check_ratio && rand_u64() % (uint64_t)mp->opt.check_ratio == 0) {
        mempool_check(mp);
        check_verdicts(mp);
    }
}
