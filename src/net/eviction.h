/* Which incoming connection makes room for a new one. Peers that would be hard for an
 * attacker to imitate are protected first: by network group, ping, and usefulness in
 * relaying transactions and blocks; then half of the rest by age; of what remains, the
 * youngest of the largest network group goes. */
#ifndef OCHRE_NET_EVICTION_H
#define OCHRE_NET_EVICTION_H

#include "io/netaddr.h"

struct evict_candidate {
    int64_t id;
    int64_t connected_s, min_ping_us, last_block_s, last_tx_s;
    bool relevant_services, relays_txs, has_filter, prefer_evict, local;
    enum network network;
    uint8_t group[16];
    size_t n_group;
    uint64_t keyed_group; /* set by evict_choose */
};

/* Reorders @c. -1: all are protected. @key: secret, the same for the life of the node,
 * so that nobody can aim at (or retry for) a protected group. */
int64_t evict_choose(struct evict_candidate *c, size_t n, const uint64_t key[2]);

#endif
