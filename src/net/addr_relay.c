/* Addresses of nodes: what peers tell us, what we tell them. */
#include <math.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "net/internal.h"

#define TOKENS_PER_S      0.1
#define TOKENS_MAX        1000.0
#define FUTURE_S          (10 * 60)
#define RECENT_S          (10 * 60)
#define PENALTY_S         (2 * 60 * 60)
#define SEND_INTERVAL_US  (30 * US)
#define LOCAL_INTERVAL_US (24 * 60 * 60 * US)
#define RELAY_ROTATION_S  (24 * 60 * 60)
#define MAX_QUEUE         1000

bool addrs_setup(struct peer *p)
{
    if (p->type == CONN_BLOCK_RELAY)
        return false; /* its address must not spread either */
    p->addrs.enabled = true;
    return true;
}

/* -- Queueing ------------------------------------------------------------- */

static bool knows(struct peer *p, const struct netaddr *a)
{
    return recent_has(&p->addrs.known, a, sizeof(*a));
}

static void set_known(struct peer *p, const struct netaddr *a)
{
    recent_add(&p->addrs.known, a, sizeof(*a));
}

static bool can_receive(const struct peer *p, const struct netaddr *a)
{
    return p->wants_addrv2 || netaddr_fits_v1(a);
}

static void queue_addr(struct peer *p, const struct netaddr_entry *e)
{
    struct peer_addrs *s = &p->addrs;
    if (!netaddr_valid(&e->addr) || knows(p, &e->addr) || !can_receive(p, &e->addr))
        return;
    if (s->n_to_send >= MAX_QUEUE) {
        s->to_send[rng_below(&p->net->rng, s->n_to_send)] = *e;
        return;
    }
    s->to_send = xrealloc_array(s->to_send, s->n_to_send + 1, sizeof(*s->to_send));
    s->to_send[s->n_to_send++] = *e;
}

/* To two peers (one when we cannot reach it ourselves), the same ones for a day, so
 * that an address does not spread faster because it is announced often. */
static void relay_addr(struct net *net, int64_t from, const struct netaddr_entry *e,
                       bool reachable)
{
    uint64_t hash =
        siphash(net->group_key[0], net->group_key[1], &e->addr, sizeof(e->addr));
    uint64_t day = ((uint64_t)net_now_s(net) + hash) / RELAY_ROTATION_S;
    size_t want = reachable || (hash & 1) ? 2 : 1;
    struct peer *best[2] = {0};
    uint64_t score[2] = {0};
    for (size_t i = 0; i < net->n_peers; i++) {
        struct peer *p = net->peers[i];
        if (!p->addrs.enabled || p->id == from || !can_receive(p, &e->addr))
            continue;
        uint64_t in[3] = {hash, day, (uint64_t)p->id};
        uint64_t h = siphash(net->group_key[0], net->group_key[1], in, sizeof(in));
        for (size_t k = 0; k < want; k++) {
            if (best[k] && h <= score[k])
                continue;
            if (k + 1 < want) {
                best[1] = best[0];
                score[1] = score[0];
            }
            best[k] = p;
            score[k] = h;
            break;
        }
    }
    for (size_t k = 0; k < want; k++)
        if (best[k])
            queue_addr(best[k], e);
}

/* -- addr, addrv2 --------------------------------------------------------- */

static void refill_tokens(struct peer *p)
{
    struct peer_addrs *s = &p->addrs;
    int64_t now = net_now_us(p->net);
    if (s->tokens < TOKENS_MAX && now > s->tokens_at_us)
        s->tokens =
            fmin(s->tokens + (double)(now - s->tokens_at_us) / US * TOKENS_PER_S,
                 TOKENS_MAX);
    s->tokens_at_us = now;
}

/* False: over the rate at which a peer may tell us addresses. */
static bool take_token(struct peer *p)
{
    if (p->addrs.tokens < 1)
        return peer_has_perm(p, PERM_ADDR);
    p->addrs.tokens -= 1;
    return true;
}

/* False: not worth keeping. */
static bool take_addr(struct peer *p, struct netaddr_entry *e, bool may_relay)
{
    struct net *net = p->net;
    int64_t now = net_now_s(net);
    if (!(e->services & (NODE_NETWORK | NODE_NETWORK_LIMITED)))
        return false;
    if (e->time <= 100000000 || e->time > now + FUTURE_S)
        e->time = now - 5 * 24 * 60 * 60;
    set_known(p, &e->addr);
    if (banman_shuns(net->bans, &e->addr))
        return false;
    p->addrs.processed++;
    bool reachable = net_reachable(net, e->addr.network);
    if (may_relay && e->time > now - RECENT_S && netaddr_routable(&e->addr))
        relay_addr(net, p->id, e, reachable);
    return reachable;
}

static void take_addrs(struct peer *p, struct msg_addr *m)
{
    struct net *net = p->net;
    uint64_t before = p->addrs.processed;
    size_t kept = 0, limited = 0;
    bool may_relay = !p->addrs.getaddr_sent && m->n <= 10;
    refill_tokens(p);
    rng_shuffle(&net->rng, m->items, m->n, sizeof(*m->items));
    for (size_t i = 0; i < m->n; i++) {
        if (!take_token(p))
            limited++;
        else if (take_addr(p, &m->items[i], may_relay))
            m->items[kept++] = m->items[i];
    }
    p->addrs.rate_limited += limited;
    log_debug(net->log, LOG_NET,
              "Received addr: %zu addresses (%llu processed, %zu rate-limited) from "
              "peer=%lld",
              m->n, (unsigned long long)(p->addrs.processed - before), limited,
              (long long)p->id);
    addrman_add(net->addrs, m->items, kept, &p->addr, PENALTY_S);
    if (m->n < MAX_ADDR_TO_SEND)
        p->addrs.getaddr_sent = false;
    if (p->type == CONN_ADDR_FETCH && m->n > 1) {
        log_debug(net->log, LOG_NET,
                  "addrfetch connection completed peer=%lld; disconnecting",
                  (long long)p->id);
        peer_disconnect(p);
    }
}

static void handle_addrs(struct handler_args *a, bool v2)
{
    struct peer *p = a->peer;
    const char *type = v2 ? "addrv2" : "addr";
    struct msg_addr m = msg_addr_read(&a->r, v2, &a->error);
    if (a->r.bad) {
        /* the caller logs it */
    } else if (!addrs_setup(p)) {
        log_debug(a->net->log, LOG_NET, "ignoring %s message from %s peer=%lld", type,
                  conn_type_name(p->type), (long long)p->id);
    } else if (m.n > MAX_ADDR_TO_SEND) {
        peer_misbehaving(p, "%s message size = %zu", type, m.n);
    } else {
        take_addrs(p, &m);
    }
    msg_addr_clear(&m);
}

void on_addr(struct handler_args *a)
{
    handle_addrs(a, false);
}

void on_addrv2(struct handler_args *a)
{
    handle_addrs(a, true);
}

/* -- getaddr -------------------------------------------------------------- */

void on_getaddr(struct handler_args *a)
{
    struct peer *p = a->peer;
    size_t n;
    /* Only incoming peers are answered: an attacker could otherwise find out, by asking
     * us, what it told us before. */
    if (!peer_inbound(p)) {
        log_debug(a->net->log, LOG_NET,
                  "Ignoring \"getaddr\" from %s connection. peer=%lld",
                  conn_type_name(p->type), (long long)p->id);
        return;
    }
    addrs_setup(p);
    if (p->addrs.getaddr_received) {
        log_debug(a->net->log, LOG_NET, "Ignoring repeated \"getaddr\". peer=%lld",
                  (long long)p->id);
        return;
    }
    p->addrs.getaddr_received = true;
    p->addrs.n_to_send = 0;
    struct netaddr_entry *e = addr_cache_get(p, &n);
    for (size_t i = 0; i < n; i++)
        queue_addr(p, &e[i]);
    free(e);
}

/* -- Sending -------------------------------------------------------------- */

/* Now and then every peer learns our own address. */
static void advertise_self(struct peer *p, int64_t now_us)
{
    struct net *net = p->net;
    struct netaddr_entry e = {.services = p->our_services, .time = now_us / US};
    char text[NETADDR_TEXT];
    if (!net->opt.listen || chainman_ibd(net->cm) || p->addrs.next_local_us >= now_us)
        return;
    bool first = p->addrs.next_local_us == 0;
    p->addrs.next_local_us = now_us + net_random_delay(net, LOCAL_INTERVAL_US);
    if (!net_best_local(net, p, &e.addr))
        return;
    if (!first)
        recent_reset(&p->addrs.known); /* it may have forgotten us */
    log_debug(net->log, LOG_NET, "Advertising address %s to peer=%lld",
              netaddr_format(text, &e.addr, true), (long long)p->id);
    queue_addr(p, &e);
}

bool addrs_fetch_timed_out(struct peer *p, int64_t now_us)
{
    if (p->type != CONN_ADDR_FETCH ||
        now_us - p->connected_s * US <= 10 * SEND_INTERVAL_US)
        return false;
    log_debug(p->net->log, LOG_NET,
              "addrfetch connection timeout; disconnecting peer=%lld",
              (long long)p->id);
    peer_disconnect(p);
    return true;
}

void addrs_send(struct peer *p, int64_t now_us)
{
    struct peer_addrs *s = &p->addrs;
    if (!s->enabled)
        return;
    advertise_self(p, now_us);
    if (now_us <= s->next_send_us)
        return;
    s->next_send_us = now_us + net_random_delay(p->net, SEND_INTERVAL_US);
    struct msg_addr m = {.items = s->to_send};
    for (size_t i = 0; i < s->n_to_send; i++) {
        if (knows(p, &s->to_send[i].addr))
            continue;
        set_known(p, &s->to_send[i].addr);
        m.items[m.n++] = s->to_send[i];
    }
    if (m.n) {
        struct buf b = {0};
        struct sink out = sink_to_buf(&b);
        msg_addr_write(&out, &m, p->wants_addrv2);
        peer_send(p, p->wants_addrv2 ? "addrv2" : "addr", &b);
        buf_clear(&b);
    }
    free(s->to_send);
    s->to_send = NULL;
    s->n_to_send = 0;
}
