/* Transactions whose inputs we do not know yet, by wtxid, each with the peers that have
 * it. When a parent came, one of these peers is to try it again, one orphan for each of
 * its messages.
 *
 * Bounds: @max orphans in all, and ORPHANAGE_PEER_WEIGHT of weight for each peer that
 * has any, whoever uses it. Beyond one of them, the peer that has the most of it gives
 * up its oldest orphan. So a peer within its even share of both keeps its orphans
 * whatever the others send; an orphan goes with the last peer that had it. */
#ifndef OCHRE_NET_ORPHANAGE_H
#define OCHRE_NET_ORPHANAGE_H

#include "chain/prim/tx.h"

#define MAX_ORPHAN_WEIGHT     400000
#define ORPHANAGE_PEER_WEIGHT 404000

struct logger;
struct rng;

struct orphanage;
/* @rng is borrowed. */
struct orphanage *orphanage_new(struct logger *log, struct rng *rng, size_t max);
void orphanage_free(struct orphanage *o);

/* True when it was unknown and is kept, at least for now: bounds are kept by eviction.
 * A known one gets the peer as one more that has it. */
bool orphanage_add(struct orphanage *o, const struct tx *tx, int64_t peer,
                   int64_t now_s);
/* One more peer has it; no change when it is unknown. */
void orphanage_add_peer(struct orphanage *o, const struct hash256 *wtxid, int64_t peer);
bool orphanage_has(const struct orphanage *o, const struct hash256 *wtxid);
bool orphanage_has_from(const struct orphanage *o, const struct hash256 *wtxid,
                        int64_t peer);
/* Borrowed, or NULL. */
const struct tx *orphanage_get(const struct orphanage *o, const struct hash256 *wtxid);
bool orphanage_erase(struct orphanage *o, const struct hash256 *wtxid);
void orphanage_drop_peer(struct orphanage *o, int64_t peer);
/* Drops those that are as old as 20 minutes. */
void orphanage_expire(struct orphanage *o, int64_t now_s);
/* A block: what it confirmed, or what spends the same, goes; children of its
 * transactions are to be tried again. */
void orphanage_block(struct orphanage *o, const struct tx *txs, size_t n);

/* The children of a transaction that was accepted are to be tried again. */
void orphanage_add_children(struct orphanage *o, const struct tx *parent);
bool orphanage_has_work(const struct orphanage *o, int64_t peer);
/* The next one to try again for @peer, a reference; NULL: none. */
struct tx *orphanage_next(struct orphanage *o, int64_t peer);
/* The newest child of @parent that @peer has and that fits; failing that, one that
 * others have, at random. A reference, or NULL. */
struct tx *orphanage_child(struct orphanage *o, const struct tx *parent, int64_t peer,
                           bool (*fits)(void *ctx, const struct tx *child), void *ctx);

size_t orphanage_size(const struct orphanage *o);
int64_t orphanage_weight(const struct orphanage *o);
/* What one peer has. */
size_t orphanage_peer_size(const struct orphanage *o, int64_t peer);
int64_t orphanage_peer_weight(const struct orphanage *o, int64_t peer);
/* Oldest first; return false to stop. */
void orphanage_each(const struct orphanage *o,
                    bool (*fn)(void *ctx, const struct tx *tx), void *ctx);
/* The peers that have it: how many of at most @max. */
size_t orphanage_peers(const struct orphanage *o, const struct hash256 *wtxid,
                       int64_t *out, size_t max);
/* Recomputes everything there is to know and compares; ASSERTs. For tests. */
void orphanage_check(const struct orphanage *o);

#endif
