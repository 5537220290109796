/* The P2P network: its options, from the command line to its struct. */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "chain/mempool/mempool.h"
#include "net/net.h"
#include "node/wallet_chain.h"
#include "util/fs.h"

#define MIB             (1024 * 1024)
#define MAX_CONNECTIONS 100000 /* no machine has more to give */
#define OWN_FILES       150    /* databases, block files, RPC */
#define OTHER_FILES     9      /* peers of addnode, a message being captured */

static struct net_strings strings(const struct args *a, const char *name)
{
    struct net_strings s;
    s.items = args_list(a, name, &s.n);
    return s;
}

/* bitcoind's suffixes: k K m M g G t T; lower case counts in thousands, upper case in
 * 1024. */
static bool parse_size(const char *text, uint64_t default_unit, uint64_t *out)
{
    static const struct {
        char suffix;
        uint64_t unit;
    } units[] = {
        {'k', 1000},
        {'K', 1u << 10},
        {'m', 1000000},
        {'M', 1u << 20},
        {'g', 1000000000},
        {'G', 1u << 30},
        {'t', UINT64_C(1000000000000)},
        {'T', UINT64_C(1) << 40},
    };
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    uint64_t unit = default_unit;
    for (size_t i = 0; i < ARRAY_LEN(units) && *end != '\0'; i++)
        if (*end == units[i].suffix) {
            unit = units[i].unit;
            end++;
        }
    return end != text && *end == '\0' && text[0] != '-' &&
           !__builtin_mul_overflow((uint64_t)n, unit, out);
}

static char *user_agent(const struct daemon *d)
{
    const char *comments = d->setup->user_agent_comments;
    return xasprintf("/%s:%s%s%s%s/", client_name(), client_version(),
                     comments[0] ? "(" : "", comments, comments[0] ? ")" : "");
}

static unsigned max_connections(const struct args *a)
{
    int64_t n = args_int(a, "maxconnections", 125);
    return n < 0 ? 0 : n > MAX_CONNECTIONS ? MAX_CONNECTIONS : (unsigned)n;
}

/* Each connection is an open file, and the node itself must not run out of them. */
static bool fit_connections(struct daemon *d, struct net_options *opt, char **error)
{
    struct rlimit files;
    int64_t asked = args_int(d->node.args, "maxconnections", 125);
    int64_t binds = (int64_t)(opt->bind.n + opt->whitebind.n), limit = INT32_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < INT32_MAX)
        limit = (int64_t)files.rlim_cur;
    if (limit < OWN_FILES) {
        *error = xstrdup("Not enough file descriptors available.");
        return false;
    }
    int64_t room = limit - OWN_FILES - OTHER_FILES - (binds ? binds : 1);
    if (opt->max_connections > (room > 0 ? room : 0))
        opt->max_connections = room > 0 ? (unsigned)room : 0;
    if (opt->max_connections < asked) {
        char *text = xasprintf("Reducing -maxconnections from %" PRId64
                               " to %u, because of system limitations.",
                               asked, opt->max_connections);
        daemon_init_warning(d, text);
        free(text);
    }
    log_info(d->node.log,
             "Using at most %u automatic connections (%" PRId64
             " file descriptors available)",
             opt->max_connections, limit);
    return true;
}

/* NULL: none is wanted. */
static char *asmap_path(const struct daemon *d)
{
    const char *name = args_str(d->node.args, "asmap", "");
    if (!args_is_set(d->node.args, "asmap") || args_is_negated(d->node.args, "asmap"))
        return NULL;
    if (name[0] == '/')
        return xstrdup(name);
    return path_join(d->node.datadir, name[0] ? name : "ip_asn.map");
}

static void relay_tx(struct node *n, const struct hash256 *txid,
                     const struct hash256 *wtxid)
{
    net_relay_tx(n->net, txid, wtxid);
}

/* Counts below zero mean none, as in bitcoind. */
static unsigned not_negative(int64_t n)
{
    return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
}

static void on_clock_warning(void *ctx, const char *text)
{
    struct daemon *d = ctx;
    if (text)
        daemon_warn(d, WARN_CLOCK, text);
    else
        warnings_withdraw(&d->warnings, WARN_CLOCK);
}

/* What the options say as they stand; lists and texts are the arguments'. */
static struct net_options given_options(const struct daemon *d)
{
    const struct args *a = d->node.args;
    return (struct net_options){
        .loop = d->node.loop,
        .chainman = d->node.chainman,
        .mempool = d->node.mempool,
        .clock = d->node.clock,
        .log = d->node.log,
        .params = d->node.params,
        .datadir = d->node.datadir,
        .listen = args_bool(a, "listen", true),
        .port = (uint16_t)args_int(a, "port", d->node.params->port),
        .bind = strings(a, "bind"),
        .whitebind = strings(a, "whitebind"),
        .whitelist = strings(a, "whitelist"),
        .connect = strings(a, "connect"),
        .connect_only = args_is_set(a, "connect"),
        .addnode = strings(a, "addnode"),
        .seednode = strings(a, "seednode"),
        .externalip = strings(a, "externalip"),
        .onlynet = strings(a, "onlynet"),
        .discover = args_bool(a, "discover", true),
        .dns = args_bool(a, "dns", true),
        .dns_seed = args_bool(a, "dnsseed", true),
        .force_dns_seed = args_bool(a, "forcednsseed", false),
        .fixed_seeds = args_bool(a, "fixedseeds", true),
        .check_addrman = (unsigned)args_int(a, "checkaddrman", 0),
        .known_addrman_key = args_list_has(a, "test", "addrman"),
        .log_ips = args_bool(a, "logips", false),
        .tx_reconciliation = args_bool(a, "txreconciliation", false),
        .capture_messages = args_bool(a, "capturemessages", false),
        .max_connections = max_connections(a),
        .connect_timeout_ms = args_int(a, "timeout", 5000),
        .peer_timeout_s = args_int(a, "peertimeout", 60),
        .network_active = args_bool(a, "networkactive", true),
        .blocks_only = args_bool(a, "blocksonly", false),
        .whitelist_relay = args_bool(a, "whitelistrelay", true),
        .whitelist_force_relay = args_bool(a, "whitelistforcerelay", false),
        .ban_time_s = args_int(a, "bantime", 24 * 60 * 60),
        .max_receive_buffer = (size_t)args_int(a, "maxreceivebuffer", 5000) * 1000,
        .max_send_buffer = (size_t)args_int(a, "maxsendbuffer", 1000) * 1000,
        .max_orphans = not_negative(args_int(a, "maxorphantx", 100)),
        .extra_txn = not_negative(args_int(a, "blockreconstructionextratxn", 100)),
        .bloom_filters = args_bool(a, "peerbloomfilters", false),
        .v2_transport = args_bool(a, "v2transport", true),
        .serve_filters = args_bool(a, "peerblockfilters", false),
        .pruned = args_int(a, "prune", 0) > 0,
        .proxy = args_str(a, "proxy", ""),
        .onion = args_str(a, "onion", ""),
        .proxy_randomize = args_bool(a, "proxyrandomize", true),
        .i2psam = args_str(a, "i2psam", ""),
        .i2p_accept_incoming = args_bool(a, "i2pacceptincoming", true),
        .listen_onion = args_bool(a, "listenonion", true),
        .tor_control = args_str(a, "torcontrol", "127.0.0.1:9051"),
        .tor_password = args_str(a, "torpassword", ""),
        .cjdns_reachable = args_bool(a, "cjdnsreachable", false),
        .client_version = client_version_number(),
    };
}

/* -connect names whom to talk to, so nobody else is looked for. */
static void tell_what_is_ignored(const struct daemon *d, const struct net_options *opt)
{
    const struct args *a = d->node.args;
    if (opt->connect.n && opt->seednode.n)
        log_info(d->node.log, "-seednode is ignored when -connect is used");
    if (opt->connect_only && args_is_set(a, "dnsseed") && opt->dns_seed &&
        args_is_set(a, "proxy"))
        log_info(d->node.log, "-dnsseed is ignored when -connect is used and -proxy is "
                              "specified");
}

bool net_part_open(struct daemon *d, char **error)
{
    struct net_options opt = given_options(d);
    const char *target = args_str(d->node.args, "maxuploadtarget", "0");
    if (opt.connect.n == 1 && strcmp(opt.connect.items[0], "0") == 0)
        opt.connect.n = 0;
    tell_what_is_ignored(d, &opt);
    if (!parse_size(target, MIB, &opt.max_upload_target)) {
        *error = xasprintf("Unable to parse -maxuploadtarget: '%s'", target);
        return false;
    }
    if (!fit_connections(d, &opt, error))
        return false;
    char *agent = user_agent(d), *asmap = asmap_path(d);
    opt.clock_warning = on_clock_warning;
    opt.warning_ctx = d;
    opt.user_agent = agent;
    opt.asmap = asmap;
    daemon_init_message(d, "Loading P2P addresses…");
    daemon_init_message(d, "Loading banlist…");
    enum err e = net_open(&d->node.net, &opt, error);
    free(agent);
    free(asmap);
    d->node.relay_tx = relay_tx;
    return e == ERR_OK;
}

void net_part_start(struct daemon *d)
{
    daemon_init_message(d, "Starting network threads…");
    net_start(d->node.net);
}

void net_part_stop(struct daemon *d)
{
    net_stop(d->node.net);
}

void net_part_close(struct daemon *d)
{
    if (d->node.net != NULL)
        net_free(d->node.net);
}

void daemon_forward_scheduler(struct node *n, int64_t seconds)
{
    net_forward_scheduler(n->net, seconds);
    wallet_link_run_timers(daemon_of(n));
    atomic_fetch_add(&daemon_of(n)->scheduler_ahead, seconds);
    daemon_wake(daemon_of(n));
}
