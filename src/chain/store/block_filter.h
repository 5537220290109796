/* Basic block filters (BIP 158): a Golomb-coded set of the scripts that a block pays
 * and spends. A filter never misses a script, and names one that is not there once in
 * 784,931 times.
 *
 *   varint N, then N differences of the sorted hash values, Golomb-Rice coded (P = 19)
 */
#ifndef OCHRE_CHAIN_STORE_BLOCK_FILTER_H
#define OCHRE_CHAIN_STORE_BLOCK_FILTER_H

#include "chain/prim/block.h"
#include "chain/store/undo.h"

/* Appends the filter. @undo: the coins the block spent; NULL for the genesis block. */
void block_filter_build(struct buf *out, const struct block *b,
                        const struct block_undo *undo);
struct hash256 block_filter_hash(struct bytes filter);
/* The header of a filter, from that of the block before (zero before the first). */
struct hash256 block_filter_header(const struct hash256 *filter_hash,
                                   const struct hash256 *prev_header);

enum filter_match {
    FILTER_MATCH_NO,
    FILTER_MATCH_YES, /* at least one of the scripts may be in it */
    FILTER_MALFORMED,
};
enum filter_match block_filter_match(struct bytes filter,
                                     const struct hash256 *block_hash,
                                     const struct bytes *scripts, size_t n);

#endif
