/* What RPC asks of the network, from any thread: snapshots and commands. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "net/internal.h"
#include "net/netgroups.h"

const char *conn_type_name(enum conn_type t)
{
    static const char *const names[] = {
        [CONN_INBOUND] = "inbound",
        [CONN_MANUAL] = "manual",
        [CONN_FEELER] = "feeler",
        [CONN_OUTBOUND_FULL] = "outbound-full-relay",
        [CONN_BLOCK_RELAY] = "block-relay-only",
        [CONN_ADDR_FETCH] = "addr-fetch",
    };
    return names[t];
}

char *service_name(char out[32], unsigned bit)
{
    static const char *const names[] = {
        [0] = "NETWORK",          [2] = "BLOOM",
        [3] = "WITNESS",          [6] = "COMPACT_FILTERS",
        [10] = "NETWORK_LIMITED", [11] = "P2P_V2",
    };
    if (bit < ARRAY_LEN(names) && names[bit])
        snprintf(out, 32, "%s", names[bit]);
    else
        snprintf(out, 32, "UNKNOWN[2^%u]", bit);
    return out;
}

/* -- Snapshots ------------------------------------------------------------ */

static void fill_traffic(struct peer_info *o, const struct link_counters *c)
{
    o->last_send = c->last_send;
    o->last_recv = c->last_recv;
    o->bytes_sent = c->sent;
    o->bytes_recv = c->recv;
    for (size_t i = 0; i <= MSG_COUNT; i++) {
        o->sent_per_msg[i] = c->sent_per_msg[i];
        o->recv_per_msg[i] = c->recv_per_msg[i];
    }
}

static void fill_sync(struct peer_info *o, const struct peer_sync *s)
{
    o->hb_to = s->hb_to;
    o->hb_from = s->wants_hb;
    o->presynced_headers = s->presync ? presync_height(s->presync) : -1;
    o->synced_headers = s->best_known ? s->best_known->height : -1;
    o->synced_blocks = s->last_common ? s->last_common->height : -1;
    o->last_block = s->last_block_s;
    o->inflight = xmalloc((s->n_inflight + 1) * sizeof(*o->inflight));
    for (size_t i = 0; i < s->n_inflight; i++)
        if (s->inflight[i].index)
            o->inflight[o->n_inflight++] = s->inflight[i].index->height;
}

static void fill_peer(struct peer_info *o, const struct peer *p)
{
    struct net *net = p->net;
    *o = (struct peer_info){0};
    o->id = p->id;
    memcpy(o->addr, p->name, sizeof(o->addr));
    if (p->addr_bind.len)
        netaddr_format(o->addr_bind, &p->addr_bind, true);
    if (p->has_addr_local)
        netaddr_format(o->addr_local, &p->addr_local, true);
    o->network = peer_network(p);
    o->mapped_as = netgroups_as(net->groups, &p->addr);
    o->services = p->services;
    o->relay_txs = p->txs.relay && p->txs.wants;
    fill_traffic(o, &p->link->count);
    fill_sync(o, &p->sync);
    o->last_tx = p->txs.last_tx_s;
    o->connected = p->connected_s;
    o->time_offset = p->time_offset_s;
    o->ping_us = p->ping_us;
    o->min_ping_us = p->min_ping_us;
    o->ping_wait_us = p->ping_nonce ? net_now_us(net) - p->ping_sent_us : -1;
    o->version = p->version;
    memcpy(o->subver, p->subver, sizeof(o->subver));
    o->inbound = peer_inbound(p);
    o->starting_height = p->starting_height;
    o->addr_relay = p->addrs.enabled;
    o->addr_processed = p->addrs.processed;
    o->addr_rate_limited = p->addrs.rate_limited;
    o->permissions = p->perms;
    o->min_fee_filter = p->txs.fee_filter;
    o->type = p->type;
    o->transport = link_transport(p->link, &o->session_id);
}

struct peer_info *net_peers(struct net *net, size_t *n)
{
    net_resume(net);
    struct peer_info *out = xcalloc(net->n_peers + 1, sizeof(*out));
    *n = 0;
    for (size_t i = 0; i < net->n_peers; i++)
        if (!net->peers[i]->disconnect)
            fill_peer(&out[(*n)++], net->peers[i]);
    net_release(net);
    return out;
}

void net_peers_free(struct peer_info *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(list[i].inflight);
    free(list);
}

struct net_counts net_count_connections(struct net *net)
{
    struct net_counts c = {0};
    net_resume(net);
    for (size_t i = 0; i < net->n_peers; i++)
        if (!net->peers[i]->disconnect) {
            c.total++;
            c.in += peer_inbound(net->peers[i]);
        }
    c.out = c.total - c.in;
    net_release(net);
    return c;
}

void net_get_totals(struct net *net, struct net_totals *out)
{
    net_resume(net);
    struct link_counters sum = {0};
    link_counters_add(&sum, &net->gone);
    for (size_t i = 0; i < net->n_peers; i++)
        link_counters_add(&sum, &net->peers[i]->link->count);
    *out = (struct net_totals){
        .recv = sum.recv, .sent = sum.sent, .orphans = orphanage_size(net->orphans)};
    for (size_t i = 0; i <= MSG_COUNT; i++) {
        out->recv_per_msg[i] = sum.recv_per_msg[i];
        out->sent_per_msg[i] = sum.sent_per_msg[i];
    }
    struct upload_cycle c = net_upload_cycle(net);
    out->time_ms = net_now_us(net) / 1000;
    out->upload_target = net->opt.max_upload_target;
    out->target_span_s = c.span_s;
    out->target_reached = net_upload_exhausted(net, false);
    out->serve_historical = !net_upload_exhausted(net, true);
    if (out->upload_target)
        out->cycle_left_s = c.left_s;
    if (c.sent < out->upload_target)
        out->target_left = out->upload_target - c.sent;
    net_release(net);
}

void net_get_status(struct net *net, struct net_status *out)
{
    net_resume(net);
    *out = (struct net_status){.services = net->services,
                               .relay = !net->opt.blocks_only,
                               .active = net->active,
                               .client_version = net->opt.client_version};
    snprintf(out->user_agent, sizeof(out->user_agent), "%s", net->user_agent);
    for (unsigned i = 0; i < NET_COUNT; i++)
        out->reachable[i] = net_reachable(net, i);
    for (unsigned i = 0; i < NET_COUNT; i++) {
        proxy_format(out->proxy[i], &net->proxies[i]);
        out->proxy_randomize[i] = net->proxies[i].randomize;
    }
    for (size_t i = 0; i < net->n_locals; i++)
        out->locals[out->n_locals++] =
            (struct net_local){net->locals[i].addr, net->locals[i].score};
    out->time_offset = time_offset_median(net);
    net_release(net);
}

struct banman *net_bans(struct net *net)
{
    return net->bans;
}

int64_t net_default_ban_time(const struct net *net)
{
    return net->opt.ban_time_s;
}

struct addrman *net_addrman(struct net *net)
{
    return net->addrs;
}

/* -- Commands ------------------------------------------------------------- */

bool net_speaks_v2(const struct net *net)
{
    return net->opt.v2_transport;
}

bool net_active(struct net *net)
{
    return net->active;
}

static void nothing(void *arg)
{
    (void)arg;
}

/* Returns when the loop has closed what was to be closed. */
static void settle(struct net *net)
{
    loop_call(net->loop, nothing, NULL);
}

void net_set_active(struct net *net, bool on)
{
    log_info(net->log, "SetNetworkActive: %s", on ? "true" : "false");
    net->active = on;
    net_resume(net);
    for (size_t i = 0; !on && i < net->n_peers; i++) {
        log_debug(net->log, LOG_NET, "Network not active, dropping peer=%lld",
                  (long long)net->peers[i]->id);
        peer_disconnect(net->peers[i]);
    }
    net_release(net);
    settle(net);
}

void net_connect_once(struct net *net, const char *node, bool v2)
{
    net_dial(net, node, NULL, CONN_MANUAL, v2, false);
    settle(net);
}

bool net_add_node(struct net *net, const char *node, bool v2)
{
    struct netaddr a, b;
    net_resume(net);
    bool numeric = net_parse(net, &a, node), dup = false;
    for (size_t i = 0; i < net->n_added && !dup; i++)
        dup = strcmp(net->added[i].name, node) == 0 ||
              (numeric && net_parse(net, &b, net->added[i].name) &&
               netaddr_equal(&a, &b));
    if (!dup) {
        net->added = xrealloc_array(net->added, net->n_added + 1, sizeof(*net->added));
        net->added[net->n_added++] = (struct added){.name = xstrdup(node), .v2 = v2};
    }
    net_release(net);
    return !dup;
}

bool net_remove_node(struct net *net, const char *node)
{
    bool found = false;
    net_resume(net);
    for (size_t i = 0; i < net->n_added && !found; i++) {
        if (strcmp(net->added[i].name, node) != 0)
            continue;
        found = true;
        free(net->added[i].name);
        net->n_added--;
        memmove(&net->added[i], &net->added[i + 1],
                (net->n_added - i) * sizeof(*net->added));
    }
    net_release(net);
    return found;
}

struct added_node *net_added_nodes(struct net *net, size_t *n)
{
    net_resume(net);
    struct added_node *out = xcalloc(net->n_added + 1, sizeof(*out));
    *n = net->n_added;
    for (size_t i = 0; i < net->n_added; i++) {
        struct netaddr a;
        const char *name = net->added[i].name;
        bool numeric = net_parse(net, &a, name);
        out[i].name = xstrdup(name);
        for (size_t k = 0; k < net->n_peers; k++) {
            const struct peer *p = net->peers[k];
            if (strcasecmp(p->name, name) != 0 &&
                !(numeric && netaddr_equal(&p->addr, &a)))
                continue;
            out[i].connected = true;
            out[i].inbound = peer_inbound(p);
            netaddr_format(out[i].addr, &p->addr, true);
        }
    }
    net_release(net);
    return out;
}

void added_nodes_free(struct added_node *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(a[i].name);
    free(a);
}

bool net_add_connection(struct net *net, const char *address, enum conn_type t, bool v2)
{
    net_resume(net);
    bool room = outbound_has_room(net, t);
    net_release(net);
    if (!room)
        return false;
    net_dial(net, address, NULL, t, v2, false);
    settle(net);
    return true;
}

bool net_disconnect_id(struct net *net, int64_t id)
{
    net_resume(net);
    struct peer *p = net_find_peer(net, id);
    bool found = p && !p->disconnect;
    if (found) {
        log_debug(net->log, LOG_NET, "disconnect by id peer=%lld; disconnecting",
                  (long long)id);
        peer_disconnect(p);
    }
    net_release(net);
    settle(net);
    return found;
}

bool net_disconnect_addr(struct net *net, const char *addr)
{
    bool found = false;
    net_resume(net);
    for (size_t i = 0; i < net->n_peers && !found; i++) {
        struct peer *p = net->peers[i];
        found = !p->disconnect && strcasecmp(p->name, addr) == 0;
        if (found) {
            log_debug(net->log, LOG_NET,
                      "disconnect by address%s%s match peer=%lld; disconnecting",
                      net->opt.log_ips ? "=" : "", net->opt.log_ips ? addr : "",
                      (long long)p->id);
            peer_disconnect(p);
        }
    }
    net_release(net);
    settle(net);
    return found;
}

size_t net_disconnect_range(struct net *net, const struct netrange *r)
{
    size_t n = 0;
    char text[SUBNET_TEXT + 1] = "";
    if (net->opt.log_ips) {
        text[0] = '=';
        netrange_format(text + 1, r);
    }
    net_resume(net);
    for (size_t i = 0; i < net->n_peers; i++) {
        struct peer *p = net->peers[i];
        if (p->disconnect || !netrange_contains(r, &p->addr))
            continue;
        log_debug(net->log, LOG_NET,
                  "disconnect by subnet%s matched peer=%lld; disconnecting", text,
                  (long long)p->id);
        peer_disconnect(p);
        n++;
    }
    net_release(net);
    settle(net);
    return n;
}

bool net_ban(struct net *net, const struct netrange *r, int64_t until)
{
    banman_ban(net->bans, r, until);
    return net_disconnect_range(net, r) > 0;
}

void net_ping_all(struct net *net)
{
    net_resume(net);
    for (size_t i = 0; i < net->n_peers; i++)
        net->peers[i]->ping_queued = true;
    net_wake_all(net);
    net_release(net);
}

bool net_send_raw(struct net *net, int64_t id, const char *type, struct bytes payload)
{
    net_resume(net);
    struct peer *p = net_find_peer(net, id);
    if (p)
        peer_send_bytes(p, type, payload);
    net_release(net);
    return p != NULL;
}

void net_forward_scheduler(struct net *net, int64_t seconds)
{
    net_resume(net);
    net->scheduler_offset_s += seconds;
    net_wake_all(net);
    net_release(net);
}

void net_relay_tx(struct net *net, const struct hash256 *txid,
                  const struct hash256 *wtxid)
{
    net_resume(net);
    txs_relay(net, txid, wtxid);
    if (net->n_peers >
        0) /* waking the validation thread costs more than a transaction */
        net_wake_all(net);
    net_release(net);
}

struct fetch {
    struct net *net;
    int64_t id;
    const struct hash256 *hash;
    const char *error;
};

/* What others were asked for is forgotten: their answers are not waited for. */
static const char *fetch_from(struct peer *p, struct block_index *bi)
{
    char hex[65];
    if (block_request_of(p, &bi->hash))
        return "Already requested from this peer";
    block_request_done(p->net, &bi->hash, NULL);
    (void)block_request(p, bi, NULL);
    block_ask_whole(p, &bi->hash);
    log_debug(p->net->log, LOG_NET, "Requesting block %s from peer=%lld",
              hash256_to_hex(hex, &bi->hash), (long long)p->id);
    return NULL;
}

static void fetch_block(void *arg)
{
    struct fetch *f = arg;
    struct net *net = f->net;
    struct block_index *bi = block_tree_find(net->cm, f->hash);
    net_resume(net);
    struct peer *p = net_find_peer(net, f->id);
    if (net->opt.chainman && chainman_importing(net->cm)) {
        f->error = "Loading blocks ...";
    } else if (!p || p->disconnect) {
        f->error = "Peer does not exist";
    } else if (!(p->services & NODE_WITNESS)) {
        f->error = "Pre-SegWit peer";
    } else {
        f->error = fetch_from(p, bi);
    }
    net_release(net);
}

const char *net_fetch_block(struct net *net, int64_t id, const struct hash256 *hash)
{
    struct fetch f = {.net = net, .id = id, .hash = hash};
    if (chainman_call(net->cm, fetch_block, &f) != ERR_OK)
        return "The node is stopping";
    return f.error;
}
