/* Connecting out: from a name or an address to a peer. Dials live on the event loop;
 * names are resolved on a thread of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "net/internal.h"
#include "util/pool.h"

static void dial_free(struct dial *d)
{
    for (struct dial **at = &d->net->dials; *at; at = &(*at)->next)
        if (*at == d) {
            *at = d->next;
            break;
        }
    if (d->conn)
        conn_close(d->conn);
    free(d->name);
    free(d);
}

static void dial_connected(struct conn *c, void *ctx)
{
    struct dial *d = ctx;
    struct net *net = d->net;
    d->conn = NULL;
    net_resume(net);
    struct peer *p = peer_new(net, c, &d->addr, d->type, d->v2,
                              whitelist_perms(net, conn_peer(c), false));
    if (d->name)
        snprintf(p->name, sizeof(p->name), "%s", d->name);
    if (peer_has_perm(p, PERM_BLOOM))
        p->our_services |= NODE_BLOOM;
    addrman_attempt(net->addrs, &d->addr, d->count_failure);
    connman_add(net, p);
    handshake_begin(p);
    net_release(net);
    dial_free(d);
}

static void dial_closed(struct conn *c, void *ctx, int why)
{
    struct dial *d = ctx;
    (void)c;
    log_debug(d->net->log, LOG_NET, "connect to %s failed: %s",
              d->name ? d->name : "address", why ? strerror(why) : "closed");
    addrman_attempt(d->net->addrs, &d->addr, d->count_failure);
    dial_free(d);
}

static size_t dial_data(struct conn *c, void *ctx, const uint8_t *data, size_t len)
{
    (void)c, (void)ctx, (void)data, (void)len;
    return 0; /* kept until the peer takes over */
}

static const struct conn_handlers dial_handlers = {
    .connected = dial_connected,
    .data = dial_data,
    .closed = dial_closed,
};

/* With the lock. */
bool dial_exists(struct net *net, const struct netaddr *a, const char *name)
{
    for (size_t i = 0; i < net->n_peers; i++) {
        const struct peer *p = net->peers[i];
        if (p->disconnect)
            continue;
        if (name ? strcasecmp(p->name, name) == 0 : netaddr_same_host(&p->addr, a))
            return true;
        if (name && a && netaddr_equal(&p->addr, a))
            return true;
    }
    for (struct dial *d = net->dials; d; d = d->next)
        if (name && d->name ? strcasecmp(d->name, name) == 0
                            : a && netaddr_equal(&d->addr, a))
            return true;
    return false;
}

static bool wanted(struct net *net, const struct dial *d)
{
    net_resume(net);
    bool dup = dial_exists(net, &d->addr, d->name);
    net_release(net);
    if (dup) {
        log_debug(net->log, LOG_NET,
                  "Failed to open new connection, already connected");
        return false;
    }
    return d->name || !banman_shuns(net->bans, &d->addr);
}

/* The way to the address: a connection of our own. False: there is none. */
static bool dial_reach(struct dial *d)
{
    struct net *net = d->net;
    struct endpoint e;
    if (!netaddr_to_endpoint(&d->addr, &e))
        return false;
    d->conn =
        conn_connect(net->loop, &e, net->opt.connect_timeout_ms, &dial_handlers, d);
    return true;
}

/* Takes @d, whose address is known. */
static void dial_start(struct dial *take)
{
    struct dial *d = take;
    struct net *net = d->net;
    char text[NETADDR_TEXT];
    if (net->stopping || !net->active || !netaddr_valid(&d->addr) || !wanted(net, d)) {
        dial_free(d);
        return;
    }
    log_debug(net->log, LOG_NET, "trying %s connection (%s) to %s", d->v2 ? "v2" : "v1",
              conn_type_name(d->type),
              d->name ? d->name : netaddr_format(text, &d->addr, true));
    d->next = net->dials;
    net->dials = d;
    if (!dial_reach(d))
        dial_free(d);
}

static void dial_on_loop(void *arg)
{
    dial_start(arg);
}

/* On the resolver's thread: name to address, then back to the loop. */
static void dial_resolve(void *arg)
{
    struct dial *d = arg;
    struct endpoint found[8];
    char *host;
    uint16_t port;
    size_t n = 0;
    if (endpoint_split(d->name, d->net->opt.params->port, &host, &port)) {
        n = endpoint_resolve(found, ARRAY_LEN(found), host, port, d->net->opt.dns);
        free(host);
    }
    if (n)
        d->addr = netaddr_from_endpoint(&found[rand_u64() % n]);
    else
        log_debug(d->net->log, LOG_NET, "Cannot resolve %s", d->name);
    loop_post(d->net->loop, dial_on_loop, d);
}

void net_dial(struct net *net, const char *name, const struct netaddr *addr,
              enum conn_type type, bool v2, bool count_failure)
{
    struct dial *d = xcalloc(1, sizeof(*d));
    d->net = net;
    d->type = type;
    d->v2 = v2;
    d->count_failure = count_failure;
    d->name = name ? xstrdup(name) : NULL;
    if (addr)
        d->addr = *addr;
    else if (!netaddr_parse(&d->addr, name, net->opt.params->port)) {
        pool_submit(net->resolver, dial_resolve, d);
        return;
    }
    loop_post(net->loop, dial_on_loop, d);
}

void dial_stop(struct net *net)
{
    while (net->dials)
        dial_free(net->dials);
}
