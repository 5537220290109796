/* Whom to connect to, and when. On the event loop, with the lock. */
#include "net/internal.h"
#include "net/netgroups.h"

#define PERIOD_US           (US / 2)
#define ADDED_RETRY_S       60
#define FEELER_MEAN_US      (2 * 60 * US)
#define BLOCK_RELAY_MEAN_US (5 * 60 * US) /* one more of them, for a try */
#define NETWORK_MEAN_US     (5 * 60 * US) /* one of a network we have no peer of */
#define MIN_RETRY_S         600
#define MAX_TRIES           100
#define TRIES_UNTRIED       30 /* so many before one that was tried lately is taken */
#define TRIES_GOOD_PORT     50

/* -- Numbers -------------------------------------------------------------- */

unsigned outbound_limit(const struct net *net, enum conn_type type)
{
    unsigned max = net->opt.max_connections;
    unsigned full = max < MAX_FULL_RELAY ? max : MAX_FULL_RELAY;
    if (type == CONN_OUTBOUND_FULL)
        return full;
    return max - full < MAX_BLOCK_RELAY ? max - full : MAX_BLOCK_RELAY;
}

unsigned outbound_automatic_max(const struct net *net)
{
    unsigned n = outbound_limit(net, CONN_OUTBOUND_FULL) +
                 outbound_limit(net, CONN_BLOCK_RELAY) + MAX_FEELER;
    return n < net->opt.max_connections ? n : net->opt.max_connections;
}

/* Bit t: type t. */
static size_t count_types(const struct net *net, unsigned types)
{
    size_t n = 0;
    for (size_t i = 0; i < net->n_peers; i++)
        n += types >> net->peers[i]->type & 1 && !net->peers[i]->disconnect;
    for (const struct dial *d = net->dials; d; d = d->next)
        n += types >> d->type & 1;
    return n;
}

static size_t count_type(const struct net *net, enum conn_type type)
{
    return count_types(net, 1u << type);
}

static bool automatic_slot_free(const struct net *net)
{
    return count_types(net, 1u << CONN_OUTBOUND_FULL | 1u << CONN_BLOCK_RELAY |
                                1u << CONN_FEELER | 1u << CONN_ADDR_FETCH) <
           outbound_automatic_max(net);
}

bool outbound_has_room(const struct net *net, enum conn_type type)
{
    if ((type == CONN_OUTBOUND_FULL || type == CONN_BLOCK_RELAY) &&
        count_type(net, type) >= outbound_limit(net, type))
        return false;
    return automatic_slot_free(net);
}

/* -- By the user's wish --------------------------------------------------- */

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
        const char *name = c->items[net->outbound.connect_next++ % c->n];
        if (connected_to_name(net, name))
            continue;
        net_dial(net, name, NULL, CONN_MANUAL, net->opt.v2_transport, false);
        return;
    }
}

/* -- By ourselves: which address ------------------------------------------ */

static bool is_lasting(const struct peer *p)
{
    return p->type == CONN_OUTBOUND_FULL || p->type == CONN_BLOCK_RELAY;
}

static bool has_groups(const struct netaddr *a)
{
    return a->network == NET_IPV4 || a->network == NET_IPV6;
}

/* Two connections into one network group would be one point of failure. */
static bool group_in_use(struct net *net, const struct netaddr *a)
{
    for (size_t i = 0; has_groups(a) && i < net->n_peers; i++) {
        const struct peer *p = net->peers[i];
        if (is_lasting(p) && has_groups(&p->addr) &&
            netgroups_same(net->groups, &p->addr, a))
            return true;
    }
    return false;
}

/* Failures count only while others work: else it may be we who are cut off. */
static bool failures_count(struct net *net)
{
    size_t groups = 0;
    size_t enough = net->opt.max_connections < 3 ? net->opt.max_connections - 1u : 2;
    for (size_t i = 0; i < net->n_peers; i++) {
        const struct peer *p = net->peers[i];
        bool first = is_lasting(p);
        for (size_t k = 0; first && has_groups(&p->addr) && k < i; k++)
            first = !is_lasting(net->peers[k]) || !has_groups(&net->peers[k]->addr) ||
                    !netgroups_same(net->groups, &net->peers[k]->addr, &p->addr);
        groups += first;
    }
    return groups >= enough;
}

static bool is_added_node(struct net *net, const struct netaddr *a)
{
    char text[NETADDR_TEXT];
    netaddr_format(text, a, true);
    for (size_t i = 0; i < net->n_added; i++) {
        struct netaddr b;
        if (net_parse(net, &b, net->added[i].name)
                ? netaddr_equal(a, &b)
                : strcmp(net->added[i].name, text) == 0)
            return true;
    }
    return false;
}

struct attempt {
    enum conn_type type;
    unsigned nets; /* bit n: enum network n */
    int tries;
};

static bool pick_anchor(struct net *net, struct netaddr_entry *out)
{
    struct outbound *o = &net->outbound;
    char text[NETADDR_TEXT];
    while (o->n_anchors) {
        *out = o->anchors[--o->n_anchors];
        if (!netaddr_valid(&out->addr) || net_is_local(net, &out->addr) ||
            !net_reachable(net, out->addr.network) ||
            !has_desirable_services(net, out->services) ||
            group_in_use(net, &out->addr))
            continue;
        log_debug(net->log, LOG_NET, "Trying to make an anchor connection to %s",
                  netaddr_format(text, &out->addr, true));
        return true;
    }
    return false;
}

/* A feeler first tests an address whose place in tried somebody else wants. */
static bool pick_candidate(struct net *net, const struct attempt *a,
                           struct netaddr_entry *out, int64_t *last_try)
{
    bool feeler = a->type == CONN_FEELER;
    if (feeler && addrman_collision(net->addrs, out, last_try)) {
        if (!dial_exists(net, &out->addr, NULL))
            return true;
        addrman_good(net->addrs, &out->addr); /* we are connected: it works */
    }
    return addrman_select(net->addrs, feeler, a->nets, out, last_try);
}

static bool suits(struct net *net, const struct attempt *a,
                  const struct netaddr_entry *e, int64_t last_try)
{
    bool feeler = a->type == CONN_FEELER;
    if (!feeler && group_in_use(net, &e->addr))
        return false;
    if (!net_reachable(net, e->addr.network))
        return false;
    if (a->tries < TRIES_UNTRIED && net_now_s(net) - last_try < MIN_RETRY_S)
        return false;
    if (feeler ? !(e->services & (NODE_NETWORK | NODE_NETWORK_LIMITED))
               : !has_desirable_services(net, e->services))
        return false;
    if (a->tries < TRIES_GOOD_PORT && has_groups(&e->addr) && is_bad_port(e->addr.port))
        return false;
    return !is_added_node(net, &e->addr);
}

static bool pick_address(struct net *net, struct attempt *a, struct netaddr_entry *out)
{
    int64_t last_try;
    for (a->tries = 1; a->tries <= MAX_TRIES; a->tries++) {
        if (!pick_candidate(net, a, out, &last_try) || !netaddr_valid(&out->addr) ||
            net_is_local(net, &out->addr))
            return false;
        if (suits(net, a, out, last_try))
            return true;
    }
    return false;
}

static void dial_entry(struct net *net, const struct netaddr_entry *e,
                       enum conn_type type)
{
    bool v2 = net->opt.v2_transport && e->services & NODE_P2P_V2;
    net_dial(net, NULL, &e->addr, type, v2, failures_count(net));
}

/* -- By ourselves: which kind of connection ------------------------------- */

static bool due(struct net *net, int64_t *next_us, int64_t mean_us)
{
    int64_t now = net_now_us(net);
    if (now <= *next_us)
        return false;
    *next_us = now + net_random_delay(net, mean_us);
    return true;
}

/* A network that we can reach and know addresses of, but have no peer in. */
static unsigned lonely_network(struct net *net)
{
    struct addrman_counts known[NET_COUNT];
    unsigned nets = net_reachable_mask(net), n = 0, chosen = 0;
    addrman_count(net->addrs, known);
    for (size_t i = 0; i < net->n_peers; i++)
        if (net->peers[i]->type == CONN_OUTBOUND_FULL ||
            net->peers[i]->type == CONN_MANUAL)
            nets &= ~(1u << net->peers[i]->addr.network);
    for (unsigned k = 0; k < NET_COUNT; k++)
        if (nets >> k & 1 && known[k].n_new + known[k].n_tried &&
            rng_below(&net->rng, ++n) == 0)
            chosen = k;
    return chosen;
}

static bool extra_of_network(struct net *net, struct attempt *a)
{
    struct outbound *o = &net->outbound;
    if (outbound_limit(net, CONN_OUTBOUND_FULL) < MAX_FULL_RELAY ||
        net_now_us(net) <= o->next_network_us)
        return false;
    unsigned network = lonely_network(net);
    if (!network)
        return false;
    o->next_network_us = net_now_us(net) + net_random_delay(net, NETWORK_MEAN_US);
    a->type = CONN_OUTBOUND_FULL;
    a->nets = 1u << network;
    return true;
}

/* What we lack; or, with everything there, what is tried now and then. */
static bool choose_attempt(struct net *net, struct attempt *a)
{
    struct outbound *o = &net->outbound;
    bool need_full =
        count_type(net, CONN_OUTBOUND_FULL) < outbound_limit(net, CONN_OUTBOUND_FULL);
    bool need_block =
        count_type(net, CONN_BLOCK_RELAY) < outbound_limit(net, CONN_BLOCK_RELAY);
    *a = (struct attempt){CONN_OUTBOUND_FULL, net_reachable_mask(net), 0};
    if (need_full || (!need_block && o->try_extra_peer))
        return true;
    a->type = CONN_BLOCK_RELAY;
    if (need_block ||
        (o->synced && due(net, &o->next_block_relay_us, BLOCK_RELAY_MEAN_US)))
        return true;
    a->type = CONN_FEELER;
    return due(net, &o->next_feeler_us, FEELER_MEAN_US) || extra_of_network(net, a);
}

static void say_why(struct net *net, const struct attempt *a,
                    const struct netaddr_entry *e)
{
    char text[NETADDR_TEXT];
    netaddr_format(text, &e->addr, true);
    if (a->type == CONN_FEELER)
        log_debug(net->log, LOG_NET, "Making feeler connection to %s", text);
    else if (a->nets != net_reachable_mask(net))
        log_debug(net->log, LOG_NET, "Making network specific connection to %s on %s.",
                  text, network_name(e->addr.network));
}

/* One attempt at most; half a second later there is another. */
static void dial_automatic(struct net *net)
{
    struct netaddr_entry e;
    struct attempt a;
    if (!automatic_slot_free(net))
        return;
    if (net->outbound.n_anchors &&
        count_type(net, CONN_BLOCK_RELAY) < outbound_limit(net, CONN_BLOCK_RELAY)) {
        if (pick_anchor(net, &e))
            dial_entry(net, &e, CONN_BLOCK_RELAY);
        return;
    }
    if (!choose_attempt(net, &a))
        return;
    addrman_resolve_collisions(net->addrs);
    if (!pick_address(net, &a, &e))
        return;
    say_why(net, &a, &e);
    dial_entry(net, &e, a.type);
}

void outbound_start(struct net *net)
{
    struct outbound *o = &net->outbound;
    int64_t now = net_now_us(net);
    o->next_feeler_us = now + net_random_delay(net, FEELER_MEAN_US);
    o->next_block_relay_us = now + net_random_delay(net, BLOCK_RELAY_MEAN_US);
    o->next_network_us = now + net_random_delay(net, NETWORK_MEAN_US);
    if (!net->opt.connect_only)
        anchors_load(net);
    seeds_start(net);
}

void outbound_connect(struct net *net)
{
    int64_t now = clock_steady_us();
    if (now < net->outbound.next_us)
        return;
    net->outbound.next_us = now + PERIOD_US;
    seeds_tick(net);
    if (!net->active)
        return;
    dial_added(net);
    if (net->opt.connect_only)
        dial_connect_list(net);
    else
        dial_automatic(net);
}
