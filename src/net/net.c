#include "net/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"

#include "net/i2p.h"
#include "net/netgroups.h"
#include "net/tor_control.h"
#include "util/fs.h"
#include "util/pool.h"

#define RECENT_REJECTS   120000
#define RECENT_CONFIRMED 48000

int64_t net_now_us(const struct net *net)
{
    return clock_now_us(net->opt.clock);
}

int64_t net_now_s(const struct net *net)
{
    return clock_now(net->opt.clock);
}

int64_t net_schedule_s(const struct net *net)
{
    return clock_steady_us() / US + net->scheduler_offset_s;
}

int64_t net_random_delay(struct net *net, int64_t mean_us)
{
    double unit = (double)(rng_u64(&net->rng) >> 11) / 9007199254740992.0;
    return (int64_t)(-log1p(-unit) * (double)mean_us + 0.5);
}

struct peer *net_find_peer(struct net *net, int64_t id)
{
    for (size_t i = 0; i < net->n_peers; i++)
        if (net->peers[i]->id == id)
            return net->peers[i];
    return NULL;
}

/* -- Options -------------------------------------------------------------- */

static bool parse_whitelists(struct net *net, char **error)
{
    const struct net_options *o = &net->opt;
    net->whitelist = xcalloc(o->whitelist.n + 1, sizeof(*net->whitelist));
    net->whitebinds = xcalloc(o->whitebind.n + 1, sizeof(*net->whitebinds));
    for (size_t i = 0; i < o->whitelist.n; i++)
        if (!whitelist_parse(&net->whitelist[net->n_whitelist++], o->whitelist.items[i],
                             error))
            return false;
    for (size_t i = 0; i < o->whitebind.n; i++)
        if (!whitebind_parse(&net->whitebinds[net->n_whitebinds++],
                             o->whitebind.items[i], error))
            return false;
    return true;
}

static void add_nodes(struct net *net)
{
    for (size_t i = 0; i < net->opt.addnode.n; i++)
        (void)net_add_node(net, net->opt.addnode.items[i], net->opt.v2_transport);
}

static uint64_t own_services(const struct net_options *o)
{
    uint64_t s = NODE_NETWORK_LIMITED | NODE_WITNESS;
    if (!o->pruned && !chainman_snapshot_base(o->chainman))
        s |= NODE_NETWORK;
    if (o->bloom_filters)
        s |= NODE_BLOOM;
    if (o->v2_transport)
        s |= NODE_P2P_V2;
    if (o->serve_filters)
        s |= NODE_COMPACT_FILTERS;
    return s;
}

/* -- Life ----------------------------------------------------------------- */

static struct net *net_alloc(const struct net_options *opt)
{
    struct net *net = xcalloc(1, sizeof(*net));
    net->opt = *opt;
    pthread_mutex_init(&net->lock, NULL);
    net->loop = opt->loop;
    net->cm = opt->chainman;
    net->mp = opt->mempool;
    net->log = opt->log;
    net->services = own_services(opt);
    snprintf(net->user_agent, sizeof(net->user_agent), "%s", opt->user_agent);
    net->active = opt->network_active;
    rng_seed_random(&net->rng);
    rand_bytes(net->group_key, sizeof(net->group_key));
    map_init(&net->block_sources, sizeof(struct hash256), sizeof(struct block_source));
    map_init(&net->inflight, sizeof(struct hash256), sizeof(struct block_fetch));
    map_init(&net->recent_txs, sizeof(struct hash256), sizeof(uint32_t));
    recent_init(&net->rejects, RECENT_REJECTS);
    recent_init(&net->reconsiderable, RECENT_REJECTS);
    recent_init(&net->confirmed, RECENT_CONFIRMED);
    net->txreq = txrequest_new();
    extra_txs_init(&net->extra, opt->extra_txn);
    net->orphans = orphanage_new(net->log, &net->rng, opt->max_orphans);
    net->stalling_timeout_us = STALLING_TIMEOUT_US;
    net->cycle_start_s = net_now_s(net);
    return net;
}

static enum err load_groups(struct net *net, char **error)
{
    char version[65];
    enum err e = netgroups_new(&net->groups, net->opt.asmap, error);
    if (e != ERR_OK)
        return e;
    if (!netgroups_mapped(net->groups)) {
        log_info(net->log, "Using /16 prefix for IP bucketing");
        return ERR_OK;
    }
    log_info(net->log, "Opened asmap file \"%s\" (%zu bytes) from disk", net->opt.asmap,
             netgroups_map_size(net->groups));
    log_info(net->log, "Using asmap version %s for IP bucketing",
             hash256_to_hex(version, netgroups_version(net->groups)));
    return ERR_OK;
}

static enum err load_peers(struct net *net, char **error)
{
    const char *why = "";
    char *path = path_join(net->opt.datadir, "peers.dat");
    net->addrs =
        addrman_new(&(struct addrman_options){.clock = net->opt.clock,
                                              .log = net->log,
                                              .groups = net->groups,
                                              .check_ratio = net->opt.check_addrman,
                                              .known_key = net->opt.known_addrman_key});
    enum err e = addrman_load(net->addrs, path, &why);
    if (e != ERR_OK)
        *error = xasprintf(
            "Invalid or corrupt peers.dat (%s). If you believe this is a bug, please "
            "report it to %s. As a workaround, you can move the file (\"%s\") out of "
            "the "
            "way (rename, move, or delete) to have a new one created on the next "
            "start.",
            why, PACKAGE_BUGREPORT, path);
    free(path);
    return e;
}

static void load_bans(struct net *net)
{
    char *path = path_join(net->opt.datadir, "banlist.json");
    net->bans = banman_open(path, net->opt.clock, net->log);
    free(path);
}

static void read_chain(struct net *net)
{
    chainman_read_lock(net->cm);
    const struct block_index *tip = chain_tip(net->cm);
    net->tip_height = tip->height;
    net->tip_time = tip->time;
    net->ibd = chainman_ibd(net->cm);
    chainman_read_unlock(net->cm);
}

enum err net_open(struct net **out, const struct net_options *opt, char **error)
{
    struct net *net = net_alloc(opt);
    *error = NULL;
    enum err e = ERR_SYNTAX;
    if (!parse_whitelists(net, error) || !reach_setup(net, error))
        goto out;
    net->listen_port = listen_port(net);
    if (!net_add_external(net, error))
        goto out;
    load_bans(net);
    e = load_groups(net, error);
    if (e == ERR_OK)
        e = load_peers(net, error);
    if (e == ERR_OK && !listen_start(net, error))
        e = ERR_IO;
    if (e != ERR_OK)
        goto out;
    net->loaded = true;
    add_nodes(net);
    read_chain(net);
    announce_subscribe(net);
    *out = net;
    return ERR_OK;
out:
    net->stopping = true;
    net_free(net);
    return e;
}

void net_start(struct net *net)
{
    read_chain(net);
    connman_start(net);
}

static void stop_on_loop(void *arg)
{
    connman_stop(arg);
}

static void settle(void *arg)
{
    (void)arg;
}

static void drop_removed(struct net *net)
{
    net_resume(net);
    while (net->n_removed)
        peer_free(net->removed[--net->n_removed]);
    net_release(net);
}

/* The validation thread may still be at a peer's message, so peers are freed with the
 * network, which outlives that thread. */
void net_stop(struct net *net)
{
    if (atomic_exchange(&net->stopping, true))
        return;
    loop_call(net->loop, stop_on_loop, net);
    if (net->resolver)
        pool_free(net->resolver);
    net->resolver = NULL;
    loop_call(net->loop, settle, NULL); /* what the resolver had found */
}

static void close_listeners(void *arg)
{
    struct net *net = arg;
    for (size_t i = 0; i < net->n_listeners; i++)
        listener_close(net->listeners[i].listener);
}

void net_free(struct net *net)
{
    if (!net->peers && net->n_listeners)
        loop_call(net->loop, close_listeners, net);
    if (net->loaded)
        net_save_addresses(net);
    drop_removed(net);
    if (net->bans)
        banman_close(net->bans);
    if (net->addrs)
        addrman_free(net->addrs);
    netgroups_free(net->groups);
    seeds_free(net);
    addr_caches_free(net);
    txrequest_free(net->txreq);
    orphanage_free(net->orphans);
    map_clear(&net->recent_txs);
    recent_clear(&net->rejects);
    recent_clear(&net->reconsiderable);
    recent_clear(&net->confirmed);
    map_clear(&net->block_sources);
    map_clear(&net->inflight);
    block_unref(net->recent_block);
    buf_clear(&net->recent_cmpct);
    extra_txs_clear(&net->extra);
    for (size_t i = 0; i < net->n_added; i++)
        free(net->added[i].name);
    free(net->added);
    tor_free(net->tor);
    i2p_free(net);
    free(net->listeners);
    free(net->whitelist);
    free(net->whitebinds);
    free(net->peers);
    free(net->removed);
    pthread_mutex_destroy(&net->lock);
    free(net);
}
