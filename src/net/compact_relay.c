/* Compact blocks that arrive (BIP 152), and who may send them to us unasked. */
#include <stdlib.h>

#include "net/internal.h"

#define MAX_CMPCT_INFLIGHT 3

static void send_sendcmpct(struct peer *p, bool high_bandwidth)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    msg_sendcmpct_write(&s,
                        &(struct msg_sendcmpct){high_bandwidth, CMPCTBLOCKS_VERSION});
    peer_send(p, "sendcmpct", &b);
    buf_clear(&b);
    p->sync.hb_to = high_bandwidth;
}

static void hb_remove(struct net *net, size_t i)
{
    net->n_hb_peers--;
    memmove(&net->hb_peers[i], &net->hb_peers[i + 1],
            (net->n_hb_peers - i) * sizeof(*net->hb_peers));
}

static bool is_outbound_id(struct net *net, int64_t id)
{
    const struct peer *p = net_find_peer(net, id);
    return p && !peer_inbound(p);
}

/* The last three peers that gave us a new tip announce by compact block from then on.
 */
void hb_select(struct peer *p)
{
    struct net *net = p->net;
    size_t outbound = 0;
    if (net->opt.blocks_only || !p->sync.provides_cmpct)
        return;
    for (size_t i = 0; i < net->n_hb_peers; i++) {
        if (net->hb_peers[i] == p->id) {
            hb_remove(net, i);
            net->hb_peers[net->n_hb_peers++] = p->id;
            return;
        }
        outbound += is_outbound_id(net, net->hb_peers[i]);
    }
    if (net->n_hb_peers == MAX_HB_PEERS) {
        /* Incoming peers must not push out the last one that we chose ourselves. */
        size_t out =
            peer_inbound(p) && outbound == 1 && is_outbound_id(net, net->hb_peers[0]);
        struct peer *stop = net_find_peer(net, net->hb_peers[out]);
        if (stop)
            send_sendcmpct(stop, false);
        hb_remove(net, out);
    }
    send_sendcmpct(p, true);
    net->hb_peers[net->n_hb_peers++] = p->id;
}

/* -- Reconstruction ------------------------------------------------------- */

static void ask_missing(struct peer *p, const struct hash256 *hash,
                        const struct compact_partial *partial)
{
    struct msg_getblocktxn m = {.hash = *hash};
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    m.indexes = xcalloc(partial->n_missing + 1, sizeof(*m.indexes));
    for (size_t i = 0; i < partial->n; i++)
        if (!partial->txs[i])
            m.indexes[m.n++] = (uint32_t)i;
    msg_getblocktxn_write(&s, &m);
    peer_send(p, "getblocktxn", &b);
    buf_clear(&b);
    msg_getblocktxn_clear(&m);
}

static void note_source(struct peer *p, const struct hash256 *hash)
{
    bool is_new;
    struct block_source *src = map_put(&p->net->block_sources, hash, &is_new);
    if (is_new)
        *src = (struct block_source){.peer = p->id, .may_punish = false};
}

static bool is_first_in_flight(struct peer *p, const struct hash256 *hash)
{
    const struct block_fetch *f = map_get(&p->net->inflight, hash);
    return !f || f->first == p->id;
}

/* All transactions are at hand, or came in blocktxn. */
static void complete(struct peer *p, const struct hash256 *of, struct tx *const *txs,
                     size_t n)
{
    struct net *net = p->net;
    struct block *b = NULL;
    struct hash256 hash = *of;
    char hex[65];
    bool first = is_first_in_flight(p, &hash);
    struct inflight *f = block_request_of(p, &hash);
    if (!f || !f->partial) {
        log_debug(net->log, LOG_NET,
                  "Peer %lld sent us block transactions for block we weren't expecting",
                  (long long)p->id);
        return;
    }
    switch (compact_partial_fill(f->partial, txs, n, &b)) {
    case COMPACT_INVALID:
        block_request_done(net, &hash, p);
        peer_misbehaving(p, "invalid compact block/non-matching block transactions");
        return;
    case COMPACT_FAILED:
        /* Probably two transactions with one short id. */
        if (first) {
            block_ask_whole(p, &hash);
        } else {
            block_request_done(net, &hash, p);
            log_debug(net->log, LOG_NET,
                      "Peer %lld sent us a compact block but it failed to reconstruct, "
                      "waiting on first download to complete",
                      (long long)p->id);
        }
        return;
    case COMPACT_OK:
        log_debug(
            net->log, LOG_CMPCTBLOCK,
            "Successfully reconstructed block %s with %zu txn prefilled, %zu txn from "
            "mempool (incl at least %zu from extra pool) and %zu txn requested",
            hash256_to_hex(hex, &hash), f->partial->n_prefilled,
            f->partial->n_mempool + f->partial->n_extra, f->partial->n_extra, n);
        block_request_done(net, &hash, p);
        note_source(p, &hash);
        process_block(p, b, true, true);
        block_unref(b);
        return;
    }
}

/* It is being fetched from others, or this peer has enough to do: use it if it is
 * complete. */
static void try_at_once(struct peer *p, const struct msg_cmpctblock *m,
                        struct block_index *bi)
{
    struct net *net = p->net;
    struct compact_partial *partial;
    struct block *b = NULL;
    if (compact_partial_new(&partial, m, net->mp, net->extra.items, net->extra.n) !=
        COMPACT_OK)
        return;
    if (compact_partial_fill(partial, NULL, 0, &b) == COMPACT_OK) {
        note_source(p, &b->hash);
        process_block(p, b, true, true);
        if (block_index_is_valid(bi, BLOCK_VALID_TRANSACTIONS))
            block_request_done(net, &b->hash, NULL);
        block_unref(b);
    }
    compact_partial_free(partial);
}

static bool requested_from_outbound(struct net *net, const struct hash256 *hash)
{
    for (size_t i = 0; i < net->n_peers; i++)
        if (!peer_inbound(net->peers[i]) && block_request_of(net->peers[i], hash))
            return true;
    return false;
}

static void start_partial(struct peer *p, const struct msg_cmpctblock *m,
                          struct block_index *bi, size_t in_flight)
{
    struct net *net = p->net;
    struct compact_partial *partial;
    bool first = is_first_in_flight(p, &bi->hash);
    (void)block_request(p, bi, NULL); /* may be under way already */
    struct inflight *f = block_request_of(p, &bi->hash);
    if (f->partial) {
        log_debug(net->log, LOG_NET,
                  "Peer sent us compact block we were already syncing!");
        return;
    }
    switch (compact_partial_new(&partial, m, net->mp, net->extra.items, net->extra.n)) {
    case COMPACT_INVALID:
        block_request_done(net, &bi->hash, p);
        peer_misbehaving(p, "invalid compact block");
        return;
    case COMPACT_FAILED:
        if (first)
            block_ask_whole(p, &bi->hash);
        else
            block_request_done(net, &bi->hash, p);
        return;
    case COMPACT_OK:
        break;
    }
    f->partial = partial;
    if (!partial->n_missing) {
        complete(p, &bi->hash, NULL, 0);
        return;
    }
    /* The first to tell us is asked; further ones only when we chose them, and one
     * place is held for an outbound peer. */
    bool ask = first || (p->sync.hb_to &&
                         (!peer_inbound(p) || requested_from_outbound(net, &bi->hash) ||
                          in_flight < MAX_CMPCT_INFLIGHT - 1));
    if (ask)
        ask_missing(p, &bi->hash, partial);
    else
        block_request_done(net, &bi->hash, p);
}

static void take_compact(struct peer *p, const struct msg_cmpctblock *m,
                         struct block_index *bi)
{
    struct net *net = p->net;
    struct block_index *tip = chain_tip(net->cm);
    const struct block_fetch *fetch = map_get(&net->inflight, &bi->hash);
    size_t in_flight = fetch ? fetch->n : 0;
    bool requested = block_request_of(p, &bi->hash) != NULL;
    if (bi->status & BLOCK_HAVE_DATA)
        return;
    if (u256_cmp(&bi->chain_work, &tip->chain_work) <= 0 || bi->n_tx) {
        if (requested)
            block_ask_whole(p, &bi->hash);
        return;
    }
    if (!in_flight && !download_direct_allowed(net))
        return;
    if (bi->height <= tip->height + 2) {
        if (requested ||
            (in_flight < MAX_CMPCT_INFLIGHT && p->sync.n_inflight < PEER_INFLIGHT_MAX))
            start_partial(p, m, bi, in_flight);
        else
            try_at_once(p, m, bi);
    } else if (requested) {
        block_ask_whole(p, &bi->hash);
    } else {
        headers_process(p, &m->header, 1, true);
    }
}

static void on_compact(struct peer *p, const struct msg_cmpctblock *m)
{
    struct net *net = p->net;
    struct hash256 hash = header_hash(&m->header);
    struct block_index *prev = block_tree_find(net->cm, &m->header.prev), *bi;
    if (!prev) {
        if (!chainman_ibd(net->cm))
            getheaders_maybe(p, best_header(net->cm));
        return;
    }
    struct u256 work = u256_add(prev->chain_work, work_of_bits(m->header.bits));
    struct u256 least = anti_dos_work(net);
    if (u256_cmp(&work, &least) < 0) {
        log_debug(net->log, LOG_NET, "Ignoring low-work compact block from peer %lld",
                  (long long)p->id);
        return;
    }
    bool is_new = !block_tree_find(net->cm, &hash);
    struct reject rej = {0};
    net_release(net);
    bool ok = chainman_accept_headers(net->cm, &m->header, 1, false, &bi, &rej);
    net_resume(net);
    if (!ok) {
        punish_for_block(net, p->id, &rej, true, "invalid header via cmpctblock");
        return;
    }
    char hex[65];
    if (is_new)
        log_info(net->log, "Saw new cmpctblock header hash=%s peer=%lld",
                 hash256_to_hex(hex, &hash), (long long)p->id);
    update_availability(p, &hash);
    if (is_new && u256_cmp(&bi->chain_work, &chain_tip(net->cm)->chain_work) > 0)
        p->sync.last_announcement_s = net_now_s(net);
    take_compact(p, m, bi);
}

void on_cmpctblock(struct handler_args *a)
{
    if (chainman_importing(a->net->cm)) {
        log_debug(a->net->log, LOG_NET,
                  "Unexpected cmpctblock message received from peer %lld",
                  (long long)a->peer->id);
        return;
    }
    struct msg_cmpctblock m = msg_cmpctblock_read(&a->r);
    if (!a->r.bad)
        on_compact(a->peer, &m);
    msg_cmpctblock_clear(&m);
}

void on_blocktxn(struct handler_args *a)
{
    if (chainman_importing(a->net->cm)) {
        log_debug(a->net->log, LOG_NET,
                  "Unexpected blocktxn message received from peer %lld",
                  (long long)a->peer->id);
        return;
    }
    struct msg_blocktxn m = msg_blocktxn_read(&a->r);
    if (!a->r.bad)
        complete(a->peer, &m.hash, m.txs, m.n);
    msg_blocktxn_clear(&m);
}
