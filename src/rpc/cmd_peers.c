/* The peers that are connected. */
#include <stdlib.h>

#include "chain/validation/chainman.h"
#include "net/net.h"
#include "rpc/json_net.h"
#include "rpc/method.h"
#include "util/hex.h"

#define MAX_MSG_TYPE 12

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

static double seconds(int64_t us)
{
    return (double)us / 1e6;
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
    rpc_write_services(w, "services", "servicesnames", p->services);
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
    net_peers_free(peers, n);
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

const struct rpc_table rpc_peers_table = {"Network", methods, ARRAY_LEN(methods),
                                          .public_replies = true};
