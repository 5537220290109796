/* Listening: sockets, who is let in, who has to go for it. On the event loop. */
#include <errno.h>
#include <stdlib.h>

#include "net/eviction.h"
#include "net/internal.h"
#include "net/netgroups.h"

/* -- Incoming ------------------------------------------------------------- */

/* Makes room among the incoming ones. */
static bool evict_one(struct net *net)
{
    struct evict_candidate *c = xcalloc(net->n_peers + 1, sizeof(*c));
    size_t n = 0;
    for (size_t i = 0; i < net->n_peers; i++) {
        const struct peer *p = net->peers[i];
        if (!peer_inbound(p) || peer_has_perm(p, PERM_NOBAN) || p->disconnect)
            continue;
        c[n] = (struct evict_candidate){
            .id = p->id,
            .connected_s = p->connected_s,
            .min_ping_us = p->min_ping_us < 0 ? INT64_MAX : p->min_ping_us,
            .last_block_s = p->sync.last_block_s,
            .last_tx_s = p->txs.last_tx_s,
            .relevant_services = (p->services & (NODE_NETWORK | NODE_WITNESS)) ==
                                 (NODE_NETWORK | NODE_WITNESS),
            .relays_txs = p->txs.relay,
            .has_filter = p->txs.filter != NULL,
            .prefer_evict = p->prefer_evict,
            .local = netaddr_local(&p->addr),
            .network = peer_network(p),
        };
        c[n].n_group = netgroups_group(net->groups, &p->addr, c[n].group);
        n++;
    }
    int64_t id = evict_choose(c, n, net->group_key);
    free(c);
    struct peer *p = id < 0 ? NULL : net_find_peer(net, id);
    if (!p)
        return false;
    log_debug(net->log, LOG_NET,
              "selected inbound connection for eviction, disconnecting "
              "peer=%lld",
              (long long)p->id);
    peer_disconnect(p);
    return true;
}

/* Why a caller is turned away; NULL: welcome. *discouraged: it goes first when slots
 * are short. */
static const char *refuse_incoming(struct net *net, const struct netaddr *from,
                                   unsigned perms, bool *discouraged)
{
    struct endpoint e;
    size_t inbound = 0;
    unsigned max = net->opt.max_connections - outbound_automatic_max(net);
    if (!net->active)
        return "dropped: not accepting new connections";
    for (size_t i = 0; i < net->n_peers; i++)
        inbound += peer_inbound(net->peers[i]) && !net->peers[i]->disconnect;
    *discouraged = banman_is_discouraged(net->bans, from);
    if (!(perms & PERM_NOBAN & ~(unsigned)PERM_DOWNLOAD)) {
        if (netaddr_to_endpoint(from, &e) && banman_is_banned(net->bans, &e))
            return "dropped (banned)";
        if (inbound + 1 >= max && *discouraged)
            return "dropped (discouraged)";
    }
    if (inbound >= max && !evict_one(net))
        return "dropped (full): failed to find an eviction candidate - connection "
               "dropped";
    return NULL;
}

void listen_accept(struct net *net, struct conn *take, const struct incoming *in)
{
    char text[NETADDR_TEXT];
    bool discouraged;
    netaddr_format(text, &in->from, true);
    net_resume(net);
    const char *why = refuse_incoming(net, &in->from, in->perms, &discouraged);
    if (why) {
        log_debug(net->log, LOG_NET, "connection from %s %s", text, why);
        conn_close(take);
    } else {
        struct peer *p = peer_new(net, take, &in->from, CONN_INBOUND,
                                  net->opt.v2_transport, in->perms);
        p->prefer_evict = discouraged;
        p->inbound_onion = in->onion;
        if (in->to.len)
            p->addr_bind = in->to;
        if (peer_has_perm(p, PERM_BLOOM))
            p->our_services |= NODE_BLOOM;
        log_debug(net->log, LOG_NET, "connection from %s accepted", text);
        connman_add(net, p);
    }
    net_release(net);
}

static void on_accept(void *ctx, struct conn *c)
{
    struct listen_at *at = ctx;
    struct net *net = at->net;
    struct incoming in = {.from = netaddr_from_endpoint(conn_peer(c)),
                          .onion = at->onion};
    if (net->stopping) {
        conn_close(c);
        return;
    }
    net_tell_cjdns(net, &in.from);
    in.perms = perms_resolve(&net->opt, at->perms) |
               whitelist_perms(net, conn_peer(c), true);
    listen_accept(net, c, &in);
}

/* -- Listening ------------------------------------------------------------ */

struct bind_request {
    struct listen_at *at;
    enum err result;
    int error;
};

static void bind_on_loop(void *arg)
{
    struct bind_request *b = arg;
    b->result =
        listener_open(&b->at->listener, b->at->net->loop, &b->at->at, on_accept, b->at);
    b->error = errno;
}

#define ONION_SUFFIX "=onion"

/* "127.0.0.1:8334=onion": the length before the suffix, or 0. */
static size_t onion_bind(const char *text)
{
    size_t len = strlen(text), tail = strlen(ONION_SUFFIX);
    return len > tail && strcmp(text + len - tail, ONION_SUFFIX) == 0 ? len - tail : 0;
}

uint16_t listen_port(const struct net *net)
{
    const struct net_strings *binds = &net->opt.bind;
    struct endpoint e;
    for (size_t i = 0; i < binds->n; i++)
        if (endpoint_parse(&e, binds->items[i], 0) && e.port)
            return e.port;
    for (size_t i = 0; i < net->n_whitebinds; i++) {
        const struct whitebind *w = &net->whitebinds[i];
        unsigned perms = perms_resolve(&net->opt, w->perms);
        if ((perms & PERM_NOBAN) != PERM_NOBAN)
            return w->at.port;
    }
    return net->opt.port;
}

static struct listen_at *add_listener(struct net *net)
{
    struct listen_at *l = &net->listeners[net->n_listeners++];
    l->net = net;
    return l;
}

/* The port beside the one for everyone. */
static uint16_t onion_port(const struct net *net)
{
    return (uint16_t)(net->opt.port + 1);
}

static bool add_bind(struct net *net, const char *text, char **error)
{
    struct listen_at *l = add_listener(net);
    size_t len = onion_bind(text);
    l->onion = len > 0;
    char *host = l->onion ? xasprintf("%.*s", (int)len, text) : xstrdup(text);
    bool ok =
        endpoint_parse(&l->at, host, l->onion ? onion_port(net) : net->opt.port);
    free(host);
    if (!ok)
        *error = xasprintf("Cannot resolve -bind address: '%s'", text);
    return ok;
}

static void set_ipv4(struct endpoint *e, uint8_t first, uint8_t last)
{
    memset(e->ip, 0, 10);
    memset(e->ip + 10, 0xff, 2);
    memcpy(e->ip + 12, (const uint8_t[]){first, 0, 0, last}, 4);
}

/* A port of its own for Tor. */
static void add_onion_bind(struct net *net)
{
    struct listen_at *l = add_listener(net);
    l->onion = true;
    l->at.port = onion_port(net);
    set_ipv4(&l->at, 127, 1);
}

/* Both families on all interfaces. */
static void add_any_binds(struct net *net)
{
    struct listen_at *any6 = add_listener(net), *any4 = add_listener(net);
    any6->optional = true; /* the system may have no IPv6 */
    any6->at.port = any4->at.port = net->opt.port;
    set_ipv4(&any4->at, 0, 0);
}

static bool collect_binds(struct net *net, char **error)
{
    const struct net_strings *binds = &net->opt.bind;
    net->listeners =
        xcalloc(binds->n + net->n_whitebinds + 3, sizeof(*net->listeners));
    for (size_t i = 0; i < binds->n; i++)
        if (!add_bind(net, binds->items[i], error))
            return false;
    for (size_t i = 0; i < net->n_whitebinds; i++) {
        struct listen_at *l = add_listener(net);
        l->at = net->whitebinds[i].at;
        l->perms = net->whitebinds[i].perms;
    }
    net->bind_on_any = net->n_listeners == 0;
    if (binds->n == 0)
        add_onion_bind(net);
    if (net->bind_on_any)
        add_any_binds(net);
    return true;
}

struct endpoint listen_onion_target(const struct net *net)
{
    for (size_t i = 0; i < net->n_listeners; i++)
        if (net->listeners[i].onion)
            return net->listeners[i].at;
    return net->listeners[0].at; /* the first -bind: without any there is one for Tor */
}

/* A bound address that others can reach is ours. */
static void note_bound(struct net *net, const struct listen_at *l)
{
    struct netaddr a = netaddr_from_endpoint(&l->at);
    if (l->onion || (perms_resolve(&net->opt, l->perms) & PERM_NOBAN) == PERM_NOBAN)
        return;
    net_resume(net);
    net_add_local(net, &a, LOCAL_BIND);
    net_release(net);
}

static bool bind_one(struct net *net, struct listen_at *at, char **error)
{
    char text[ENDPOINT_TEXT];
    struct bind_request b = {.at = at};
    loop_call(net->loop, bind_on_loop, &b);
    endpoint_format(text, &at->at, true);
    if (b.result == ERR_OK) {
        log_info(net->log, "Bound to %s", text);
        note_bound(net, at);
        return true;
    }
    free(*error);
    if (b.result == ERR_EXISTS)
        *error = xasprintf(
            "Unable to bind to %s on this computer. %s is probably already "
            "running.",
            text, net->opt.params->personality == BITCOIN ? "Bitcoin Core" : "Ochre");
    else
        *error =
            xasprintf("Unable to bind to %s on this computer (bind returned error %s)",
                      text, strerror(b.error));
    return false;
}

bool listen_start(struct net *net, char **error)
{
    if (!net->opt.listen)
        return true;
    if (!collect_binds(net, error))
        return false;
    for (size_t i = 0; i < net->n_listeners; i++) {
        struct listen_at *l = &net->listeners[i];
        if (bind_one(net, l, error))
            continue;
        if (!l->optional)
            return false;
        log_info(net->log, "%s", *error);
        free(*error);
        *error = NULL;
    }
    return true;
}

void listen_stop(struct net *net)
{
    for (size_t i = 0; i < net->n_listeners; i++) {
        listener_close(net->listeners[i].listener);
        net->listeners[i].listener = NULL;
    }
}
