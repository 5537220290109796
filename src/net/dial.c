/* Connecting out: from a name or an address to a peer. Dials live on the event loop;
 * names are resolved by the proxy, or on a thread of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "net/i2p.h"
#include "util/pool.h"

#define PROXY_REPLY_MS 20000 /* to wait for each reply of a proxy */

/* For a name that resolves to several addresses, these are tried one by one. */
static void dial_next(struct dial *d);

static void dial_free(struct dial *d)
{
    for (struct dial **at = &d->net->dials; *at; at = &(*at)->next)
        if (*at == d) {
            *at = d->next;
            break;
        }
    conn_close(d->conn);
    proxy_dial_cancel(d->via_proxy);
    i2p_cancel(d->via_i2p);
    i2p_give_back(d->net, d->i2p);
    free(d->name);
    free(d);
}

/* Whether it worked or not: the address was tried. */
static void note_attempt(struct dial *d)
{
    addrman_attempt(d->net->addrs, &d->addr, d->count_failure);
}

static unsigned dial_perms(const struct dial *d)
{
    struct endpoint e;
    return netaddr_to_endpoint(&d->addr, &e) ? whitelist_perms(d->net, &e, false) : 0;
}

/* One of its own ends with the peer. */
static void hand_over_session(struct dial *d, struct peer *p)
{
    p->addr_bind = *i2p_session_me(d->i2p);
    if (!i2p_session_persistent(d->i2p))
        p->i2p = d->i2p;
    d->i2p = NULL;
}

static void dial_done(struct dial *d, struct conn *take)
{
    struct net *net = d->net;
    net_resume(net);
    struct peer *p = peer_new(net, take, &d->addr, d->type, d->v2, dial_perms(d));
    if (d->name)
        snprintf(p->name, sizeof(p->name), "%s", d->name);
    if (d->i2p)
        hand_over_session(d, p);
    if (peer_has_perm(p, PERM_BLOOM))
        p->our_services |= NODE_BLOOM;
    note_attempt(d);
    connman_add(net, p);
    handshake_begin(p);
    net_release(net);
    dial_free(d);
}

static void dial_failed(struct dial *d)
{
    if (d->n_more > 0)
        dial_next(d);
    else
        dial_free(d);
}

static void dial_connected(struct conn *c, void *ctx)
{
    struct dial *d = ctx;
    d->conn = NULL;
    dial_done(d, c);
}

static void dial_closed(struct conn *c, void *ctx, int why)
{
    struct dial *d = ctx;
    log_debug(d->net->log, LOG_NET, "connect to %s failed: %s",
              d->name ? d->name : "address", why ? strerror(why) : "closed");
    d->conn = NULL;
    conn_close(c);
    note_attempt(d);
    dial_failed(d);
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

static void proxy_connected(void *ctx, struct conn *take)
{
    struct dial *d = ctx;
    d->via_proxy = NULL;
    dial_done(d, take);
}

static void proxy_failed(void *ctx, bool proxy_down)
{
    struct dial *d = ctx;
    d->via_proxy = NULL;
    if (!proxy_down) /* else it says nothing about the address */
        note_attempt(d);
    dial_failed(d);
}

static const struct proxy_dial_events proxy_events = {
    .connected = proxy_connected,
    .failed = proxy_failed,
};

static void i2p_connected(void *ctx, struct conn *take, const struct netaddr *peer)
{
    struct dial *d = ctx;
    (void)peer;
    d->via_i2p = NULL;
    dial_done(d, take);
}

static void i2p_failed(void *ctx, bool peers_fault)
{
    struct dial *d = ctx;
    d->via_i2p = NULL;
    if (peers_fault)
        note_attempt(d);
    dial_failed(d);
}

static const struct i2p_stream_events i2p_events = {
    .connected = i2p_connected,
    .failed = i2p_failed,
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

static bool already_there(struct net *net, const struct dial *d)
{
    if (dial_exists(net, d->by_proxy ? NULL : &d->addr, d->name))
        return true;
    for (size_t i = 0; i < d->n_more; i++)
        if (dial_exists(net, &d->more[i], d->name))
            return true;
    return false;
}

static bool wanted(struct net *net, const struct dial *d)
{
    net_resume(net);
    bool dup = already_there(net, d);
    bool self = !d->name && net_is_local(net, &d->addr);
    net_release(net);
    if (dup)
        log_info(net->log, "Failed to open new connection, already connected");
    return !dup && !self && (d->name || !banman_shuns(net->bans, &d->addr));
}

static void ask_proxy(struct dial *d, const struct proxy *p, const char *host,
                      uint16_t port)
{
    struct proxy_dial_options o = {
        .loop = d->net->loop,
        .log = d->net->log,
        .connect_timeout_ms = d->net->opt.connect_timeout_ms,
        .reply_timeout_ms = PROXY_REPLY_MS,
    };
    d->via_proxy = proxy_dial(&o, p, host, port, &proxy_events, d);
}

/* Leaves it to the proxy what the name means. False: it is none. */
static bool reach_name(struct dial *d)
{
    char *host;
    uint16_t port;
    if (!endpoint_split(d->name, d->net->opt.params->port, &host, &port))
        return false;
    ask_proxy(d, &d->net->name_proxy, host, port);
    free(host);
    return true;
}

/* SAM 3.1 knows no ports, so an address with one cannot be meant for it. */
static bool reach_i2p(struct dial *d, const char *text)
{
    if (d->addr.port != 0) {
        log_debug(d->net->log, LOG_I2P,
                  "Error connecting to %s:%u, connection refused due to arbitrary port "
                  "%u",
                  text, d->addr.port, d->addr.port);
        note_attempt(d);
        return false;
    }
    d->i2p = i2p_borrow(d->net);
    d->via_i2p = i2p_connect(d->i2p, &d->addr, &i2p_events, d);
    return true;
}

/* The way to the address. False: there is none. */
static bool dial_reach(struct dial *d)
{
    struct net *net = d->net;
    struct endpoint e;
    char text[NETADDR_TEXT];
    if (d->by_proxy)
        return reach_name(d);
    net_resume(net);
    struct proxy p = net->proxies[d->addr.network];
    net_release(net);
    netaddr_format(text, &d->addr, false);
    if (p.set && d->addr.network == NET_I2P)
        return reach_i2p(d, text);
    if (p.set) {
        ask_proxy(d, &p, text, d->addr.port);
        return true;
    }
    if (!netaddr_to_endpoint(&d->addr, &e)) {
        log_debug(net->log, LOG_NET, "Cannot connect to %s: unsupported network", text);
        return false;
    }
    d->conn =
        conn_connect(net->loop, &e, net->opt.connect_timeout_ms, &dial_handlers, d);
    return true;
}

static void dial_next(struct dial *d)
{
    d->addr = d->more[--d->n_more];
    if (!dial_reach(d))
        dial_failed(d);
}

/* Takes @d, whose address is known. */
static void dial_start(struct dial *take)
{
    struct dial *d = take;
    struct net *net = d->net;
    char text[NETADDR_TEXT];
    bool known = d->by_proxy || netaddr_valid(&d->addr);
    if (net->stopping || !net->active || !known || !wanted(net, d)) {
        dial_free(d);
        return;
    }
    log_debug(net->log, LOG_NET, "trying %s connection (%s) to %s", d->v2 ? "v2" : "v1",
              conn_type_name(d->type),
              d->name ? d->name : netaddr_format(text, &d->addr, true));
    d->next = net->dials;
    net->dials = d;
    if (!dial_reach(d))
        dial_failed(d);
}

static void dial_on_loop(void *arg)
{
    dial_start(arg);
}

static void take_found(struct dial *d, struct endpoint *found, size_t n)
{
    struct rng rng;
    rng_seed_random(&rng); /* the net's own is another thread's */
    rng_shuffle(&rng, found, n, sizeof(*found));
    for (size_t i = 0; i < n; i++) {
        struct netaddr a = netaddr_from_endpoint(&found[i]);
        net_tell_cjdns(d->net, &a);
        if (i == 0)
            d->addr = a;
        else if (netaddr_valid(&a))
            d->more[d->n_more++] = a;
    }
}

/* On the resolver's thread: name to addresses, then back to the loop. */
static void dial_resolve(void *arg)
{
    struct dial *d = arg;
    struct endpoint found[DIAL_ADDRS];
    char *host;
    uint16_t port;
    size_t n = 0;
    if (!d->net->stopping &&
        endpoint_split(d->name, d->net->opt.params->port, &host, &port)) {
        n = endpoint_resolve(found, ARRAY_LEN(found), host, port, d->net->opt.dns);
        free(host);
    }
    if (n == 0)
        log_debug(d->net->log, LOG_NET, "Cannot resolve %s", d->name);
    take_found(d, found, n);
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
    if (addr && netaddr_valid(addr)) {
        d->addr = *addr;
    } else if (name && !net_parse(net, &d->addr, name)) {
        d->by_proxy = net_has_name_proxy(net);
        if (!d->by_proxy) {
            pool_submit(net->resolver, dial_resolve, d);
            return;
        }
        d->addr = (struct netaddr){0};
    }
    loop_post(net->loop, dial_on_loop, d);
}

void dial_stop(struct net *net)
{
    while (net->dials)
        dial_free(net->dials);
}
