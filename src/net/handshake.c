/* Version handshake, feature negotiation, ping. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/internal.h"

#define PING_INTERVAL_US           (120 * US)
#define TIMEOUT_INTERVAL_US        (20 * 60 * US)
#define NODE_NETWORK_LIMITED_DEPTH 144

void handshake_begin(struct peer *p)
{
    struct net *net = p->net;
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    char text[NETADDR_TEXT];
    struct msg_version m = {
        .version = PROTOCOL_VERSION,
        .services = p->our_services,
        .time = net_now_s(net),
        .from_services = p->our_services,
        .addr_from = {.network = NET_IPV6, .len = 16},
        .nonce = p->nonce,
        .start_height = net->tip_height,
        .relay = !txs_reject_incoming(p),
    };
    m.recv_services = p->services;
    m.addr_recv = netaddr_routable(&p->addr) && netaddr_fits_v1(&p->addr) &&
                          !net_is_proxy(net, &p->addr)
                      ? p->addr
                      : (struct netaddr){.network = NET_IPV6, .len = 16};
    snprintf(m.subver, sizeof(m.subver), "%s", net->user_agent);
    msg_version_write(&s, &m);
    peer_send(p, "version", &b);
    buf_clear(&b);
    char them[NETADDR_TEXT + 8] = "";
    if (net->opt.log_ips)
        snprintf(them, sizeof(them), "them=%s, ",
                 netaddr_format(text, &m.addr_recv, true));
    log_debug(net->log, LOG_NET,
              "send version message: version %d, blocks=%d, %stxrelay=%d, peer=%lld",
              m.version, m.start_height, them, m.relay, (long long)p->id);
}

/* We called ourselves when the nonce is one of our own outgoing handshakes. */
static bool is_own_nonce(struct net *net, uint64_t nonce)
{
    for (size_t i = 0; i < net->n_peers; i++) {
        struct peer *p = net->peers[i];
        if (!p->ready && !peer_inbound(p) && p->nonce == nonce)
            return true;
    }
    return false;
}

static bool expects_services(const struct peer *p)
{
    return p->type == CONN_OUTBOUND_FULL || p->type == CONN_BLOCK_RELAY ||
           p->type == CONN_ADDR_FETCH;
}

static uint64_t desirable_services(struct net *net, uint64_t services)
{
    int64_t age = net_now_s(net) - net->tip_time;
    int64_t depth = age / net->opt.params->spacing;
    if (services & NODE_NETWORK_LIMITED && depth < NODE_NETWORK_LIMITED_DEPTH)
        return NODE_NETWORK_LIMITED | NODE_WITNESS;
    return NODE_NETWORK | NODE_WITNESS;
}

bool has_desirable_services(struct net *net, uint64_t services)
{
    uint64_t want = desirable_services(net, services);
    return (services & want) == want;
}

/* False: it must go. */
static bool version_acceptable(struct peer *p, const struct msg_version *m)
{
    struct net *net = p->net;
    if (expects_services(p) && !has_desirable_services(net, m->services)) {
        log_debug(net->log, LOG_NET,
                  "peer=%lld does not offer the expected services (%08" PRIx64
                  " offered, %08" PRIx64 " expected); disconnecting",
                  (long long)p->id, m->services, desirable_services(net, m->services));
        return false;
    }
    if (m->version < MIN_PEER_VERSION) {
        log_debug(net->log, LOG_NET,
                  "peer=%lld using obsolete version %d; disconnecting",
                  (long long)p->id, m->version);
        return false;
    }
    if (peer_inbound(p) && is_own_nonce(net, m->nonce)) {
        log_info(net->log, "connected to self at %s, disconnecting", p->name);
        return false;
    }
    return true;
}

static void negotiate(struct peer *p)
{
    if (p->common_version >= WTXID_RELAY_VERSION) {
        peer_send(p, "wtxidrelay", NULL);
        peer_send(p, "sendaddrv2", NULL);
        reconciliation_offer(p);
    }
    peer_send(p, "verack", NULL);
}

static void adopt_version(struct peer *p, const struct msg_version *m)
{
    struct net *net = p->net;
    p->common_version = m->version < PROTOCOL_VERSION ? m->version : PROTOCOL_VERSION;
    p->version = m->version;
    p->services = m->services;
    p->addr_local = m->addr_recv;
    p->has_addr_local = netaddr_valid(&m->addr_recv);
    memcpy(p->subver, m->subver, sizeof(p->subver));
    p->starting_height = m->start_height;
    p->time_offset_s = (m->time < 0 ? 0 : m->time) - net_now_s(net);
    p->sync.preferred = (!peer_inbound(p) || peer_has_perm(p, PERM_NOBAN)) &&
                        p->type != CONN_ADDR_FETCH && can_serve_blocks(p);
    net->n_preferred += p->sync.preferred;
    if (p->type != CONN_BLOCK_RELAY && p->type != CONN_FEELER &&
        (m->relay || p->our_services & NODE_BLOOM))
        txs_setup(p, m->relay);
}

/* Outgoing connections teach the address manager, and ask for more addresses once. */
static void learn_addresses(struct peer *p)
{
    if (peer_inbound(p))
        return;
    if (addrs_setup(p)) {
        peer_send(p, "getaddr", NULL);
        p->addrs.getaddr_sent = true;
        p->addrs.tokens += MAX_ADDR_TO_SEND;
    }
    addrman_set_services(p->net->addrs, &p->addr, p->services);
    addrman_good(p->net->addrs, &p->addr);
}

void on_version(struct handler_args *a)
{
    struct peer *p = a->peer;
    struct net *net = a->net;
    char us[NETADDR_TEXT], from[PEER_LOG_ADDR];
    if (p->version) {
        log_debug(net->log, LOG_NET, "redundant version message from peer=%lld",
                  (long long)p->id);
        return;
    }
    struct msg_version m = msg_version_read(&a->r);
    if (a->r.bad)
        return;
    if (!version_acceptable(p, &m)) {
        peer_disconnect(p);
        return;
    }
    if (peer_inbound(p) && netaddr_routable(&m.addr_recv))
        net_seen_local(net, &m.addr_recv);
    if (peer_inbound(p))
        handshake_begin(p);
    adopt_version(p, &m);
    negotiate(p);
    learn_addresses(p);
    log_debug(net->log, LOG_NET,
              "receive version message: %s: version %d, blocks=%d, us=%s, txrelay=%d, "
              "peer=%lld%s",
              p->subver, p->version, p->starting_height,
              netaddr_format(us, &m.addr_recv, true), m.relay, (long long)p->id,
              peer_log_addr(p, from));
    if (!peer_inbound(p))
        time_offset_add(net, p->time_offset_s);
    if (p->type == CONN_FEELER) {
        log_debug(net->log, LOG_NET,
                  "feeler connection completed peer=%lld; disconnecting",
                  (long long)p->id);
        peer_disconnect(p);
    }
}

void on_verack(struct handler_args *a)
{
    struct peer *p = a->peer;
    struct hash256 session;
    char from[PEER_LOG_ADDR];
    if (p->ready) {
        log_debug(a->net->log, LOG_NET,
                  "ignoring redundant verack message from peer=%lld", (long long)p->id);
        return;
    }
    if (!peer_inbound(p) || logger_enabled(a->net->log, LOG_NET, LOG_DEBUG))
        log_info(a->net->log,
                 "New %s %s peer connected: version: %d, blocks=%d, peer=%lld%s",
                 conn_type_name(p->type),
                 transport_kind_name(link_transport(p->link, &session)), p->version,
                 p->starting_height, (long long)p->id, peer_log_addr(p, from));
    if (p->common_version >= SHORT_IDS_VERSION) {
        struct buf b = {0};
        struct sink s = sink_to_buf(&b);
        msg_sendcmpct_write(&s, &(struct msg_sendcmpct){false, CMPCTBLOCKS_VERSION});
        peer_send(p, "sendcmpct", &b);
        buf_clear(&b);
    }
    reconciliation_settle(p);
    p->ready = true;
}

void on_sendheaders(struct handler_args *a)
{
    a->peer->sync.prefers_headers = true;
}

void on_sendcmpct(struct handler_args *a)
{
    struct msg_sendcmpct m = msg_sendcmpct_read(&a->r);
    if (a->r.bad || m.version != CMPCTBLOCKS_VERSION)
        return;
    a->peer->sync.provides_cmpct = true;
    a->peer->sync.wants_hb = m.high_bandwidth;
}

/* BIP 339 and BIP 155 want these between version and verack. */
static bool too_late(struct peer *p, const char *type)
{
    if (!p->ready)
        return false;
    log_debug(p->net->log, LOG_NET,
              "%s received after verack from peer=%lld; disconnecting", type,
              (long long)p->id);
    peer_disconnect(p);
    return true;
}

void on_wtxidrelay(struct handler_args *a)
{
    struct peer *p = a->peer;
    if (too_late(p, "wtxidrelay"))
        return;
    if (p->common_version < WTXID_RELAY_VERSION) {
        log_debug(a->net->log, LOG_NET,
                  "ignoring wtxidrelay due to old common version=%d from peer=%lld",
                  p->common_version, (long long)p->id);
    } else if (p->wtxid_relay) {
        log_debug(a->net->log, LOG_NET, "ignoring duplicate wtxidrelay from peer=%lld",
                  (long long)p->id);
    } else {
        p->wtxid_relay = true;
        a->net->n_wtxid_peers++;
    }
}

void on_sendaddrv2(struct handler_args *a)
{
    if (!too_late(a->peer, "sendaddrv2"))
        a->peer->wants_addrv2 = true;
}

/* -- Ping ----------------------------------------------------------------- */

void on_ping(struct handler_args *a)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    if (a->peer->common_version <= BIP0031_VERSION)
        return;
    write_u64(&s, read_u64(&a->r));
    if (!a->r.bad)
        peer_send(a->peer, "pong", &b);
    buf_clear(&b);
}

void on_pong(struct handler_args *a)
{
    struct peer *p = a->peer;
    const char *problem = NULL;
    bool finish = true;
    uint64_t nonce = 0;
    if (reader_left(&a->r) < sizeof(nonce)) {
        problem = "Short payload";
    } else if (nonce = read_u64(&a->r), !p->ping_nonce) {
        problem = "Unsolicited pong without ping";
        finish = false;
    } else if (nonce == p->ping_nonce) {
        int64_t took = a->msg->time_us - p->ping_sent_us;
        p->ping_us = took < 0 ? 0 : took;
        if (p->min_ping_us < 0 || p->ping_us < p->min_ping_us)
            p->min_ping_us = p->ping_us;
    } else {
        problem = nonce ? "Nonce mismatch" : "Nonce zero";
        finish = nonce == 0;
    }
    if (problem)
        log_debug(a->net->log, LOG_NET,
                  "pong peer=%lld: %s, %" PRIx64 " expected, %" PRIx64
                  " received, %zu bytes",
                  (long long)p->id, problem, p->ping_nonce, nonce, a->msg->payload.len);
    if (finish)
        p->ping_nonce = 0;
}

void ping_maybe(struct peer *p, int64_t now_us)
{
    struct net *net = p->net;
    bool checks = now_us / US - p->connected_s > net->opt.peer_timeout_s;
    if (checks && p->ping_nonce && now_us > p->ping_sent_us + TIMEOUT_INTERVAL_US) {
        log_debug(net->log, LOG_NET, "ping timeout: %fs peer=%lld",
                  (double)(now_us - p->ping_sent_us) / (double)US, (long long)p->id);
        peer_disconnect(p);
        return;
    }
    bool due = !p->ping_nonce && now_us > p->ping_sent_us + PING_INTERVAL_US;
    if (!p->ping_queued && !due)
        return;
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    uint64_t nonce = 0;
    while (!nonce)
        nonce = rand_u64();
    p->ping_queued = false;
    p->ping_sent_us = now_us;
    if (p->common_version > BIP0031_VERSION) {
        p->ping_nonce = nonce;
        write_u64(&s, nonce);
    } else {
        p->ping_nonce = 0; /* old peers do not answer */
    }
    peer_send(p, "ping", &b);
    buf_clear(&b);
}

void on_feefilter(struct handler_args *a)
{
    int64_t rate = read_i64(&a->r);
    if (a->r.bad || !money_range(amount_of(rate)))
        return;
    a->peer->txs.fee_filter = rate;
    log_debug(a->net->log, LOG_NET,
              "received: feefilter of %.8f BTC/kvB from peer=%lld", (double)rate / 1e8,
              (long long)a->peer->id);
}
