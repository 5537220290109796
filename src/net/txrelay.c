/* Transactions: hearing of them, asking for them, taking them in, passing them on. */
#include <stdio.h>
#include <stdlib.h>

#include "chain/rules/policy.h"
#include "net/internal.h"

#define MAX_ANNOUNCEMENTS 5000 /* per peer */
#define MAX_IN_FLIGHT     100
#define DELAY_US                                                                       \
    (2 * US) /* for txids, for peers that are not preferred or overloaded */
#define REQUEST_TIMEOUT_US     (60 * US)
#define INBOUND_INTERVAL_US    (5 * US)
#define OUTBOUND_INTERVAL_US   (2 * US)
#define BROADCAST_TARGET       70
#define BROADCAST_MAX          1000
#define FEEFILTER_INTERVAL_US  (10 * 60 * US)
#define FEEFILTER_MAX_DELAY_US (5 * 60 * US)
#define FEEFILTER_MAX_RATE     1e7
#define FEEFILTER_STEP         1.1
#define UNBROADCAST_MIN_S      (10 * 60)
#define UNBROADCAST_SPREAD_S   (5 * 60)
#define EXTRA_TX_MAX_BYTES     100000

bool txs_reject_incoming(const struct peer *p)
{
    return p->type == CONN_BLOCK_RELAY || p->type == CONN_FEELER ||
           (p->net->opt.blocks_only && !peer_has_perm(p, PERM_RELAY));
}

void txs_setup(struct peer *p, bool wants)
{
    p->txs.relay = true;
    p->txs.wants = wants;
    p->txs.last_inv_sequence = 1;
}

void txs_peer_gone(struct peer *p)
{
    txrequest_drop_peer(p->net->txreq, p->id);
    orphanage_erase_peer(p->net->orphans, p->id);
}

/* What we will not ask for: known, confirmed lately, or refused lately. */
static bool already_have(struct net *net, const struct gtxid *id,
                         bool with_reconsiderable)
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

static void announced(struct peer *p, const struct gtxid *id)
{
    struct net *net = p->net;
    bool trusted = peer_has_perm(p, PERM_RELAY);
    int64_t at = net_now_us(net);
    if (!trusted && txrequest_count(net->txreq, p->id) >= MAX_ANNOUNCEMENTS)
        return;
    if (!p->sync.preferred)
        at += DELAY_US;
    if (!id->is_wtxid && net->n_wtxid_peers)
        at += DELAY_US;
    if (!trusted && txrequest_in_flight(net->txreq, p->id) >= MAX_IN_FLIGHT)
        at += DELAY_US;
    txrequest_announce(net->txreq, p->id, id, p->sync.preferred, at);
}

/* -- inv ------------------------------------------------------------------ */

static bool heard_of_tx(struct peer *p, const struct inv *inv)
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
    bool have = already_have(net, &id, true);
    log_debug(net->log, LOG_NET, "got inv: %s  %s peer=%lld", inv_format(text, inv),
              have ? "have" : "new", (long long)p->id);
    recent_add_hash(&p->txs.known, &inv->hash);
    if (!have && !chainman_ibd(net->cm))
        announced(p, &id);
    return true;
}

/* A peer that announces by inv: ask for headers up to there. While we wait for our
 * first headers from somebody else, one more peer per new block is let in on it. */
static void heard_of_block(struct peer *p, const struct hash256 *hash)
{
    struct net *net = p->net;
    struct peer_sync *s = &p->sync;
    char hex[65];
    struct block_index *best = best_header(net->cm);
    if (!s->started && (s->inv_triggered_getheaders ||
                        hash256_equal(hash, &net->last_inv_headers_sync)))
        return;
    if (getheaders_maybe(p, best))
        log_debug(net->log, LOG_NET, "getheaders (%d) %s to peer=%lld", best->height,
                  hash256_to_hex(hex, hash), (long long)p->id);
    if (!s->started) {
        s->inv_triggered_getheaders = true;
        net->last_inv_headers_sync = *hash;
    }
}

static void take_inv(struct peer *p, const struct msg_inv *m)
{
    struct net *net = p->net;
    const struct hash256 *best = NULL;
    char text[INV_TEXT];
    for (size_t i = 0; i < m->n; i++) {
        const struct inv *inv = &m->items[i];
        if (inv->type == (p->wtxid_relay ? INV_TX : INV_WTX))
            continue; /* not what was agreed on */
        if (inv->type == INV_BLOCK) {
            bool have = block_tree_find(net->cm, &inv->hash) != NULL;
            log_debug(net->log, LOG_NET, "got inv: %s  %s peer=%lld",
                      inv_format(text, inv), have ? "have" : "new", (long long)p->id);
            update_availability(p, &inv->hash);
            if (!have && !chainman_importing(net->cm) &&
                !block_requested(net, &inv->hash))
                best = &inv->hash;
        } else if (inv_is_tx(inv)) {
            if (!heard_of_tx(p, inv))
                return;
        } else {
            log_debug(net->log, LOG_NET,
                      "Unknown inv type \"%s\" received from peer=%lld",
                      inv_format(text, inv), (long long)p->id);
        }
    }
    if (best)
        heard_of_block(p, best);
}

void on_inv(struct handler_args *a)
{
    struct msg_inv m = msg_inv_read(&a->r);
    if (m.n > MAX_INV_SIZE)
        peer_misbehaving(a->peer, "inv message size = %zu", m.n);
    else if (!a->r.bad)
        take_inv(a->peer, &m);
    msg_inv_clear(&m);
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

/* -- Asking --------------------------------------------------------------- */

static void send_invs(struct peer *p, const char *type, struct msg_inv *m)
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

void txs_send_getdata(struct peer *p, int64_t now_us)
{
    struct net *net = p->net;
    size_t max = txrequest_candidates(net->txreq, p->id), expired;
    char hex[65];
    if (!max && !txrequest_in_flight(net->txreq, p->id))
        return;
    struct gtxid *due = xmalloc((max + 1) * sizeof(*due));
    struct msg_inv m = {.items = xmalloc(MAX_GETDATA_SIZE * sizeof(*m.items))};
    size_t n = txrequest_due(net->txreq, p->id, now_us, due, max, &expired);
    if (expired)
        log_debug(net->log, LOG_NET, "timeout of %zu inflight tx from peer=%lld",
                  expired, (long long)p->id);
    for (size_t i = 0; i < n; i++) {
        if (already_have(net, &due[i], false)) {
            txrequest_forget(net->txreq, &due[i].hash);
            continue;
        }
        log_debug(net->log, LOG_NET, "Requesting %s %s peer=%lld",
                  due[i].is_wtxid ? "wtx" : "tx", hash256_to_hex(hex, &due[i].hash),
                  (long long)p->id);
        uint32_t by_txid = p->services & NODE_WITNESS ? INV_WITNESS_TX : INV_TX;
        m.items[m.n++] = (struct inv){due[i].is_wtxid ? INV_WTX : by_txid, due[i].hash};
        txrequest_requested(net->txreq, p->id, &due[i].hash,
                            now_us + REQUEST_TIMEOUT_US);
        if (m.n == MAX_GETDATA_SIZE)
            send_invs(p, "getdata", &m);
    }
    send_invs(p, "getdata", &m);
    msg_inv_clear(&m);
    free(due);
}

/* -- Taking in ------------------------------------------------------------ */

void txs_remember_extra(struct net *net, const struct tx *tx)
{
    if (!net->opt.extra_txn || tx->total_size > EXTRA_TX_MAX_BYTES)
        return;
    if (!net->extra_txn)
        net->extra_txn = xcalloc(net->opt.extra_txn, sizeof(*net->extra_txn));
    if (net->n_extra_txn < net->opt.extra_txn)
        net->n_extra_txn++;
    tx_unref(net->extra_txn[net->extra_txn_at]);
    net->extra_txn[net->extra_txn_at] = tx_ref(tx);
    net->extra_txn_at = (net->extra_txn_at + 1) % net->opt.extra_txn;
}

static void forget_requests(struct net *net, const struct tx *tx)
{
    txrequest_forget(net->txreq, &tx->txid);
    txrequest_forget(net->txreq, &tx->wtxid);
}

static void accepted(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    char a[65], b[65];
    forget_requests(net, tx);
    log_debug(net->log, LOG_MEMPOOL,
              "AcceptToMemoryPool: peer=%lld: accepted %s (wtxid=%s) "
              "(poolsz %zu txn, %zu kB)",
              (long long)p->id, hash256_to_hex(a, &tx->txid),
              hash256_to_hex(b, &tx->wtxid), mempool_count(net->mp),
              mempool_memory(net->mp) / 1000);
    orphanage_add_children(net->orphans, tx);
    orphanage_erase(net->orphans, &tx->wtxid);
    txs_relay(net, &tx->txid, &tx->wtxid);
}

static void refused(struct peer *p, const struct tx *tx, const struct accept_result *r,
                    bool extra)
{
    struct net *net = p->net;
    char a[65], b[65], text[512];
    log_debug(net->log, LOG_MEMPOOLREJ,
              "%s (wtxid=%s) from peer=%lld was not accepted: %s",
              hash256_to_hex(a, &tx->txid), hash256_to_hex(b, &tx->wtxid),
              (long long)p->id, reject_text(&r->rej, text));
    if (r->rej.class == TX_MISSING_INPUTS)
        return;
    bool stripped = r->witness_stripped || r->rej.class == TX_WITNESS_STRIPPED;
    if (!stripped) {
        recent_add_hash(r->rej.class == TX_RECONSIDERABLE ? &net->reconsiderable
                                                          : &net->rejects,
                        &tx->wtxid);
        txrequest_forget(net->txreq, &tx->wtxid);
        /* Another witness would not help. */
        if (r->rej.class == TX_INPUTS_NOT_STANDARD) {
            recent_add_hash(&net->rejects, &tx->txid);
            txrequest_forget(net->txreq, &tx->txid);
        }
        if (extra)
            txs_remember_extra(net, tx);
    }
    if (r->rej.class == TX_CONSENSUS && !stripped)
        peer_misbehaving(p, "%s", reject_text(&r->rej, text));
    orphanage_erase(net->orphans, &tx->wtxid);
}

static bool try_accept(struct net *net, const struct tx *tx, struct accept_result *r)
{
    *r = (struct accept_result){0};
    net_release(net);
    bool ok = mempool_accept(net->mp, tx, false, false, 0, r);
    net_resume(net);
    return ok;
}

/* Its parents are unknown: ask the one who sent it for them, unless they were refused.
 */
static void keep_orphan(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    char a[65], b[65];
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (!recent_has_hash(&net->rejects, &tx->in[i].prevout.txid))
            continue;
        log_debug(net->log, LOG_MEMPOOL,
                  "not keeping orphan with rejected parents %s "
                  "(wtxid=%s)",
                  hash256_to_hex(a, &tx->txid), hash256_to_hex(b, &tx->wtxid));
        recent_add_hash(&net->rejects, &tx->txid);
        recent_add_hash(&net->rejects, &tx->wtxid);
        forget_requests(net, tx);
        return;
    }
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct gtxid id = {tx->in[i].prevout.txid, false};
        recent_add_hash(&p->txs.known, &id.hash);
        if (!already_have(net, &id, false))
            announced(p, &id);
    }
    if (orphanage_add(net->orphans, tx, p->id, net_now_s(net)))
        txs_remember_extra(net, tx);
    forget_requests(net, tx);
    orphanage_limit(net->orphans, net->opt.max_orphans, net_now_s(net), &net->rng);
}

static void force_relay(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    char a[65], b[65];
    hash256_to_hex(a, &tx->txid);
    hash256_to_hex(b, &tx->wtxid);
    if (!peer_has_perm(p, PERM_FORCE_RELAY))
        return;
    if (!mempool_find(net->mp, &tx->txid)) {
        log_info(net->log,
                 "Not relaying non-mempool transaction %s (wtxid=%s) from "
                 "forcerelay peer=%lld",
                 a, b, (long long)p->id);
        return;
    }
    log_info(net->log, "Force relaying tx %s (wtxid=%s) from peer=%lld", a, b,
             (long long)p->id);
    txs_relay(net, &tx->txid, &tx->wtxid);
}

static void take_tx(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    struct accept_result r;
    recent_add_hash(&p->txs.known, p->wtxid_relay ? &tx->wtxid : &tx->txid);
    txrequest_answered(net->txreq, p->id, &tx->txid);
    if (tx->has_witness)
        txrequest_answered(net->txreq, p->id, &tx->wtxid);
    if (already_have(net, &(struct gtxid){tx->wtxid, true}, true)) {
        force_relay(p, tx);
        return;
    }
    if (try_accept(net, tx, &r)) {
        accepted(p, tx);
        p->txs.last_tx_s = net_now_s(net);
    } else {
        if (r.rej.class == TX_MISSING_INPUTS)
            keep_orphan(p, tx);
        refused(p, tx, &r, true);
    }
    accept_result_clear(&r);
}

/* Whether the transaction is fine but for its witnesses, all of which are empty. */
static bool has_superfluous_witness(struct bytes raw)
{
    struct reader r;
    struct buf plain = {0};
    reader_init(&r, raw.data + 6, raw.len - 6); /* behind version, marker and flag */
    uint64_t n_in = read_varint(&r, raw.len);
    if (r.bad || n_in + 4 > reader_left(&r))
        return false;
    const uint8_t *witness = r.end - 4 - n_in;
    buf_append(&plain, raw.data, 4);
    buf_append(&plain, raw.data + 6, (size_t)(witness - raw.data) - 6);
    buf_append(&plain, r.end - 4, 4);
    struct tx *tx = tx_from_bytes(plain.data, plain.len, false);
    bool found = tx != NULL;
    for (size_t i = 0; i < n_in && found; i++)
        found = witness[i] == 0;
    tx_unref(tx);
    buf_clear(&plain);
    return found;
}

/* The malformations of a transaction that have names of their own. */
static const char *tx_malformation(struct bytes raw)
{
    bool extended = raw.len > 6 && raw.data[4] == 0 && raw.data[5] != 0;
    if (extended && raw.data[5] != 1)
        return "Unknown transaction optional data";
    if (extended && has_superfluous_witness(raw))
        return "Superfluous witness record";
    return "end of data";
}

void on_tx(struct handler_args *a)
{
    struct peer *p = a->peer;
    if (txs_reject_incoming(p)) {
        log_debug(a->net->log, LOG_NET,
                  "transaction sent in violation of protocol peer=%lld",
                  (long long)p->id);
        peer_disconnect(p);
        return;
    }
    if (chainman_ibd(a->net->cm))
        return;
    struct tx *tx = tx_read(&a->r, true);
    if (tx)
        take_tx(p, tx);
    else
        snprintf(a->error.text, sizeof(a->error.text), "%s",
                 tx_malformation(buf_view(&a->msg->payload)));
    tx_unref(tx);
}

bool txs_process_orphans(struct peer *p)
{
    struct net *net = p->net;
    struct tx *tx;
    struct accept_result r;
    char a[65], b[65];
    while ((tx = orphanage_next(net->orphans, p->id))) {
        bool settled = true;
        if (try_accept(net, tx, &r)) {
            log_debug(net->log, LOG_TXPACKAGES, "   accepted orphan tx %s (wtxid=%s)",
                      hash256_to_hex(a, &tx->txid), hash256_to_hex(b, &tx->wtxid));
            accepted(p, tx);
        } else if (r.rej.class != TX_MISSING_INPUTS) {
            log_debug(net->log, LOG_TXPACKAGES,
                      "   invalid orphan tx %s (wtxid=%s) from peer=%lld",
                      hash256_to_hex(a, &tx->txid), hash256_to_hex(b, &tx->wtxid),
                      (long long)p->id);
            refused(p, tx, &r, false);
        } else {
            settled = false;
        }
        accept_result_clear(&r);
        tx_unref(tx);
        if (settled)
            return true;
    }
    return false;
}

/* -- Passing on
 * ---------------------------------------------------------------------------------- */

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

const struct tx *txs_find_for_relay(struct peer *p, const struct inv *inv)
{
    struct net *net = p->net;
    bool by_wtxid = inv->type == INV_WTX;
    const struct mempool_entry *e = by_wtxid ? mempool_find_wtxid(net->mp, &inv->hash)
                                             : mempool_find(net->mp, &inv->hash);
    if (e && e->sequence < p->txs.last_inv_sequence)
        return e->tx;
    const struct block *b = net->recent_block;
    for (uint32_t i = 0; b && i < b->n_tx; i++)
        if (hash256_equal(by_wtxid ? &b->txs[i].wtxid : &b->txs[i].txid, &inv->hash))
            return &b->txs[i];
    return NULL;
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
        send_invs(p, "inv", &b->m);
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
    send_invs(p, "inv", &b.m);
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
    int64_t now = clock_steady_us() / US + net->scheduler_offset_s;
    if (now < net->next_unbroadcast_s)
        return;
    if (net->next_unbroadcast_s)
        mempool_each_unbroadcast(net->mp, relay_unbroadcast, net);
    net->next_unbroadcast_s =
        now + UNBROADCAST_MIN_S + (int64_t)rng_below(&net->rng, UNBROADCAST_SPREAD_S);
}

/* -- Chain events
 * -------------------------------------------------------------------------------- */

void txs_block_connected(struct net *net, const struct block *b)
{
    orphanage_erase_for_block(net->orphans, b->txs, b->n_tx);
    for (uint32_t i = 0; i < b->n_tx; i++) {
        const struct tx *tx = &b->txs[i];
        recent_add_hash(&net->confirmed, &tx->txid);
        if (tx->has_witness)
            recent_add_hash(&net->confirmed, &tx->wtxid);
        forget_requests(net, tx);
    }
}

/* What was refused on the old tip may be fine on the new one. */
void txs_tip_changed(struct net *net)
{
    recent_reset(&net->rejects);
    recent_reset(&net->reconsiderable);
}

/* -- Fee filter
 * ---------------------------------------------------------------------------------- */

/* Rounded to one of few values, mostly down, so that it tells little about our mempool.
 */
static int64_t round_fee(struct net *net, double rate)
{
    double below = 0, at = DEFAULT_MIN_RELAY_FEERATE / 2;
    while (at < rate && at * FEEFILTER_STEP <= FEEFILTER_MAX_RATE) {
        below = at;
        at *= FEEFILTER_STEP;
    }
    bool past_end = at < rate;
    if (rate <= 0)
        return 0;
    return (int64_t)(past_end || rng_below(&net->rng, 3) == 0 ? at : below);
}

static int64_t max_filter(void)
{
    double at = DEFAULT_MIN_RELAY_FEERATE / 2;
    while (at * FEEFILTER_STEP <= FEEFILTER_MAX_RATE)
        at *= FEEFILTER_STEP;
    return (int64_t)at;
}

void txs_send_feefilter(struct peer *p, int64_t now_us)
{
    struct net *net = p->net;
    struct peer_txs *t = &p->txs;
    if (net->opt.blocks_only || p->common_version < FEEFILTER_VERSION ||
        peer_has_perm(p, PERM_FORCE_RELAY) || p->type == CONN_BLOCK_RELAY)
        return;
    int64_t current = mempool_min_feerate(net->mp);
    bool ibd = chainman_ibd(net->cm);
    if (ibd)
        current = MAX_MONEY; /* we do not want any */
    else if (t->fee_filter_sent == max_filter())
        t->next_fee_filter_us = 0;
    if (now_us > t->next_fee_filter_us) {
        int64_t least = mempool_get_options(net->mp)->min_relay_feerate;
        int64_t rate = ibd ? max_filter() : round_fee(net, (double)current);
        rate = rate > least ? rate : least;
        if (rate != t->fee_filter_sent) {
            struct buf b = {0};
            struct sink s = sink_to_buf(&b);
            write_i64(&s, rate);
            peer_send(p, "feefilter", &b);
            buf_clear(&b);
            t->fee_filter_sent = rate;
        }
        t->next_fee_filter_us = now_us + net_random_delay(net, FEEFILTER_INTERVAL_US);
    } else if (now_us + FEEFILTER_MAX_DELAY_US < t->next_fee_filter_us &&
               (current < 3 * t->fee_filter_sent / 4 ||
                current > 4 * t->fee_filter_sent / 3)) {
        t->next_fee_filter_us =
            now_us + (int64_t)rng_below(&net->rng, FEEFILTER_MAX_DELAY_US);
    }
}

/* -- BIP 35 and BIP 37
 * ----------------------------------------------------------------------------- */

void on_mempool(struct handler_args *a)
{
    struct peer *p = a->peer;
    const char *why = NULL;
    bool allowed = peer_has_perm(p, PERM_MEMPOOL);
    if (!(p->our_services & NODE_BLOOM) && !allowed)
        why = "mempool request with bloom filters disabled";
    else if (net_upload_exhausted(a->net, false) && !allowed)
        why = "mempool request with bandwidth limit reached";
    if (!why) {
        p->txs.answer_mempool = p->txs.relay;
    } else if (!peer_has_perm(p, PERM_NOBAN)) {
        log_debug(a->net->log, LOG_NET, "%s, disconnect peer=%lld", why,
                  (long long)p->id);
        peer_disconnect(p);
    }
}

static bool offers_bloom(struct peer *p, const char *type)
{
    if (p->our_services & NODE_BLOOM)
        return true;
    log_debug(p->net->log, LOG_NET,
              "%s received despite not offering bloom services from "
              "peer=%lld; disconnecting",
              type, (long long)p->id);
    peer_disconnect(p);
    return false;
}

void on_filterload(struct handler_args *a)
{
    struct peer *p = a->peer;
    if (!offers_bloom(p, "filterload"))
        return;
    struct bloom *filter = bloom_read(&a->r);
    if (!filter)
        return;
    if (!bloom_within_limits(filter)) {
        peer_misbehaving(p, "too-large bloom filter");
        bloom_free(filter);
    } else if (!p->txs.relay) {
        bloom_free(filter);
    } else {
        bloom_free(p->txs.filter);
        p->txs.filter = filter;
        p->txs.wants = true;
    }
}

void on_filteradd(struct handler_args *a)
{
    struct peer *p = a->peer;
    if (!offers_bloom(p, "filteradd"))
        return;
    struct bytes item = read_var(&a->r, MAX_PROTOCOL_MESSAGE_LENGTH);
    if (a->r.bad)
        return;
    if (item.len > BLOOM_MAX_ITEM || (p->txs.relay && !p->txs.filter))
        peer_misbehaving(p, "bad filteradd message");
    else if (p->txs.relay)
        bloom_insert(p->txs.filter, item);
}

void on_filterclear(struct handler_args *a)
{
    struct peer *p = a->peer;
    if (!offers_bloom(p, "filterclear") || !p->txs.relay)
        return;
    bloom_free(p->txs.filter);
    p->txs.filter = NULL;
    p->txs.wants = true;
}
