/* A header with the part of its Merkle tree that proves some transactions to be in the
 * block (BIP 37's merkleblock; gettxoutproof).
 *
 *   header 80
 *   u32              transactions in the block
 *   varint, hashes   of subtrees, depth first
 *   varint, octets   bits, one for each node visited: whether it leads to a match */
#ifndef OCHRE_CHAIN_PRIM_MERKLEBLOCK_H
#define OCHRE_CHAIN_PRIM_MERKLEBLOCK_H

#include "chain/prim/block.h"

struct merkleblock {
    struct block_header header;
    uint32_t n_tx;
    struct hash256 *hashes; /* owned */
    size_t n_hashes;
    uint8_t *bits; /* owned; lowest bit first */
    size_t n_bits;
};

/* match[i]: transaction i is to be proved. */
void merkleblock_build(struct merkleblock *m, const struct block *b, const bool *match);
void merkleblock_clear(struct merkleblock *m);
void merkleblock_write(struct sink *s, const struct merkleblock *m);
/* False: malformed; m is clear then. */
NODISCARD bool merkleblock_read(struct merkleblock *m, struct reader *r);
/* Ids of the matched transactions go to *matches (caller frees), *n of them. False: the
 * proof does not fit together or does not lead to the header's Merkle root. */
NODISCARD bool merkleblock_extract(const struct merkleblock *m,
                                   struct hash256 **matches, size_t *n);
/* The place in the block of a transaction that the proof matches; the proof must be one
 * that fits (merkleblock_extract). False: it is not among them. */
NODISCARD bool merkleblock_place(const struct merkleblock *m,
                                 const struct hash256 *txid, uint32_t *place);

#endif
