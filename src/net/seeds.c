/* Where the first addresses come from: seed nodes, DNS seeds, the fixed list; in that
 * order, and only as long as the addresses of the last run give no peers: who runs a
 * seed learns who asks, and answers what it likes. On the event loop, with the lock;
 * DNS is asked on the resolver's thread. */
#include <inttypes.h>
#include <stdlib.h>

#include "net/internal.h"
#include "util/pool.h"

#define ENOUGH_PEERS       2
#define SEED_NODES_FIRST_S 30
#define ADD_SEED_NODE_S    10
#define FIXED_SEEDS_S      60
#define DNS_AT_ONCE        3
#define DNS_WAIT_S         11
#define DNS_WAIT_MANY_S    (5 * 60)
#define DNS_MANY_PEERS     1000
#define DNS_MAX_ANSWERS    32
#define DNS_SERVICES       ((uint64_t)(NODE_NETWORK | NODE_WITNESS))
#define DAY_S              (24 * 60 * 60)

static size_t full_relay_peers(const struct net *net)
{
    size_t n = 0;
    for (size_t i = 0; i < net->n_peers; i++)
        n += net->peers[i]->ready && net->peers[i]->type == CONN_OUTBOUND_FULL;
    return n;
}

static const char **shuffled(struct net *net, const char *const *items, size_t n)
{
    const char **out = xmalloc((n + 1) * sizeof(*out));
    for (size_t i = 0; i < n; i++)
        out[i] = items[i];
    rng_shuffle(&net->rng, out, n, sizeof(*out));
    return out;
}

/* -- DNS ------------------------------------------------------------------ */

struct dns_query {
    struct net *net;
    const char *seed;
    struct netaddr_entry found[DNS_MAX_ANSWERS];
    size_t n;
};

/* Back on the loop. A seed that has no name for the services we want may be a node that
 * answers itself. */
static void dns_answered(void *arg)
{
    struct dns_query *q = arg;
    struct net *net = q->net;
    struct dns_seeding *d = &net->outbound.dns;
    struct netaddr source = netaddr_internal(q->seed);
    if (q->n)
        addrman_add(net->addrs, q->found, q->n, &source, 0);
    else if (!net->stopping)
        net_dial(net, q->seed, NULL, CONN_ADDR_FETCH, net->opt.v2_transport, false);
    d->found += q->n;
    d->step = DNS_NEXT;
    free(q);
}

/* Seeds say nothing of when a node was seen: some days ago. */
static void dns_resolve(void *arg)
{
    struct dns_query *q = arg;
    struct net *net = q->net;
    struct endpoint found[DNS_MAX_ANSWERS];
    char *host = xasprintf("x%" PRIx64 ".%s", DNS_SERVICES, q->seed);
    size_t n = net->stopping ? 0
                             : endpoint_resolve(found, ARRAY_LEN(found), host,
                                                net->opt.params->port, true);
    for (size_t i = 0; i < n; i++) {
        int64_t age = 3 * DAY_S + (int64_t)(rand_u64() % (4 * DAY_S));
        q->found[q->n++] = (struct netaddr_entry){netaddr_from_endpoint(&found[i]),
                                                  DNS_SERVICES, net_now_s(net) - age};
    }
    free(host);
    loop_post(net->loop, dns_answered, q);
}

static void dns_ask(struct net *net)
{
    struct dns_seeding *d = &net->outbound.dns;
    const char *seed = d->seeds[d->at++];
    d->at_once--;
    log_info(net->log, "Loading addresses from DNS seed %s", seed);
    if (net_has_name_proxy(net)) { /* it resolves names to connect, not to tell us */
        net_dial(net, seed, NULL, CONN_ADDR_FETCH, net->opt.v2_transport, false);
        return;
    }
    struct dns_query *q = xcalloc(1, sizeof(*q));
    q->net = net;
    q->seed = seed;
    d->step = DNS_ASKING;
    pool_submit(net->resolver, dns_resolve, q);
}

static void dns_begin_wait(struct net *net)
{
    struct dns_seeding *d = &net->outbound.dns;
    bool many = addrman_size(net->addrs) >= DNS_MANY_PEERS;
    int64_t wait_s = many ? DNS_WAIT_MANY_S : DNS_WAIT_S, now = net_schedule_s(net);
    log_info(net->log, "Waiting %lld seconds before querying DNS seeds.",
             (long long)wait_s);
    d->until_s = now + wait_s;
    d->look_s = now + DNS_WAIT_S;
    d->step = DNS_WAIT;
}

static void dns_next(struct net *net)
{
    struct dns_seeding *d = &net->outbound.dns;
    if (d->at == d->n) {
        log_info(net->log, "%zu addresses found from DNS seeds", d->found);
        d->step = DNS_DONE;
    } else if (d->at_once) {
        if (!net->active && !d->said_inactive)
            log_info(net->log, "Waiting for network to be reactivated before querying "
                               "DNS seeds.");
        d->said_inactive = !net->active;
        if (net->active)
            dns_ask(net);
    } else {
        d->at_once = DNS_AT_ONCE;
        if (addrman_size(net->addrs))
            dns_begin_wait(net);
    }
}

static void dns_wait(struct net *net)
{
    struct dns_seeding *d = &net->outbound.dns;
    int64_t now = net_schedule_s(net);
    if (now < d->look_s && now < d->until_s)
        return;
    d->look_s = now + DNS_WAIT_S;
    if (full_relay_peers(net) >= ENOUGH_PEERS) {
        if (d->found)
            log_info(net->log, "%zu addresses found from DNS seeds", d->found);
        log_info(net->log, "P2P peers available. %s DNS seeding.",
                 d->found ? "Finished" : "Skipped");
        d->step = DNS_DONE;
    } else if (now >= d->until_s) {
        d->step = DNS_NEXT;
    }
}

/* @enough: the seed nodes have found peers already. */
static void dns_begin(struct net *net, bool enough)
{
    struct dns_seeding *d = &net->outbound.dns;
    if (net->opt.force_dns_seed || !addrman_size(net->addrs))
        d->at_once = d->n;
    d->step = enough && !d->at_once ? DNS_DONE : DNS_NEXT;
    if (d->step == DNS_DONE)
        log_info(net->log, "Skipping DNS seeds. Enough peers have been found");
}

static void dns_after_seed_nodes(struct net *net)
{
    bool enough = full_relay_peers(net) >= ENOUGH_PEERS;
    if (enough)
        log_info(net->log,
                 "P2P peers available. Finished fetching data from seed nodes.");
    else if (net_now_s(net) > net->outbound.dns.seed_nodes_until_s)
        log_info(net->log, "Couldn't connect to enough peers via seed nodes. Handing "
                           "fetch logic to the DNS seeds.");
    else
        return;
    dns_begin(net, enough);
}

static void dns_tick(struct net *net)
{
    switch (net->outbound.dns.step) {
    case DNS_SEED_NODES:
        dns_after_seed_nodes(net);
        break;
    case DNS_NEXT:
        dns_next(net);
        break;
    case DNS_WAIT:
        dns_wait(net);
        break;
    case DNS_ASKING:
    case DNS_DONE:
        break;
    }
}

static void dns_start(struct net *net)
{
    const struct chain_params *params = net->opt.params;
    struct dns_seeding *d = &net->outbound.dns;
    if (!net->opt.dns_seed) {
        log_info(net->log, "DNS seeding disabled");
        return;
    }
    d->seeds = shuffled(net, params->dns_seeds.items, params->dns_seeds.n);
    d->n = params->dns_seeds.n;
    if (!net->opt.seednode.n) {
        dns_begin(net, false);
        return;
    }
    log_info(net->log,
             "-seednode enabled. Trying the provided seeds for %d seconds before "
             "defaulting to the dnsseeds.",
             SEED_NODES_FIRST_S);
    d->seed_nodes_until_s = net_now_s(net) + SEED_NODES_FIRST_S;
    d->step = DNS_SEED_NODES;
}

/* -- Seed nodes ----------------------------------------------------------- */

static void ask_seed_node(struct net *net)
{
    struct outbound *o = &net->outbound;
    const char *seed = o->seed_nodes[--o->n_seed_nodes];
    o->seed_node_due = false;
    if (addrman_size(net->addrs))
        log_info(net->log,
                 "Couldn't connect to peers from addrman after %d seconds. Adding "
                 "seednode (%s) to addrfetch",
                 ADD_SEED_NODE_S, seed);
    else
        log_info(net->log, "Empty addrman, adding seednode (%s) to addrfetch", seed);
    net_dial(net, seed, NULL, CONN_ADDR_FETCH, net->opt.v2_transport, false);
}

static void seed_nodes_tick(struct net *net)
{
    struct outbound *o = &net->outbound;
    int64_t now = net_now_us(net);
    if (!o->n_seed_nodes)
        return;
    if (o->seed_node_due)
        ask_seed_node(net);
    if (full_relay_peers(net) < ENOUGH_PEERS &&
        now > o->seed_node_us + ADD_SEED_NODE_S * US) {
        o->seed_node_us = now;
        o->seed_node_due = true;
    }
}

/* -- Fixed seeds ---------------------------------------------------------- */

/* Networks that we can reach but know no address of. */
static unsigned empty_networks(struct net *net)
{
    struct addrman_counts known[NET_COUNT];
    unsigned nets = net_reachable_mask(net);
    addrman_count(net->addrs, known);
    for (unsigned n = 0; n < NET_COUNT; n++)
        if (known[n].n_new + known[n].n_tried)
            nets &= ~(1u << n);
    return nets;
}

static size_t add_fixed_seeds(struct net *net, unsigned nets)
{
    struct netaddr source = netaddr_internal("fixedseeds");
    const struct seed_list *seeds = &net->opt.params->fixed_seeds;
    int64_t now = net_now_s(net);
    size_t added = 0;
    for (size_t i = 0; i < seeds->n; i++) {
        int64_t age = 7 * DAY_S + (int64_t)rng_below(&net->rng, 7 * DAY_S);
        struct netaddr_entry e = {.services = DNS_SERVICES, .time = now - age};
        if (!net_parse(net, &e.addr, seeds->items[i]) || !(nets >> e.addr.network & 1))
            continue;
        addrman_add(net->addrs, &e, 1, &source, 0);
        added++;
    }
    return added;
}

static void fixed_seeds_tick(struct net *net)
{
    struct outbound *o = &net->outbound;
    unsigned nets = o->fixed_seeds_pending ? empty_networks(net) : 0;
    if (!nets)
        return;
    if (net_now_s(net) > o->started_s + FIXED_SEEDS_S)
        log_info(net->log, "Adding fixed seeds as 60 seconds have passed and addrman "
                           "is empty for at least one reachable network");
    else if (!net->opt.dns_seed && !net->opt.seednode.n && !net->n_added)
        log_info(net->log,
                 "Adding fixed seeds as -dnsseed=0 (or IPv4/IPv6 connections are "
                 "disabled via -onlynet) and neither -addnode nor -seednode are "
                 "provided");
    else
        return;
    o->fixed_seeds_pending = false;
    size_t added = add_fixed_seeds(net, nets);
    log_info(net->log, "Added %zu fixed seeds from reachable networks.", added);
}

/* -- All of them ---------------------------------------------------------- */

void seeds_start(struct net *net)
{
    struct outbound *o = &net->outbound;
    o->started_s = net_now_s(net);
    dns_start(net);
    if (net->opt.connect_only)
        return;
    o->seed_nodes = shuffled(net, net->opt.seednode.items, net->opt.seednode.n);
    o->n_seed_nodes = net->opt.seednode.n;
    o->seed_node_us = net_now_us(net);
    o->seed_node_due = !addrman_size(net->addrs);
    o->fixed_seeds_pending = net->opt.fixed_seeds;
    if (!net->opt.fixed_seeds)
        log_info(net->log, "Fixed seeds are disabled");
}

void seeds_tick(struct net *net)
{
    dns_tick(net);
    if (net->opt.connect_only)
        return;
    seed_nodes_tick(net);
    fixed_seeds_tick(net);
}

void seeds_free(struct net *net)
{
    free(net->outbound.seed_nodes);
    free(net->outbound.dns.seeds);
}
