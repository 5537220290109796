/* State of the choice of peers we connect to by ourselves: outbound.c, seeds.c,
 * extra_peers.c, anchors.c. */
#ifndef OCHRE_NET_OUTBOUND_H
#define OCHRE_NET_OUTBOUND_H

#include "io/netaddr.h"

#define MAX_FULL_RELAY  8
#define MAX_BLOCK_RELAY 2
#define MAX_FEELER      1
#define MAX_MANUAL      8
#define MAX_ANCHORS     2

/* The DNS seeds are asked one after the other. */
enum dns_step {
    DNS_DONE,       /* or disabled */
    DNS_SEED_NODES, /* -seednode has its time first */
    DNS_NEXT,
    DNS_WAIT, /* what is known already is tried first */
    DNS_ASKING,
};
struct dns_seeding {
    enum dns_step step;
    const char **seeds; /* owned, in random order */
    size_t n, at;
    size_t at_once;          /* seeds to ask without another wait */
    int64_t until_s, look_s; /* end of the wait; next look at the peers */
    int64_t seed_nodes_until_s;
    size_t found;
    bool said_inactive;
};

struct outbound { /* (loop) unless said */
    int64_t next_us;
    int64_t started_s;
    size_t connect_next; /* of -connect */
    int64_t next_feeler_us, next_block_relay_us, next_network_us;
    struct netaddr_entry anchors[MAX_ANCHORS]; /* still to be tried, last first */
    size_t n_anchors;
    const char **seed_nodes; /* owned, in random order; still to be asked */
    size_t n_seed_nodes;
    int64_t seed_node_us;
    bool seed_node_due;
    bool fixed_seeds_pending;
    struct dns_seeding dns;

    /* extra_peers.c, on the validation thread with the lock */
    int64_t next_check_s, next_stale_check_s;
    bool synced;         /* extra block-relay-only peers are of use */
    bool try_extra_peer; /* the tip may be stale: one more full peer */
};

#endif
