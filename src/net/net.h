/* The P2P network: connections, messages, relay and synchronisation.
 *
 * Threads. Sockets and framing live on the event loop. A complete message waits in its
 * peer's queue, and the validation thread handles one message at a time, round robin,
 * each peer's in order: an answer to `ping` therefore means that everything sent before
 * it took effect. One lock guards what RPC threads look at; it is never held while the
 * chain or the mempool changes. */
#ifndef OCHRE_NET_NET_H
#define OCHRE_NET_NET_H

#include "io/netaddr.h"
#include "io/proxy.h"
#include "net/protocol.h"
#include "net/transport.h"

struct block_index;
struct chain_params;
struct chainman;
struct clock;
struct logger;
struct mempool;
struct tx;

struct net;

/* A list of strings as args_list gives it. */
struct net_strings {
    const char *const *items;
    size_t n;
};

struct net_options {
    struct loop *loop;
    struct chainman *chainman;
    struct mempool *mempool;
    struct clock *clock;
    struct logger *log;
    const struct chain_params *params;
    const char *datadir;    /* of the network: peers.dat, banlist.json */
    const char *user_agent; /* whole, "/Ochre:1.0.0(comment)/", at most 256 octets */
    int client_version;     /* 280000: shown by getnetworkinfo */

    bool listen;
    uint16_t port;           /* -port, or the network's */
    struct net_strings bind; /* -bind */
    struct net_strings whitebind, whitelist;
    struct net_strings connect; /* -connect; with connect_only and n 0: no outgoing */
    bool connect_only;          /* -connect was given, be it as -connect=0 */
    struct net_strings addnode, seednode, externalip, onlynet;
    bool discover, dns;
    bool dns_seed, force_dns_seed, fixed_seeds; /* -dnsseed, -forcednsseed, ... */
    const char *asmap;          /* path of the map of autonomous systems; NULL: none */
    unsigned check_addrman;     /* -checkaddrman */
    bool known_addrman_key;     /* -test=addrman */
    bool log_ips;               /* -logips */
    bool capture_messages;      /* -capturemessages */
    unsigned max_connections;   /* -maxconnections, 125 */
    int64_t connect_timeout_ms; /* -timeout, 5000 */
    int64_t peer_timeout_s;     /* -peertimeout, 60 */
    bool network_active;        /* -networkactive */
    bool blocks_only;           /* -blocksonly */
    bool tx_reconciliation;     /* -txreconciliation */
    bool whitelist_relay, whitelist_force_relay;
    int64_t ban_time_s;         /* -bantime, 86400 */
    size_t max_receive_buffer;  /* -maxreceivebuffer in octets, 5,000,000 */
    size_t max_send_buffer;     /* -maxsendbuffer in octets, 1,000,000 */
    uint64_t max_upload_target; /* -maxuploadtarget in octets a day; 0: none */
    unsigned max_orphans;       /* -maxorphantx, 100 */
    unsigned extra_txn;         /* -blockreconstructionextratxn, 100 */
    bool bloom_filters;         /* -peerbloomfilters: NODE_BLOOM */
    bool v2_transport;          /* -v2transport: NODE_P2P_V2 */
    bool serve_filters;         /* -peerblockfilters: NODE_COMPACT_FILTERS */
    bool pruned;                /* serves the last 288 blocks only */

    /* Our clock differs from that of our peers; NULL: (no longer). May be NULL. */
    void (*clock_warning)(void *ctx, const char *text);
    void *warning_ctx;

    /* Proxies and private networks, as the user wrote them; "": not given. */
    const char *proxy;        /* -proxy, "0": none */
    const char *onion;        /* -onion, "0": the Tor network is not to be used */
    const char *i2psam;       /* -i2psam */
    bool proxy_randomize;     /* -proxyrandomize */
    bool cjdns_reachable;     /* -cjdnsreachable */
    bool listen_onion;        /* -listenonion */
    const char *tor_control;  /* -torcontrol, 127.0.0.1:9051 */
    const char *tor_password; /* -torpassword */
    bool i2p_accept_incoming; /* -i2pacceptincoming */
};

/* Checks the options, loads peers.dat and banlist.json, binds, and subscribes to chain
 * events; no traffic yet. On failure *error (caller frees) is bitcoind's sentence. */
NODISCARD enum err net_open(struct net **out, const struct net_options *opt,
                            char **error);
/* Accepts and connects from now on. */
void net_start(struct net *net);
/* Closes every connection and stops timers; nothing is sent or handled after it. While
 * loop and chainman still run. */
void net_stop(struct net *net);
/* Saves peers.dat and banlist.json, frees. After chainman_close. */
void net_free(struct net *net);

/* -- For other parts of the node; from any thread ------------------------- */
/* Announces a transaction of the mempool to everyone. */
void net_relay_tx(struct net *net, const struct hash256 *txid,
                  const struct hash256 *wtxid);
struct net_counts {
    size_t total, in, out;
};
struct net_counts net_count_connections(struct net *net);
/* Moves scheduled tasks (unbroadcast, saving of peers) @seconds nearer: mockscheduler.
 */
void net_forward_scheduler(struct net *net, int64_t seconds);

/* -- For RPC; from any thread --------------------------------------------- */
enum conn_type {
    CONN_INBOUND,
    CONN_MANUAL,
    CONN_FEELER,
    CONN_OUTBOUND_FULL,
    CONN_BLOCK_RELAY,
    CONN_ADDR_FETCH,
};
const char *conn_type_name(enum conn_type t); /* "outbound-full-relay", ... */

enum net_permission {
    PERM_BLOOM = 1 << 0,
    PERM_RELAY = 1 << 1,
    PERM_FORCE_RELAY = 1 << 2 | PERM_RELAY,
    PERM_DOWNLOAD = 1 << 3,
    PERM_NOBAN = 1 << 4 | PERM_DOWNLOAD,
    PERM_MEMPOOL = 1 << 5,
    PERM_ADDR = 1 << 6,
    PERM_IMPLICIT = 1 << 30, /* given without names: -whitelistrelay decides */
    PERM_ALL = 0x7f,
};
/* Names of the set permissions, bitcoind's order; returns how many of at most 8. */
size_t net_permission_names(unsigned perms, const char *out[8]);
/* Service bits by name ("NETWORK", "UNKNOWN[2^5]"): writes into @out, returns it. */
char *service_name(char out[32], unsigned bit);

#define PEER_INFLIGHT_MAX 16 /* of our own accord; getblockfrompeer may add some */
struct peer_info {
    int64_t id;
    char addr[NETADDR_TEXT * 2];  /* as named by the user, or numeric */
    char addr_bind[NETADDR_TEXT]; /* "": unknown */
    char addr_local[NETADDR_TEXT];
    enum network network;
    uint32_t mapped_as; /* 0: unknown */
    uint64_t services;
    bool relay_txs;
    int64_t last_send, last_recv, last_tx, last_block; /* unix seconds */
    uint64_t bytes_sent, bytes_recv;
    uint64_t sent_per_msg[MSG_COUNT + 1], recv_per_msg[MSG_COUNT + 1]; /* last: other */
    int64_t connected, time_offset;                                    /* seconds */
    int64_t ping_us, min_ping_us, ping_wait_us;                        /* -1: none */
    int32_t version;
    char subver[257];
    bool inbound;
    bool hb_to, hb_from;
    int32_t starting_height, synced_headers, synced_blocks, presynced_headers;
    int32_t *inflight; /* owned; heights */
    size_t n_inflight;
    bool addr_relay;
    uint64_t addr_processed, addr_rate_limited;
    unsigned permissions;
    int64_t min_fee_filter;
    enum conn_type type;
    enum transport_kind transport;
    struct hash256 session_id; /* of version 2 */
};
/* A copy of what is known of every peer, by id. */
struct peer_info *net_peers(struct net *net, size_t *n);
void net_peers_free(struct peer_info *list, size_t n);

struct net_totals {
    uint64_t recv, sent;
    uint64_t sent_per_msg[MSG_COUNT + 1], recv_per_msg[MSG_COUNT + 1]; /* last: other */
    size_t orphans; /* transactions whose inputs are unknown */
    int64_t time_ms;
    uint64_t upload_target, target_left;
    int64_t target_span_s, cycle_left_s;
    bool target_reached, serve_historical;
};
void net_get_totals(struct net *net, struct net_totals *out);

/* The transactions whose inputs are unknown, oldest first. */
struct net_orphan {
    struct tx *tx;  /* owned reference */
    int64_t *peers; /* owned: ids of those that have it */
    size_t n_peers;
};
struct net_orphan *net_orphans(struct net *net, size_t *n);
void net_orphans_free(struct net_orphan *list, size_t n);

struct net_local {
    struct netaddr addr;
    int score;
};
struct net_status {
    int client_version;
    char user_agent[MAX_SUBVERSION_LENGTH + 1];
    uint64_t services;
    bool relay, active;
    bool reachable[NET_COUNT];
    char proxy[NET_COUNT][PROXY_TEXT]; /* "": none */
    bool proxy_randomize[NET_COUNT];
    struct net_local locals[32];
    size_t n_locals;
    int64_t time_offset;
};
void net_get_status(struct net *net, struct net_status *out);
void net_set_active(struct net *net, bool on);
bool net_active(struct net *net);

/* addnode "onetry": a connection attempt in the background. */
/* @v2: begin with the encrypted transport, and fall back to version 1. */
void net_connect_once(struct net *net, const char *node, bool v2);
bool net_add_node(struct net *net, const char *node,
                  bool v2);                              /* false: already there */
bool net_remove_node(struct net *net, const char *node); /* false: not there */
struct added_node {
    char *name;              /* owned */
    char addr[NETADDR_TEXT]; /* "": not connected */
    bool connected, inbound;
};
struct added_node *net_added_nodes(struct net *net, size_t *n);
void added_nodes_free(struct added_node *a, size_t n);
/* addconnection; false: no room for one more of this type. */
bool net_add_connection(struct net *net, const char *address, enum conn_type t,
                        bool v2);

bool net_disconnect_id(struct net *net, int64_t id);
bool net_disconnect_addr(struct net *net, const char *addr);
size_t net_disconnect_range(struct net *net, const struct netrange *r);
void net_ping_all(struct net *net);
/* False: no such peer. */
bool net_send_raw(struct net *net, int64_t id, const char *type, struct bytes payload);
/* NULL: asked. Else bitcoind's sentence ("Peer does not exist", "Already requested from
 * this peer", ...). The caller has checked the block. */
const char *net_fetch_block(struct net *net, int64_t id, const struct hash256 *hash);

bool net_speaks_v2(const struct net *net);
struct banman *net_bans(struct net *net);
int64_t net_default_ban_time(const struct net *net); /* seconds */
/* Stores bans and drops the peers they hit. */
bool net_ban(struct net *net, const struct netrange *r, int64_t until);
struct addrman *net_addrman(struct net *net);
/* Makes an IPv6 address of CJDNS's range one of CJDNS, if we use that network. */
void net_tell_cjdns(const struct net *net, struct netaddr *a);

#endif
