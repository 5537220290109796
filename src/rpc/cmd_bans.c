/* Who may not connect. */
#include <stdlib.h>

#include "net/banman.h"
#include "net/net.h"
#include "rpc/method.h"
#include "util/clock.h"

static void ban(struct rpc_call *c, const struct netrange *r)
{
    struct net *net = c->node->net;
    int64_t duration = 0, now = clock_now(c->node->clock);
    bool absolute = rpc_arg_bool(c, 3, false);
    struct netaddr a;
    bool is_host = netaddr_parse(&a, rpc_arg_str(c, 0, ""), 0);
    if (is_host ? banman_is_banned(net_bans(net), &a)
                : banman_is_banned_net(net_bans(net), r)) {
        rpc_error(c, RPC_CLIENT_NODE_ALREADY_ADDED, "Error: IP/Subnet already banned");
        return;
    }
    if (!rpc_arg_i64(c, 2, &duration))
        return;
    if (absolute && duration < now) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Error: Absolute timestamp is in the past");
        return;
    }
    if (duration <= 0) {
        duration = net_default_ban_time(net);
        absolute = false;
    }
    net_ban(net, r, absolute ? duration : now + duration);
    json_null(c->w);
}

static void setban(struct rpc_call *c)
{
    const char *command = rpc_arg_str(c, 1, "");
    struct netrange r;
    bool add = strcmp(command, "add") == 0;
    if (!add && strcmp(command, "remove") != 0) {
        rpc_usage_error(c, RPC_MISC_ERROR);
        return;
    }
    if (!netrange_parse(&r, rpc_arg_str(c, 0, ""))) {
        rpc_error(c, RPC_CLIENT_INVALID_IP_OR_SUBNET, "Error: Invalid IP/Subnet");
        return;
    }
    if (add) {
        ban(c, &r);
    } else if (!banman_unban(net_bans(c->node->net), &r)) {
        rpc_error(c, RPC_CLIENT_INVALID_IP_OR_SUBNET,
                  "Error: Unban failed. Requested "
                  "address/subnet was not previously manually banned.");
    } else {
        json_null(c->w);
    }
}

static void listbanned(struct rpc_call *c)
{
    size_t n;
    char text[SUBNET_TEXT];
    int64_t now = clock_now(c->node->clock);
    struct ban *bans = banman_list(net_bans(c->node->net), &n);
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(c->w);
        json_kv_str(c->w, "address", netrange_format(text, &bans[i].net));
        json_kv_int(c->w, "ban_created", bans[i].created);
        json_kv_int(c->w, "banned_until", bans[i].until);
        json_kv_int(c->w, "ban_duration", bans[i].until - bans[i].created);
        json_kv_int(c->w, "time_remaining", bans[i].until - now);
        json_end_object(c->w);
    }
    json_end_array(c->w);
    free(bans);
}

static void clearbanned(struct rpc_call *c)
{
    banman_clear(net_bans(c->node->net));
    json_null(c->w);
}

static const struct rpc_method methods[] = {
    {
        .name = "setban",
        .help = "Adds an address or subnet to the list of those whose connections are "
                "refused, "
                "or removes it.",
        .params = PARAMS(
            {"subnet", P_STR, .help = "Address, or subnet as 10.0.0.0/8"},
            {"command", P_STR, .help = "add or remove"},
            {"bantime", P_NUM, .def = "0", .help = "Seconds; 0: as -bantime says"},
            {"absolute", P_BOOL, .def = "false", .help = "bantime is a unix time"}),
        .examples =
            EXAMPLES("\"192.168.0.6\" \"add\" 86400", "\"192.168.0.0/24\" \"add\""),
        .fn = setban,
    },
    {
        .name = "listbanned",
        .help = "What was banned by setban.",
        .results =
            RESULTS({R_ARR, "", "",
                     RESULTS({R_OBJ, "", "",
                              RESULTS({R_STR, "address", "The subnet"},
                                      {R_TIME, "ban_created", "When it was banned"},
                                      {R_TIME, "banned_until", "When the ban ends"},
                                      {R_NUM, "ban_duration", "Seconds in all"},
                                      {R_NUM, "time_remaining", "Seconds left"})})}),
        .examples = EXAMPLES(""),
        .fn = listbanned,
    },
    {
        .name = "clearbanned",
        .help = "Lifts every ban.",
        .examples = EXAMPLES(""),
        .fn = clearbanned,
    },
};

const struct rpc_table rpc_bans_table = {"Network", methods, ARRAY_LEN(methods),
                                         .public_replies = true};
