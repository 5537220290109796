/* What the files of src/net share: the network's and the peers' state, by subject.
 *
 * Who may touch what: fields marked (loop) belong to the event loop; everything else is
 * changed on the validation thread, and by other threads only with net->lock held.
 * net->lock is taken by whoever handles a message; net_release/net_resume step out of
 * it around calls that change the chain or the mempool, whose events come back to us.
 * Peers are freed only between messages, so a handler's peer stays valid across that.
 * Nobody waits for the loop with the lock held. */
#ifndef OCHRE_NET_INTERNAL_H
#define OCHRE_NET_INTERNAL_H

#include "chain/mempool/mempool.h"
#include "chain/params/params.h"
#include "io/proxy.h"
#include "net/addrman.h"
#include "net/banman.h"
#include "net/bloom.h"
#include "net/compact.h"
#include "net/extra_txs.h"
#include "net/link.h"
#include "net/net.h"
#include "net/orphanage.h"
#include "net/outbound.h"
#include "net/presync.h"
#include "net/recent.h"
#include "net/relay_queue.h"
#include "net/txrequest.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/map.h"
#include "util/mem.h"
#include "util/rand.h"

#define US INT64_C(1000000) /* microseconds in a second */

/* -- Peers ---------------------------------------------------------------- */

struct hash_list {
    struct hash256 *items; /* owned */
    size_t n, cap;
};
void hash_list_add(struct hash_list *l, const struct hash256 *h);
void hash_list_clear(struct hash_list *l);

struct inflight {
    struct hash256 hash;
    struct block_index *index;
    struct compact_partial
        *partial; /* owned; a compact block being completed, or NULL */
};

struct peer_sync {
    struct block_index *best_known;  /* the best block we know it has */
    struct hash256 last_unknown;     /* announced, header not known yet; zero: none */
    struct block_index *last_common; /* it has every block up to here, and so have we */
    struct block_index *best_header_sent;
    bool started; /* we asked it for headers from our best */
    bool preferred;
    int64_t headers_timeout_us; /* 0: none */
    int64_t last_getheaders_us;
    bool inv_triggered_getheaders;
    struct presync *presync;   /* owned; a low-work headers sync, or NULL */
    struct inflight *inflight; /* owned */
    size_t n_inflight, inflight_cap;
    int64_t stalling_since_us; /* 0: not */
    int64_t downloading_since_us;
    /* a slow chain: outbound peers must catch up with our tip or go */
    int64_t behind_timeout_s;
    struct block_index *behind_work;
    bool behind_asked, behind_protected;
    int64_t last_announcement_s;
    /* announcing to it */
    bool prefers_headers, sent_sendheaders;
    bool provides_cmpct, wants_hb, hb_to;
    struct hash_list blocks_by_headers, blocks_by_inv;
    struct hash256 continuation; /* of getblocks */
    int64_t last_block_s;
};

struct peer_txs {
    bool relay;             /* we exchange transactions with it at all */
    bool wants;             /* it wants announcements now (fRelay, or a filter came) */
    struct bloom *filter;   /* owned; BIP 37, or NULL */
    struct recent known;    /* announced by or to it */
    struct hash_list fresh; /* to announce, since the last time we did */
    struct relay_queue queue; /* left from earlier times */
    bool answer_mempool;      /* with the next announcements */
    bool mempool_due;         /* in its next turn */
    int64_t next_inv_us;
    uint64_t last_inv_sequence; /* of the mempool, when we last announced */
    int64_t fee_filter;         /* what it takes; units per kvB */
    int64_t fee_filter_sent, next_fee_filter_us;
    bool fee_filter_all; /* what we sent lets nothing through */
    int64_t last_tx_s;
};

struct peer_addrs {
    bool enabled;
    struct recent known;
    struct netaddr_entry *to_send; /* owned */
    size_t n_to_send;
    int64_t next_send_us, next_local_us;
    bool getaddr_received, getaddr_sent;
    double tokens;
    int64_t tokens_at_us;
    uint64_t processed, rate_limited;
};

struct filter_entry;
struct peer;
typedef void filter_part(struct peer *p, uint32_t height, const struct filter_entry *f);
/* A request for block filters that is being answered. */
struct filter_request {
    const struct block_index *last; /* NULL: none */
    uint32_t next, step;            /* heights */
    filter_part *part;              /* what is made of each */
    struct buf reply;               /* owned; one that is being put together */
};

struct peer {
    struct net *net;
    struct link *link; /* owned reference */
    int64_t id;
    struct netaddr addr, addr_bind;
    bool inbound_onion;      /* came in through our onion service, so from anywhere */
    struct i2p_session *i2p; /* (loop) owned; one of its own, or NULL */
    char name[NETADDR_TEXT * 2];
    enum conn_type type;
    unsigned perms;
    int64_t connected_s;
    bool prefer_evict;
    _Atomic bool disconnect; /* asked for: nothing more is handled or sent */
    bool removed;            /* off the list, waits to be freed */

    /* handshake */
    uint64_t nonce, our_services, services;
    int32_t version, common_version; /* 0: no version message yet */
    bool ready;                      /* verack came */
    char subver[MAX_SUBVERSION_LENGTH + 1];
    int32_t starting_height;
    int64_t time_offset_s;
    struct netaddr addr_local; /* what it calls us */
    bool has_addr_local;
    bool wtxid_relay, wants_addrv2;
    enum {
        RECONCILIATION_NONE,
        RECONCILIATION_OFFERED, /* by us */
        RECONCILIATION_AGREED,
    } reconciliation; /* of transactions, BIP 330 */
    bool should_discourage;

    /* ping */
    uint64_t ping_nonce;                        /* 0: none under way */
    int64_t ping_sent_us, ping_us, min_ping_us; /* -1: never */
    bool ping_queued;

    struct inv *getdata; /* owned; waiting to be served */
    size_t n_getdata, getdata_at;
    struct filter_request filters;

    struct block_ahead *ahead; /* owned; the next message, or NULL */
    int64_t used_us;           /* see turns.c */

    struct peer_sync sync;
    struct peer_txs txs;
    struct peer_addrs addrs;
};

static inline bool peer_inbound(const struct peer *p)
{
    return p->type == CONN_INBOUND;
}
/* The network it is connected through; its address may hide that. */
static inline enum network peer_network(const struct peer *p)
{
    return p->inbound_onion ? NET_ONION : netaddr_class(&p->addr);
}
static inline bool peer_has_perm(const struct peer *p, unsigned perm)
{
    return (p->perms & perm) == perm;
}

/* -- Permissions (permissions.c) ------------------------------------------ */

struct whitelist_entry {
    struct subnet net;
    unsigned perms;
    bool in, out;
};
struct whitebind {
    struct endpoint at;
    unsigned perms;
};
NODISCARD bool whitelist_parse(struct whitelist_entry *out, const char *text,
                               char **error);
NODISCARD bool whitebind_parse(struct whitebind *out, const char *text, char **error);
/* Replaces PERM_IMPLICIT by what it stands for. */
unsigned perms_resolve(const struct net_options *opt, unsigned perms);

/* What -whitelist grants an address. */
unsigned whitelist_perms(struct net *net, const struct endpoint *e, bool inbound);

/* -- The network ---------------------------------------------------------- */

struct listen_at {
    struct listener *listener; /* (loop) owned */
    struct endpoint at;
    unsigned perms;
    bool onion;    /* for Tor to bring its callers to: not told to anyone */
    bool optional; /* the computer may have no such address */
    struct net *net;
};

struct added {
    char *name; /* owned */
    bool v2;
    int64_t next_try_s;
};

#define DIAL_ADDRS 8

/* An outgoing connection on its way: by itself, through a proxy or through I2P. (loop)
 */
struct dial {
    struct dial *next;
    struct net *net;
    struct conn *conn;            /* owned, or NULL */
    struct proxy_dial *via_proxy; /* owned, or NULL */
    struct i2p_stream *via_i2p;   /* owned, or NULL */
    struct i2p_session *i2p;      /* of via_i2p; borrowed */
    struct netaddr addr;
    struct netaddr more[DIAL_ADDRS]; /* to be tried when this one fails */
    size_t n_more;
    bool by_proxy; /* the name is resolved by the proxy; the address stays unknown */
    char *name;    /* owned; NULL: by address only */
    enum conn_type type;
    bool v2; /* begin with the encrypted transport */
    bool count_failure;
};

/* Whose turn it is, see turns.c. */
struct turns {
    size_t cursor;     /* round robin */
    int64_t line_us;   /* who has used no more has the next turns */
    int64_t spared_us; /* of the turn that is being taken */
};

enum local_score { LOCAL_IF = 1, LOCAL_BIND = 2, LOCAL_MANUAL = 4 };

struct local_address {
    struct netaddr addr;
    int score; /* how it was learned, and how often it was seen */
};

#define TIME_OFFSETS_MAX 50
struct time_offsets { /* of the outgoing peers that we had last */
    int64_t seconds[TIME_OFFSETS_MAX];
    size_t n, next;
};

/* What peers that do not keep the whole chain serve: NODE_NETWORK_LIMITED (BIP 159). */
#define LIMITED_PEER_BLOCKS 288

#define STALLING_TIMEOUT_US (2 * US)
#define MAX_HB_PEERS        3

struct block_source {
    int64_t peer;
    bool may_punish;
};

struct block_fetch {
    uint32_t n;    /* peers it is asked of */
    int64_t first; /* one of them */
};

struct net {
    struct net_options opt;
    pthread_mutex_t lock;
    struct loop *loop;
    struct chainman *cm;
    struct mempool *mp;
    struct logger *log;
    uint64_t services;
    char user_agent[MAX_SUBVERSION_LENGTH + 1];
    struct rng rng;
    uint64_t group_key[2]; /* secret order of network groups */

    /* peers */
    struct peer **peers; /* owned */
    size_t n_peers;
    struct peer **removed; /* owned; to be freed on the validation thread */
    size_t n_removed;
    int64_t next_peer_id;
    struct turns turns;
    _Atomic bool pump_posted, stopping;
    bool visit_all; /* every peer may have something to be sent */

    /* connections (loop) */
    struct listen_at *listeners;
    size_t n_listeners;
    struct dial *dials;
    struct loop_timer *timer;
    struct pool *resolver; /* one thread for names and small files */
    struct tor *tor;       /* owned; NULL: not to be asked */
    struct i2p *i2p;       /* owned */
    int64_t next_addr_save_s, next_map_check_s;
    struct outbound outbound;

    /* with the lock */
    _Atomic bool active;
    struct added *added; /* owned */
    size_t n_added;
    struct whitelist_entry *whitelist; /* owned; constant after open */
    size_t n_whitelist;
    struct whitebind *whitebinds; /* owned; constant after open */
    size_t n_whitebinds;
    bool reach[NET_COUNT];           /* of use for outgoing connections */
    bool allowed[NET_COUNT];         /* by -onlynet; constant after open */
    struct proxy proxies[NET_COUNT]; /* not set: none needed, or none there */
    struct proxy name_proxy;         /* constant after open; set: it resolves names */
    struct time_offsets time_offsets;
    uint16_t listen_port; /* constant after open; to be told to others */
    bool bind_on_any;     /* constant after open; no address was named */
    struct local_address locals[32];
    size_t n_locals;
    struct link_counters gone; /* sums of closed connections */
    uint64_t cycle_base;       /* octets sent before this upload cycle */
    int64_t cycle_start_s;
    int64_t scheduler_offset_s;
    _Atomic bool ibd;
    _Atomic int32_t tip_height;
    _Atomic int64_t tip_time;

    struct banman *bans;            /* owned */
    struct netgroups *groups;       /* owned */
    bool loaded;                    /* the files were read, and may be written */
    struct addr_cache *addr_caches; /* owned: answers to getaddr */
    struct addrman *addrs;          /* owned */

    /* sync */
    size_t n_preferred, n_started, n_downloading, n_protected;
    struct map inflight;      /* hash -> struct block_fetch */
    struct map block_sources; /* hash -> struct block_source */
    int64_t stalling_timeout_us;
    int64_t last_tip_update_s;
    int32_t highest_fast_announce;
    struct block
        *recent_block; /* owned: what compact announcements and getblocktxn need */
    struct buf recent_cmpct; /* its cmpctblock payload */
    const struct block_index *recent_index;
    struct map recent_txs; /* its transactions by txid and wtxid -> uint32 position */
    struct hash256 recent_txs_of; /* the block that this was made for */
    int64_t hb_peers[MAX_HB_PEERS];
    size_t n_hb_peers;
    struct hash256 last_inv_headers_sync;

    /* transactions */
    struct txrequest *txreq;   /* owned */
    struct orphanage *orphans; /* owned */
    struct recent rejects, reconsiderable, confirmed;
    struct extra_txs extra;
    int64_t next_inbound_inv_us; /* one trickle timer for all inbound peers */
    int64_t next_unbroadcast_s;
    size_t n_wtxid_peers;
};

static inline void net_release(struct net *net)
{
    pthread_mutex_unlock(&net->lock);
}
static inline void net_resume(struct net *net)
{
    pthread_mutex_lock(&net->lock);
}

int64_t net_now_us(const struct net *net); /* mockable */
int64_t net_now_s(const struct net *net);
/* Seconds for scheduled tasks: not mockable, but moved on by mockscheduler. With the
 * lock. */
int64_t net_schedule_s(const struct net *net);
void net_wake(struct net *net); /* any thread: there may be work */
void net_wake_all(
    struct net *net); /* with the lock: every peer may have something to send */
struct peer *net_find_peer(struct net *net, int64_t id);
/* Exponentially distributed around the mean, for timers. */
int64_t net_random_delay(struct net *net, int64_t mean_us);

/* -- Peers (peer.c) ------------------------------------------------------- */

struct peer *peer_new(struct net *net, struct conn *take_conn,
                      const struct netaddr *addr, enum conn_type type, bool v2,
                      unsigned perms);
void peer_free(struct peer *p);
void peer_disconnect(struct peer *p);
void peer_misbehaving(struct peer *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
void peer_send(struct peer *p, const char *type,
               const struct buf *payload); /* NULL: empty */
void peer_send_bytes(struct peer *p, const char *type, struct bytes payload);
/* ", peeraddr=..." with -logips, else nothing. Returns out. */
#define PEER_LOG_ADDR (NETADDR_TEXT + 16)
char *peer_log_addr(const struct peer *p, char out[PEER_LOG_ADDR]);

/* capture.c: does nothing without -capturemessages. */
void capture_message(const struct peer *p, const char *type, struct bytes payload,
                     bool incoming);

/* -- Connections ---------------------------------------------------------- */

/* connman.c */
void connman_start(struct net *net);
void connman_stop(struct net *net); /* on the loop */
void connman_add(struct net *net, struct peer *take);
void connman_remove(struct peer *p); /* on the loop: closes and takes it off the list */
void connman_retry_v1(struct peer *p);
void net_save_addresses(struct net *net); /* to peers.dat */

/* binds.c */
NODISCARD bool binds_collect(struct net *net, char **error); /* into the listeners */
uint16_t listen_port(const struct net *net);                 /* to be told to others */
/* Where Tor is to bring the callers of our onion service; when we listen at all. */
struct endpoint listen_onion_target(const struct net *net);

/* listen.c */
/* A caller, and where he called. */
struct incoming {
    struct netaddr from;
    struct netaddr to; /* len 0: the connection's own end */
    unsigned perms;
    bool onion;
};
/* On the loop: takes the caller in or turns him away. */
void listen_accept(struct net *net, struct conn *take, const struct incoming *in);
NODISCARD bool listen_start(struct net *net, char **error);
void listen_stop(struct net *net); /* on the loop */

/* dial.c. By @name, numeric or to be resolved, or by @addr; from any thread. */
void net_dial(struct net *net, const char *name, const struct netaddr *addr,
              enum conn_type type, bool v2, bool count_failure);
/* With the lock: connected, or about to be. */
bool dial_exists(struct net *net, const struct netaddr *a, const char *name);
void dial_stop(struct net *net); /* on the loop */

/* outbound.c. With the lock. */
void outbound_start(struct net *net);
void outbound_connect(struct net *net); /* at each tick */
/* Most automatic connections of all outgoing types together. */
unsigned outbound_automatic_max(const struct net *net);
/* Most lasting ones: CONN_OUTBOUND_FULL or CONN_BLOCK_RELAY. */
unsigned outbound_limit(const struct net *net, enum conn_type type);
bool outbound_has_room(const struct net *net, enum conn_type type);
bool is_bad_port(uint16_t port); /* bad_ports.c */

/* seeds.c. With the lock, on the loop. */
void seeds_start(struct net *net);
void seeds_tick(struct net *net);
void seeds_free(struct net *net);

/* anchors.c */
void anchors_load(struct net *net);
void anchors_save(struct net *net);

/* extra_peers.c. With the lock, on the validation thread, at each tick. */
void extra_peers_check(struct net *net);

/* reach.c. With the lock but for reach_setup, which reads the options. */
NODISCARD bool reach_setup(struct net *net, char **error);
/* Whether addresses of this network are of use to us: we can connect to them, and
 * -onlynet does not forbid it. */
bool net_reachable(const struct net *net, enum network n);
unsigned net_reachable_mask(const struct net *net); /* bit n: enum network n */
/* Names are resolved by a proxy, and must not be asked of DNS. */
bool net_has_name_proxy(const struct net *net);
bool net_is_proxy(const struct net *net, const struct netaddr *a);
/* netaddr_parse with the chain's port and with CJDNS told. */
NODISCARD bool net_parse(const struct net *net, struct netaddr *out, const char *text);
void reach_set_onion_proxy(struct net *net, const struct proxy *p);

/* local_addrs.c. With the lock. */
void net_discover(struct net *net);
NODISCARD bool net_add_external(struct net *net, char **error); /* -externalip */
void net_add_local(struct net *net, const struct netaddr *a, int score);
/* For services whose address lasts while they do: takes the lock, and clears
 * *announced. Of network 0: there is none. */
void net_withdraw_local(struct net *net, struct netaddr *announced);
void net_seen_local(struct net *net, const struct netaddr *a); /* a peer met us there */
bool net_is_local(struct net *net, const struct netaddr *a);
bool net_best_local(struct net *net, const struct peer *p, struct netaddr *out);

/* upload.c. With the lock. */
struct upload_cycle {
    uint64_t sent; /* octets, of everything */
    int64_t span_s, left_s;
};
struct upload_cycle net_upload_cycle(struct net *net);
uint64_t net_octets_sent(const struct net *net); /* since the start */
/* The target of -maxuploadtarget is reached; @historical: what is left of it is held
 * for new blocks. */
bool net_upload_exhausted(struct net *net, bool historical);

/* -- Messages ------------------------------------------------------------- */

struct handler_args {
    struct net *net;
    struct peer *peer;
    struct message *msg;
    struct block *block;     /* of a block message that was parsed already, else NULL */
    struct reader r;         /* over the payload */
    struct wire_error error; /* set with r.bad */
};
typedef void message_handler(struct handler_args *a);
/* @block: see next_message. */
void process_message(struct net *net, struct peer *p, struct message *m,
                     struct block *block);
bool has_work(struct peer *p);
bool process_peer(struct net *net,
                  struct peer *p); /* one message; false: nothing to do */
void send_messages(struct net *net, struct peer *p);

/* turns.c */
bool serve_next(struct net *net); /* one turn of a peer; false: nobody has work */
void turn_newcomer(struct peer *p);
void turn_spare(struct net *net, int64_t us); /* is not the fault of whose turn it is */

void net_free_removed(struct net *net); /* on the validation thread, between messages */

/* handshake.c */
void handshake_begin(struct peer *p);
/* Whether a node that offers these is of use as a peer of our choice. */
bool has_desirable_services(struct net *net, uint64_t services);
message_handler on_version, on_verack, on_sendaddrv2, on_wtxidrelay, on_sendheaders;
message_handler on_sendcmpct, on_ping, on_pong, on_feefilter;
void ping_maybe(struct peer *p, int64_t now_us);

/* What getaddr is answered with: the same for a day for everybody who comes by the same
 * network to the same address of ours, so that nobody can watch the tables change by
 * asking again and again. Caller frees. (addr_cache.c) */
struct netaddr_entry *addr_cache_get(struct peer *p, size_t *n);
void addr_caches_free(struct net *net);

/* addr_relay.c */
message_handler on_addr, on_addrv2, on_getaddr;
bool addrs_setup(struct peer *p);
void addrs_send(struct peer *p, int64_t now_us);
/* True: it was asked for addresses only, and does not answer; it goes. */
bool addrs_fetch_timed_out(struct peer *p, int64_t now_us);

/* serve_headers.c */
message_handler on_getheaders, on_getblocks;
bool fork_allowed(struct net *net, const struct block_index *bi);
const struct block_index *find_fork(struct net *net, const struct msg_locator *m);

/* headers.c */
message_handler on_headers;
bool getheaders_maybe(struct peer *p, const struct block_index *from);
void headers_start(struct peer *p, int64_t now_us);
void headers_check_timeout(struct peer *p, int64_t now_us);
void headers_consider_eviction(struct peer *p, int64_t now_s);
void headers_process(struct peer *p, const struct block_header *h, size_t n,
                     bool via_compact);
/* An announced block of unknown header may be known by now. */
void process_availability(struct peer *p);
void update_availability(struct peer *p, const struct hash256 *hash);

/* download.c */
bool block_requested(struct net *net, const struct hash256 *hash);
struct inflight *block_request_of(struct peer *p, const struct hash256 *hash);
/* False: it is already being fetched from this peer. */
bool block_request(struct peer *p, struct block_index *bi,
                   struct compact_partial *take);
/* @from NULL: from every peer. */
void block_request_done(struct net *net, const struct hash256 *hash, struct peer *from);
/* A block that is requested already, but not as a whole. */
void block_ask_whole(struct peer *p, const struct hash256 *hash);
bool segwit_at(const struct net *net, int32_t height);
void download_send(struct peer *p, int64_t now_us);
void download_direct(struct peer *p, struct block_index *last);
bool download_direct_allowed(struct net *net);
bool download_wanted_from(struct peer *p); /* preferred, or nobody better is at it */
struct u256 anti_dos_work(struct net *net);
void download_drop_peer(struct peer *p);
void block_requests_forget(struct peer *p); /* all of this peer's */
bool can_serve_blocks(const struct peer *p);
bool can_serve_witnesses(const struct peer *p);
bool is_limited_peer(const struct peer *p);

/* download_plan.c */
struct fetch_plan {
    struct block_index *blocks[PEER_INFLIGHT_MAX];
    size_t n;
    int64_t staller; /* who keeps the window from moving; -1: nobody */
};
struct fetch_plan download_plan(struct peer *p, size_t max);

/* block_arrival.c */
message_handler on_block;
void process_block(struct peer *p, struct block *b, bool force, bool min_pow_checked);
/* What a peer deserves for a block or header that was found bad. */
void punish_for_block(struct net *net, int64_t peer, const struct reject *rej,
                      bool via_compact, const char *what);

/* block_ahead.c */
bool has_message(struct peer *p);
/* NULL: none. *block, if not NULL, is the message's, parsed already: its payload is
 * empty then. */
struct message *next_message(struct peer *p, struct block **block);
void block_ahead_clear(struct peer *p);

/* serve.c */
message_handler on_getdata, on_getblocktxn;
void serve_getdata(struct peer *p);

/* serve_filters.c */
message_handler on_getcfilters, on_getcfheaders, on_getcfcheckpt;
void serve_filters(struct peer *p);

/* announce.c */
void announce_blocks(struct peer *p);
void announce_subscribe(struct net *net);

/* compact_relay.c */
message_handler on_cmpctblock, on_blocktxn;
void hb_select(struct peer *p);

/* inv.c */
message_handler on_inv;

/* tx_download.c */
message_handler on_notfound;
void txs_send_getdata(struct peer *p, int64_t now_us);
bool txs_reject_incoming(const struct peer *p);
void txs_block_connected(struct net *net, const struct block *b);
void txs_tip_changed(struct net *net);
void txs_peer_gone(struct peer *p);

/* time_offsets.c */
void time_offset_add(struct net *net, int64_t seconds);
int64_t time_offset_median(const struct net *net); /* 0 also for too few */

/* tx_reconciliation.c */
message_handler on_sendtxrcncl;
void reconciliation_offer(struct peer *p);
void reconciliation_settle(struct peer *p); /* with verack */
void reconciliation_forget(struct peer *p);

/* tx_receive.c */
message_handler on_tx;
void txs_remember_extra(struct net *net, const struct tx *tx);

/* tx_orphans.c */
/* One of the peer's orphans whose parents came is tried again; false: it has none. */
bool txs_process_orphans(struct peer *p);
void txs_expire_orphans(struct net *net);

/* tx_announce.c */
void txs_setup(struct peer *p, bool wants);
void txs_send_inv(struct peer *p, int64_t now_us);
void txs_answer_mempool(struct peer *p);
const struct tx *txs_find_for_relay(struct peer *p, const struct inv *inv);
void txs_relay(struct net *net, const struct hash256 *txid,
               const struct hash256 *wtxid);
void txs_rebroadcast(struct net *net);

/* fee_filter.c */
void txs_send_feefilter(struct peer *p, int64_t now_us);

/* bloom_relay.c */
message_handler on_mempool, on_filterload, on_filteradd, on_filterclear;

#endif
