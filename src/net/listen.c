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
    size_t inbound = 0;
    unsigned max = net->opt.max_connections - outbound_automatic_max(net);
    if (!net->active)
        return "dropped: not accepting new connections";
    for (size_t i = 0; i < net->n_peers; i++)
        inbound += peer_inbound(net->peers[i]) && !net->peers[i]->disconnect;
    *discouraged = banman_is_discouraged(net->bans, from);
    if (!(perms & PERM_NOBAN & ~(unsigned)PERM_DOWNLOAD)) {
        if (banman_is_banned(net->bans, from))
            return "dropped (banned)";
        if (inbound + 1 >= max && *discouraged)
            return "dropped (discouraged)";
    }
    if (inbound >= max && !evict_one(net))
        return "refused: failed to find an eviction candidate - connection dropped "
               "(full)";
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
    in.perms =
        perms_resolve(&net->opt, at->perms) | whitelist_perms(net, conn_peer(c), true);
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
    if (!binds_collect(net, error))
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
