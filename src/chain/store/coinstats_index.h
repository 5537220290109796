/* -coinstatsindex: the sums and the MuHash of the UTXO set after each block of the
 * active chain (indexes/coinstats/db).
 *
 * 'c' block hash  base128 outputs, bogosize, total, unspendable in all; of the block:
 *                 spent prevouts, new outputs, coinbase, lost in genesis, scripts,
 *                 unclaimed; then the product of MuHash (384)
 * 'B'             hash of the last block indexed
 *
 * Each entry holds all that the next one needs, so the index goes on from any block
 * that it has an entry of, and a reorganisation reads nothing of what it takes off.
 * Entries of disconnected blocks stay: they are found by their hash. */
#ifndef OCHRE_CHAIN_STORE_COINSTATS_INDEX_H
#define OCHRE_CHAIN_STORE_COINSTATS_INDEX_H

#include "chain/store/coin_stats.h"
#include "chain/store/index_db.h"

struct coinstats_index;

NODISCARD enum err coinstats_index_open(struct coinstats_index **out, const char *dir,
                                        size_t cache_bytes, bool wipe,
                                        struct logger *log, char **error);
void coinstats_index_close(struct coinstats_index *ci); /* NULL is fine */

/* Where it stands. */
struct index_db *coinstats_index_base(struct coinstats_index *ci);
/* The next block, whose parent the index stands at; see coin_stats_add_block. */
NODISCARD enum err coinstats_index_add(struct coinstats_index *ci,
                                       const struct block *b,
                                       const struct block_undo *undo, uint32_t height,
                                       struct amount subsidy, struct pool *workers);

/* ERR_NOT_FOUND: not indexed (yet). Thread-safe. */
NODISCARD enum err coinstats_index_find(struct coinstats_index *ci,
                                        const struct hash256 *block,
                                        struct coin_stats *out);

#endif
