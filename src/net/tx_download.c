/* Transactions: hearing of them, and asking for them. */
#include <stdlib.h>

#include "net/txs.h"

#define MAX_ANNOUNCEMENTS 5000 /* per peer */
#define MAX_IN_FLIGHT     100
#define DELAY_US                                                                       \
    (2 * US) /* for txids, for peers that are not preferred or overloaded */
#define REQUEST_TIMEOUT_US (60 * US)
#define DUE_AT_ONCE        100

bool txs_reject_incoming(const struct peer *p)
{
    return p->type == CONN_BLOCK_RELAY || p->type == CONN_FEELER ||
           (p->net->opt.blocks_only && !peer_has_perm(p, PERM_RELAY));
}

bool txs_have(struct net *net, const struct gtxid *id, bool with_reconsiderable)
{
    const struct hash256 *h = &id->hash;
    if (orphanage_has(net->orphans, h))
        return true;
    if (with_reconsiderable && recent_has_hash(&net->reconsiderable, h))
        return true;
    if (recent_has_hash(&net->confirmed, h) || recent_has_hash(&net->rejects, h))
        return true;
    return id->is_wtxid ? mempool_find_wtxid(net->mp, h) != NULL
                        : mempool_find(net->mp, h) != NULL;
}

bool txs_may_announce(const struct peer *p, size_t n)
{
    return peer_has_perm(p, PERM_RELAY) ||
           txrequest_count(p->net->txreq, p->id) + n <= MAX_ANNOUNCEMENTS;
}

void txs_announced(struct peer *p, const struct gtxid *id)
{
    struct net *net = p->net;
    bool trusted = peer_has_perm(p, PERM_RELAY);
    int64_t at = net_now_us(net);
    if (!txs_may_announce(p, 1))
        return;
    if (!p->sync.preferred)
        at += DELAY_US;
    if (!id->is_wtxid && net->n_wtxid_peers)
        at += DELAY_US;
    if (!trusted && txrequest_in_flight(net->txreq, p->id) >= MAX_IN_FLIGHT)
        at += DELAY_US;
    txrequest_announce(net->txreq, p->id, id, p->sync.preferred, at);
}

bool txs_heard_of(struct peer *p, const struct inv *inv)
{
    struct net *net = p->net;
    struct gtxid id = {inv->hash, inv->type == INV_WTX};
    char text[INV_TEXT];
    if (txs_reject_incoming(p)) {
        log_debug(net->log, LOG_NET,
                  "transaction (%s) inv sent in violation of protocol, "
                  "disconnecting peer=%lld",
                  hash256_to_hex(text, &inv->hash), (long long)p->id);
        peer_disconnect(p);
        return false;
    }
    bool have = txs_have(net, &id, true);
    log_debug(net->log, LOG_NET, "got inv: %s  %s peer=%lld", inv_format(text, inv),
              have ? "have" : "new", (long long)p->id);
    recent_add_hash(&p->txs.known, &inv->hash);
    if (chainman_ibd(net->cm))
        return true;
    const struct tx *orphan = orphanage_get(net->orphans, &inv->hash);
    if (orphan)
        txs_orphan_announced(p, orphan);
    else if (!have)
        txs_announced(p, &id);
    return true;
}

void on_notfound(struct handler_args *a)
{
    struct msg_inv m = msg_inv_read(&a->r);
    if (!a->r.bad && m.n <= MAX_ANNOUNCEMENTS + PEER_INFLIGHT_MAX)
        for (size_t i = 0; i < m.n; i++)
            if (inv_is_tx(&m.items[i]))
                txrequest_answered(a->net->txreq, a->peer->id, &m.items[i].hash);
    msg_inv_clear(&m);
}

/* Adds what is due to the message, and sends that whenever it is full. */
static void request(struct peer *p, struct msg_inv *m, const struct gtxid *id,
                    int64_t now_us)
{
    struct net *net = p->net;
    char hex[65];
    if (txs_have(net, id, false)) {
        txrequest_forget(net->txreq, &id->hash);
        return;
    }
    log_debug(net->log, LOG_NET, "Requesting %s %s peer=%lld",
              id->is_wtxid ? "wtx" : "tx", hash256_to_hex(hex, &id->hash),
              (long long)p->id);
    uint32_t by_txid = p->services & NODE_WITNESS ? INV_WITNESS_TX : INV_TX;
    m->items[m->n++] = (struct inv){id->is_wtxid ? INV_WTX : by_txid, id->hash};
    txrequest_requested(net->txreq, p->id, &id->hash, now_us + REQUEST_TIMEOUT_US);
    if (m->n == MAX_GETDATA_SIZE)
        txs_send_invs(p, "getdata", m);
}

void txs_send_getdata(struct peer *p, int64_t now_us)
{
    struct txrequest *t = p->net->txreq;
    struct gtxid due[DUE_AT_ONCE];
    struct inv items[MAX_GETDATA_SIZE];
    struct msg_inv m = {.items = items};
    size_t n, expired;
    while ((n = txrequest_due(t, p->id, now_us, due, DUE_AT_ONCE, &expired)) ||
           expired) {
        if (expired)
            log_debug(p->net->log, LOG_NET, "timeout of %zu inflight tx from peer=%lld",
                      expired, (long long)p->id);
        for (size_t i = 0; i < n; i++)
            request(p, &m, &due[i], now_us);
    }
    txs_send_invs(p, "getdata", &m);
}

void txs_forget(struct net *net, const struct tx *tx)
{
    txrequest_forget(net->txreq, &tx->txid);
    txrequest_forget(net->txreq, &tx->wtxid);
}

void txs_peer_gone(struct peer *p)
{
    txrequest_drop_peer(p->net->txreq, p->id);
    orphanage_drop_peer(p->net->orphans, p->id);
}

void txs_block_connected(struct net *net, const struct block *b)
{
    orphanage_block(net->orphans, b->txs, b->n_tx);
    for (uint32_t i = 0; i < b->n_tx; i++) {
        const struct tx *tx = &b->txs[i];
        recent_add_hash(&net->confirmed, &tx->txid);
        if (tx->has_witness)
            recent_add_hash(&net->confirmed, &tx->wtxid);
        txs_forget(net, tx);
    }
}

/* What was refused on the old tip may be fine on the new one. */
void txs_tip_changed(struct net *net)
{
    recent_reset(&net->rejects);
    recent_reset(&net->reconsiderable);
}
