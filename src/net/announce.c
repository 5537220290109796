/* Telling peers of new blocks: by compact block, by header or by inv, as each of them
 * prefers; and what chain events mean for the network. */
#include <stdlib.h>

#include "net/internal.h"

#define MAX_BLOCKS_TO_ANNOUNCE 8

static bool peer_has_header(const struct peer *p, const struct block_index *bi)
{
    const struct block_index *known = p->sync.best_known,
                             *sent = p->sync.best_header_sent;
    if (known && block_index_ancestor(known, bi->height) == bi)
        return true;
    return sent && block_index_ancestor(sent, bi->height) == bi;
}

static void sendheaders_maybe(struct peer *p)
{
    struct peer_sync *s = &p->sync;
    const struct u256 *least = &p->net->opt.params->minimum_chain_work;
    if (s->sent_sendheaders || p->common_version < SENDHEADERS_VERSION ||
        !s->best_known || u256_cmp(&s->best_known->chain_work, least) <= 0)
        return;
    peer_send(p, "sendheaders", NULL);
    s->sent_sendheaders = true;
}

/* The headers to announce, in order: from the first the peer has not, if it has the one
 * before. False: they would not connect for it, so an inv must do. */
static bool headers_to_announce(struct peer *p, struct msg_headers *m,
                                struct block_index **last)
{
    struct net *net = p->net;
    const struct hash_list *list = &p->sync.blocks_by_headers;
    if (list->n > MAX_BLOCKS_TO_ANNOUNCE ||
        (!p->sync.prefers_headers && (!p->sync.wants_hb || list->n > 1)))
        return false;
    for (size_t i = 0; i < list->n; i++) {
        struct block_index *bi = block_tree_find(net->cm, &list->items[i]);
        if (!bi || !chain_contains(net->cm, bi) || (*last && bi->prev != *last))
            return false;
        *last = bi;
        if (!m->n && peer_has_header(p, bi))
            continue;
        if (!m->n && bi->prev && !peer_has_header(p, bi->prev))
            return false;
        m->items[m->n++] = block_index_header(bi);
    }
    return true;
}

static void send_compact(struct peer *p, struct block_index *bi, const char *why)
{
    struct net *net = p->net;
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    struct block *block;
    char hex[65];
    log_debug(net->log, LOG_NET, "%s sending header-and-ids %s to peer=%lld", why,
              hash256_to_hex(hex, &bi->hash), (long long)p->id);
    if (net->recent_block && hash256_equal(&net->recent_block->hash, &bi->hash)) {
        peer_send(p, "cmpctblock", &net->recent_cmpct);
    } else if (chainman_read_block(net->cm, &block, bi) == ERR_OK) {
        compact_write_block(&s, block, rand_u64());
        peer_send(p, "cmpctblock", &b);
        block_unref(block);
    }
    buf_clear(&b);
    p->sync.best_header_sent = bi;
}

static void log_headers(struct peer *p, const struct msg_headers *m)
{
    char a[65], b[65];
    struct hash256 first = header_hash(&m->items[0]),
                   last = header_hash(&m->items[m->n - 1]);
    if (m->n > 1)
        log_debug(p->net->log, LOG_NET,
                  "SendMessages: %zu headers, range (%s, %s), to peer=%lld", m->n,
                  hash256_to_hex(a, &first), hash256_to_hex(b, &last),
                  (long long)p->id);
    else
        log_debug(p->net->log, LOG_NET, "SendMessages: sending header %s to peer=%lld",
                  hash256_to_hex(a, &first), (long long)p->id);
}

static void send_headers(struct peer *p, const struct msg_headers *m,
                         struct block_index *last)
{
    if (logger_enabled(p->net->log, LOG_NET, LOG_DEBUG))
        log_headers(p, m);
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    msg_headers_write(&s, m);
    peer_send(p, "headers", &b);
    buf_clear(&b);
    p->sync.best_header_sent = last;
}

static void fall_back_to_inv(struct peer *p)
{
    const struct hash_list *list = &p->sync.blocks_by_headers;
    if (!list->n)
        return;
    const struct hash256 *tip = &list->items[list->n - 1];
    const struct block_index *bi = block_tree_find(p->net->cm, tip);
    char hex[65];
    if (!bi || peer_has_header(p, bi))
        return;
    hash_list_add(&p->sync.blocks_by_inv, tip);
    log_debug(p->net->log, LOG_NET, "SendMessages: sending inv peer=%lld hash=%s",
              (long long)p->id, hash256_to_hex(hex, tip));
}

static void announce_by_headers(struct peer *p)
{
    struct block_header items[MAX_BLOCKS_TO_ANNOUNCE];
    struct msg_headers m = {.items = items};
    struct block_index *last = NULL;
    if (!p->sync.blocks_by_headers.n)
        return;
    process_availability(p);
    if (!headers_to_announce(p, &m, &last))
        fall_back_to_inv(p);
    else if (m.n == 1 && p->sync.wants_hb)
        send_compact(p, last, "SendMessages");
    else if (m.n && p->sync.prefers_headers)
        send_headers(p, &m, last);
    else if (m.n)
        fall_back_to_inv(p);
    hash_list_clear(&p->sync.blocks_by_headers);
}

static void announce_by_inv(struct peer *p)
{
    const struct hash_list *list = &p->sync.blocks_by_inv;
    if (!list->n)
        return;
    struct msg_inv m = {.items = xcalloc(list->n, sizeof(*m.items))};
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    for (size_t i = 0; i < list->n; i++)
        m.items[m.n++] = (struct inv){INV_BLOCK, list->items[i]};
    msg_inv_write(&s, &m);
    peer_send(p, "inv", &b);
    buf_clear(&b);
    msg_inv_clear(&m);
    hash_list_clear(&p->sync.blocks_by_inv);
}

void announce_blocks(struct peer *p)
{
    sendheaders_maybe(p);
    announce_by_headers(p);
    announce_by_inv(p);
}

/* -- Chain events --------------------------------------------------------- */

/* Recovers slowly from a time-out that was raised. */
static void stalling_timeout_recover(struct net *net)
{
    if (net->stalling_timeout_us == STALLING_TIMEOUT_US)
        return;
    int64_t less = net->stalling_timeout_us * 85 / 100 / US * US;
    net->stalling_timeout_us = less > STALLING_TIMEOUT_US ? less : STALLING_TIMEOUT_US;
    log_debug(net->log, LOG_NET, "Decreased stalling timeout to %lld seconds",
              (long long)(net->stalling_timeout_us / US));
}

static void on_block_connected(void *ctx, const struct block *b,
                               const struct block_index *bi)
{
    struct net *net = ctx;
    (void)bi;
    net_resume(net);
    net->last_tip_update_s = net_now_s(net);
    txs_block_connected(net, b);
    stalling_timeout_recover(net);
    net_release(net);
}

static void on_block_disconnected(void *ctx, const struct block *b,
                                  const struct block_index *bi)
{
    struct net *net = ctx;
    (void)b, (void)bi;
    net_resume(net);
    recent_reset(&net->confirmed); /* they may be wanted again */
    net_release(net);
}

static void on_tip_changed(void *ctx, const struct block_index *tip,
                           const struct block_index *fork, bool initial)
{
    struct net *net = ctx;
    struct hash256 hashes[MAX_BLOCKS_TO_ANNOUNCE];
    size_t n = 0;
    net_resume(net);
    net->tip_height = tip->height;
    net->tip_time = tip->time;
    net->ibd = initial;
    txs_tip_changed(net);
    if (!initial) {
        for (const struct block_index *bi = tip; bi && bi != fork; bi = bi->prev) {
            hashes[n++] = bi->hash;
            if (n == MAX_BLOCKS_TO_ANNOUNCE)
                break;
        }
        for (size_t i = 0; i < net->n_peers; i++)
            for (size_t k = n; k > 0; k--)
                hash_list_add(&net->peers[i]->sync.blocks_by_headers, &hashes[k - 1]);
    }
    net_wake_all(net);
    net_release(net);
}

/* While the history below a UTXO snapshot is missing, nobody should ask us for it. */
static void on_snapshot(void *ctx, const struct block_index *base UNUSED,
                        bool validated)
{
    struct net *net = ctx;
    net_resume(net);
    if (!validated)
        net->services &= ~(uint64_t)NODE_NETWORK;
    else if (!net->opt.pruned)
        net->services |= NODE_NETWORK;
    net_wake_all(net); /* there is history to fetch */
    net_release(net);
}

/* A block is good or bad: credit or blame whoever sent it. */
static void on_block_checked(void *ctx, const struct hash256 *hash,
                             const struct reject *rej)
{
    struct net *net = ctx;
    net_resume(net);
    struct block_source *src = map_get(&net->block_sources, hash);
    const struct block_fetch *f = map_get(&net->inflight, hash);
    if (src && rej && rej->code != REJECT_NONE) {
        punish_for_block(net, src->peer, rej, !src->may_punish, "");
    } else if (src && !chainman_ibd(net->cm) && net->inflight.len == (f ? 1u : 0u)) {
        struct peer *p = net_find_peer(net, src->peer);
        if (p)
            hb_select(p);
    }
    map_del(&net->block_sources, hash);
    net_release(net);
}

static void remember_recent(struct net *net, const struct block_index *bi,
                            const struct block *b)
{
    struct sink s;
    block_unref(net->recent_block);
    net->recent_block = block_ref(b);
    net->recent_index = bi;
    buf_reset(&net->recent_cmpct);
    s = sink_to_buf(&net->recent_cmpct);
    compact_write_block(&s, b, rand_u64());
}

/* To those who have the block before, as far as we know, and not this one. */
static void announce_at_once(struct net *net, struct block_index *bi)
{
    for (size_t i = 0; i < net->n_peers; i++) {
        struct peer *p = net->peers[i];
        if (p->common_version < INVALID_CB_NO_BAN_VERSION || p->disconnect ||
            !p->sync.wants_hb)
            continue;
        process_availability(p);
        if (!peer_has_header(p, bi) && peer_has_header(p, bi->prev))
            send_compact(p, bi, "PeerManager::NewPoWValidBlock");
    }
}

/* High-bandwidth peers get it before we have checked its scripts (BIP 152). */
static void on_new_pow_valid(void *ctx, const struct block_index *bi,
                             const struct block *b)
{
    struct net *net = ctx;
    net_resume(net);
    if (bi->height > net->highest_fast_announce) {
        net->highest_fast_announce = bi->height;
        if (segwit_at(net, bi->height)) {
            remember_recent(net, bi, b);
            announce_at_once(net, block_tree_find(net->cm, &bi->hash));
        }
    }
    net_release(net);
}

/* A replaced transaction may still be mined. */
static void on_tx_removed(void *ctx, const struct tx *tx, enum tx_removal why,
                          uint64_t mempool_sequence)
{
    struct net *net = ctx;
    (void)mempool_sequence;
    if (why != TX_REMOVED_REPLACED)
        return;
    net_resume(net);
    txs_remember_extra(net, tx);
    net_release(net);
}

void announce_subscribe(struct net *net)
{
    struct chain_events ev = {
        .ctx = net,
        .block_connected = on_block_connected,
        .block_disconnected = on_block_disconnected,
        .tip_changed = on_tip_changed,
        .block_checked = on_block_checked,
        .new_pow_valid = on_new_pow_valid,
        .tx_removed = on_tx_removed,
        .snapshot = on_snapshot,
    };
    chainman_subscribe(net->cm, &ev);
}
