/* Whom the node connects to. */
#include "chain/params/params.h"
#include "net/net.h"
#include "rpc/method.h"

/* False: version 2 was asked for, but this node does not speak it. */
static bool read_v2(struct rpc_call *c, size_t arg, bool fallback, bool *v2,
                    const char *text)
{
    bool spoken = net_speaks_v2(c->node->net);
    *v2 = rpc_arg_bool(c, arg, fallback && spoken);
    if (!*v2 || spoken)
        return true;
    rpc_error(c, RPC_INVALID_PARAMETER, "%s", text);
    return false;
}

static void addnode(struct rpc_call *c)
{
    const char *node = rpc_arg_str(c, 0, ""), *command = rpc_arg_str(c, 1, "");
    struct net *net = c->node->net;
    if (strcmp(command, "onetry") != 0 && strcmp(command, "add") != 0 &&
        strcmp(command, "remove") != 0) {
        rpc_usage_error(c, RPC_MISC_ERROR);
        return;
    }
    bool v2;
    if (!read_v2(c, 2, true, &v2,
                 "Error: v2transport requested but not enabled (see -v2transport)"))
        return;
    if (strcmp(command, "onetry") == 0) {
        net_connect_once(net, node, v2);
    } else if (strcmp(command, "add") == 0) {
        if (!net_add_node(net, node, v2)) {
            rpc_error(c, RPC_CLIENT_NODE_ALREADY_ADDED, "Error: Node already added");
            return;
        }
    } else if (!net_remove_node(net, node)) {
        rpc_error(c, RPC_CLIENT_NODE_NOT_ADDED,
                  "Error: Node could not be removed. It has not "
                  "been added previously.");
        return;
    }
    json_null(c->w);
}

static void addconnection(struct rpc_call *c)
{
    static const enum conn_type types[] = {CONN_OUTBOUND_FULL, CONN_BLOCK_RELAY,
                                           CONN_ADDR_FETCH, CONN_FEELER};
    const char *address = rpc_arg_str(c, 0, ""), *name = rpc_arg_str(c, 1, "");
    size_t t = 0;
    if (strcmp(c->node->params->name, "regtest") != 0) {
        rpc_error(c, RPC_MISC_ERROR,
                  "addconnection is for regression testing (-regtest mode) only.");
        return;
    }
    while (t < ARRAY_LEN(types) && strcmp(name, conn_type_name(types[t])) != 0)
        t++;
    if (t == ARRAY_LEN(types)) {
        rpc_usage_error(c, RPC_INVALID_PARAMETER);
        return;
    }
    bool v2;
    if (!read_v2(c, 2, false, &v2,
                 "Error: Adding v2transport connections requires -v2transport init "
                 "flag to be set."))
        return;
    if (!net_add_connection(c->node->net, address, types[t], v2)) {
        rpc_error(c, RPC_CLIENT_NODE_CAPACITY_REACHED,
                  "Error: Already at capacity for specified connection type.");
        return;
    }
    json_begin_object(c->w);
    json_kv_str(c->w, "address", address);
    json_kv_str(c->w, "connection_type", name);
    json_end_object(c->w);
}

static void disconnectnode(struct rpc_call *c)
{
    const char *address = rpc_arg_str(c, 0, NULL);
    int64_t id = -1;
    bool ok;
    if (address && !rpc_arg(c, 1)) {
        struct netrange r;
        if (strchr(address, '/') && netrange_parse(&r, address))
            ok = net_disconnect_range(c->node->net, &r) > 0;
        else
            ok = net_disconnect_addr(c->node->net, address);
    } else if (rpc_arg(c, 1) && (!address || !address[0])) {
        if (!rpc_arg_i64(c, 1, &id))
            return;
        ok = net_disconnect_id(c->node->net, id);
    } else {
        rpc_error(c, RPC_INVALID_PARAMS,
                  "Only one of address and nodeid should be provided.");
        return;
    }
    if (!ok) {
        rpc_error(c, RPC_CLIENT_NODE_NOT_CONNECTED,
                  "Node not found in connected nodes");
        return;
    }
    json_null(c->w);
}

static void write_added_node(struct json_writer *w, const struct added_node *a)
{
    json_begin_object(w);
    json_kv_str(w, "addednode", a->name);
    json_kv_bool(w, "connected", a->connected);
    json_key(w, "addresses");
    json_begin_array(w);
    if (a->connected) {
        json_begin_object(w);
        json_kv_str(w, "address", a->addr);
        json_kv_str(w, "connected", a->inbound ? "inbound" : "outbound");
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void getaddednodeinfo(struct rpc_call *c)
{
    const char *only = rpc_arg_str(c, 0, NULL);
    size_t n;
    bool found = !only;
    struct added_node *nodes = net_added_nodes(c->node->net, &n);
    for (size_t i = 0; i < n; i++)
        found |= only && strcmp(nodes[i].name, only) == 0;
    if (!found) {
        rpc_error(c, RPC_CLIENT_NODE_NOT_ADDED, "Error: Node has not been added.");
    } else {
        json_begin_array(c->w);
        for (size_t i = 0; i < n; i++)
            if (!only || strcmp(nodes[i].name, only) == 0)
                write_added_node(c->w, &nodes[i]);
        json_end_array(c->w);
    }
    added_nodes_free(nodes, n);
}

static void setnetworkactive(struct rpc_call *c)
{
    net_set_active(c->node->net, rpc_arg_bool(c, 0, true));
    json_bool(c->w, net_active(c->node->net));
}

static const struct rpc_method methods[] = {
    {
        .name = "addnode",
        .help =
            "Adds a node to the list of those we always keep a connection to, removes "
            "it "
            "from there, or tries to connect once. Such nodes are never dropped for "
            "misbehaviour.",
        .params =
            PARAMS({"node", P_STR, .help = "Address or name, with or without port"},
                   {"command", P_STR, .help = "add, remove or onetry"},
                   {"v2transport", P_BOOL, P_OPTIONAL,
                    .help = "Whether to begin with the encrypted transport"}),
        .examples = EXAMPLES("\"192.168.0.6:8333\" \"onetry\""),
        .fn = addnode,
    },
    {
        .name = "addconnection",
        .help = "Opens a connection of a given type. For tests on regtest only.",
        .params =
            PARAMS({"address", P_STR, .help = "Address and port"},
                   {"connection_type", P_STR,
                    .help = "outbound-full-relay, block-relay-only, addr-fetch or "
                            "feeler"},
                   {"v2transport", P_BOOL, P_OPTIONAL,
                    .help = "Whether to begin with the encrypted transport"}),
        .results = RESULTS({R_OBJ, "", "",
                            RESULTS({R_STR, "address", "The address"},
                                    {R_STR, "connection_type", "The type"})}),
        .examples = EXAMPLES("\"192.168.0.6:8333\" \"outbound-full-relay\" false"),
        .fn = addconnection,
        .hidden = true,
    },
    {
        .name = "disconnectnode",
        .help = "Closes the connection to a peer, named by address or by number.",
        .params =
            PARAMS({"address", P_STR, P_OPTIONAL,
                    .help = "As getpeerinfo shows it, or a subnet"},
                   {"nodeid", P_NUM, P_OPTIONAL, .help = "As getpeerinfo shows it"}),
        .examples = EXAMPLES("\"192.168.0.6:8333\"", "\"\" 1"),
        .fn = disconnectnode,
    },
    {
        .name = "getaddednodeinfo",
        .help = "The nodes given by addnode and whether we are connected to them.",
        .params = PARAMS({"node", P_STR, P_OPTIONAL, .help = "Only this one"}),
        .results = RESULTS(
            {R_ARR, "", "",
             RESULTS({R_OBJ, "", "",
                      RESULTS({R_STR, "addednode", "As it was given"},
                              {R_BOOL, "connected", "Whether we are connected"},
                              {R_ARR, "addresses", "Only while connected",
                               RESULTS({R_OBJ, "", "",
                                        RESULTS({R_STR, "address", "Address and port"},
                                                {R_STR, "connected",
                                                 "inbound or outbound"})})})})}),
        .examples = EXAMPLES("\"192.168.0.201\""),
        .fn = getaddednodeinfo,
    },
    {
        .name = "setnetworkactive",
        .help = "Switches all P2P traffic off or on.",
        .params = PARAMS({"state", P_BOOL, .help = "true: on"}),
        .results = RESULTS({R_BOOL, "", "What it is now"}),
        .examples = EXAMPLES("false"),
        .fn = setnetworkactive,
    },
};

const struct rpc_table rpc_connections_table = {"Network", methods, ARRAY_LEN(methods),
                                                .public_replies = true};
