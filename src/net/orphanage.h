/* Transactions whose inputs we do not know yet, by wtxid, each with the peers who sent
 * it. A peer whose parent came gets them back one at a time for another try. Bounded in
 * number, size and age. */
#ifndef OCHRE_NET_ORPHANAGE_H
#define OCHRE_NET_ORPHANAGE_H

#include "chain/prim/tx.h"

struct logger;
struct rng;

struct orphanage;
struct orphanage *orphanage_new(struct logger *log);
void orphanage_free(struct orphanage *o);

/* False: known already (the peer is added to its senders) or too large. */
bool orphanage_add(struct orphanage *o, const struct tx *tx, int64_t peer,
                   int64_t now_s);
bool orphanage_has(const struct orphanage *o, const struct hash256 *wtxid);
bool orphanage_erase(struct orphanage *o, const struct hash256 *wtxid);
void orphanage_erase_peer(struct orphanage *o, int64_t peer);
/* Those a block confirmed, or whose inputs it spent. */
void orphanage_erase_for_block(struct orphanage *o, const struct tx *txs, size_t n);
/* Drops expired ones, then random ones down to @max. */
void orphanage_limit(struct orphanage *o, size_t max, int64_t now_s, struct rng *rng);
/* The children of a transaction that was accepted are to be tried again. */
void orphanage_add_children(struct orphanage *o, const struct tx *parent);
/* The next one to try again for @peer, a reference; NULL: none. */
struct tx *orphanage_next(struct orphanage *o, int64_t peer);
bool orphanage_has_work(const struct orphanage *o, int64_t peer);
/* Children of @parent that came from @peer, newest first: at most @max, references. */
size_t orphanage_children(struct orphanage *o, const struct tx *parent, int64_t peer,
                          struct tx **out, size_t max);
size_t orphanage_size(const struct orphanage *o);
void orphanage_each(const struct orphanage *o,
                    bool (*fn)(void *ctx, const struct tx *tx), void *ctx);

#endif
