/* -blockfilterindex: the basic filter of each block of the active chain, and its header
 * (indexes/blockfilter/basic).
 *
 * 'f' block hash  filter header (32), filter hash (32), filter
 * 'B'             hash of the last block indexed
 *
 * Entries of disconnected blocks stay: they are found by their hash. */
#ifndef OCHRE_CHAIN_STORE_FILTER_INDEX_H
#define OCHRE_CHAIN_STORE_FILTER_INDEX_H

#include "chain/store/block_filter.h"
#include "chain/store/index_db.h"

struct filter_index;

NODISCARD enum err filter_index_open(struct filter_index **out, const char *dir,
                                     size_t cache_bytes, bool wipe, struct logger *log,
                                     char **error);
void filter_index_close(struct filter_index *fi); /* NULL is fine */

/* Where it stands. */
struct index_db *filter_index_base(struct filter_index *fi);
/* The next block, whose parent the index stands at. @undo: NULL for genesis. */
NODISCARD enum err filter_index_add(struct filter_index *fi, const struct block *b,
                                    const struct block_undo *undo);

struct filter_entry {
    struct hash256 header, hash;
    struct buf filter; /* owned */
};
/* ERR_NOT_FOUND: not indexed (yet). Thread-safe. The caller clears out->filter. */
NODISCARD enum err filter_index_find(struct filter_index *fi,
                                     const struct hash256 *block,
                                     struct filter_entry *out);

#endif
