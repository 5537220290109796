/* Locktime (finality) and relative locks (BIP 68). */
#ifndef OCHRE_CHAIN_RULES_LOCKS_H
#define OCHRE_CHAIN_RULES_LOCKS_H

#include "chain/prim/tx.h"
#include "chain/rules/block_index.h"

#define SEQUENCE_LOCK_DISABLE     (1u << 31)
#define SEQUENCE_LOCK_TIME        (1u << 22)
#define SEQUENCE_LOCK_MASK        0xffffu
#define SEQUENCE_LOCK_GRANULARITY 9 /* 512 s */

/* Whether the transaction may stand in a block of this height and (median) time. */
bool tx_is_final(const struct tx *tx, int32_t height, int64_t time);
/* The same for the block after @tip, by its median time past. */
bool tx_is_final_after(const struct tx *tx, const struct block_index *tip);

/* The last height and median time past at which the transaction is still locked; -1:
 * none. */
struct sequence_lock {
    int32_t height;
    int64_t time;
};

/* coin_heights[i]: height of the block that holds input i's coin (the next block's
 * height for an unconfirmed one). @prev: parent of the block that would include the
 * transaction. *max_height (may be NULL): highest coin height that carries a lock. */
struct sequence_lock sequence_lock_of(const struct tx *tx, const uint32_t *coin_heights,
                                      const struct block_index *prev,
                                      int32_t *max_height);
bool sequence_lock_passed(struct sequence_lock lock, const struct block_index *prev);

#endif
