/* Which incoming connection makes room for a new one. Peers that would be hard for an
 * attacker to imitate are protected first: by network group, ping, and usefulness in
 * relaying transactions and blocks; then half of the rest by age; of what remains, the
 * youngest of the largest network group goes. And which outgoing one goes when there is
 * one too many. */
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
/* Its last step, for tests: how many are left, at the front, that may go. */
size_t evict_protect_by_age(struct evict_candidate *c, size_t n);

struct outbound_candidate {
    int64_t id; /* higher: younger */
    int64_t last_block_s, last_announcement_s;
    bool protected;
};
/* Of the block-relay-only ones: the youngest, or the one before it when the youngest
 * brought a block more recently. NULL: there is none. */
const struct outbound_candidate *evict_block_relay(const struct outbound_candidate *c,
                                                   size_t n);
/* Of the full ones: who announced a new block longest ago. NULL: all are protected. */
const struct outbound_candidate *evict_full_relay(const struct outbound_candidate *c,
                                                  size_t n);

#endif
