/* Headers of a chain that has not shown enough work yet: downloaded twice, so that a
 * peer cannot fill our memory with cheap headers. The first pass keeps one secret bit
 * for every few hundred headers and adds the work up; when that is enough, the second
 * pass fetches the same headers again, checks them against these bits, and hands them
 * on once so many checked ones lie on top that the peer cannot have swapped them.
 * (Bitcoin Core's design.) */
#ifndef OCHRE_NET_PRESYNC_H
#define OCHRE_NET_PRESYNC_H

#include "chain/rules/block_index.h"

struct presync;

/* @start: the block it builds on. @now: unix seconds, bounds how long the chain can be.
 */
struct presync *presync_new(const struct block_index *start,
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

#endif
