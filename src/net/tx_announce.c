/* Transactions: passing them on. */
#include <stdlib.h>

#include "chain/rules/policy.h"
#include "net/txs.h"

#define INBOUND_INTERVAL_US  (5 * US)
#define OUTBOUND_INTERVAL_US (2 * US)
#define BROADCAST_TARGET     70
#define BROADCAST_MAX        1000
#define UNBROADCAST_MIN_S    (10 * 60)
#define UNBROADCAST_SPREAD_S (5 * 60)

void txs_setup(struct peer *p, bool wants)
{
    p->txs.relay = true;
    p->txs.wants = wants;
    p->txs.last_inv_sequence = 1;
}

void txs_send_invs(struct peer *p, const char *type, struct msg_inv *m)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    if (!m->n)
        return;
    msg_inv_write(&s, m);
    peer_send(p, type, &b);
    buf_clear(&b);
    m->n = 0;
}

void txs_relay(struct net *net, const struct hash256 *txid, const struct hash256 *wtxid)
{
    for (size_t i = 0; i < net->n_peers; i++) {
        struct peer *p = net->peers[i];
        /* Before the first trickle the timing would tell when we got it. */
        if (p->txs.relay && p->txs.next_inv_us)
            hash_list_add(&p->txs.fresh, p->wtxid_relay ? wtxid : txid);
    }
    net->visit_all = true;
}

/* Made when first needed: not before a block is announced, and not for each request. */
static void index_recent_block(struct net *net)
{
    const struct block *b = net->recent_block;
    if (hash256_equal(&net->recent_txs_of, &b->hash))
        return;
    map_clear(&net->recent_txs);
    map_reserve(&net->recent_txs, 2 * (size_t)b->n_tx);
    for (uint32_t i = 0; i < b->n_tx; i++) {
        *(uint32_t *)map_put(&net->recent_txs, &b->txs[i].txid, NULL) = i;
        *(uint32_t *)map_put(&net->recent_txs, &b->txs[i].wtxid, NULL) = i;
    }
    net->recent_txs_of = b->hash;
}

static const struct tx *find_in_recent_block(struct net *net, const struct hash256 *h,
                                             bool by_wtxid)
{
    if (!net->recent_block)
        return NULL;
    index_recent_block(net);
    const uint32_t *i = map_get(&net->recent_txs, h);
    const struct tx *tx = i ? &net->recent_block->txs[*i] : NULL;
    return tx && hash256_equal(by_wtxid ? &tx->wtxid : &tx->txid, h) ? tx : NULL;
}

const struct tx *txs_find_for_relay(struct peer *p, const struct inv *inv)
{
    struct net *net = p->net;
    bool by_wtxid = inv->type == INV_WTX;
    const struct mempool_entry *e = by_wtxid ? mempool_find_wtxid(net->mp, &inv->hash)
                                             : mempool_find(net->mp, &inv->hash);
    if (e && e->sequence < p->txs.last_inv_sequence)
        return e->tx;
    return find_in_recent_block(net, &inv->hash, by_wtxid);
}

static bool trickle_due(struct peer *p, int64_t now_us)
{
    struct net *net = p->net;
    if (p->txs.next_inv_us >= now_us)
        return peer_has_perm(p, PERM_NOBAN);
    if (peer_inbound(p)) {
        /* One timer for all: an observer with many connections learns no more. */
        if (net->next_inbound_inv_us < now_us)
            net->next_inbound_inv_us =
                now_us + net_random_delay(net, INBOUND_INTERVAL_US);
        p->txs.next_inv_us = net->next_inbound_inv_us;
    } else {
        p->txs.next_inv_us = now_us + net_random_delay(net, OUTBOUND_INTERVAL_US);
    }
    return true;
}

struct inv_batch {
    struct peer *p;
    struct msg_inv m;
};

static bool wants_entry(struct peer *p, const struct mempool_entry *e)
{
    if (e->fee.v < feerate_fee(p->txs.fee_filter, e->vsize))
        return false;
    return !p->txs.filter || bloom_match_tx(p->txs.filter, e->tx);
}

static void batch_add(struct inv_batch *b, const struct mempool_entry *e)
{
    struct peer *p = b->p;
    const struct hash256 *hash = p->wtxid_relay ? &e->tx->wtxid : &e->tx->txid;
    recent_add_hash(&p->txs.known, hash);
    b->m.items = xrealloc_array(b->m.items, b->m.n + 1, sizeof(*b->m.items));
    b->m.items[b->m.n++] = (struct inv){p->wtxid_relay ? INV_WTX : INV_TX, *hash};
    if (b->m.n == MAX_INV_SIZE)
        txs_send_invs(p, "inv", &b->m);
}

static bool add_mempool_entry(void *ctx, const struct mempool_entry *e)
{
    struct inv_batch *b = ctx;
    struct peer *p = b->p;
    if (wants_entry(p, e))
        batch_add(b, e);
    return true;
}

static const struct mempool_entry *entry_of(const struct peer *p,
                                            const struct hash256 *hash)
{
    return p->wtxid_relay ? mempool_find_wtxid(p->net->mp, hash)
                          : mempool_find(p->net->mp, hash);
}

static void queue_fresh(struct peer *p)
{
    struct hash_list *fresh = &p->txs.fresh;
    for (size_t i = 0; i < fresh->n; i++) {
        const struct hash256 *hash = &fresh->items[i];
        const struct mempool_entry *e =
            recent_has_hash(&p->txs.known, hash) ? NULL : entry_of(p, hash);
        if (!e)
            continue;
        struct relay_item item = {*hash, e->n_ancestors, e->fee.v, e->vsize};
        relay_queue_add(&p->txs.queue, &item);
    }
    hash_list_clear(fresh);
}

static bool is_worth_telling(void *ctx, const struct relay_item *item)
{
    struct peer *p = ctx;
    return entry_of(p, &item->hash) && !recent_has_hash(&p->txs.known, &item->hash);
}

/* Takes from the queue what is worth announcing now, best first. */
static void batch_queued(struct inv_batch *b)
{
    struct peer *p = b->p;
    struct relay_queue *q = &p->txs.queue;
    struct relay_item item;
    size_t max = BROADCAST_TARGET + relay_queue_len(q) / 1000 * 5, sent = 0;
    max = max < BROADCAST_MAX ? max : BROADCAST_MAX;
    while (sent < max && relay_queue_take(q, &item)) {
        const struct mempool_entry *e = entry_of(p, &item.hash);
        if (!e || recent_has_hash(&p->txs.known, &item.hash) || !wants_entry(p, e))
            continue;
        batch_add(b, e);
        sent++;
    }
    /* What left the mempool meanwhile must not pile up. */
    if (relay_queue_len(q) > 2 * mempool_count(p->net->mp) + BROADCAST_MAX)
        relay_queue_sift(q, is_worth_telling, p);
}

static void forget_queue(struct peer *p)
{
    hash_list_clear(&p->txs.fresh);
    relay_queue_clear(&p->txs.queue);
}

void txs_send_inv(struct peer *p, int64_t now_us)
{
    struct inv_batch b = {.p = p};
    if (!p->txs.relay || !trickle_due(p, now_us))
        return;
    if (!p->txs.wants)
        forget_queue(p);
    if (p->txs.answer_mempool) {
        p->txs.answer_mempool = false;
        p->txs.mempool_due = true;
        net_wake(p->net);
    }
    queue_fresh(p);
    batch_queued(&b);
    p->txs.last_inv_sequence = mempool_sequence(p->net->mp);
    txs_send_invs(p, "inv", &b.m);
    msg_inv_clear(&b.m);
}

void txs_answer_mempool(struct peer *p)
{
    struct inv_batch b = {.p = p};
    p->txs.mempool_due = false;
    mempool_each(p->net->mp, add_mempool_entry, &b);
    p->txs.last_inv_sequence = mempool_sequence(p->net->mp);
    txs_send_invs(p, "inv", &b.m);
    msg_inv_clear(&b.m);
}

static void relay_unbroadcast(void *ctx, const struct hash256 *txid)
{
    struct net *net = ctx;
    const struct mempool_entry *e = mempool_find(net->mp, txid);
    if (e)
        txs_relay(net, &e->tx->txid, &e->tx->wtxid);
}

/* Our own transactions that nobody asked for yet are announced again now and then. */
void txs_rebroadcast(struct net *net)
{
    int64_t now = net_schedule_s(net);
    if (now < net->next_unbroadcast_s)
        return;
    if (net->next_unbroadcast_s)
        mempool_each_unbroadcast(net->mp, relay_unbroadcast, net);
    net->next_unbroadcast_s =
        now + UNBROADCAST_MIN_S + (int64_t)rng_below(&net->rng, UNBROADCAST_SPREAD_S);
}
