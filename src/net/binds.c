/* Where to listen, by -bind, -whitebind and -port: the list that listen.c opens. */
#include <stdlib.h>

#include "net/internal.h"

#define ONION_SUFFIX "=onion"

/* "127.0.0.1:8334=onion": the length before the suffix, or 0. */
static size_t onion_bind(const char *text)
{
    size_t len = strlen(text), tail = strlen(ONION_SUFFIX);
    return len > tail && strcmp(text + len - tail, ONION_SUFFIX) == 0 ? len - tail : 0;
}

uint16_t listen_port(const struct net *net)
{
    const struct net_strings *binds = &net->opt.bind;
    struct endpoint e;
    for (size_t i = 0; i < binds->n; i++)
        if (endpoint_parse(&e, binds->items[i], 0) && e.port)
            return e.port;
    for (size_t i = 0; i < net->n_whitebinds; i++) {
        const struct whitebind *w = &net->whitebinds[i];
        unsigned perms = perms_resolve(&net->opt, w->perms);
        if ((perms & PERM_NOBAN) != PERM_NOBAN)
            return w->at.port;
    }
    return net->opt.port;
}

static struct listen_at *add_listener(struct net *net)
{
    struct listen_at *l = &net->listeners[net->n_listeners++];
    l->net = net;
    return l;
}

/* The port beside the one for everyone. */
static uint16_t onion_port(const struct net *net)
{
    return (uint16_t)(net->opt.port + 1);
}

static bool add_bind(struct net *net, const char *text, char **error)
{
    struct listen_at *l = add_listener(net);
    size_t len = onion_bind(text);
    l->onion = len > 0;
    char *host = l->onion ? xasprintf("%.*s", (int)len, text) : xstrdup(text);
    bool ok = endpoint_parse(&l->at, host, l->onion ? onion_port(net) : net->opt.port);
    free(host);
    if (!ok)
        *error = xasprintf("Cannot resolve -bind address: '%s'", text);
    return ok;
}

static void set_ipv4(struct endpoint *e, uint8_t first, uint8_t last)
{
    memset(e->ip, 0, 10);
    memset(e->ip + 10, 0xff, 2);
    memcpy(e->ip + 12, (const uint8_t[]){first, 0, 0, last}, 4);
}

/* A port of its own for Tor. */
static void add_onion_bind(struct net *net)
{
    struct listen_at *l = add_listener(net);
    l->onion = true;
    l->at.port = onion_port(net);
    set_ipv4(&l->at, 127, 1);
}

/* Both families on all interfaces. */
static void add_any_binds(struct net *net)
{
    struct listen_at *any6 = add_listener(net), *any4 = add_listener(net);
    any6->optional = true; /* the system may have no IPv6 */
    any6->at.port = any4->at.port = net->opt.port;
    set_ipv4(&any4->at, 0, 0);
}

struct endpoint listen_onion_target(const struct net *net)
{
    static const struct endpoint any6;
    const struct listen_at *first = NULL;
    for (size_t i = 0; i < net->n_listeners && !first; i++)
        if (net->listeners[i].onion)
            first = &net->listeners[i];
    /* Without a -bind there is one for Tor, so the first is a -bind. */
    struct endpoint at = first ? first->at : net->listeners[0].at;
    if (endpoint_is_ipv4(&at) && memcmp(at.ip + 12, any6.ip, 4) == 0)
        set_ipv4(&at, 127, 1); /* nobody can connect to "anywhere" */
    else if (memcmp(at.ip, any6.ip, sizeof(at.ip)) == 0)
        at.ip[15] = 1;
    return at;
}

static void warn_of_port(const struct net *net, const char *option, uint16_t port)
{
    if (is_bad_port(port))
        log_warning(net->log,
                    "%s request to listen on port %u. This port is considered \"bad\" "
                    "and thus it is unlikely that any peer will connect to it.",
                    option, port);
}

/* What works, but hardly as it was meant. */
static void warn_of_binds(const struct net *net)
{
    size_t onions = 0;
    char text[ENDPOINT_TEXT];
    for (size_t i = 0; i < net->n_listeners; i++) {
        const struct listen_at *l = &net->listeners[i];
        onions += l->onion;
        if (!l->onion)
            warn_of_port(net, "-bind", l->at.port);
    }
    if (net->n_listeners + net->n_whitebinds == 0)
        warn_of_port(net, "-port", net->opt.port);
    if (onions > 1 && net->opt.listen_onion) {
        struct endpoint target = listen_onion_target(net);
        log_warning(net->log,
                    "More than one onion bind address is provided. Using %s for the "
                    "automatically created Tor onion service.",
                    endpoint_format(text, &target, true));
    }
}

bool binds_collect(struct net *net, char **error)
{
    const struct net_strings *binds = &net->opt.bind;
    net->listeners = xcalloc(binds->n + net->n_whitebinds + 3, sizeof(*net->listeners));
    for (size_t i = 0; i < binds->n; i++)
        if (!add_bind(net, binds->items[i], error))
            return false;
    warn_of_binds(net);
    for (size_t i = 0; i < net->n_whitebinds; i++) {
        struct listen_at *l = add_listener(net);
        l->at = net->whitebinds[i].at;
        l->perms = net->whitebinds[i].perms;
    }
    net->bind_on_any = net->n_listeners == 0;
    if (binds->n == 0)
        add_onion_bind(net);
    if (net->bind_on_any)
        add_any_binds(net);
    return true;
}
