/* Peers beyond the usual number, for a while: one more full peer when our tip seems
 * stale, one more block-relay-only peer from time to time, one of a network that we
 * have no peer of. Who turns out the least useful goes again. On the validation thread,
 * with the lock. */
#include <inttypes.h>
#include <stdlib.h>

#include "net/eviction.h"
#include "net/internal.h"

#define CHECK_S       45
#define STALE_CHECK_S (10 * 60)
#define MIN_CONNECT_S 30

/* We know nobody else in its network. */
static bool only_of_network(const struct net *net, const struct peer *p)
{
    size_t n = 0;
    for (size_t i = 0; i < net->n_peers; i++) {
        const struct peer *q = net->peers[i];
        n += !q->disconnect && q->addr.network == p->addr.network &&
             (q->type == CONN_OUTBOUND_FULL || q->type == CONN_MANUAL);
    }
    return n < 2;
}

/* Candidates of this type; *ready: how many have shaken hands. */
static size_t collect(const struct net *net, enum conn_type type,
                      struct outbound_candidate *out, size_t *ready)
{
    size_t n = 0;
    *ready = 0;
    for (size_t i = 0; i < net->n_peers; i++) {
        const struct peer *p = net->peers[i];
        if (p->type != type || p->disconnect)
            continue;
        *ready += p->ready;
        out[n++] = (struct outbound_candidate){
            .id = p->id,
            .last_block_s = p->sync.last_block_s,
            .last_announcement_s = p->sync.last_announcement_s,
            .protected = p->sync.behind_protected || only_of_network(net, p),
        };
    }
    return n;
}

/* True: it goes. Else it is too young to be judged, or just sending us a block. */
static bool drop(struct net *net, int64_t id, const char *kind, const char *what,
                 int64_t when)
{
    struct peer *p = net_find_peer(net, id);
    int64_t age = net_now_s(net) - p->connected_s;
    if (age < MIN_CONNECT_S || p->sync.n_inflight) {
        log_debug(net->log, LOG_NET,
                  "keeping %s peer=%" PRId64
                  " chosen for eviction (connect time: %" PRId64
                  ", blocks_in_flight: %zu)",
                  kind, id, p->connected_s, p->sync.n_inflight);
        return false;
    }
    log_debug(net->log, LOG_NET,
              "disconnecting extra %s peer=%" PRId64 " (%s at time %" PRId64 ")", kind,
              id, what, when);
    peer_disconnect(p);
    return true;
}

static void drop_block_relay(struct net *net, struct outbound_candidate *c)
{
    size_t ready, n = collect(net, CONN_BLOCK_RELAY, c, &ready);
    if (ready <= outbound_limit(net, CONN_BLOCK_RELAY))
        return;
    const struct outbound_candidate *worst = evict_block_relay(c, n);
    drop(net, worst->id, "block-relay-only", "last block received",
         worst->last_block_s);
}

static void drop_full(struct net *net, struct outbound_candidate *c)
{
    size_t ready, n = collect(net, CONN_OUTBOUND_FULL, c, &ready);
    if (ready <= outbound_limit(net, CONN_OUTBOUND_FULL))
        return;
    const struct outbound_candidate *worst = evict_full_relay(c, n);
    if (worst && drop(net, worst->id, "outbound", "last block announcement received",
                      worst->last_announcement_s))
        net->outbound.try_extra_peer = false; /* it did its work */
}

static bool tip_may_be_stale(struct net *net, int64_t now)
{
    if (!net->last_tip_update_s)
        net->last_tip_update_s = now;
    return net->last_tip_update_s < now - 3 * net->opt.params->spacing &&
           !net->inflight.len;
}

static void check_tip(struct net *net, int64_t now)
{
    struct outbound *o = &net->outbound;
    if (now <= o->next_stale_check_s)
        return;
    o->next_stale_check_s = now + STALE_CHECK_S;
    o->try_extra_peer = !chainman_importing(net->cm) && net->active &&
                        !net->opt.connect_only && tip_may_be_stale(net, now);
    if (o->try_extra_peer)
        log_info(net->log,
                 "Potential stale tip detected, will try using extra outbound peer "
                 "(last tip update: %" PRId64 " seconds ago)",
                 now - net->last_tip_update_s);
}

void extra_peers_check(struct net *net)
{
    struct outbound *o = &net->outbound;
    int64_t schedule = net_schedule_s(net);
    if (schedule < o->next_check_s)
        return;
    bool first = !o->next_check_s;
    o->next_check_s = schedule + CHECK_S;
    if (first)
        return;
    struct outbound_candidate *c = xcalloc(net->n_peers + 1, sizeof(*c));
    drop_block_relay(net, c);
    drop_full(net, c);
    free(c);
    check_tip(net, net_now_s(net));
    o->synced |= download_direct_allowed(net);
}
