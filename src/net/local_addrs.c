/* Our own addresses: found on interfaces, given by -externalip, heard from peers; and
 * which networks we can reach at all. */
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "net/internal.h"

#define LOCAL_IF 1

/* Whether addresses of this network are of use to us: we can connect to them, and
 * -onlynet does not forbid it. */
bool net_reachable(const struct net *net, enum network n)
{
    if (n != NET_IPV4 && n != NET_IPV6)
        return false;
    return !net->opt.onlynet.n || net->only[n];
}

unsigned net_reachable_mask(const struct net *net)
{
    unsigned mask = 0;
    for (unsigned n = NET_IPV4; n < NET_COUNT; n++)
        if (net_reachable(net, n))
            mask |= 1u << n;
    return mask;
}

/* Score 0: somebody saw us there, which only confirms what we know. With the lock. */
void net_add_local(struct net *net, const struct netaddr *a, int score)
{
    for (size_t i = 0; i < net->n_locals; i++)
        if (netaddr_same_host(&net->locals[i].addr, a)) {
            net->locals[i].score += score ? score : 1;
            return;
        }
    if (!score || !netaddr_routable(a) || !net_reachable(net, a->network) ||
        net->n_locals == ARRAY_LEN(net->locals))
        return;
    char text[NETADDR_TEXT];
    net->locals[net->n_locals++] = (struct local_address){*a, score};
    log_info(net->log, "AddLocal(%s,%d)", netaddr_format(text, a, true), score);
}

bool net_best_local(struct net *net, const struct peer *p, struct netaddr *out)
{
    const struct local_address *best = NULL;
    for (size_t i = 0; i < net->n_locals; i++)
        if (!best || net->locals[i].score > best->score)
            best = &net->locals[i];
    if (best)
        *out = best->addr;
    /* What the peer calls us may be right where we are in doubt. */
    if (p->has_addr_local && netaddr_routable(&p->addr_local) && net->opt.discover &&
        (!best || rng_below(&net->rng, best->score > 4 ? 8 : 2) == 0)) {
        uint16_t port = peer_inbound(p) ? p->addr_local.port : net->opt.port;
        *out = p->addr_local;
        out->port = port;
        return true;
    }
    return best != NULL;
}

void net_discover(struct net *net)
{
    struct ifaddrs *list;
    if (!net->opt.discover || getifaddrs(&list) != 0)
        return;
    for (struct ifaddrs *i = list; i; i = i->ifa_next) {
        struct endpoint e = {.port = net->opt.port};
        if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || i->ifa_flags & IFF_LOOPBACK)
            continue;
        if (i->ifa_addr->sa_family == AF_INET) {
            memset(e.ip + 10, 0xff, 2);
            memcpy(e.ip + 12, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr,
                   4);
        } else if (i->ifa_addr->sa_family == AF_INET6) {
            memcpy(e.ip, &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr, 16);
        } else {
            continue;
        }
        struct netaddr a = netaddr_from_endpoint(&e);
        net_add_local(net, &a, LOCAL_IF);
    }
    freeifaddrs(list);
}
