/* The list of supernodes in memory: who is paid next, and who sits in the committee of
 * a block (doc/spec/supernodes.md). It follows the "s" records of the ticket state and
 * holds of each what these two questions need, so no block reads 10,000 records.
 * Scratch transactions of state see their own changes on top. There is a list for each
 * state that is followed; the transaction says which one is meant.
 *
 * Threads: as the state it follows. */
#ifndef OCHRE_MN_SUPERNODES_H
#define OCHRE_MN_SUPERNODES_H

#include "tickets/supernode_view.h"

struct supernodes;

struct supernodes *supernodes_new(void);
void supernodes_free(struct supernodes *l); /* NULL is fine */
/* For the ticket rules; valid as long as l. */
const struct supernode_view *supernodes_view(struct supernodes *l);

/* Those that are active in the state after the block of @height, as @st sees it. */
size_t supernodes_active(struct supernodes *l, struct state_txn *st, uint32_t height);

/* Places in the queue: of the active ones in the state after @height, the first @n to
 * be paid if nothing changes; returns how many. */
size_t supernodes_queue(struct supernodes *l, struct state_txn *st, uint32_t height,
                        struct hash256 *out, size_t n);

#endif
