/* A node of the tree of headers, in memory: what rules and validation know about one
 * block. Pure data and arithmetic; who allocates entries, and where they are kept on
 * disk, is the caller's business. Entries live as long as the tree. */
#ifndef OCHRE_CHAIN_RULES_BLOCK_INDEX_H
#define OCHRE_CHAIN_RULES_BLOCK_INDEX_H

#include "chain/prim/arith.h"
#include "chain/prim/block.h"

/* Bits of status, as Bitcoin Core stores them. The low three are a level, not flags. */
enum block_status {
    BLOCK_VALID_UNKNOWN = 0,
    BLOCK_VALID_TREE = 2,         /* header and all ancestors' headers are valid */
    BLOCK_VALID_TRANSACTIONS = 3, /* passed block_check; all ancestors at least TREE */
    BLOCK_VALID_CHAIN = 4,   /* amounts and spends are right, scripts maybe unseen */
    BLOCK_VALID_SCRIPTS = 5, /* all of it; all ancestors too */
    BLOCK_VALID_MASK = 7,

    BLOCK_HAVE_DATA = 8,
    BLOCK_HAVE_UNDO = 16,

    BLOCK_FAILED_VALID = 32, /* this block breaks a rule */
    BLOCK_FAILED_CHILD = 64, /* an ancestor does */
    BLOCK_FAILED_MASK = 96,

    BLOCK_OPT_WITNESS = 128, /* stored by a node that enforced segwit */
};

struct block_index {
    struct hash256 hash;
    struct block_index *prev; /* NULL for genesis */
    struct block_index *skip; /* an ancestor far back, for O(log n) look-ups */
    int32_t height;
    uint32_t status;
    struct u256 chain_work; /* sum of work up to and with this block */

    /* the header but for prev */
    int32_t version;
    struct hash256 merkle_root;
    uint32_t time;
    uint32_t bits;
    uint32_t nonce;

    uint32_t time_max; /* highest time of this and all ancestors */
    uint32_t n_tx;     /* 0: transactions never seen */
    uint64_t chain_tx; /* transactions up to and with this block; 0: a gap below */
    int32_t sequence;  /* order of arrival; lower wins between equals; 0: from disk */

    /* where block and undo data stand (with BLOCK_HAVE_*) */
    int32_t file;
    uint32_t data_pos, undo_pos;

    void *user; /* belongs to validation */
};

/* Fills a zeroed entry from its header: height, skip, work, time_max; status TREE. */
void block_index_init(struct block_index *b, const struct block_header *h,
                      const struct hash256 *hash, struct block_index *prev);
struct block_header block_index_header(const struct block_index *b);
/* NULL when height is negative or above b's. */
struct block_index *block_index_ancestor(const struct block_index *b, int32_t height);
/* Median of the times of the last 11 blocks, seconds. */
int64_t block_index_mtp(const struct block_index *b);
/* NULL only for blocks of different trees. */
const struct block_index *block_index_common(const struct block_index *a,
                                             const struct block_index *b);
/* Not failed, and at least at level (BLOCK_VALID_...). */
bool block_index_is_valid(const struct block_index *b, enum block_status level);
/* False when it already was at that level or the block has failed. */
bool block_index_raise(struct block_index *b, enum block_status level);
/* Seconds the chain would take, at tip's rate of work, to do the work from @from to @to
 * (negative when from is ahead). */
int64_t block_index_equivalent_time(const struct block_index *to,
                                    const struct block_index *from,
                                    const struct block_index *tip, int32_t spacing);

#endif
