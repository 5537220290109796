/* -txindex: where each transaction of the active chain stands on disk
 * (indexes/txindex).
 *
 * 't' txid  base128 file, base128 position of the block, base128 offset of the
 * transaction in it 'B'       hash of the last block indexed
 *
 * Entries of disconnected blocks stay until the transaction is mined again, as in
 * Bitcoin Core: the block they name is still on disk. */
#ifndef OCHRE_CHAIN_STORE_TXINDEX_H
#define OCHRE_CHAIN_STORE_TXINDEX_H

#include "chain/store/blockfile.h"
#include "chain/store/index_db.h"

struct txindex;

NODISCARD enum err txindex_open(struct txindex **out, const char *dir,
                                size_t cache_bytes, bool wipe, struct logger *log,
                                char **error);
void txindex_close(struct txindex *ti);

/* Where it stands. */
struct index_db *txindex_base(struct txindex *ti);
/* One batch: the block's transactions and the best block. @b stands at @pos. */
NODISCARD enum err txindex_add(struct txindex *ti, const struct block *b,
                               const struct filepos *pos);

/* ERR_NOT_FOUND: no block of this node holds it. *out is one reference; *block (may
 * be NULL) the hash of the block. Thread-safe. */
NODISCARD enum err txindex_find(struct txindex *ti, struct block_files *bf,
                                const struct hash256 *txid, struct tx **out,
                                struct hash256 *block);

#endif
