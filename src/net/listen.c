/* Listening: sockets, who is let in, who has to go for it. On the event loop. */
#include <errno.h>
#include <stdlib.h>

#include "net/eviction.h"
#include "net/internal.h"

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
            .network = netaddr_class(&p->addr),
        };
        c[n].n_group = netaddr_group(&p->addr, c[n].group);
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
static const char *refuse_incoming(struct net *net, const struct endpoint *from,
                                   unsigned perms, bool *discouraged)
{
    struct netaddr a = netaddr_from_endpoint(from);
    size_t inbound = 0;
    unsigned max = net->opt.max_connections - outbound_automatic_max(net);
    if (!net->active)
        return "dropped: not accepting new connections";
    for (size_t i = 0; i < net->n_peers; i++)
        inbound += peer_inbound(net->peers[i]) && !net->peers[i]->disconnect;
    *discouraged = banman_is_discouraged(net->bans, &a);
    if (!(perms & PERM_NOBAN & ~(unsigned)PERM_DOWNLOAD)) {
        if (banman_is_banned(net->bans, from))
            return "dropped (banned)";
        if (inbound + 1 >= max && *discouraged)
            return "dropped (discouraged)";
    }
    if (inbound >= max && !evict_one(net))
        return "dropped (full): failed to find an eviction candidate - connection "
               "dropped";
    return NULL;
}

static void accept_peer(struct net *net, struct conn *c, unsigned perms)
{
    const struct endpoint *from = conn_peer(c);
    char text[NETADDR_TEXT];
    bool discouraged;
    struct netaddr a = netaddr_from_endpoint(from);
    netaddr_format(text, &a, true);
    perms |= whitelist_perms(net, from, true);
    net_resume(net);
    const char *why = refuse_incoming(net, from, perms, &discouraged);
    if (why) {
        log_debug(net->log, LOG_NET, "connection from %s %s", text, why);
        conn_close(c);
    } else {
        struct peer *p =
            peer_new(net, c, &a, CONN_INBOUND, net->opt.v2_transport, perms);
        p->prefer_evict = discouraged;
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
    if (at->net->stopping)
        conn_close(c);
    else
        accept_peer(at->net, c, perms_resolve(&at->net->opt, at->perms));
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

/* Both families on all interfaces, when nothing else was asked for. */
static size_t default_binds(struct listen_at *out, uint16_t port)
{
    struct listen_at any6 = {.at = {.port = port}};
    struct listen_at any4 = {.at = {.port = port}};
    memset(any4.at.ip + 10, 0xff, 2);
    out[0] = any6;
    out[1] = any4;
    return 2;
}

static bool collect_binds(struct net *net, bool *explicit, char **error)
{
    const struct net_options *o = &net->opt;
    size_t n = 0;
    net->listeners =
        xcalloc(o->bind.n + net->n_whitebinds + 2, sizeof(*net->listeners));
    for (size_t i = 0; i < o->bind.n; i++) {
        const char *text = o->bind.items[i];
        size_t len = strlen(text);
        bool onion = len > 6 && strcmp(text + len - 6, "=onion") == 0;
        char *host = xasprintf("%.*s", (int)(onion ? len - 6 : len), text);
        bool ok = endpoint_parse(&net->listeners[n++].at, host, o->port);
        free(host);
        if (ok)
            continue;
        *error = xasprintf("Cannot resolve -bind address: '%s'", text);
        return false;
    }
    for (size_t i = 0; i < net->n_whitebinds; i++, n++) {
        net->listeners[n].at = net->whitebinds[i].at;
        net->listeners[n].perms = net->whitebinds[i].perms;
    }
    *explicit = n > 0;
    net->n_listeners = n ? n : default_binds(net->listeners, o->port);
    return true;
}

static bool bind_one(struct net *net, struct listen_at *at, char **error)
{
    char text[ENDPOINT_TEXT];
    struct bind_request b = {.at = at};
    at->net = net;
    loop_call(net->loop, bind_on_loop, &b);
    endpoint_format(text, &at->at, true);
    if (b.result == ERR_OK) {
        log_info(net->log, "Bound to %s", text);
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
    bool explicit, any = false;
    if (!net->opt.listen)
        return true;
    if (!collect_binds(net, &explicit, error))
        return false;
    for (size_t i = 0; i < net->n_listeners; i++) {
        bool ok = bind_one(net, &net->listeners[i], error);
        if (!ok && explicit)
            return false;
        any |= ok;
    }
    if (any) {
        free(*error);
        *error = NULL;
        return true;
    }
    log_error(net->log, "%s", *error);
    free(*error);
    *error = xstrdup("Failed to listen on any port. Use -listen=0 if you want this.");
    return false;
}

void listen_stop(struct net *net)
{
    for (size_t i = 0; i < net->n_listeners; i++) {
        listener_close(net->listeners[i].listener);
        net->listeners[i].listener = NULL;
    }
}
