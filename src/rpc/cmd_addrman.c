/* The addresses of nodes that we know. */
#include <stdio.h>
#include <stdlib.h>

#include "net/addrman.h"
#include "net/net.h"
#include "rpc/method.h"
#include "util/clock.h"

static void write_node_address(struct json_writer *w, const struct netaddr_entry *e)
{
    char text[NETADDR_TEXT];
    json_begin_object(w);
    json_kv_int(w, "time", e->time);
    json_kv_uint(w, "services", e->services);
    json_kv_str(w, "address", netaddr_format(text, &e->addr, false));
    json_kv_int(w, "port", e->addr.port);
    json_kv_str(w, "network", network_name(netaddr_class(&e->addr)));
    json_end_object(w);
}

static void getnodeaddresses(struct rpc_call *c)
{
    int32_t count = 1;
    size_t n;
    enum network only = NET_UNROUTABLE;
    const char *name = rpc_arg_str(c, 1, NULL);
    if (!rpc_arg_i32(c, 0, &count))
        return;
    if (count < 0) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Address count out of range");
        return;
    }
    if (name && !network_from_name(&only, name)) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Network not recognized: %s", name);
        return;
    }
    struct netaddr_entry *e =
        addrman_get(net_addrman(c->node->net), (size_t)count, 0, only, false, &n);
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++)
        write_node_address(c->w, &e[i]);
    json_end_array(c->w);
    free(e);
}

static void addpeeraddress(struct rpc_call *c)
{
    int64_t port = 0;
    struct netaddr_entry e = {.services = NODE_NETWORK | NODE_WITNESS};
    struct addrman *am = net_addrman(c->node->net);
    if (!rpc_arg_i64(c, 1, &port))
        return;
    if (port < 0 || port > UINT16_MAX) {
        rpc_error(c, RPC_MISC_ERROR, "JSON integer out of range");
        return;
    }
    if (!netaddr_parse(&e.addr, rpc_arg_str(c, 0, ""), 0) || e.addr.port) {
        rpc_error(c, RPC_CLIENT_INVALID_IP_OR_SUBNET, "Invalid IP address");
        return;
    }
    net_tell_cjdns(c->node->net, &e.addr);
    e.addr.port = (uint16_t)port;
    e.time = clock_now(c->node->clock);
    const char *error = NULL;
    if (!addrman_add(am, &e, 1, &e.addr, 0))
        error = "failed-adding-to-new";
    else if (rpc_arg_bool(c, 2, false)) {
        addrman_attempt(am, &e.addr, false);
        if (!addrman_good(am, &e.addr))
            error = "failed-adding-to-tried";
    }
    json_begin_object(c->w);
    json_kv_bool(c->w, "success", !error);
    if (error)
        json_kv_str(c->w, "error", error);
    json_end_object(c->w);
}

static void write_counts(struct json_writer *w, const char *name,
                         struct addrman_counts n)
{
    json_key(w, name);
    json_begin_object(w);
    json_kv_uint(w, "new", n.n_new);
    json_kv_uint(w, "tried", n.n_tried);
    json_kv_uint(w, "total", n.n_new + n.n_tried);
    json_end_object(w);
}

static void getaddrmaninfo(struct rpc_call *c)
{
    struct addrman_counts by_net[NET_COUNT], all = {0};
    addrman_count(net_addrman(c->node->net), by_net);
    json_begin_object(c->w);
    for (unsigned n = NET_IPV4; n < NET_COUNT; n++) {
        if (!network_known((enum network)n))
            continue;
        write_counts(c->w, network_name((enum network)n), by_net[n]);
        all.n_new += by_net[n].n_new;
        all.n_tried += by_net[n].n_tried;
    }
    write_counts(c->w, "all_networks", all);
    json_end_object(c->w);
}

struct raw_tables {
    struct json_writer *w;
    bool in_tried;
};

static void write_place(void *ctx, const struct addrman_place *p)
{
    struct raw_tables *t = ctx;
    struct json_writer *w = t->w;
    char text[NETADDR_TEXT];
    if (p->tried && !t->in_tried) {
        t->in_tried = true;
        json_end_object(w);
        json_key(w, "tried");
        json_begin_object(w);
    }
    snprintf(text, sizeof(text), "%d/%d", p->bucket, p->position);
    json_key(w, text);
    json_begin_object(w);
    json_kv_str(w, "address", netaddr_format(text, &p->entry.addr, false));
    if (p->as)
        json_kv_uint(w, "mapped_as", p->as);
    json_kv_int(w, "port", p->entry.addr.port);
    json_kv_str(w, "network", netaddr_class_name(&p->entry.addr));
    json_kv_uint(w, "services", p->entry.services);
    json_kv_int(w, "time", p->entry.time);
    json_kv_str(w, "source", netaddr_format(text, &p->source, false));
    json_kv_str(w, "source_network", netaddr_class_name(&p->source));
    if (p->source_as)
        json_kv_uint(w, "source_mapped_as", p->source_as);
    json_end_object(w);
}

static void getrawaddrman(struct rpc_call *c)
{
    struct raw_tables t = {.w = c->w};
    json_begin_object(c->w);
    json_key(c->w, "new");
    json_begin_object(c->w);
    addrman_each(net_addrman(c->node->net), write_place, &t);
    json_end_object(c->w);
    if (!t.in_tried) {
        json_key(c->w, "tried");
        json_begin_object(c->w);
        json_end_object(c->w);
    }
    json_end_object(c->w);
}

static const struct rpc_method methods[] = {
    {
        .name = "getnodeaddresses",
        .help = "Known addresses of nodes, good for finding more of them.",
        .params = PARAMS({"count", P_NUM, .def = "1", .help = "At most; 0: all"},
                         {"network", P_STR, P_OPTIONAL,
                          .help = "Only of this one: ipv4, ipv6, onion, i2p or cjdns"}),
        .results = RESULTS(
            {R_ARR, "", "",
             RESULTS({R_OBJ, "", "",
                      RESULTS({R_TIME, "time", "When the node was last seen"},
                              {R_NUM, "services", "Services it offers"},
                              {R_STR, "address", "Address"}, {R_NUM, "port", "Port"},
                              {R_STR, "network", "Network of the address"})})}),
        .examples = EXAMPLES("8", "4 \"i2p\""),
        .fn = getnodeaddresses,
    },
    {
        .name = "addpeeraddress",
        .help = "Puts an address into the address manager. For tests only.",
        .params = PARAMS({"address", P_STR, .help = "Address"},
                         {"port", P_NUM, .help = "Port"},
                         {"tried", P_BOOL, .def = "false",
                          .help = "As if we had been connected to it"}),
        .results = RESULTS({R_OBJ, "", "",
                            RESULTS({R_BOOL, "success", "Whether it was added"},
                                    {R_STR, "error", "Why not", .optional = true})}),
        .examples = EXAMPLES("\"1.2.3.4\" 8333 true"),
        .fn = addpeeraddress,
        .hidden = true,
    },
    {
        .name = "getaddrmaninfo",
        .help = "How many addresses the address manager has, by network.",
        .results = RESULTS(
            {R_OBJ_DYN, "", "",
             RESULTS({R_OBJ, "network", "ipv4, ipv6, onion, i2p, cjdns, all_networks",
                      RESULTS({R_NUM, "new", "Never connected to"},
                              {R_NUM, "tried", "Connected to before"},
                              {R_NUM, "total", "Both"})})}),
        .examples = EXAMPLES(""),
        .fn = getaddrmaninfo,
    },
    {
        .name = "getrawaddrman",
        .help = "Every place of the address manager's tables. For tests only.",
        .results = RESULTS(
            {R_OBJ_DYN, "", "",
             RESULTS(
                 {R_OBJ_DYN, "table", "new, tried",
                  RESULTS(
                      {R_OBJ, "bucket/position", "A place that is taken",
                       RESULTS({R_STR, "address", "Address"}, {R_NUM, "port", "Port"},
                               {R_STR, "network", "Its network"},
                               {R_NUM, "services", "Services it offers"},
                               {R_TIME, "time", "When it was last seen"},
                               {R_NUM, "mapped_as", "Autonomous system (with -asmap)",
                                .optional = true},
                               {R_STR, "source", "Who told us"},
                               {R_STR, "source_network", "Network of that"},
                               {R_NUM, "source_mapped_as", "Autonomous system of that",
                                .optional = true})})})}),
        .examples = EXAMPLES(""),
        .fn = getrawaddrman,
        .hidden = true,
    },
};

const struct rpc_table rpc_addrman_table = {"Network", methods, ARRAY_LEN(methods),
                                            .public_replies = true};
