/* Metrics of peers, traffic and known addresses. */
#include <stdlib.h>

#include "net/addrman.h"
#include "net/banman.h"
#include "net/net.h"
#include "rpc/metrics.h"
#include "util/mem.h"

/* What peers are counted by. */
struct peer_class {
    bool inbound;
    enum network network;
    enum conn_type type;
    enum transport_kind transport;
};

struct peer_group {
    struct peer_class class;
    size_t n;
};

static bool class_equal(const struct peer_class *a, const struct peer_class *b)
{
    return a->inbound == b->inbound && a->network == b->network && a->type == b->type &&
           a->transport == b->transport;
}

static void count_peer(struct peer_group *groups, size_t *n, const struct peer_info *p)
{
    struct peer_class class = {p->inbound, p->network, p->type, p->transport};
    size_t i = 0;
    while (i < *n && !class_equal(&groups[i].class, &class))
        i++;
    if (i == *n)
        groups[(*n)++] = (struct peer_group){.class = class};
    groups[i].n++;
}

/* Groups without a peer are not shown, so their number is bounded by that of peers. */
static void write_peers(struct metrics *m)
{
    size_t n_peers, n = 0;
    struct peer_info *peers = net_peers(m->node->net, &n_peers);
    struct peer_group *groups = xcalloc(n_peers + 1, sizeof(*groups));
    for (size_t i = 0; i < n_peers; i++)
        count_peer(groups, &n, &peers[i]);
    metrics_family(m, "ochre_peers_connected", METRIC_GAUGE, "Connected peers.");
    metrics_value(m, (double)n_peers);
    metrics_family(m, "ochre_peers", METRIC_GAUGE,
                   "Connected peers by direction, network, type and transport.");
    for (size_t i = 0; i < n; i++) {
        const struct peer_class *c = &groups[i].class;
        metrics_sample(m, (double)groups[i].n,
                       "direction=\"%s\",network=\"%s\",type=\"%s\",transport=\"%s\"",
                       c->inbound ? "in" : "out", network_name(c->network),
                       conn_type_name(c->type), transport_kind_name(c->transport));
    }
    free(groups);
    net_peers_free(peers, n_peers);
}

/* Messages that were never seen are left out. */
static void write_messages(struct metrics *m, const char *direction,
                           const uint64_t *bytes)
{
    for (size_t i = 0; i <= MSG_COUNT; i++)
        if (bytes[i])
            metrics_sample(m, (double)bytes[i], "direction=\"%s\",message=\"%s\"",
                           direction, msg_type_name((enum msg_type)i));
}

static void write_traffic(struct metrics *m)
{
    struct net_totals t;
    net_get_totals(m->node->net, &t);
    metrics_family(m, "ochre_network_bytes_total", METRIC_COUNTER,
                   "Octets on the wire, all peers together.");
    metrics_sample(m, (double)t.recv, "direction=\"in\"");
    metrics_sample(m, (double)t.sent, "direction=\"out\"");
    metrics_family(m, "ochre_network_message_bytes_total", METRIC_COUNTER,
                   "Octets of messages by their type, all peers together.");
    write_messages(m, "in", t.recv_per_msg);
    write_messages(m, "out", t.sent_per_msg);
    metrics_family(m, "ochre_orphan_transactions", METRIC_GAUGE,
                   "Transactions kept until their inputs are known.");
    metrics_value(m, (double)t.orphans);
}

static void write_addresses(struct metrics *m)
{
    struct addrman_counts counts[NET_COUNT] = {{0}};
    addrman_count(net_addrman(m->node->net), counts);
    metrics_family(m, "ochre_known_addresses", METRIC_GAUGE,
                   "Addresses of possible peers, by network and table.");
    for (size_t i = 0; i < NET_COUNT; i++) {
        if (counts[i].n_new + counts[i].n_tried == 0)
            continue;
        const char *name = network_name((enum network)i);
        metrics_sample(m, (double)counts[i].n_new, "network=\"%s\",table=\"new\"",
                       name);
        metrics_sample(m, (double)counts[i].n_tried, "network=\"%s\",table=\"tried\"",
                       name);
    }
}

static void write_state(struct metrics *m)
{
    size_t bans;
    free(banman_list(net_bans(m->node->net), &bans));
    metrics_family(m, "ochre_network_active", METRIC_GAUGE,
                   "0 when network activity is switched off.");
    metrics_value(m, net_active(m->node->net));
    metrics_family(m, "ochre_banned_subnets", METRIC_GAUGE, "Banned subnets.");
    metrics_value(m, (double)bans);
}

void metrics_of_net(struct metrics *m)
{
    if (!m->node->net)
        return;
    write_peers(m);
    write_traffic(m);
    write_addresses(m);
    write_state(m);
}
