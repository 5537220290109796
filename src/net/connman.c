/* The list of peers, the timer, inactivity, start and stop. Everything here runs on the
 * event loop unless said; the list of peers is changed under the lock. */
#include <stdlib.h>

#include "net/i2p.h"
#include "net/netgroups.h"
#include "net/tor_control.h"
#include "util/fs.h"
#include "util/pool.h"

#define TICK_BUSY_MS   100
#define TICK_IDLE_MS   500
#define ADDRMAN_SAVE_S (15 * 60)
#define INACTIVITY_S   (20 * 60)
#define MAP_CHECK_S    (24 * 60 * 60)

/* -- The list of peers ---------------------------------------------------- */

static void list_add(struct peer ***list, size_t *n, struct peer *p)
{
    *list = xrealloc_array(*list, *n + 1, sizeof(**list));
    (*list)[(*n)++] = p;
}

void connman_add(struct net *net, struct peer *take)
{
    list_add(&net->peers, &net->n_peers, take);
    turn_newcomer(take);
    log_debug(net->log, LOG_NET, "Added connection peer=%lld", (long long)take->id);
}

/* A peer that hung up on a version 2 key may understand version 1. */
void connman_retry_v1(struct peer *p)
{
    struct net *net = p->net;
    log_debug(net->log, LOG_NET, "retrying with v1 transport protocol for peer=%lld",
              (long long)p->id);
    bool by_name = p->type == CONN_MANUAL || !netaddr_valid(&p->addr);
    net_dial(net, by_name ? p->name : NULL, &p->addr, p->type, false, false);
}

/* Its memory stays until the validation thread has let go of it. */
void connman_remove(struct peer *p)
{
    struct net *net = p->net;
    if (p->removed)
        return;
    log_debug(net->log, LOG_NET, "disconnecting peer=%lld", (long long)p->id);
    link_close(p->link);
    i2p_session_free(p->i2p);
    p->i2p = NULL;
    net_resume(net);
    p->removed = true;
    p->disconnect = true;
    for (size_t i = 0; i < net->n_peers; i++)
        if (net->peers[i] == p) {
            net->n_peers--;
            memmove(&net->peers[i], &net->peers[i + 1],
                    (net->n_peers - i) * sizeof(*net->peers));
            break;
        }
    link_counters_add(&net->gone, &p->link->count);
    if (p->ready && !peer_inbound(p) && p->type != CONN_BLOCK_RELAY)
        addrman_connected(net->addrs, &p->addr);
    list_add(&net->removed, &net->n_removed, p);
    net_release(net);
    net_wake(net);
}

/* -- The timer ------------------------------------------------------------ */

static void log_unfinished(struct peer *p)
{
    struct hash256 session;
    bool detecting = link_transport(p->link, &session) == TRANSPORT_DETECTING;
    log_debug(p->net->log, LOG_NET, "%s handshake timeout peer=%lld",
              detecting ? "V2" : "version", (long long)p->id);
}

static bool is_inactive(struct net *net, struct peer *p, int64_t now)
{
    long long id = p->id;
    int64_t sent = p->link->count.last_send, received = p->link->count.last_recv;
    if (p->disconnect || now - p->connected_s <= net->opt.peer_timeout_s)
        return false;
    if (!sent || !received) {
        log_debug(net->log, LOG_NET,
                  "socket no message in first %lld seconds, %d %d peer=%lld",
                  (long long)net->opt.peer_timeout_s, received != 0, sent != 0, id);
        return true;
    }
    if (now > sent + INACTIVITY_S) {
        log_debug(net->log, LOG_NET, "socket sending timeout: %llds peer=%lld",
                  (long long)(now - sent), id);
        return true;
    }
    if (now > received + INACTIVITY_S) {
        log_debug(net->log, LOG_NET, "socket receive timeout: %llds peer=%lld",
                  (long long)(now - received), id);
        return true;
    }
    if (!p->ready)
        log_unfinished(p);
    return !p->ready;
}

static void drop_inactive(struct net *net)
{
    int64_t now = net_now_s(net);
    for (size_t i = 0; i < net->n_peers; i++)
        if (is_inactive(net, net->peers[i], now))
            peer_disconnect(net->peers[i]);
}

void net_save_addresses(struct net *net)
{
    char *path = path_join(net->opt.datadir, "peers.dat");
    if (addrman_save(net->addrs, path) != ERR_OK)
        log_warning(net->log, "Cannot write %s", path);
    free(path);
}

/* An old map knows less and less of the network. */
static void check_map(struct net *net)
{
    size_t n;
    struct netaddr_entry *e = addrman_get(net->addrs, 0, 0, NET_UNROUTABLE, false, &n);
    struct map_coverage c = netgroups_coverage(net->groups, e, n);
    free(e);
    log_info(net->log,
             "ASMap Health Check: %zu clearnet peers are mapped to %zu ASNs with %zu "
             "peers being unmapped",
             c.mapped, c.systems, c.unmapped);
}

static void run_schedule(struct net *net)
{
    int64_t now = net_schedule_s(net);
    if (netgroups_mapped(net->groups) && now >= net->next_map_check_s) {
        check_map(net);
        net->next_map_check_s = now + MAP_CHECK_S;
    }
    if (now >= net->next_addr_save_s) {
        if (net->next_addr_save_s)
            net_save_addresses(net);
        net->next_addr_save_s = now + ADDRMAN_SAVE_S;
    }
}

static void tick(void *arg)
{
    struct net *net = arg;
    if (net->stopping)
        return;
    net_resume(net);
    drop_inactive(net);
    outbound_connect(net);
    run_schedule(net);
    bool busy = net->n_peers > 0;
    net_wake_all(net);
    net_release(net);
    loop_timer_set(net->timer, busy ? TICK_BUSY_MS : TICK_IDLE_MS);
}

/* -- Start and stop ------------------------------------------------------- */

static void start_on_loop(void *arg)
{
    struct net *net = arg;
    net_resume(net);
    outbound_start(net);
    net_release(net);
    if (net->opt.listen && net->opt.listen_onion)
        net->tor = tor_start(net);
    i2p_start(net);
    net->timer = loop_timer_new(net->loop, tick, net);
    loop_timer_set(net->timer, 0);
}

void connman_start(struct net *net)
{
    net->resolver = pool_new(1, "resolve");
    net_resume(net);
    if (net->bind_on_any)
        net_discover(net);
    net_release(net);
    loop_call(net->loop, start_on_loop, net);
}

void connman_stop(struct net *net)
{
    loop_timer_free(net->timer);
    net->timer = NULL;
    if (!net->opt.connect_only && net->loaded)
        anchors_save(net);
    listen_stop(net);
    tor_stop(net->tor);
    dial_stop(net);
    while (net->n_peers)
        connman_remove(net->peers[0]);
    i2p_stop(net);
}
