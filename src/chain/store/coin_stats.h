/* What the set of unspent outputs amounts to, kept up block by block. */
#ifndef OCHRE_CHAIN_STORE_COIN_STATS_H
#define OCHRE_CHAIN_STORE_COIN_STATS_H

#include "chain/prim/block.h"
#include "chain/store/undo.h"
#include "crypto/hash.h"

struct pool;

/* Sums are in the smallest unit. All that was created or could have been is either in
 * the set or unspendable: outputs of the genesis block and subsidies of blocks 1 to h =
 * total + unspendable. */
struct coin_stats {
    /* after the block */
    uint64_t txouts, bogosize;
    int64_t total, unspendable;
    /* by the block itself; values that move are unsigned, for there is no limit on how
     * often the money may move within one block */
    uint64_t prevouts, new_outputs; /* spent and made by all but the coinbase */
    int64_t coinbase;
    int64_t lost_genesis; /* outputs of the genesis block, never spendable */
    int64_t lost_scripts; /* in outputs that nobody can spend: what tickets burn, too */
    int64_t lost_unclaimed; /* what the coinbase left: withheld shares of supernodes */
    struct muhash set;      /* settled */
};

/* The empty set below the genesis block. */
void coin_stats_init(struct coin_stats *s);
/* From after the block before to after this one. @undo: NULL for the genesis block,
 * whose outputs do not enter the set. @workers share the hashing. False: undo data of
 * another block. */
NODISCARD bool coin_stats_add_block(struct coin_stats *s, const struct block *b,
                                    const struct block_undo *undo, uint32_t height,
                                    struct amount subsidy, struct pool *workers);

/* The part of a coin in a size that does not depend on the database. */
uint64_t coin_bogosize(struct bytes script);

#endif
