#include <stdio.h>
#include <stdlib.h>

#include "net/internal.h"

#define KNOWN_TXS   50000
#define KNOWN_ADDRS 5000

void hash_list_add(struct hash_list *l, const struct hash256 *h)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 8;
        l->items = xrealloc_array(l->items, l->cap, sizeof(*l->items));
    }
    l->items[l->n++] = *h;
}

void hash_list_clear(struct hash_list *l)
{
    free(l->items);
    *l = (struct hash_list){0};
}

static void close_on_loop(void *arg)
{
    struct link *l = arg;
    if (l->conn)
        connman_remove(l->ctx);
    link_unref(l);
}

/* The peer is freed only after its link was closed on the loop, which is where this
 * looks. */
void peer_disconnect(struct peer *p)
{
    if (!atomic_exchange(&p->disconnect, true))
        loop_post(p->net->loop, close_on_loop, link_ref(p->link));
}

static void link_message(void *ctx)
{
    struct peer *p = ctx;
    net_wake(p->net);
}

static void link_closed(void *ctx)
{
    struct peer *p = ctx;
    p->disconnect = true;
    if (p->link->retry_v1)
        connman_retry_v1(p);
    connman_remove(p);
}

static const struct link_events link_events = {
    .message = link_message,
    .writable = link_message,
    .closed = link_closed,
};

/* Our end; a Unix socket has none to speak of. */
static void set_bind(struct peer *p, const struct endpoint *e)
{
    struct netaddr a = netaddr_from_endpoint(e);
    net_tell_cjdns(p->net, &a);
    if (netaddr_valid(&a))
        p->addr_bind = a;
}

struct peer *peer_new(struct net *net, struct conn *take_conn,
                      const struct netaddr *addr, enum conn_type type, bool v2,
                      unsigned perms)
{
    struct peer *p = xcalloc(1, sizeof(*p));
    p->net = net;
    p->id = net->next_peer_id++;
    p->addr = *addr;
    p->type = type;
    p->perms = perms;
    p->connected_s = net_now_s(net);
    p->nonce = rand_u64();
    p->our_services = net->services;
    p->starting_height = -1;
    p->ping_us = p->min_ping_us = -1;
    if (take_conn)
        set_bind(p, conn_local(take_conn));
    netaddr_format(p->name, addr, true);
    recent_init(&p->txs.known, KNOWN_TXS);
    recent_init(&p->addrs.known, KNOWN_ADDRS);
    p->addrs.tokens = 1;
    p->addrs.tokens_at_us = net_now_us(net);
    struct link_options lo = {
        .loop = net->loop,
        .clock = net->opt.clock,
        .log = net->log,
        .magic = net->opt.params->magic,
        .max_queued = net->opt.max_receive_buffer,
        .id = p->id,
        .v2 = v2,
        .initiator = type != CONN_INBOUND,
    };
    p->link = link_new(&lo, take_conn, &link_events, p);
    return p;
}

void peer_free(struct peer *p)
{
    block_ahead_clear(p);
    link_unref(p->link);
    recent_clear(&p->txs.known);
    recent_clear(&p->addrs.known);
    hash_list_clear(&p->txs.fresh);
    relay_queue_clear(&p->txs.queue);
    bloom_free(p->txs.filter);
    presync_free(p->sync.presync);
    free(p->sync.inflight);
    hash_list_clear(&p->sync.blocks_by_headers);
    hash_list_clear(&p->sync.blocks_by_inv);
    free(p->addrs.to_send);
    free(p->getdata);
    buf_clear(&p->filters.reply);
    free(p);
}

void peer_misbehaving(struct peer *p, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    p->should_discourage = true;
    log_debug(p->net->log, LOG_NET, "Misbehaving: peer=%lld%s%s", (long long)p->id,
              text.len ? ": " : "", buf_cstr(&text));
    buf_clear(&text);
}

char *peer_log_addr(const struct peer *p, char out[PEER_LOG_ADDR])
{
    char text[NETADDR_TEXT];
    out[0] = '\0';
    if (p->net->opt.log_ips)
        snprintf(out, PEER_LOG_ADDR, ", peeraddr=%s",
                 netaddr_format(text, &p->addr, true));
    return out;
}

void peer_send_bytes(struct peer *p, const char *type, struct bytes payload)
{
    capture_message(p, type, payload, false);
    link_send(p->link, type, payload);
}

void peer_send(struct peer *p, const char *type, const struct buf *payload)
{
    peer_send_bytes(p, type, payload ? buf_view(payload) : bytes_of(NULL, 0));
}
