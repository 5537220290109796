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
    bool is_new;
    for (size_t i = 0; i < net->n_peers; i++) {
        struct peer *p = net->peers[i];
        const struct hash256 *hash = p->wtxid_relay ? wtxid : txid;
        /* Before the first trickle the timing would tell when we got it. */
        if (!p->txs.relay || !p->txs.next_inv_us)
            continue;
        if (!recent_has_hash(&p->txs.known, hash))
            map_put(&p->txs.to_send, hash, &is_new);
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
    map_del(&p->txs.to_send, p->wtxid_relay ? &e->tx->wtxid : &e->tx->txid);
    if (wants_entry(p, e))
        batch_add(b, e);
    return true;
}

/* Parents first, then the better fee rate: order of arrival is nobody's business. */
static int compare_entries(const void *x, const void *y)
{
    const struct mempool_entry *a = *(const struct mempool_entry *const *)x;
    const struct mempool_entry *b = *(const struct mempool_entry *const *)y;
    if (a->n_ancestors != b->n_ancestors)
        return a->n_ancestors < b->n_ancestors ? -1 : 1;
    double fa = (double)a->fee.v * (double)b->vsize,
           fb = (double)b->fee.v * (double)a->vsize;
    if (fa != fb)
        return fa > fb ? -1 : 1;
    return memcmp(a->tx->txid.b, b->tx->txid.b, 32);
}

/* Takes from to_send what is worth announcing now, best first. */
static void batch_to_send(struct inv_batch *b)
{
    struct peer *p = b->p;
    struct map *set = &p->txs.to_send;
    size_t max = BROADCAST_TARGET + set->len / 1000 * 5, n = 0, sent = 0;
    const struct mempool_entry **found = xmalloc((set->len + 1) * sizeof(*found));
    struct hash_list gone = {0};
    const void *k;
    void *v;
    max = max < BROADCAST_MAX ? max : BROADCAST_MAX;
    for (size_t i = 0; map_next(set, &i, &k, &v);) {
        const struct mempool_entry *e = p->wtxid_relay
                                            ? mempool_find_wtxid(p->net->mp, k)
                                            : mempool_find(p->net->mp, k);
        if (e && !recent_has_hash(&p->txs.known, k))
            found[n++] = e;
        else
            hash_list_add(&gone, k);
    }
    qsort(found, n, sizeof(*found), compare_entries);
    for (size_t i = 0; i < n && sent < max; i++) {
        const struct tx *tx = found[i]->tx;
        hash_list_add(&gone, p->wtxid_relay ? &tx->wtxid : &tx->txid);
        if (!wants_entry(p, found[i]))
            continue;
        batch_add(b, found[i]);
        sent++;
    }
    for (size_t i = 0; i < gone.n; i++)
        map_del(set, &gone.items[i]);
    hash_list_clear(&gone);
    free(found);
}

void txs_send_inv(struct peer *p, int64_t now_us)
{
    struct inv_batch b = {.p = p};
    if (!p->txs.relay || !trickle_due(p, now_us))
        return;
    if (!p->txs.wants)
        map_clear(&p->txs.to_send);
    if (p->txs.answer_mempool) {
        p->txs.answer_mempool = false;
        mempool_each(p->net->mp, add_mempool_entry, &b);
    }
    if (p->txs.to_send.len)
        batch_to_send(&b);
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
