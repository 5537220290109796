/* Headers of a chain that has not shown enough work yet: downloaded twice, so that a
 * peer cannot fill our memory with cheap headers. The first pass keeps one secret bit
 * for every few hundred headers and adds the work up; when that is enough, the second
 * pass fetches the same headers again, checks them against these bits, and hands them
 * on once so many checked ones lie on top that the peer cannot have swapped them.
 * (Bitcoin Core's design.)
 *
 * Both passes know of each header what its target must be. Here that is the whole rule
 * of the chain, not an approximation as in Bitcoin: the targets of
 * doc/spec/base-layer.md follow from the height and time of the header before and the
 * time of block 1. So work that was counted cannot turn out to be claimed at a
 * difficulty nobody may choose. */
#ifndef OCHRE_NET_PRESYNC_H
#define OCHRE_NET_PRESYNC_H

#include "chain/params/params.h"
#include "chain/rules/block_index.h"

/* One bit for so many headers, and so many checked headers on top before one is
 * believed: 24 bits, so that forging is not worth the work, and both passes stay small.
 */
#define PRESYNC_PERIOD 624
#define PRESYNC_BUFFER 15009

struct presync;

/* @start: the block it builds on. @now: unix seconds, bounds how long the chain can be.
 */
struct presync *presync_new(const struct chain_params *params,
                            const struct block_index *start,
                            const struct u256 *least_work, int64_t now);
void presync_free(struct presync *ps); /* NULL is fine */

struct presync_result {
    bool go_on;                 /* ask for more, from presync_next() */
    struct block_header *ready; /* owned: these may be stored, in order */
    size_t n_ready;
    bool counted_on; /* the headers were ours to take, whatever became of them */
};
/* The next headers, continuous and with valid proof of work. When neither go_on nor
 * ready is set the sync is over. @full: the message held as many as it can. */
struct presync_result presync_take(struct presync *ps, const struct block_header *h,
                                   size_t n, bool full);
/* Hash of the last header taken, to be put in front of the start's locator. */
struct hash256 presync_next(const struct presync *ps);
const struct block_index *presync_start(const struct presync *ps);
/* Height of the first pass; -1 in the second. */
int32_t presync_height(const struct presync *ps);
/* Octets that it holds. */
size_t presync_memory(const struct presync *ps);

#endif
