/* The P2P network. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain/mempool/mempool.h"
#include "chain/params/params.h"
#include "net/net.h"
#include "rpc/method.h"
#include "util/hex.h"

#define MAX_MSG_TYPE 12

static void write_services(struct json_writer *w, const char *key,
                           const char *names_key, uint64_t services)
{
    char text[32];
    snprintf(text, sizeof(text), "%016" PRIx64, services);
    json_kv_str(w, key, text);
    json_key(w, names_key);
    json_begin_array(w);
    for (unsigned bit = 0; bit < 64; bit++)
        if (services >> bit & 1)
            json_str(w, service_name(text, bit));
    json_end_array(w);
}

static double seconds(int64_t us)
{
    return (double)us / 1e6;
}

/* -- Connections ---------------------------------------------------------- */

static void getconnectioncount(struct rpc_call *c)
{
    json_uint(c->w, net_count_connections(c->node->net).total);
}

static void ping(struct rpc_call *c)
{
    net_ping_all(c->node->net);
    json_null(c->w);
}

static void write_traffic(struct json_writer *w, const char *key,
                          const uint64_t *per_msg)
{
    json_key(w, key);
    json_begin_object(w);
    for (size_t i = 0; i <= MSG_COUNT; i++) {
        /* "*other*" sorts before every message's name. */
        size_t t = i ? i - 1 : MSG_COUNT;
        if (per_msg[t])
            json_kv_uint(w, msg_type_name((enum msg_type)t), per_msg[t]);
    }
    json_end_object(w);
}

static void write_ping(struct json_writer *w, const struct peer_info *p)
{
    if (p->ping_us >= 0)
        json_kv_double(w, "pingtime", seconds(p->ping_us));
    if (p->min_ping_us >= 0)
        json_kv_double(w, "minping", seconds(p->min_ping_us));
    if (p->ping_wait_us > 0)
        json_kv_double(w, "pingwait", seconds(p->ping_wait_us));
}

static void write_addresses(struct json_writer *w, const struct peer_info *p)
{
    json_kv_str(w, "addr", p->addr);
    if (p->addr_bind[0])
        json_kv_str(w, "addrbind", p->addr_bind);
    if (p->addr_local[0])
        json_kv_str(w, "addrlocal", p->addr_local);
    json_kv_str(w, "network", network_name(p->network));
    if (p->mapped_as)
        json_kv_uint(w, "mapped_as", p->mapped_as);
}

static void write_times(struct json_writer *w, const struct peer_info *p)
{
    json_kv_int(w, "lastsend", p->last_send);
    json_kv_int(w, "lastrecv", p->last_recv);
    json_kv_int(w, "last_transaction", p->last_tx);
    json_kv_int(w, "last_block", p->last_block);
    json_kv_uint(w, "bytessent", p->bytes_sent);
    json_kv_uint(w, "bytesrecv", p->bytes_recv);
    json_kv_int(w, "conntime", p->connected);
    json_kv_int(w, "timeoffset", p->time_offset);
}

static void write_sync(struct json_writer *w, const struct peer_info *p)
{
    json_kv_bool(w, "bip152_hb_to", p->hb_to);
    json_kv_bool(w, "bip152_hb_from", p->hb_from);
    json_kv_int(w, "startingheight", p->starting_height);
    json_kv_int(w, "presynced_headers", p->presynced_headers);
    json_kv_int(w, "synced_headers", p->synced_headers);
    json_kv_int(w, "synced_blocks", p->synced_blocks);
    json_key(w, "inflight");
    json_begin_array(w);
    for (size_t i = 0; i < p->n_inflight; i++)
        json_int(w, p->inflight[i]);
    json_end_array(w);
    json_kv_bool(w, "addr_relay_enabled", p->addr_relay);
    json_kv_uint(w, "addr_processed", p->addr_processed);
    json_kv_uint(w, "addr_rate_limited", p->addr_rate_limited);
}

static void write_permissions(struct json_writer *w, unsigned perms)
{
    const char *names[8];
    size_t n = net_permission_names(perms, names);
    json_key(w, "permissions");
    json_begin_array(w);
    for (size_t i = 0; i < n; i++)
        json_str(w, names[i]);
    json_end_array(w);
}

static void write_peer(struct rpc_call *c, const struct peer_info *p)
{
    struct json_writer *w = c->w;
    json_begin_object(w);
    json_kv_int(w, "id", p->id);
    write_addresses(w, p);
    write_services(w, "services", "servicesnames", p->services);
    json_kv_bool(w, "relaytxes", p->relay_txs);
    write_times(w, p);
    write_ping(w, p);
    json_kv_int(w, "version", p->version);
    json_kv_str(w, "subver", p->subver);
    json_kv_bool(w, "inbound", p->inbound);
    write_sync(w, p);
    write_permissions(w, p->permissions);
    rpc_write_amount(c, "minfeefilter", amount_of(p->min_fee_filter));
    write_traffic(w, "bytessent_per_msg", p->sent_per_msg);
    write_traffic(w, "bytesrecv_per_msg", p->recv_per_msg);
    json_kv_str(w, "connection_type", conn_type_name(p->type));
    json_kv_str(w, "transport_protocol_type", transport_kind_name(p->transport));
    if (p->transport == TRANSPORT_V2)
        json_kv_hex(w, "session_id", p->session_id.b, sizeof(p->session_id.b));
    else
        json_kv_str(w, "session_id", "");
    json_end_object(w);
}

static void getpeerinfo(struct rpc_call *c)
{
    size_t n;
    struct peer_info *peers = net_peers(c->node->net, &n);
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++)
        write_peer(c, &peers[i]);
    json_end_array(c->w);
    free(peers);
}

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

static void sendmsgtopeer(struct rpc_call *c)
{
    int64_t id = 0;
    struct buf payload = {0};
    const char *type = rpc_arg_str(c, 1, "");
    if (!rpc_arg_i64(c, 0, &id))
        return;
    if (strlen(type) > MAX_MSG_TYPE) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Error: msg_type too long, max length is %d", MAX_MSG_TYPE);
        return;
    }
    const struct json *hex = rpc_arg(c, 2);
    if (!hex || !hex_decode(&payload, hex->str, hex->str_len))
        rpc_error(c, RPC_INVALID_PARAMETER, "Error parsing input for msg");
    else if (!net_send_raw(c->node->net, id, type, buf_view(&payload)))
        rpc_error(c, RPC_MISC_ERROR, "Error: Could not send message to peer");
    else {
        json_begin_object(c->w);
        json_end_object(c->w);
    }
    buf_clear(&payload);
}

/* -- Status
 * ----------------------------------------------------------------------------------------
 */

static void getnettotals(struct rpc_call *c)
{
    struct net_totals t;
    net_get_totals(c->node->net, &t);
    json_begin_object(c->w);
    json_kv_uint(c->w, "totalbytesrecv", t.recv);
    json_kv_uint(c->w, "totalbytessent", t.sent);
    json_kv_int(c->w, "timemillis", t.time_ms);
    json_key(c->w, "uploadtarget");
    json_begin_object(c->w);
    json_kv_int(c->w, "timeframe", t.target_span_s);
    json_kv_uint(c->w, "target", t.upload_target);
    json_kv_bool(c->w, "target_reached", t.target_reached);
    json_kv_bool(c->w, "serve_historical_blocks", t.serve_historical);
    json_kv_uint(c->w, "bytes_left_in_cycle", t.target_left);
    json_kv_int(c->w, "time_left_in_cycle", t.cycle_left_s);
    json_end_object(c->w);
    json_end_object(c->w);
}

static void write_networks(struct json_writer *w, const struct net_status *s)
{
    json_key(w, "networks");
    json_begin_array(w);
    for (unsigned n = NET_IPV4; n < NET_COUNT; n++) {
        if (!network_known((enum network)n))
            continue;
        json_begin_object(w);
        json_kv_str(w, "name", network_name((enum network)n));
        json_kv_bool(w, "limited", !s->reachable[n]);
        json_kv_bool(w, "reachable", s->reachable[n]);
        json_kv_str(w, "proxy", s->proxy[n]);
        json_kv_bool(w, "proxy_randomize_credentials", s->proxy_randomize[n]);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_locals(struct json_writer *w, const struct net_status *s)
{
    char text[NETADDR_TEXT];
    json_key(w, "localaddresses");
    json_begin_array(w);
    for (size_t i = 0; i < s->n_locals; i++) {
        json_begin_object(w);
        json_kv_str(w, "address", netaddr_format(text, &s->locals[i].addr, false));
        json_kv_int(w, "port", s->locals[i].addr.port);
        json_kv_int(w, "score", s->locals[i].score);
        json_end_object(w);
    }
    json_end_array(w);
}

static void getnetworkinfo(struct rpc_call *c)
{
    struct net_status s;
    struct json_writer *w = c->w;
    struct net_counts count = net_count_connections(c->node->net);
    const struct mempool_options *policy = mempool_get_options(c->node->mempool);
    net_get_status(c->node->net, &s);
    json_begin_object(w);
    json_kv_int(w, "version", s.client_version);
    json_kv_str(w, "subversion", s.user_agent);
    json_kv_int(w, "protocolversion", PROTOCOL_VERSION);
    write_services(w, "localservices", "localservicesnames", s.services);
    json_kv_bool(w, "localrelay", s.relay);
    json_kv_int(w, "timeoffset", s.time_offset);
    json_kv_bool(w, "networkactive", s.active);
    json_kv_uint(w, "connections", count.total);
    json_kv_uint(w, "connections_in", count.in);
    json_kv_uint(w, "connections_out", count.out);
    write_networks(w, &s);
    rpc_write_amount(c, "relayfee", amount_of(policy->min_relay_feerate));
    rpc_write_amount(c, "incrementalfee", amount_of(policy->incremental_feerate));
    write_locals(w, &s);
    rpc_write_warnings(c);
    json_end_object(w);
}

/* -- Blocks
 * ----------------------------------------------------------------------------------------
 */

/* Why a block cannot be asked for; NULL: it can. */
static const char *refuse_fetch(struct chainman *cm, const struct hash256 *hash)
{
    const char *why = NULL;
    chainman_read_lock(cm);
    const struct block_index *bi = block_tree_find(cm, hash);
    if (!bi)
        why = "Block header missing";
    else if (chainman_prune_target(cm) && bi->height > chain_height(cm))
        why = "In prune mode, only blocks that the node has already synced previously "
              "can be "
              "fetched from a peer";
    else if (bi->status & BLOCK_HAVE_DATA)
        why = "Block already downloaded";
    chainman_read_unlock(cm);
    return why;
}

static void getblockfrompeer(struct rpc_call *c)
{
    struct hash256 hash;
    int64_t id = 0;
    if (!rpc_arg_hash(c, 0, "blockhash", &hash) || !rpc_arg_i64(c, 1, &id))
        return;
    const char *why = refuse_fetch(c->node->chainman, &hash);
    if (!why)
        why = net_fetch_block(c->node->net, id, &hash);
    if (why) {
        rpc_error(c, RPC_MISC_ERROR, "%s", why);
        return;
    }
    json_begin_object(c->w);
    json_end_object(c->w);
}

/* -- Table
 * -----------------------------------------------------------------------------------------
 */

#define R_SERVICES(key, names)                                                         \
    {R_HEX, key, "Services offered, 16 hex digits"},                                   \
    {                                                                                  \
        R_ARR, names, "The services by name",                                          \
            RESULTS({R_STR, "", "Name of a service"})                                  \
    }

static const struct rpc_method methods[] = {
    {
        .name = "getconnectioncount",
        .help = "How many peers are connected.",
        .results = RESULTS({R_NUM, "", "Number of connections"}),
        .examples = EXAMPLES(""),
        .fn = getconnectioncount,
    },
    {
        .name = "ping",
        .help =
            "Sends a ping to every peer. The time each answer took shows up in "
            "getpeerinfo; it counts the peer's backlog of work, not the wire alone.",
        .examples = EXAMPLES(""),
        .fn = ping,
    },
    {
        .name = "getpeerinfo",
        .help = "What is known of each connected peer.",
        .results = RESULTS(
            {R_ARR, "", "",
             RESULTS(
                 {R_OBJ, "", "",
                  RESULTS(
                      {R_NUM, "id", "Number of the connection"},
                      {R_STR, "addr", "Address and port, or the name it was called by"},
                      {R_STR, "addrbind", "Our end of the connection",
                       .optional = true},
                      {R_STR, "addrlocal", "What the peer calls us", .optional = true},
                      {R_STR, "network",
                       "ipv4, ipv6, onion, i2p, cjdns or "
                       "not_publicly_routable"},
                      {R_NUM, "mapped_as", "Autonomous system (with -asmap)",
                       .optional = true},
                      R_SERVICES("services", "servicesnames"),
                      {R_BOOL, "relaytxes", "It wants to hear of transactions"},
                      {R_TIME, "lastsend", "When we last sent something"},
                      {R_TIME, "lastrecv", "When something last came"},
                      {R_TIME, "last_transaction",
                       "When it last gave us a good transaction"},
                      {R_TIME, "last_block", "When it last gave us a new block"},
                      {R_NUM, "bytessent", "Octets sent"},
                      {R_NUM, "bytesrecv", "Octets received"},
                      {R_TIME, "conntime", "When the connection was made"},
                      {R_NUM, "timeoffset", "Its clock minus ours, in seconds"},
                      {R_NUM, "pingtime", "Last ping, in seconds", .optional = true},
                      {R_NUM, "minping", "Fastest ping, in seconds", .optional = true},
                      {R_NUM, "pingwait", "Seconds that a ping is under way",
                       .optional = true},
                      {R_NUM, "version", "Its protocol version"},
                      {R_STR, "subver", "Its user agent"},
                      {R_BOOL, "inbound", "It called us"},
                      {R_BOOL, "bip152_hb_to",
                       "We asked it for compact blocks unasked"},
                      {R_BOOL, "bip152_hb_from", "It asked us for that"},
                      {R_NUM, "startingheight", "Its height when it connected"},
                      {R_NUM, "presynced_headers",
                       "Height of headers seen but not kept; -1: "
                       "none under way"},
                      {R_NUM, "synced_headers", "The last header we have in common"},
                      {R_NUM, "synced_blocks", "The last block we have in common"},
                      {R_ARR, "inflight", "Blocks being fetched from it",
                       RESULTS({R_NUM, "", "Height"})},
                      {R_BOOL, "addr_relay_enabled", "We exchange addresses with it"},
                      {R_NUM, "addr_processed", "Addresses taken from it"},
                      {R_NUM, "addr_rate_limited",
                       "Addresses dropped: it sent too many"},
                      {R_ARR, "permissions", "What it may do beyond others",
                       RESULTS({R_STR, "", "Name of a permission"})},
                      {R_AMOUNT, "minfeefilter",
                       "Lowest fee rate it wants to hear of, per "
                       "1000 vbytes"},
                      {R_OBJ_DYN, "bytessent_per_msg", "Octets sent by type of message",
                       RESULTS({R_NUM, "msg", "Octets, frames included"})},
                      {R_OBJ_DYN, "bytesrecv_per_msg",
                       "Octets received by type of message; "
                       "*other*: types unknown to us",
                       RESULTS({R_NUM, "msg", "Octets, frames included"})},
                      {R_STR, "connection_type",
                       "inbound, manual, outbound-full-relay, "
                       "block-relay-only, addr-fetch or feeler"},
                      {R_STR, "transport_protocol_type", "v1: not encrypted"},
                      {R_STR, "session_id", "Empty for v1"})})}),
        .examples = EXAMPLES(""),
        .fn = getpeerinfo,
    },
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
        .name = "getnettotals",
        .help = "Traffic since the start, and how -maxuploadtarget stands.",
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_NUM, "totalbytesrecv", "Octets received"},
                 {R_NUM, "totalbytessent", "Octets sent"},
                 {R_NUM, "timemillis", "Unix time in milliseconds"},
                 {R_OBJ, "uploadtarget", "",
                  RESULTS({R_NUM, "timeframe", "Length of a cycle in seconds"},
                          {R_NUM, "target", "Octets allowed in a cycle; 0: no limit"},
                          {R_BOOL, "target_reached", "The limit is reached"},
                          {R_BOOL, "serve_historical_blocks",
                           "Old blocks are served still"},
                          {R_NUM, "bytes_left_in_cycle", "Octets left"},
                          {R_NUM, "time_left_in_cycle", "Seconds left"})})}),
        .examples = EXAMPLES(""),
        .fn = getnettotals,
    },
    {
        .name = "getnetworkinfo",
        .help = "The state of the P2P network as this node sees it.",
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_NUM, "version", "Version of this program"},
                 {R_STR, "subversion", "Our user agent"},
                 {R_NUM, "protocolversion", "Protocol version"},
                 R_SERVICES("localservices", "localservicesnames"),
                 {R_BOOL, "localrelay", "We want transactions from peers"},
                 {R_NUM, "timeoffset", "Median of outgoing peers' clocks minus ours"},
                 {R_BOOL, "networkactive", "Networking is on"},
                 {R_NUM, "connections", "All connections"},
                 {R_NUM, "connections_in", "Incoming ones"},
                 {R_NUM, "connections_out", "Outgoing ones"},
                 {R_ARR, "networks", "By network",
                  RESULTS({R_OBJ, "", "",
                           RESULTS({R_STR, "name", "ipv4, ipv6, onion, i2p or cjdns"},
                                   {R_BOOL, "limited",
                                    "Excluded by -onlynet, or not "
                                    "supported"},
                                   {R_BOOL, "reachable", "The reverse"},
                                   {R_STR, "proxy", "Proxy used; empty: none"},
                                   {R_BOOL, "proxy_randomize_credentials",
                                    "Each connection has credentials of its own"})})},
                 {R_AMOUNT, "relayfee",
                  "Lowest fee rate that is relayed, per 1000 "
                  "vbytes"},
                 {R_AMOUNT, "incrementalfee", "Step of fee rates for replacements"},
                 {R_ARR, "localaddresses", "Where we may be reached",
                  RESULTS(
                      {R_OBJ, "", "",
                       RESULTS({R_STR, "address", "Address"}, {R_NUM, "port", "Port"},
                               {R_NUM, "score", "How sure we are"})})},
                 {R_ARR, "warnings", "What the user should know",
                  RESULTS({R_STR, "", "A sentence"})})}),
        .examples = EXAMPLES(""),
        .fn = getnetworkinfo,
    },
    {
        .name = "setnetworkactive",
        .help = "Switches all P2P traffic off or on.",
        .params = PARAMS({"state", P_BOOL, .help = "true: on"}),
        .results = RESULTS({R_BOOL, "", "What it is now"}),
        .examples = EXAMPLES("false"),
        .fn = setnetworkactive,
    },
    {
        .name = "sendmsgtopeer",
        .help = "Sends any message to a peer. For tests only.",
        .params = PARAMS({"peer_id", P_NUM, .help = "As getpeerinfo shows it"},
                         {"msg_type", P_STR, .help = "Type, at most 12 characters"},
                         {"msg", P_HEX, .help = "Payload"}),
        .results = RESULTS({R_OBJ, "", "Empty"}),
        .examples = EXAMPLES("0 \"addr\" \"ffffff\""),
        .fn = sendmsgtopeer,
        .hidden = true,
    },
    {
        .name = "getblockfrompeer",
        .help =
            "Asks a peer for a block whose header we have; it is stored when it comes.",
        .params = PARAMS({"blockhash", P_HEX, .help = "The block"},
                         {"peer_id", P_NUM, .help = "As getpeerinfo shows it"}),
        .results = RESULTS({R_OBJ, "", "Empty"}),
        .examples = EXAMPLES(
            "\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\" 0"),
        .fn = getblockfrompeer,
    },
};

const struct rpc_table rpc_network_table = {"Network", methods, ARRAY_LEN(methods),
                                            .public_replies = true};
