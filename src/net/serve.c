/* Answering getdata and getblocktxn. */
#include <stdlib.h>

#include "chain/store/blockfile.h"
#include "net/internal.h"

#define HISTORICAL_AGE_S (7 * 24 * 60 * 60)
#define TURN_TXS         1000    /* of a getdata that are sent in a turn, */
#define TURN_OCTETS      1000000 /* until they have so many */

void on_getdata(struct handler_args *a)
{
    struct peer *p = a->peer;
    char text[INV_TEXT];
    struct msg_inv m = msg_inv_read(&a->r);
    if (m.n > MAX_INV_SIZE) {
        peer_misbehaving(p, "getdata message size = %zu", m.n);
    } else if (!a->r.bad) {
        log_debug(a->net->log, LOG_NET, "received getdata (%zu invsz) peer=%lld", m.n,
                  (long long)p->id);
        if (m.n)
            log_debug(a->net->log, LOG_NET, "received getdata for: %s peer=%lld",
                      inv_format(text, &m.items[0]), (long long)p->id);
        free(p->getdata); /* all of it was served before this message was taken */
        p->getdata = m.items;
        p->n_getdata = m.n;
        p->getdata_at = 0;
        m.items = NULL;
        serve_getdata(p);
    }
    msg_inv_clear(&m);
}

/* -- Blocks --------------------------------------------------------------- */

/* False: not served; *drop: the peer must not wait for it either. */
static bool may_serve(struct peer *p, const struct block_index *bi,
                      const struct inv *inv, bool *drop)
{
    struct net *net = p->net;
    bool old = best_header(net->cm)->time - (int64_t)bi->time > HISTORICAL_AGE_S;
    *drop = true;
    if (!fork_allowed(net, bi)) {
        log_debug(net->log, LOG_NET,
                  "ProcessGetBlockData: ignoring request from peer=%lld for "
                  "old block that isn't in the main chain",
                  (long long)p->id);
        *drop = false;
        return false;
    }
    if (net_upload_exhausted(net, true) && (old || inv->type == INV_FILTERED_BLOCK) &&
        !peer_has_perm(p, PERM_DOWNLOAD)) {
        log_debug(net->log, LOG_NET,
                  "historical block serving limit reached, disconnect peer=%lld",
                  (long long)p->id);
        return false;
    }
    if (!(p->our_services & NODE_NETWORK) && !peer_has_perm(p, PERM_NOBAN) &&
        chain_height(net->cm) - bi->height > LIMITED_PEER_BLOCKS + 2) {
        log_debug(net->log, LOG_NET,
                  "Ignore block request below NODE_NETWORK_LIMITED "
                  "threshold, disconnect peer=%lld",
                  (long long)p->id);
        return false;
    }
    *drop = false;
    return bi->status & BLOCK_HAVE_DATA;
}

static void send_block(struct peer *p, const struct block *b, bool with_witness)
{
    struct buf out = {0};
    struct sink s = sink_to_buf(&out);
    block_write(b, &s, with_witness);
    peer_send(p, "block", &out);
    buf_clear(&out);
}

static void send_merkleblock(struct peer *p, const struct block *b)
{
    struct buf out = {0};
    struct sink s = sink_to_buf(&out);
    uint32_t *matched;
    size_t n;
    if (!p->txs.filter)
        return;
    bloom_write_merkleblock(&s, b, p->txs.filter, &matched, &n);
    peer_send(p, "merkleblock", &out);
    for (size_t i = 0; i < n; i++) {
        buf_reset(&out);
        tx_write(&b->txs[matched[i]], &s, false);
        peer_send(p, "tx", &out);
    }
    free(matched);
    buf_clear(&out);
}

static void send_cmpctblock(struct peer *p, const struct block *b)
{
    struct net *net = p->net;
    struct buf out = {0};
    struct sink s = sink_to_buf(&out);
    if (net->recent_block && hash256_equal(&net->recent_block->hash, &b->hash)) {
        peer_send(p, "cmpctblock", &net->recent_cmpct);
        return;
    }
    compact_write_block(&s, b, rand_u64());
    peer_send(p, "cmpctblock", &out);
    buf_clear(&out);
}

/* As it stands on disk: nothing to parse. */
static bool send_raw_block(struct peer *p, const struct block_index *bi)
{
    struct buf out = {0};
    struct filepos pos = {bi->file, bi->data_pos};
    bool ok = block_files_read_raw(chainman_files(p->net->cm), &out, &pos) == ERR_OK;
    if (ok)
        peer_send(p, "block", &out);
    buf_clear(&out);
    return ok;
}

static bool send_parsed_block(struct peer *p, const struct block_index *bi,
                              const struct inv *inv)
{
    struct net *net = p->net;
    struct block *b;
    bool near_tip = bi->height >= chain_height(net->cm) - MAX_CMPCTBLOCK_DEPTH;
    if (net->recent_block && hash256_equal(&net->recent_block->hash, &bi->hash))
        b = block_ref(net->recent_block);
    else if (chainman_read_block(net->cm, &b, bi) != ERR_OK)
        return false;
    if (inv->type == INV_FILTERED_BLOCK)
        send_merkleblock(p, b);
    else if (inv->type == INV_CMPCT_BLOCK && download_direct_allowed(net) && near_tip)
        send_cmpctblock(p, b);
    else
        send_block(p, b, inv->type != INV_BLOCK);
    block_unref(b);
    return true;
}

/* After the last block of a getblocks batch the peer is told of our tip, to ask for
 * more. */
static void continue_getblocks(struct peer *p, const struct hash256 *hash)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    if (!hash256_equal(&p->sync.continuation, hash))
        return;
    struct inv tip = {INV_BLOCK, chain_tip(p->net->cm)->hash};
    msg_inv_write(&s, &(struct msg_inv){&tip, 1});
    peer_send(p, "inv", &b);
    buf_clear(&b);
    p->sync.continuation = (struct hash256){0};
}

static void serve_block(struct peer *p, const struct inv *inv)
{
    struct net *net = p->net;
    struct block_index *bi = block_tree_find(net->cm, &inv->hash);
    bool drop;
    if (!bi)
        return;
    if (!may_serve(p, bi, inv, &drop)) {
        if (drop)
            peer_disconnect(p);
        return;
    }
    bool ok = inv->type == INV_WITNESS_BLOCK ? send_raw_block(p, bi)
                                             : send_parsed_block(p, bi, inv);
    if (!ok) {
        log_error(net->log, "Cannot load block from disk, disconnect peer=%lld",
                  (long long)p->id);
        peer_disconnect(p);
        return;
    }
    continue_getblocks(p, &inv->hash);
}

/* -- The queue ------------------------------------------------------------ */

/* Returns how many octets it sent. */
static size_t serve_tx(struct peer *p, const struct inv *inv, struct msg_inv *not_found)
{
    struct buf out = {0};
    struct sink s = sink_to_buf(&out);
    if (!p->txs.relay)
        return 0;
    const struct tx *tx = txs_find_for_relay(p, inv);
    if (!tx) {
        not_found->items[not_found->n++] = *inv;
        return 0;
    }
    tx_write(tx, &s, inv->type != INV_TX);
    size_t size = out.len;
    peer_send(p, "tx", &out);
    buf_clear(&out);
    if (!mempool_is_unbroadcast(p->net->mp, &tx->txid))
        return size;
    net_release(p->net); /* the mempool's lock is taken before ours */
    mempool_unbroadcast_del(p->net->mp, &tx->txid);
    net_resume(p->net);
    return size;
}

static void send_not_found(struct peer *p, const struct msg_inv *m)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    if (!m->n)
        return;
    msg_inv_write(&s, m);
    peer_send(p, "notfound", &b);
    buf_clear(&b);
}

/* The transactions at the front of the queue, as many as a turn permits. */
static void serve_txs(struct peer *p)
{
    size_t left = p->n_getdata - p->getdata_at, sent = 0, octets = 0;
    struct msg_inv not_found = {.items = xcalloc(left + 1, sizeof(struct inv))};
    while (p->getdata_at < p->n_getdata && inv_is_tx(&p->getdata[p->getdata_at]) &&
           sent < TURN_TXS && octets < TURN_OCTETS &&
           link_backlog(p->link) <= p->net->opt.max_send_buffer) {
        size_t size = serve_tx(p, &p->getdata[p->getdata_at++], &not_found);
        sent += size > 0;
        octets += size;
    }
    send_not_found(p, &not_found);
    msg_inv_clear(&not_found);
}

/* Transactions, then at most one block; the pump comes again. */
void serve_getdata(struct peer *p)
{
    size_t max = p->net->opt.max_send_buffer;
    serve_txs(p);
    if (p->getdata_at < p->n_getdata && link_backlog(p->link) <= max &&
        !inv_is_tx(&p->getdata[p->getdata_at])) {
        const struct inv *inv = &p->getdata[p->getdata_at++];
        if (inv_is_block(inv))
            serve_block(p, inv);
    }
    if (p->getdata_at < p->n_getdata)
        return;
    free(p->getdata);
    p->getdata = NULL;
    p->n_getdata = p->getdata_at = 0;
}

/* -- getblocktxn ---------------------------------------------------------- */

static void send_blocktxn(struct peer *p, const struct block *b,
                          const struct msg_getblocktxn *m)
{
    struct msg_blocktxn out = {.hash = m->hash, .n = m->n};
    struct buf bytes = {0};
    struct sink s = sink_to_buf(&bytes);
    out.txs = xcalloc(m->n + 1, sizeof(*out.txs));
    for (size_t i = 0; i < m->n; i++) {
        if (m->indexes[i] >= b->n_tx) {
            peer_misbehaving(p, "getblocktxn with out-of-bounds tx indices");
            free(out.txs);
            return;
        }
        out.txs[i] = &b->txs[m->indexes[i]];
    }
    msg_blocktxn_write(&s, &out);
    peer_send(p, "blocktxn", &bytes);
    buf_clear(&bytes);
    free(out.txs);
}

static void answer_getblocktxn(struct peer *p, const struct msg_getblocktxn *m)
{
    struct net *net = p->net;
    struct block *b;
    const struct block_index *bi = block_tree_find(net->cm, &m->hash);
    if (net->recent_block && hash256_equal(&net->recent_block->hash, &m->hash)) {
        send_blocktxn(p, net->recent_block, m);
        return;
    }
    if (!bi || !(bi->status & BLOCK_HAVE_DATA)) {
        log_debug(net->log, LOG_NET,
                  "Peer %lld sent us a getblocktxn for a block we don't have",
                  (long long)p->id);
        return;
    }
    if (bi->height >= chain_height(net->cm) - MAX_BLOCKTXN_DEPTH) {
        if (chainman_read_block(net->cm, &b, bi) == ERR_OK) {
            send_blocktxn(p, b, m);
            block_unref(b);
        }
        return;
    }
    /* The whole block: asking for little must not make us read much for nothing. */
    log_debug(net->log, LOG_NET,
              "Peer %lld sent us a getblocktxn for a block > %d deep", (long long)p->id,
              MAX_BLOCKTXN_DEPTH);
    serve_block(p, &(struct inv){INV_WITNESS_BLOCK, m->hash});
}

void on_getblocktxn(struct handler_args *a)
{
    struct msg_getblocktxn m = msg_getblocktxn_read(&a->r);
    if (!a->r.bad)
        answer_getblocktxn(a->peer, &m);
    msg_getblocktxn_clear(&m);
}
