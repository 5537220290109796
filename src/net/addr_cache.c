#include <stdlib.h>

#include "net/internal.h"

#define MAX_PERCENT 23
#define KEEP_US     (21 * 60 * 60 * US)
#define KEEP_MORE   (6 * 60 * 60 * US) /* at random, so that nobody knows when */

struct addr_cache {
    struct addr_cache *next;
    enum network network; /* of who asks */
    struct netaddr ours;  /* where they came in */
    int64_t until_us;
    struct netaddr_entry *items; /* owned */
    size_t n;
};

static struct addr_cache *find(struct net *net, const struct peer *p)
{
    enum network network = peer_network(p);
    for (struct addr_cache *c = net->addr_caches; c; c = c->next)
        if (c->network == network && netaddr_equal(&c->ours, &p->addr_bind))
            return c;
    struct addr_cache *c = xcalloc(1, sizeof(*c));
    c->network = network;
    c->ours = p->addr_bind;
    c->next = net->addr_caches;
    net->addr_caches = c;
    return c;
}

static struct netaddr_entry *choose(struct net *net, size_t *n)
{
    struct netaddr_entry *e =
        addrman_get(net->addrs, MAX_ADDR_TO_SEND, MAX_PERCENT, NET_UNROUTABLE, true, n);
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (!banman_shuns(net->bans, &e[i].addr))
            e[kept++] = e[i];
    *n = kept;
    return e;
}

struct netaddr_entry *addr_cache_get(struct peer *p, size_t *n)
{
    struct net *net = p->net;
    int64_t now = net_now_us(net);
    if (peer_has_perm(p, PERM_ADDR))
        return choose(net, n);
    struct addr_cache *c = find(net, p);
    if (c->until_us < now) {
        free(c->items);
        c->items = choose(net, &c->n);
        c->until_us = now + KEEP_US + (int64_t)rng_below(&net->rng, KEEP_MORE);
    }
    struct netaddr_entry *out = xmalloc((c->n + 1) * sizeof(*out));
    memcpy(out, c->items, c->n * sizeof(*out));
    *n = c->n;
    return out;
}

void addr_caches_free(struct net *net)
{
    while (net->addr_caches) {
        struct addr_cache *c = net->addr_caches;
        net->addr_caches = c->next;
        free(c->items);
        free(c);
    }
}
