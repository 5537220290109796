/* The life of a message: the pump takes them one by one, round robin, on the validation
 * thread; a table says who handles which type and when. */
#include <stdlib.h>

#include "net/internal.h"

enum when {
    FIRST,     /* opens the handshake */
    HANDSHAKE, /* after version, also before verack */
    READY,     /* after verack */
};

/* Messages we never ask for (merkleblock, cfilter, ...) have no handler. */
static const struct {
    message_handler *fn;
    enum when when;
} table[MSG_COUNT + 1] = {
    [MSG_VERSION] = {on_version, FIRST},
    [MSG_VERACK] = {on_verack, HANDSHAKE},
    [MSG_SENDHEADERS] = {on_sendheaders, HANDSHAKE},
    [MSG_SENDCMPCT] = {on_sendcmpct, HANDSHAKE},
    [MSG_WTXIDRELAY] = {on_wtxidrelay, HANDSHAKE},
    [MSG_SENDADDRV2] = {on_sendaddrv2, HANDSHAKE},
    [MSG_SENDTXRCNCL] = {on_sendtxrcncl, HANDSHAKE},
    [MSG_ADDR] = {on_addr, READY},
    [MSG_ADDRV2] = {on_addrv2, READY},
    [MSG_GETADDR] = {on_getaddr, READY},
    [MSG_INV] = {on_inv, READY},
    [MSG_GETDATA] = {on_getdata, READY},
    [MSG_NOTFOUND] = {on_notfound, READY},
    [MSG_GETBLOCKS] = {on_getblocks, READY},
    [MSG_GETHEADERS] = {on_getheaders, READY},
    [MSG_HEADERS] = {on_headers, READY},
    [MSG_BLOCK] = {on_block, READY},
    [MSG_TX] = {on_tx, READY},
    [MSG_CMPCTBLOCK] = {on_cmpctblock, READY},
    [MSG_GETBLOCKTXN] = {on_getblocktxn, READY},
    [MSG_BLOCKTXN] = {on_blocktxn, READY},
    [MSG_MEMPOOL] = {on_mempool, READY},
    [MSG_PING] = {on_ping, READY},
    [MSG_PONG] = {on_pong, READY},
    [MSG_FEEFILTER] = {on_feefilter, READY},
    [MSG_FILTERLOAD] = {on_filterload, READY},
    [MSG_FILTERADD] = {on_filteradd, READY},
    [MSG_FILTERCLEAR] = {on_filterclear, READY},
    [MSG_GETCFILTERS] = {on_getcfilters, READY},
    [MSG_GETCFHEADERS] = {on_getcfheaders, READY},
    [MSG_GETCFCHECKPT] = {on_getcfcheckpt, READY},
};

void process_message(struct net *net, struct peer *p, struct message *m,
                     struct block *block)
{
    long long id = p->id;
    size_t size = block ? block->raw.len : m->payload.len;
    log_debug(net->log, LOG_NET, "received: %s (%zu bytes) peer=%lld", m->name, size,
              id);
    if (!p->version && m->type != MSG_VERSION) {
        log_debug(net->log, LOG_NET,
                  "non-version message before version handshake. Message \"%s\" from "
                  "peer=%lld",
                  m->name, id);
        return;
    }
    if (!p->ready && (!table[m->type].fn || table[m->type].when == READY)) {
        log_debug(net->log, LOG_NET,
                  "Unsupported message \"%s\" prior to verack from peer=%lld", m->name,
                  id);
        return;
    }
    if (!table[m->type].fn) {
        log_debug(net->log, LOG_NET, "Unknown command \"%s\" from peer=%lld", m->name,
                  id);
        return;
    }
    struct handler_args a = {.net = net, .peer = p, .msg = m, .block = block};
    reader_init(&a.r, m->payload.data, m->payload.len);
    table[m->type].fn(&a);
    if (a.r.bad)
        log_debug(net->log, LOG_NET,
                  "ProcessMessages(%s, %zu bytes): Exception '%s' caught, peer=%lld",
                  m->name, size, a.error.text[0] ? a.error.text : "end of data", id);
}

/* True when the peer was told to go. */
static bool discourage_if_due(struct peer *p)
{
    struct net *net = p->net;
    if (!p->should_discourage)
        return false;
    p->should_discourage = false;
    if (peer_has_perm(p, PERM_NOBAN)) {
        log_info(net->log, "Warning: not punishing noban peer %lld!", (long long)p->id);
        return false;
    }
    if (p->type == CONN_MANUAL) {
        log_info(net->log, "Warning: not punishing manually connected peer %lld!",
                 (long long)p->id);
        return false;
    }
    if (netaddr_local(&p->addr)) {
        log_debug(net->log, LOG_NET,
                  "Warning: disconnecting but not discouraging %s peer %lld!",
                  p->inbound_onion ? "inbound onion" : "local", (long long)p->id);
        peer_disconnect(p);
        return true;
    }
    log_debug(net->log, LOG_NET, "Disconnecting and discouraging peer %lld!",
              (long long)p->id);
    banman_discourage(net->bans, &p->addr);
    for (size_t i = 0; i < net->n_peers; i++)
        if (netaddr_same_host(&net->peers[i]->addr, &p->addr))
            peer_disconnect(net->peers[i]);
    return true;
}

/* While the peer does not read what we send it, we do not do more work for it. */
static bool is_clogged(const struct peer *p)
{
    return link_backlog(p->link) > p->net->opt.max_send_buffer;
}

/* Asked for and not sent yet. */
static bool is_served(const struct peer *p)
{
    return p->n_getdata > p->getdata_at || p->filters.last || p->txs.mempool_due;
}

static void serve(struct peer *p)
{
    if (p->txs.mempool_due)
        txs_answer_mempool(p);
    if (p->n_getdata > p->getdata_at)
        serve_getdata(p);
    if (p->filters.last)
        serve_filters(p);
}

bool has_work(struct peer *p)
{
    if (p->disconnect || p->removed)
        return false;
    if (orphanage_has_work(p->net->orphans, p->id))
        return true;
    return !is_clogged(p) && (is_served(p) || has_message(p));
}

bool process_peer(struct net *net, struct peer *p)
{
    if (!has_work(p))
        return false;
    if (!is_clogged(p))
        serve(p);
    if (p->disconnect || txs_process_orphans(p) || is_served(p))
        return true; /* what it sent before is not done yet: the rest waits */
    if (is_clogged(p))
        return true;
    struct block *block;
    struct message *m = next_message(p, &block);
    if (m) {
        capture_message(p, m->name, buf_view(&m->payload), true);
        process_message(net, p, m, block);
    }
    message_free(m);
    block_unref(block);
    return true;
}

/* Everything we may want to tell or ask a peer on our own account. */
void send_messages(struct net *net, struct peer *p)
{
    if (p->disconnect || p->removed || discourage_if_due(p) || !p->ready)
        return;
    int64_t now_us = net_now_us(net);
    ping_maybe(p, now_us);
    if (p->disconnect)
        return;
    addrs_send(p, now_us);
    if (addrs_fetch_timed_out(p, now_us))
        return;
    headers_start(p, now_us);
    announce_blocks(p);
    txs_send_inv(p, now_us);
    headers_check_timeout(p, now_us);
    if (p->disconnect)
        return;
    headers_consider_eviction(p, now_us / US);
    download_send(p, now_us);
    txs_send_getdata(p, now_us);
    txs_send_feefilter(p, now_us);
}

/* -- The pump ------------------------------------------------------------- */

void net_free_removed(struct net *net)
{
    while (net->n_removed) {
        struct peer *p = net->removed[--net->n_removed];
        download_drop_peer(p);
        txs_peer_gone(p);
        reconciliation_forget(p);
        log_debug(net->log, LOG_NET, "Cleared nodestate for peer=%lld",
                  (long long)p->id);
        peer_free(p);
    }
}

static void visit_all(struct net *net)
{
    net->visit_all = false;
    txs_rebroadcast(net);
    txs_expire_orphans(net);
    extra_peers_check(net);
    for (size_t i = 0; i < net->n_peers; i++)
        send_messages(net, net->peers[i]);
}

static void pump(void *arg)
{
    struct net *net = arg;
    net->pump_posted = false;
    if (net->stopping)
        return;
    net_resume(net);
    net->ibd = chainman_ibd(net->cm);
    net_free_removed(net);
    bool more = serve_next(net);
    if (net->visit_all)
        visit_all(net);
    net_free_removed(net);
    net_release(net);
    if (more)
        net_wake(net);
}

void net_wake(struct net *net)
{
    if (net->stopping || atomic_exchange(&net->pump_posted, true))
        return;
    if (!chainman_post(net->cm, pump, net))
        net->pump_posted = false;
}

void net_wake_all(struct net *net)
{
    net->visit_all = true;
    net_wake(net);
}
