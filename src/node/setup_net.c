/* The options of the network: what they imply for others, and which do not go together.
 */
#include <stdlib.h>

#include "io/netaddr.h"
#include "node/setup.h"

static bool uses_proxy(const struct args *a)
{
    const char *proxy = args_str(a, "proxy", "");
    return proxy[0] != '\0' && strcmp(proxy, "0") != 0;
}

/* A proxy is there for privacy: without being told to, nothing shows who we are. */
static void imply_by_proxy(struct setup *s, struct logger *log)
{
    setup_imply(s, log, "-proxy set", "listen", "0");
    setup_imply(s, log, "-proxy set", "discover", "0");
}

/* -onlynet was given and leaves out IPv4 and IPv6, where DNS seeds are. */
static bool forbids_clearnet(const struct args *a)
{
    size_t n;
    enum network net;
    const char *const *only = args_list(a, "onlynet", &n);
    for (size_t i = 0; i < n; i++)
        if (network_from_name(&net, only[i]) && (net == NET_IPV4 || net == NET_IPV6))
            return false;
    return n > 0;
}

static void warn_of_test(const struct args *a, struct logger *log)
{
    size_t n;
    const char *const *items = args_list(a, "test", &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(items[i], "addrman") != 0)
            log_warning(log, "Unrecognised option \"%s\" provided in -test=<option>.",
                        items[i]);
}

void setup_net_interactions(struct setup *s, struct logger *log)
{
    const struct args *a = s->args;
    if (args_is_set(a, "bind"))
        setup_imply(s, log, "-bind set", "listen", "1");
    if (args_is_set(a, "whitebind"))
        setup_imply(s, log, "-whitebind set", "listen", "1");
    if (args_is_set(a, "connect") || args_int(a, "maxconnections", 125) <= 0) {
        setup_imply(s, log, "-connect or -maxconnections=0 set", "dnsseed", "0");
        setup_imply(s, log, "-connect or -maxconnections=0 set", "listen", "0");
    }
    warn_of_test(a, log);
    if (uses_proxy(a))
        imply_by_proxy(s, log);
    if (!args_bool(a, "listen", true)) {
        setup_imply(s, log, "-listen=0", "discover", "0");
        setup_imply(s, log, "-listen=0", "listenonion", "0");
        setup_imply(s, log, "-listen=0", "i2pacceptincoming", "0");
    }
    if (args_is_set(a, "externalip"))
        setup_imply(s, log, "-externalip set", "discover", "0");
    if (forbids_clearnet(a))
        setup_imply(s, log, "-onlynet excludes IPv4 and IPv6", "dnsseed", "0");
}

static bool refuse(char **error, const char *sentence)
{
    *error = xstrdup(sentence);
    return false;
}

static bool check_listen(const struct args *a, char **error)
{
    size_t binds, whitebinds;
    args_list(a, "bind", &binds);
    args_list(a, "whitebind", &whitebinds);
    if (args_bool(a, "listen", true))
        return true;
    if (binds + whitebinds > 0)
        return refuse(error, "Cannot set -bind or -whitebind together with -listen=0");
    if (args_bool(a, "listenonion", true))
        return refuse(error, "Cannot set -listen=0 together with -listenonion=1");
    return true;
}

/* Whether "host:port" makes sense; what the host is shows when it is looked up. */
static bool port_is_fine(const char *text, bool may_be_unix)
{
    char *host;
    uint16_t port;
    if (may_be_unix && strncmp(text, "unix:", 5) == 0)
        return true;
    if (!endpoint_split(text, 1, &host, &port))
        return false;
    free(host);
    return true;
}

static bool bad_port(char **error, const char *option, const char *text)
{
    *error = xasprintf("Invalid port specified in -%s: '%s'", option, text);
    return false;
}

static bool check_own_port(const struct args *a, const char *option, char **error)
{
    const char *text = args_str(a, option, NULL);
    uint16_t port;
    return !text || port_parse(&port, text) || bad_port(error, option, text);
}

static bool check_ports(const struct args *a, char **error)
{
    static const struct {
        const char *name;
        bool may_be_unix;
    } options[] = {
        {"i2psam", false},     {"onion", true},      {"proxy", true},
        {"torcontrol", false}, {"whitebind", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        size_t n;
        const char *const *list = args_list(a, options[i].name, &n);
        for (size_t k = 0; k < n; k++) {
            if (!port_is_fine(list[k], options[i].may_be_unix))
                return bad_port(error, options[i].name, list[k]);
        }
    }
    return check_own_port(a, "port", error) && check_own_port(a, "rpcport", error);
}

bool setup_net_check(struct setup *s, char **error)
{
    const struct args *a = s->args;
    if (!check_listen(a, error) || !check_ports(a, error))
        return false;
    if (args_int(a, "peertimeout", 60) <= 0)
        return refuse(error, "peertimeout must be a positive integer.");
    if (args_is_set(a, "test") && strcmp(s->params.name, "regtest") != 0)
        return refuse(error, "-test=<option> can only be used with regtest");
    if (args_bool(a, "forcednsseed", false) && !args_bool(a, "dnsseed", true))
        return refuse(error,
                      "Cannot set -forcednsseed to true when setting -dnsseed to "
                      "false.");
    if (args_bool(a, "dnsseed", false) && forbids_clearnet(a))
        return refuse(error,
                      "Incompatible options: -dnsseed=1 was explicitly "
                      "specified, but -onlynet forbids connections to IPv4/IPv6");
    return true;
}
