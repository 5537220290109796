/* Which networks we can reach and through which proxies: -proxy, -onion, -i2psam,
 * -cjdnsreachable, -onlynet. */
#include <stdlib.h>

#include "net/internal.h"

#define TOR_SOCKS_PORT 9050
#define SAM_PORT       7656

bool net_reachable(const struct net *net, enum network n)
{
    return n < NET_COUNT && net->reach[n];
}

unsigned net_reachable_mask(const struct net *net)
{
    unsigned mask = 0;
    for (unsigned n = NET_IPV4; n < NET_COUNT; n++)
        if (net_reachable(net, n))
            mask |= 1u << n;
    return mask;
}

bool net_parse(const struct net *net, struct netaddr *out, const char *text)
{
    if (!netaddr_parse(out, text, net->opt.params->port))
        return false;
    net_tell_cjdns(net, out);
    return true;
}

void net_tell_cjdns(const struct net *net, struct netaddr *a)
{
    if (a->network == NET_IPV6 && a->addr[0] == CJDNS_PREFIX && net->reach[NET_CJDNS])
        a->network = NET_CJDNS;
}

bool net_has_name_proxy(const struct net *net)
{
    return net->name_proxy.set;
}

bool net_is_proxy(const struct net *net, const struct netaddr *a)
{
    struct endpoint e;
    if (!netaddr_to_endpoint(a, &e))
        return false;
    for (unsigned n = NET_IPV4; n < NET_COUNT; n++) {
        const struct proxy *p = &net->proxies[n];
        if (p->set && !p->path[0] && memcmp(p->at.ip, e.ip, sizeof(e.ip)) == 0)
            return true;
    }
    return false;
}

/* -- From the options ----------------------------------------------------- */

static bool given(const char *option)
{
    return option && option[0] != '\0';
}

static bool is_zero(const char *option)
{
    return strcmp(option, "0") == 0;
}

static bool refuse(char **error, const char *sentence)
{
    *error = xstrdup(sentence);
    return false;
}

static bool parse_onlynet(struct net *net, char **error)
{
    const struct net_strings *only = &net->opt.onlynet;
    enum network n;
    for (unsigned i = NET_IPV4; i < NET_COUNT; i++)
        net->reach[i] = only->n == 0 && network_known((enum network)i);
    for (size_t i = 0; i < only->n; i++) {
        if (!network_from_name(&n, only->items[i])) {
            *error = xasprintf("Unknown network specified in -onlynet: '%s'",
                               only->items[i]);
            return false;
        }
        net->reach[n] = net->allowed[n] = true;
    }
    for (unsigned i = 0; i < NET_COUNT; i++)
        net->allowed[i] |= only->n == 0;
    return true;
}

static bool parse_proxy(struct net *net, struct proxy *out, const char *option,
                        const char *text, uint16_t port, char **error)
{
    if (proxy_parse(out, text, port, net->opt.dns))
        return true;
    *error = xasprintf("Invalid -%s address or hostname: '%s'", option, text);
    return false;
}

/* For everything that has no proxy of its own, and for names. */
static bool setup_proxy(struct net *net, char **error)
{
    static const enum network through[] = {NET_IPV4, NET_IPV6, NET_ONION, NET_CJDNS};
    const char *text = net->opt.proxy;
    if (!given(text) || is_zero(text))
        return true;
    if (!parse_proxy(net, &net->name_proxy, "proxy", text, TOR_SOCKS_PORT, error))
        return false;
    net->name_proxy.randomize = net->opt.proxy_randomize;
    for (size_t i = 0; i < ARRAY_LEN(through); i++)
        net->proxies[through[i]] = net->name_proxy;
    return true;
}

static bool setup_onion(struct net *net, char **error)
{
    struct proxy *p = &net->proxies[NET_ONION];
    bool only = net->opt.onlynet.n > 0 && net->reach[NET_ONION];
    const char *text = net->opt.onion;
    if (given(text) && is_zero(text)) {
        *p = (struct proxy){0};
        if (only)
            return refuse(
                error,
                "Outbound connections restricted to Tor (-onlynet=onion) but the proxy "
                "for reaching the Tor network is explicitly forbidden: -onion=0");
    } else if (given(text)) {
        if (!parse_proxy(net, p, "onion", text, TOR_SOCKS_PORT, error))
            return false;
        p->randomize = net->opt.proxy_randomize;
    }
    if (p->set)
        return true;
    if (only && !net->opt.listen_onion)
        return refuse(
            error,
            "Outbound connections restricted to Tor (-onlynet=onion) but the "
            "proxy for reaching the Tor network is not provided: none of -proxy, "
            "-onion or -listenonion is given");
    net->reach[NET_ONION] = false; /* until Tor's controller names a proxy */
    return true;
}

static bool setup_i2p(struct net *net, char **error)
{
    const char *text = net->opt.i2psam;
    if (given(text))
        return parse_proxy(net, &net->proxies[NET_I2P], "i2psam", text, SAM_PORT,
                           error);
    if (net->opt.onlynet.n > 0 && net->reach[NET_I2P])
        return refuse(error,
                      "Outbound connections restricted to i2p (-onlynet=i2p) but "
                      "-i2psam is not provided");
    net->reach[NET_I2P] = false;
    return true;
}

static bool setup_cjdns(struct net *net, char **error)
{
    if (net->opt.cjdns_reachable)
        return true;
    if (net->opt.onlynet.n > 0 && net->reach[NET_CJDNS])
        return refuse(error,
                      "Outbound connections restricted to CJDNS (-onlynet=cjdns) but "
                      "-cjdnsreachable is not provided");
    net->reach[NET_CJDNS] = false;
    return true;
}

bool reach_setup(struct net *net, char **error)
{
    return parse_onlynet(net, error) && setup_cjdns(net, error) &&
           setup_proxy(net, error) && setup_onion(net, error) && setup_i2p(net, error);
}

void reach_set_onion_proxy(struct net *net, const struct proxy *p)
{
    net->proxies[NET_ONION] = *p;
    net->reach[NET_ONION] = net->allowed[NET_ONION];
}
