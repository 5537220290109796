/* BIP 152 compact blocks, version 2 (wtxids): messages, short ids, and a block's
 * reconstruction from what we have. */
#ifndef OCHRE_NET_COMPACT_H
#define OCHRE_NET_COMPACT_H

#include "chain/prim/block.h"

#define CMPCTBLOCKS_VERSION  2
#define MAX_CMPCTBLOCK_DEPTH 5
#define MAX_BLOCKTXN_DEPTH   10
#define SHORT_ID_SIZE        6

struct mempool;

struct prefilled_tx {
    uint32_t index;
    struct tx *tx; /* owned reference */
};

struct msg_cmpctblock {
    struct block_header header;
    uint64_t nonce;
    uint64_t *short_ids; /* owned; 48 bits each */
    size_t n_short_ids;
    struct prefilled_tx *prefilled; /* owned */
    size_t n_prefilled;
};
struct msg_cmpctblock msg_cmpctblock_read(struct reader *r);
void msg_cmpctblock_write(struct sink *s, const struct msg_cmpctblock *m);
void msg_cmpctblock_clear(struct msg_cmpctblock *m);
/* A block's compact form: the coinbase is prefilled. */
void compact_write_block(struct sink *s, const struct block *b, uint64_t nonce);

struct msg_getblocktxn {
    struct hash256 hash;
    uint32_t *indexes; /* owned; ascending */
    size_t n;
};
struct msg_getblocktxn msg_getblocktxn_read(struct reader *r);
void msg_getblocktxn_write(struct sink *s, const struct msg_getblocktxn *m);
void msg_getblocktxn_clear(struct msg_getblocktxn *m);

struct msg_blocktxn {
    struct hash256 hash;
    struct tx **txs; /* owned references */
    size_t n;
};
struct msg_blocktxn msg_blocktxn_read(struct reader *r);
void msg_blocktxn_write(struct sink *s, const struct msg_blocktxn *m);
void msg_blocktxn_clear(struct msg_blocktxn *m);

enum compact_result {
    COMPACT_OK,
    COMPACT_INVALID, /* no honest node sends it */
    COMPACT_FAILED,  /* cannot be rebuilt (short ids collide): fetch the whole block */
};

/* A block being rebuilt. */
struct compact_partial {
    struct block_header header;
    struct tx **txs; /* owned references; NULL: missing */
    size_t n, n_missing, n_prefilled, n_mempool, n_extra;
    bool spent; /* it was filled once */
};
/* @extra: transactions that are not in the mempool but may be in the block. On
 * COMPACT_OK *out is the caller's. */
enum compact_result compact_partial_new(struct compact_partial **out,
                                        const struct msg_cmpctblock *m,
                                        const struct mempool *mp,
                                        struct tx *const *extra, size_t n_extra);
void compact_partial_free(struct compact_partial *p); /* NULL is fine */
/* Puts the missing transactions in and makes the block (not checked but for its Merkle
 * root). Only once: COMPACT_INVALID after that. */
enum compact_result compact_partial_fill(struct compact_partial *p,
                                         struct tx *const *missing, size_t n,
                                         struct block **out);

#endif
