/* BIP 37: the filters light clients load, and the proof that shows which transactions
 * of a block matched. */
#ifndef OCHRE_NET_BLOOM_H
#define OCHRE_NET_BLOOM_H

#include "chain/prim/block.h"

#define BLOOM_MAX_BYTES  36000
#define BLOOM_MAX_HASHES 50
#define BLOOM_MAX_ITEM   520

enum bloom_update {
    BLOOM_UPDATE_NONE = 0,
    BLOOM_UPDATE_ALL = 1,
    BLOOM_UPDATE_P2PUBKEY_ONLY = 2,
    BLOOM_UPDATE_MASK = 3,
};

struct bloom {
    uint8_t *data; /* owned */
    size_t len;
    uint32_t n_hashes, tweak;
    uint8_t flags;
};

/* filterload's payload; bad when larger than a reader should take. */
struct bloom *bloom_read(struct reader *r);
void bloom_write(struct sink *s, const struct bloom *b);
void bloom_free(struct bloom *b); /* NULL is fine */
bool bloom_within_limits(const struct bloom *b);
void bloom_insert(struct bloom *b, struct bytes item);
bool bloom_contains(const struct bloom *b, struct bytes item);
/* Whether the transaction is of interest; outputs that match are added as the flags
 * ask. */
bool bloom_match_tx(struct bloom *b, const struct tx *tx);

/* merkleblock's payload for a block: header and partial Merkle tree; *matched lists the
 * indexes of the transactions that matched (owned by the caller). */
void bloom_write_merkleblock(struct sink *s, const struct block *b,
                             struct bloom *filter, uint32_t **matched, size_t *n);

#endif
