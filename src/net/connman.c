/* Connections: listening, accepting, connecting out, inactivity. Everything here runs
 * on the event loop unless said; the list of peers is changed under the lock. */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "net/eviction.h"
#include "net/internal.h"
#include "util/fs.h"
#include "util/pool.h"

#define TICK_BUSY_MS       100
#define TICK_IDLE_MS       500
#define OUTBOUND_PERIOD_US (US / 2)
#define ADDED_RETRY_S      60
#define FEELER_MEAN_US     (120 * US)
#define ADDRMAN_SAVE_S     (15 * 60)
#define INACTIVITY_S       (20 * 60)
#define MAX_FULL_RELAY     8
#define MAX_BLOCK_RELAY    2
#define MAX_FEELER         1
#define MAX_MANUAL         8
#define LOCAL_IF           1
#define MIN_RETRY_S        600
#define UPLOAD_CYCLE_S     (24 * 60 * 60)

/* -- Own addresses
 * ------------------------------------------------------------------------------- */

bool net_reachable(const struct net *net, const struct netaddr *a)
{
    if (a->network != NET_IPV4 && a->network != NET_IPV6)
        return false;
    return !net->opt.onlynet.n || net->only[a->network];
}

/* Score 0: somebody saw us there, which only confirms what we know. With the lock. */
void net_add_local(struct net *net, const struct netaddr *a, int score)
{
    for (size_t i = 0; i < net->n_locals; i++)
        if (netaddr_same_host(&net->locals[i].addr, a)) {
            net->locals[i].score += score ? score : 1;
            return;
        }
    if (!score || !netaddr_routable(a) || !net_reachable(net, a) ||
        net->n_locals == ARRAY_LEN(net->locals))
        return;
    char text[NETADDR_TEXT];
    net->locals[net->n_locals++] = (struct local_address){*a, score};
    log_info(net->log, "AddLocal(%s,%d)", netaddr_format(text, a, true), score);
}

bool net_best_local(struct net *net, const struct peer *p, struct netaddr *out)
{
    const struct local_address *best = NULL;
    for (size_t i = 0; i < net->n_locals; i++)
        if (!best || net->locals[i].score > best->score)
            best = &net->locals[i];
    if (best)
        *out = best->addr;
    /* What the peer calls us may be right where we are in doubt. */
    if (p->has_addr_local && netaddr_routable(&p->addr_local) && net->opt.discover &&
        (!best || rng_below(&net->rng, best->score > 4 ? 8 : 2) == 0)) {
        uint16_t port = peer_inbound(p) ? p->addr_local.port : net->opt.port;
        *out = p->addr_local;
        out->port = port;
        return true;
    }
    return best != NULL;
}

static void discover(struct net *net)
{
    struct ifaddrs *list;
    if (!net->opt.discover || getifaddrs(&list) != 0)
        return;
    for (struct ifaddrs *i = list; i; i = i->ifa_next) {
        struct endpoint e = {.port = net->opt.port};
        if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || i->ifa_flags & IFF_LOOPBACK)
            continue;
        if (i->ifa_addr->sa_family == AF_INET) {
            memset(e.ip + 10, 0xff, 2);
            memcpy(e.ip + 12, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr,
                   4);
        } else if (i->ifa_addr->sa_family == AF_INET6) {
            memcpy(e.ip, &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr, 16);
        } else {
            continue;
        }
        struct netaddr a = netaddr_from_endpoint(&e);
        net_add_local(net, &a, LOCAL_IF);
    }
    freeifaddrs(list);
}

/* -- The list of peers
 * --------------------------------------------------------------------------- */

static void list_add(struct peer ***list, size_t *n, struct peer *p)
{
    *list = xrealloc_array(*list, *n + 1, sizeof(**list));
    (*list)[(*n)++] = p;
}

static void peer_add(struct net *net, struct peer *take)
{
    list_add(&net->peers, &net->n_peers, take);
    log_debug(net->log, LOG_NET, "Added connection peer=%lld", (long long)take->id);
}

/* A peer that hung up on a version 2 key may understand version 1. */
void connman_retry_v1(struct peer *p)
{
    struct net *net = p->net;
    log_debug(net->log, LOG_NET, "retrying with v1 transport protocol for peer=%lld",
              (long long)p->id);
    connman_dial(net, p->type == CONN_MANUAL ? p->name : NULL, &p->addr, p->type, false,
                 false);
}

/* Its memory stays until the validation thread has let go of it. */
void connman_remove(struct peer *p)
{
    struct net *net = p->net;
    if (p->removed)
        return;
    log_debug(net->log, LOG_NET, "disconnecting peer=%lld", (long long)p->id);
    link_close(p->link);
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
    net->gone.sent += p->link->count.sent;
    net->gone.recv += p->link->count.recv;
    if (p->ready && (p->type == CONN_OUTBOUND_FULL || p->type == CONN_MANUAL))
        addrman_connected(net->addrs, &p->addr);
    list_add(&net->removed, &net->n_removed, p);
    net_release(net);
    net_wake(net);
}

static size_t count_type(struct net *net, enum conn_type t)
{
    size_t n = 0;
    for (size_t i = 0; i < net->n_peers; i++)
        n += net->peers[i]->type == t && !net->peers[i]->disconnect;
    for (struct dial *d = net->dials; d; d = d->next)
        n += d->type == t;
    return n;
}

static unsigned max_automatic_outbound(const struct net *net)
{
    unsigned n = MAX_FULL_RELAY + MAX_BLOCK_RELAY + MAX_FEELER;
    return n < net->opt.max_connections ? n : net->opt.max_connections;
}

static unsigned whitelist_perms(struct net *net, const struct endpoint *e, bool inbound)
{
    unsigned perms = 0;
    for (size_t i = 0; i < net->n_whitelist; i++) {
        const struct whitelist_entry *w = &net->whitelist[i];
        if ((inbound ? w->in : w->out) && subnet_contains(&w->net, e))
            perms |= w->perms;
    }
    return perms_resolve(&net->opt, perms);
}

/* -- Incoming ------------------------------------------------------------- */

/* Makes room among the incoming ones. */
static bool evict_one(struct net *net)
{
    struct evict_candidate *c = xcalloc(net->n_peers + 1, sizeof(*c));
    size_t n = 0;
    for (size_t i = 0; i < net->n_peers; i++) {
        const struct peer *p = net->peers[i];
        if (!peer_inbound(p) || peer_has_perm(p, PERM_NOBAN) || p->disconnect)
            continue;
        c[n] = (struct evict_candidate){
            .id = p->id,
            .connected_s = p->connected_s,
            .min_ping_us = p->min_ping_us < 0 ? INT64_MAX : p->min_ping_us,
            .last_block_s = p->sync.last_block_s,
            .last_tx_s = p->txs.last_tx_s,
            .relevant_services = (p->services & (NODE_NETWORK | NODE_WITNESS)) ==
                                 (NODE_NETWORK | NODE_WITNESS),
            .relays_txs = p->txs.relay,
            .has_filter = p->txs.filter != NULL,
            .prefer_evict = p->prefer_evict,
            .local = netaddr_local(&p->addr),
            .network = netaddr_class(&p->addr),
        };
        c[n].n_group = netaddr_group(&p->addr, c[n].group);
        n++;
    }
    int64_t id = evict_choose(c, n, net->group_key);
    free(c);
    struct peer *p = id < 0 ? NULL : net_find_peer(net, id);
    if (!p)
        return false;
    log_debug(net->log, LOG_NET,
              "selected inbound connection for eviction, disconnecting "
              "peer=%lld",
              (long long)p->id);
    peer_disconnect(p);
    return true;
}

/* Why a caller is turned away; NULL: welcome. *discouraged: it goes first when slots
 * are short. */
static const char *refuse_incoming(struct net *net, const struct endpoint *from,
                                   unsigned perms, bool *discouraged)
{
    struct netaddr a = netaddr_from_endpoint(from);
    size_t inbound = 0;
    unsigned max = net->opt.max_connections - max_automatic_outbound(net);
    if (!net->active)
        return "dropped: not accepting new connections";
    for (size_t i = 0; i < net->n_peers; i++)
        inbound += peer_inbound(net->peers[i]) && !net->peers[i]->disconnect;
    *discouraged = banman_is_discouraged(net->bans, &a);
    if (!(perms & PERM_NOBAN & ~(unsigned)PERM_DOWNLOAD)) {
        if (banman_is_banned(net->bans, from))
            return "dropped (banned)";
        if (inbound + 1 >= max && *discouraged)
            return "dropped (discouraged)";
    }
    if (inbound >= max && !evict_one(net))
        return "dropped (full): failed to find an eviction candidate - connection "
               "dropped";
    return NULL;
}

static void accept_peer(struct net *net, struct conn *c, unsigned perms)
{
    const struct endpoint *from = conn_peer(c);
    char text[NETADDR_TEXT];
    bool discouraged;
    struct netaddr a = netaddr_from_endpoint(from);
    netaddr_format(text, &a, true);
    perms |= whitelist_perms(net, from, true);
    net_resume(net);
    const char *why = refuse_incoming(net, from, perms, &discouraged);
    if (why) {
        log_debug(net->log, LOG_NET, "connection from %s %s", text, why);
        conn_close(c);
    } else {
        struct peer *p =
            peer_new(net, c, &a, CONN_INBOUND, net->opt.v2_transport, perms);
        p->prefer_evict = discouraged;
        if (peer_has_perm(p, PERM_BLOOM))
            p->our_services |= NODE_BLOOM;
        log_debug(net->log, LOG_NET, "connection from %s accepted", text);
        peer_add(net, p);
    }
    net_release(net);
}

static void on_accept(void *ctx, struct conn *c)
{
    struct listen_at *at = ctx;
    if (at->net->stopping)
        conn_close(c);
    else
        accept_peer(at->net, c, perms_resolve(&at->net->opt, at->perms));
}

/* -- Listening ------------------------------------------------------------ */

struct bind_request {
    struct listen_at *at;
    enum err result;
    int error;
};

static void bind_on_loop(void *arg)
{
    struct bind_request *b = arg;
    b->result =
        listener_open(&b->at->listener, b->at->net->loop, &b->at->at, on_accept, b->at);
    b->error = errno;
}

/* Both families on all interfaces, when nothing else was asked for. */
static size_t default_binds(struct listen_at *out, uint16_t port)
{
    struct listen_at any6 = {.at = {.port = port}};
    struct listen_at any4 = {.at = {.port = port}};
    memset(any4.at.ip + 10, 0xff, 2);
    out[0] = any6;
    out[1] = any4;
    return 2;
}

static bool collect_binds(struct net *net, bool *explicit, char **error)
{
    const struct net_options *o = &net->opt;
    size_t n = 0;
    net->listeners =
        xcalloc(o->bind.n + net->n_whitebinds + 2, sizeof(*net->listeners));
    for (size_t i = 0; i < o->bind.n; i++) {
        const char *text = o->bind.items[i];
        size_t len = strlen(text);
        bool onion = len > 6 && strcmp(text + len - 6, "=onion") == 0;
        char *host = xasprintf("%.*s", (int)(onion ? len - 6 : len), text);
        bool ok = endpoint_parse(&net->listeners[n++].at, host, o->port);
        free(host);
        if (ok)
            continue;
        *error = xasprintf("Cannot resolve -bind address: '%s'", text);
        return false;
    }
    for (size_t i = 0; i < net->n_whitebinds; i++, n++) {
        net->listeners[n].at = net->whitebinds[i].at;
        net->listeners[n].perms = net->whitebinds[i].perms;
    }
    *explicit = n > 0;
    net->n_listeners = n ? n : default_binds(net->listeners, o->port);
    return true;
}

static bool bind_one(struct net *net, struct listen_at *at, char **error)
{
    char text[ENDPOINT_TEXT];
    struct bind_request b = {.at = at};
    at->net = net;
    loop_call(net->loop, bind_on_loop, &b);
    endpoint_format(text, &at->at, true);
    if (b.result == ERR_OK) {
        log_info(net->log, "Bound to %s", text);
        return true;
    }
    free(*error);
    if (b.result == ERR_EXISTS)
        *error = xasprintf(
            "Unable to bind to %s on this computer. %s is probably already "
            "running.",
            text, net->opt.params->personality == BITCOIN ? "Bitcoin Core" : "Ochre");
    else
        *error =
            xasprintf("Unable to bind to %s on this computer (bind returned error %s)",
                      text, strerror(b.error));
    return false;
}

bool connman_bind(struct net *net, char **error)
{
    bool explicit, any = false;
    if (!net->opt.listen)
        return true;
    if (!collect_binds(net, &explicit, error))
        return false;
    for (size_t i = 0; i < net->n_listeners; i++) {
        bool ok = bind_one(net, &net->listeners[i], error);
        if (!ok && explicit)
            return false;
        any |= ok;
    }
    if (any) {
        free(*error);
        *error = NULL;
        return true;
    }
    log_error(net->log, "%s", *error);
    free(*error);
    *error = xstrdup("Failed to listen on any port. Use -listen=0 if you want this.");
    return false;
}

/* -- Outgoing ------------------------------------------------------------- */

static void dial_free(struct dial *d)
{
    for (struct dial **at = &d->net->dials; *at; at = &(*at)->next)
        if (*at == d) {
            *at = d->next;
            break;
        }
    if (d->conn)
        conn_close(d->conn);
    free(d->name);
    free(d);
}

static void dial_connected(struct conn *c, void *ctx)
{
    struct dial *d = ctx;
    struct net *net = d->net;
    d->conn = NULL;
    net_resume(net);
    struct peer *p = peer_new(net, c, &d->addr, d->type, d->v2,
                              whitelist_perms(net, conn_peer(c), false));
    if (d->name)
        snprintf(p->name, sizeof(p->name), "%s", d->name);
    if (peer_has_perm(p, PERM_BLOOM))
        p->our_services |= NODE_BLOOM;
    addrman_attempt(net->addrs, &d->addr, d->count_failure);
    peer_add(net, p);
    handshake_begin(p);
    net_release(net);
    dial_free(d);
}

static void dial_closed(struct conn *c, void *ctx, int why)
{
    struct dial *d = ctx;
    (void)c;
    log_debug(d->net->log, LOG_NET, "connect to %s failed: %s",
              d->name ? d->name : "address", why ? strerror(why) : "closed");
    addrman_attempt(d->net->addrs, &d->addr, d->count_failure);
    dial_free(d);
}

static size_t dial_data(struct conn *c, void *ctx, const uint8_t *data, size_t len)
{
    (void)c, (void)ctx, (void)data, (void)len;
    return 0; /* kept until the peer takes over */
}

static const struct conn_handlers dial_handlers = {
    .connected = dial_connected,
    .data = dial_data,
    .closed = dial_closed,
};

/* With the lock. */
static bool already_connected(struct net *net, const struct netaddr *a,
                              const char *name)
{
    for (size_t i = 0; i < net->n_peers; i++) {
        const struct peer *p = net->peers[i];
        if (p->disconnect)
            continue;
        if (name ? strcasecmp(p->name, name) == 0 : netaddr_same_host(&p->addr, a))
            return true;
        if (name && a && netaddr_equal(&p->addr, a))
            return true;
    }
    for (struct dial *d = net->dials; d; d = d->next)
        if (name && d->name ? strcasecmp(d->name, name) == 0
                            : a && netaddr_equal(&d->addr, a))
            return true;
    return false;
}

static bool wanted(struct net *net, const struct dial *d, const struct endpoint *e)
{
    net_resume(net);
    bool dup = already_connected(net, &d->addr, d->name);
    net_release(net);
    if (dup) {
        log_debug(net->log, LOG_NET,
                  "Failed to open new connection, already connected");
        return false;
    }
    return d->name || !(banman_is_banned(net->bans, e) ||
                        banman_is_discouraged(net->bans, &d->addr));
}

/* Takes @d, whose address is known. */
static void dial_start(struct dial *take)
{
    struct dial *d = take;
    struct net *net = d->net;
    struct endpoint e;
    char text[NETADDR_TEXT];
    if (net->stopping || !net->active || !netaddr_to_endpoint(&d->addr, &e) ||
        !wanted(net, d, &e)) {
        dial_free(d);
        return;
    }
    log_debug(net->log, LOG_NET, "trying %s connection (%s) to %s", d->v2 ? "v2" : "v1",
              conn_type_name(d->type),
              d->name ? d->name : netaddr_format(text, &d->addr, true));
    d->next = net->dials;
    net->dials = d;
    d->conn =
        conn_connect(net->loop, &e, net->opt.connect_timeout_ms, &dial_handlers, d);
}

static void dial_on_loop(void *arg)
{
    dial_start(arg);
}

/* On the resolver's thread: name to address, then back to the loop. */
static void dial_resolve(void *arg)
{
    struct dial *d = arg;
    struct endpoint found[8];
    char *host;
    uint16_t port;
    size_t n = 0;
    if (endpoint_split(d->name, d->net->opt.params->port, &host, &port)) {
        n = endpoint_resolve(found, ARRAY_LEN(found), host, port, d->net->opt.dns);
        free(host);
    }
    if (n)
        d->addr = netaddr_from_endpoint(&found[rand_u64() % n]);
    else
        log_debug(d->net->log, LOG_NET, "Cannot resolve %s", d->name);
    loop_post(d->net->loop, dial_on_loop, d);
}

void connman_dial(struct net *net, const char *name, const struct netaddr *addr,
                  enum conn_type type, bool v2, bool count_failure)
{
    struct dial *d = xcalloc(1, sizeof(*d));
    d->net = net;
    d->type = type;
    d->v2 = v2;
    d->count_failure = count_failure;
    d->name = name ? xstrdup(name) : NULL;
    if (addr)
        d->addr = *addr;
    else if (!netaddr_parse(&d->addr, name, net->opt.params->port)) {
        pool_submit(net->resolver, dial_resolve, d);
        return;
    }
    loop_post(net->loop, dial_on_loop, d);
}

/* -- Who to connect to
 * --------------------------------------------------------------------------- */

static bool connected_to_name(struct net *net, const char *name)
{
    struct netaddr a;
    bool numeric = netaddr_parse(&a, name, net->opt.params->port);
    return already_connected(net, numeric ? &a : NULL, name);
}

static void dial_added(struct net *net)
{
    int64_t now = clock_steady_us() / US;
    if (count_type(net, CONN_MANUAL) >= MAX_MANUAL)
        return;
    for (size_t i = 0; i < net->n_added; i++) {
        struct added *a = &net->added[i];
        if (a->next_try_s > now || connected_to_name(net, a->name))
            continue;
        a->next_try_s = now + ADDED_RETRY_S;
        connman_dial(net, a->name, NULL, CONN_MANUAL, a->v2, false);
        return;
    }
}

static void dial_connect_list(struct net *net)
{
    const struct net_strings *c = &net->opt.connect;
    for (size_t i = 0; i < c->n; i++) {
        const char *name = c->items[net->connect_next++ % c->n];
        if (connected_to_name(net, name))
            continue;
        connman_dial(net, name, NULL, CONN_MANUAL, net->opt.v2_transport, false);
        return;
    }
}

/* Two connections into one network group would be one point of failure. */
static bool group_in_use(struct net *net, const struct netaddr *a)
{
    uint8_t want[16], have[16];
    size_t n = netaddr_group(a, want);
    for (size_t i = 0; i < net->n_peers; i++) {
        const struct peer *p = net->peers[i];
        if (peer_inbound(p) || p->type == CONN_FEELER || p->type == CONN_ADDR_FETCH ||
            p->type == CONN_MANUAL)
            continue;
        if (netaddr_group(&p->addr, have) == n && memcmp(want, have, n) == 0)
            return true;
    }
    return false;
}

static unsigned reachable_mask(const struct net *net)
{
    unsigned mask = 0;
    for (unsigned n = NET_IPV4; n < NET_COUNT; n++)
        if (net_reachable(net, &(struct netaddr){.network = (uint8_t)n}))
            mask |= 1u << n;
    return mask;
}

/* One attempt at most; half a second later there is another. */
static void dial_from_addrman(struct net *net, enum conn_type type)
{
    struct netaddr_entry e;
    int64_t last_try, now = net_now_s(net);
    bool feeler = type == CONN_FEELER;
    for (int tries = 0; tries < 100; tries++) {
        bool found = feeler && addrman_collision(net->addrs, &e, &last_try);
        if (!found &&
            !addrman_select(net->addrs, feeler, reachable_mask(net), &e, &last_try))
            return;
        if (!netaddr_valid(&e.addr) || group_in_use(net, &e.addr))
            continue;
        if (tries < 30 && now - last_try < MIN_RETRY_S)
            continue;
        if (!feeler && !(e.services & (NODE_NETWORK | NODE_NETWORK_LIMITED)))
            continue;
        connman_dial(net, NULL, &e.addr, type,
                     net->opt.v2_transport && e.services & NODE_P2P_V2, !feeler);
        return;
    }
}

static void ask_seed_nodes(struct net *net)
{
    if (net->seeds_asked)
        return;
    net->seeds_asked = true;
    for (size_t i = 0; i < net->opt.seednode.n; i++)
        connman_dial(net, net->opt.seednode.items[i], NULL, CONN_ADDR_FETCH,
                     net->opt.v2_transport, false);
}

static void dial_automatic(struct net *net, int64_t now_us)
{
    ask_seed_nodes(net);
    addrman_resolve_collisions(net->addrs);
    unsigned max = max_automatic_outbound(net);
    unsigned full = max < MAX_FULL_RELAY ? max : MAX_FULL_RELAY;
    if (count_type(net, CONN_OUTBOUND_FULL) < full) {
        dial_from_addrman(net, CONN_OUTBOUND_FULL);
    } else if (count_type(net, CONN_BLOCK_RELAY) < MAX_BLOCK_RELAY && max > full) {
        dial_from_addrman(net, CONN_BLOCK_RELAY);
    } else if (now_us > net->next_feeler_us) {
        net->next_feeler_us = now_us + net_random_delay(net, FEELER_MEAN_US);
        dial_from_addrman(net, CONN_FEELER);
    }
}

/* -- The timer ------------------------------------------------------------ */

static bool is_inactive(struct net *net, struct peer *p, int64_t now)
{
    long long id = p->id;
    int64_t sent = p->link->count.last_send, received = p->link->count.last_recv;
    if (p->disconnect || p->connected_s + net->opt.peer_timeout_s >= now)
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
        log_debug(net->log, LOG_NET, "version handshake timeout peer=%lld", id);
    return !p->ready;
}

static void drop_inactive(struct net *net)
{
    int64_t now = net_now_s(net);
    for (size_t i = 0; i < net->n_peers; i++)
        if (is_inactive(net, net->peers[i], now))
            peer_disconnect(net->peers[i]);
}

static void save_addresses(struct net *net)
{
    char *path = path_join(net->opt.datadir, "peers.dat");
    if (addrman_save(net->addrs, path) != ERR_OK)
        log_warning(net->log, "Cannot write %s", path);
    free(path);
}

static void run_schedule(struct net *net)
{
    int64_t now = clock_steady_us() / US + net->scheduler_offset_s;
    if (now >= net->next_addr_save_s) {
        if (net->next_addr_save_s)
            save_addresses(net);
        net->next_addr_save_s = now + ADDRMAN_SAVE_S;
    }
}

static void connect_out(struct net *net)
{
    int64_t now = clock_steady_us();
    if (!net->active || now < net->next_outbound_us)
        return;
    net->next_outbound_us = now + OUTBOUND_PERIOD_US;
    dial_added(net);
    if (net->opt.connect_only)
        dial_connect_list(net);
    else
        dial_automatic(net, now);
}

static void tick(void *arg)
{
    struct net *net = arg;
    if (net->stopping)
        return;
    net_resume(net);
    drop_inactive(net);
    connect_out(net);
    run_schedule(net);
    bool busy = net->n_peers > 0;
    net_wake_all(net);
    net_release(net);
    loop_timer_set(net->timer, busy ? TICK_BUSY_MS : TICK_IDLE_MS);
}

/* -- Upload target
 * ------------------------------------------------------------------------------- */

static void roll_cycle(struct net *net)
{
    int64_t now = net_now_s(net);
    if (net->cycle_start_s + UPLOAD_CYCLE_S < now) {
        net->cycle_start_s = now;
        net->cycle_sent = 0;
    }
}

void net_count_upload(struct net *net, size_t octets)
{
    roll_cycle(net);
    net->cycle_sent += octets;
}

bool net_upload_exhausted(struct net *net, bool historical)
{
    uint64_t target = net->opt.max_upload_target;
    if (!target)
        return false;
    roll_cycle(net);
    if (!historical)
        return net->cycle_sent >= target;
    /* Keep room for every new block of the rest of the cycle. */
    int64_t left_s = net->cycle_start_s + UPLOAD_CYCLE_S - net_now_s(net);
    uint64_t blocks = (uint64_t)(left_s > 0 ? left_s : 0) / 600;
    uint64_t buffer = blocks * MAX_BLOCK_SERIALIZED_SIZE;
    return buffer >= target || net->cycle_sent >= target - buffer;
}

/* -- Start and stop
 * ------------------------------------------------------------------------------ */

static void start_on_loop(void *arg)
{
    struct net *net = arg;
    net->timer = loop_timer_new(net->loop, tick, net);
    loop_timer_set(net->timer, 0);
}

void connman_start(struct net *net)
{
    net->resolver = pool_new(1, "resolve");
    net_resume(net);
    if (net->opt.listen)
        discover(net);
    net_release(net);
    loop_call(net->loop, start_on_loop, net);
}

void connman_stop(struct net *net)
{
    loop_timer_free(net->timer);
    net->timer = NULL;
    for (size_t i = 0; i < net->n_listeners; i++) {
        listener_close(net->listeners[i].listener);
        net->listeners[i].listener = NULL;
    }
    while (net->dials)
        dial_free(net->dials);
    while (net->n_peers)
        connman_remove(net->peers[0]);
}
