/* Whom to connect to, and when. On the event loop. */
#include "net/internal.h"

#define OUTBOUND_PERIOD_US (US / 2)
#define ADDED_RETRY_S      60
#define FEELER_MEAN_US     (120 * US)
#define MAX_FULL_RELAY     8
#define MAX_BLOCK_RELAY    2
#define MAX_FEELER         1
#define MAX_MANUAL         8
#define MIN_RETRY_S        600

static size_t count_type(struct net *net, enum conn_type t)
{
    size_t n = 0;
    for (size_t i = 0; i < net->n_peers; i++)
        n += net->peers[i]->type == t && !net->peers[i]->disconnect;
    for (struct dial *d = net->dials; d; d = d->next)
        n += d->type == t;
    return n;
}

unsigned outbound_automatic_max(const struct net *net)
{
    unsigned n = MAX_FULL_RELAY + MAX_BLOCK_RELAY + MAX_FEELER;
    return n < net->opt.max_connections ? n : net->opt.max_connections;
}

static bool connected_to_name(struct net *net, const char *name)
{
    struct netaddr a;
    bool numeric = net_parse(net, &a, name);
    return dial_exists(net, numeric ? &a : NULL, name);
}

static void dial_added(struct net *net)
{
    int64_t now = clock_steady_us() / US;
    if (count_type(net, CONN_MANUAL) >= MAX_MANUAL)
        return;
    for (size_t i = 0; i < net->n_added; i++) {
        struct added *a = &net->added[i];
        if (a->next_try_s > now || connected_to_name(net, a->name))
            continue;
        a->next_try_s = now + ADDED_RETRY_S;
        net_dial(net, a->name, NULL, CONN_MANUAL, a->v2, false);
        return;
    }
}

static void dial_connect_list(struct net *net)
{
    const struct net_strings *c = &net->opt.connect;
    for (size_t i = 0; i < c->n; i++) {
        const char *name = c->items[net->connect_next++ % c->n];
        if (connected_to_name(net, name))
            continue;
        net_dial(net, name, NULL, CONN_MANUAL, net->opt.v2_transport, false);
        return;
    }
}

/* Two connections into one network group would be one point of failure. */
static bool group_in_use(struct net *net, const struct netaddr *a)
{
    uint8_t want[16], have[16];
    size_t n = netaddr_group(a, want);
    for (size_t i = 0; i < net->n_peers; i++) {
        const struct peer *p = net->peers[i];
        if (peer_inbound(p) || p->type == CONN_FEELER || p->type == CONN_ADDR_FETCH ||
            p->type == CONN_MANUAL)
            continue;
        if (netaddr_group(&p->addr, have) == n && memcmp(want, have, n) == 0)
            return true;
    }
    return false;
}

/* One attempt at most; half a second later there is another. */
static void dial_from_addrman(struct net *net, enum conn_type type)
{
    struct netaddr_entry e;
    int64_t last_try, now = net_now_s(net);
    bool feeler = type == CONN_FEELER;
    for (int tries = 0; tries < 100; tries++) {
        bool found = feeler && addrman_collision(net->addrs, &e, &last_try);
        if (!found &&
            !addrman_select(net->addrs, feeler, net_reachable_mask(net), &e, &last_try))
            return;
        if (!netaddr_valid(&e.addr) || group_in_use(net, &e.addr))
            continue;
        if (tries < 30 && now - last_try < MIN_RETRY_S)
            continue;
        if (!feeler && !(e.services & (NODE_NETWORK | NODE_NETWORK_LIMITED)))
            continue;
        net_dial(net, NULL, &e.addr, type,
                 net->opt.v2_transport && e.services & NODE_P2P_V2, !feeler);
        return;
    }
}

static void ask_seed_nodes(struct net *net)
{
    if (net->seeds_asked)
        return;
    net->seeds_asked = true;
    for (size_t i = 0; i < net->opt.seednode.n; i++)
        net_dial(net, net->opt.seednode.items[i], NULL, CONN_ADDR_FETCH,
                 net->opt.v2_transport, false);
}

static void dial_automatic(struct net *net, int64_t now_us)
{
    ask_seed_nodes(net);
    addrman_resolve_collisions(net->addrs);
    unsigned max = outbound_automatic_max(net);
    unsigned full = max < MAX_FULL_RELAY ? max : MAX_FULL_RELAY;
    if (count_type(net, CONN_OUTBOUND_FULL) < full) {
        dial_from_addrman(net, CONN_OUTBOUND_FULL);
    } else if (count_type(net, CONN_BLOCK_RELAY) < MAX_BLOCK_RELAY && max > full) {
        dial_from_addrman(net, CONN_BLOCK_RELAY);
    } else if (now_us > net->next_feeler_us) {
        net->next_feeler_us = now_us + net_random_delay(net, FEELER_MEAN_US);
        dial_from_addrman(net, CONN_FEELER);
    }
}

void outbound_connect(struct net *net)
{
    int64_t now = clock_steady_us();
    if (!net->active || now < net->next_outbound_us)
        return;
    net->next_outbound_us = now + OUTBOUND_PERIOD_US;
    dial_added(net);
    if (net->opt.connect_only)
        dial_connect_list(net);
    else
        dial_automatic(net, now);
}
