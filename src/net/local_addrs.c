/* Our own addresses: found on interfaces, bound, given by -externalip, of our onion
 * service and I2P session, heard from peers; and which of them a peer is told. */
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "net/internal.h"

static struct local_address *find(struct net *net, const struct netaddr *a)
{
    for (size_t i = 0; i < net->n_locals; i++)
        if (netaddr_same_host(&net->locals[i].addr, a))
            return &net->locals[i];
    return NULL;
}

bool net_is_local(struct net *net, const struct netaddr *a)
{
    return find(net, a) != NULL;
}

void net_add_local(struct net *net, const struct netaddr *addr, int score)
{
    struct netaddr a = *addr;
    char text[NETADDR_TEXT];
    net_tell_cjdns(net, &a);
    if (!netaddr_routable(&a) || (!net->opt.discover && score < LOCAL_MANUAL) ||
        !net_reachable(net, a.network))
        return;
    log_info(net->log, "AddLocal(%s,%d)", netaddr_format(text, &a, true), score);
    struct local_address *l = find(net, &a);
    if (l && score >= l->score)
        *l = (struct local_address){a, score + 1};
    else if (!l && net->n_locals < ARRAY_LEN(net->locals))
        net->locals[net->n_locals++] = (struct local_address){a, score};
}

static void remove_local(struct net *net, const struct netaddr *a)
{
    char text[NETADDR_TEXT];
    struct local_address *l = find(net, a);
    if (!l)
        return;
    log_info(net->log, "RemoveLocal(%s)", netaddr_format(text, &l->addr, true));
    *l = net->locals[--net->n_locals];
}

void net_withdraw_local(struct net *net, struct netaddr *announced)
{
    if (announced->network == NET_UNROUTABLE)
        return;
    net_resume(net);
    remove_local(net, announced);
    net_release(net);
    *announced = (struct netaddr){0};
}

void net_seen_local(struct net *net, const struct netaddr *a)
{
    struct local_address *l = find(net, a);
    if (l)
        l->score++;
}

/* -- Which one to tell a peer --------------------------------------------- */

static bool is_hidden(enum network n)
{
    return n == NET_ONION || n == NET_I2P;
}

/* What we are called in a hidden network is not told in others, nor the other way
 * round: it would tie both together. */
static bool may_tell(const struct netaddr *a, const struct peer *p)
{
    enum network through = peer_network(p);
    return a->network == through || (!is_hidden(a->network) && !is_hidden(through));
}

static const struct local_address *best_local(const struct net *net,
                                              const struct peer *p)
{
    const struct local_address *best = NULL;
    int rank, best_rank = -1;
    for (size_t i = 0; i < net->n_locals; i++) {
        const struct local_address *l = &net->locals[i];
        if (!may_tell(&l->addr, p))
            continue;
        rank = netaddr_reach(&l->addr, &p->addr);
        if (rank > best_rank || (rank == best_rank && l->score > best->score)) {
            best = l;
            best_rank = rank;
        }
    }
    return best;
}

/* Whether what the peer calls us is of any use. */
static bool trusts_view(const struct net *net, const struct peer *p)
{
    return net->opt.discover && p->has_addr_local && netaddr_routable(&p->addr) &&
           netaddr_routable(&p->addr_local) &&
           net_reachable(net, p->addr_local.network);
}

bool net_best_local(struct net *net, const struct peer *p, struct netaddr *out)
{
    const struct local_address *best = best_local(net, p);
    uint16_t port = best ? best->addr.port : net->listen_port;
    if (best)
        *out = best->addr;
    /* It may be right where we are in doubt. */
    if (trusts_view(net, p) &&
        (!best || rng_below(&net->rng, best->score > LOCAL_MANUAL ? 8 : 2) == 0)) {
        *out = p->addr_local;
        /* of a connection we made it cannot see the port we listen on */
        if (!peer_inbound(p))
            out->port = port;
        return true;
    }
    return best != NULL;
}

/* -- Finding out ---------------------------------------------------------- */

static bool endpoint_of_interface(struct endpoint *out, const struct ifaddrs *i)
{
    if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || i->ifa_flags & IFF_LOOPBACK)
        return false;
    if (i->ifa_addr->sa_family == AF_INET) {
        memset(out->ip + 10, 0xff, 2);
        memcpy(out->ip + 12, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, 4);
    } else if (i->ifa_addr->sa_family == AF_INET6) {
        memcpy(out->ip, &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr, 16);
    } else {
        return false;
    }
    return true;
}

void net_discover(struct net *net)
{
    struct ifaddrs *list;
    if (!net->opt.discover || getifaddrs(&list) != 0)
        return;
    for (struct ifaddrs *i = list; i; i = i->ifa_next) {
        struct endpoint e = {.port = net->listen_port};
        if (!endpoint_of_interface(&e, i))
            continue;
        struct netaddr a = netaddr_from_endpoint(&e);
        net_add_local(net, &a, LOCAL_IF);
    }
    freeifaddrs(list);
}

static bool parse_external(struct net *net, struct netaddr *out, const char *text)
{
    struct endpoint e;
    char *host;
    uint16_t port;
    if (netaddr_parse(out, text, net->listen_port))
        return netaddr_valid(out);
    if (!endpoint_split(text, net->listen_port, &host, &port))
        return false;
    bool found = endpoint_resolve(&e, 1, host, port, net->opt.dns) == 1;
    free(host);
    *out = netaddr_from_endpoint(&e);
    return found && netaddr_valid(out);
}

bool net_add_external(struct net *net, char **error)
{
    const struct net_strings *list = &net->opt.externalip;
    for (size_t i = 0; i < list->n; i++) {
        struct netaddr a;
        if (!parse_external(net, &a, list->items[i])) {
            *error =
                xasprintf("Cannot resolve -externalip address: '%s'", list->items[i]);
            return false;
        }
        net_add_local(net, &a, LOCAL_MANUAL);
    }
    return true;
}
