/* Block headers and blocks. */
#ifndef OCHRE_CHAIN_PRIM_BLOCK_H
#define OCHRE_CHAIN_PRIM_BLOCK_H

#include "chain/prim/tx.h"

#define BLOCK_HEADER_SIZE         80
#define MAX_BLOCK_SERIALIZED_SIZE 4000000

struct block_header {
    int32_t version;
    struct hash256 prev;
    struct hash256 merkle_root;
    uint32_t time;
    uint32_t bits;
    uint32_t nonce;
};

struct block_header header_read(struct reader *r);
void header_write(struct sink *s, const struct block_header *h);
struct hash256 header_hash(const struct block_header *h);

/* Immutable and reference counted; its transactions point into raw. */
struct block {
    _Atomic int refs;
    struct block_header header;
    struct hash256 hash;
    uint32_t n_tx;
    uint32_t base_size; /* without witness, bytes */
    struct tx *txs;     /* n_tx of them, in the block's own allocation */
    struct bytes raw;
    /* Marks of context-free checks already passed; set once, under no lock, to true
     * only. */
    _Atomic bool checked;
    _Atomic bool checked_witness;
};

/* Takes the buffer's bytes (b is left empty) and parses all of them. NULL: malformed;
 * *take is freed all the same. One reference. Hashing of txids is done here. */
struct block *block_from_buf(struct buf *take);
struct block *block_from_bytes(const void *raw, size_t len); /* copies */
struct block *block_ref(const struct block *b);
void block_unref(struct block *b);
void block_write(const struct block *b, struct sink *s, bool with_witness);
static inline int64_t block_weight(const struct block *b)
{
    return (int64_t)b->base_size * 3 + (int64_t)b->raw.len;
}
/* Header plus transactions, serialised and parsed again. */
struct block *block_assemble(const struct block_header *h, const struct tx *const *txs,
                             uint32_t n);

#endif
