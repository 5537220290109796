/* The P2P network as a whole. */
#include "chain/mempool/mempool.h"
#include "net/net.h"
#include "rpc/json_net.h"
#include "rpc/method.h"

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
    rpc_write_services(w, "localservices", "localservicesnames", s.services);
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

static const struct rpc_method methods[] = {
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
                 R_WARNINGS)}),
        .examples = EXAMPLES(""),
        .fn = getnetworkinfo,
    },
};

const struct rpc_table rpc_network_table = {"Network", methods, ARRAY_LEN(methods),
                                            .public_replies = true};
