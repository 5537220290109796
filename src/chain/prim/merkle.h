/* Merkle roots (with detection of CVE-2012-2459 duplicates) and branches. */
#ifndef OCHRE_CHAIN_PRIM_MERKLE_H
#define OCHRE_CHAIN_PRIM_MERKLE_H

#include "chain/prim/block.h"

/* Destroys the n leaves. *mutated (may be NULL): two equal neighbours were hashed
 * together. */
struct hash256 merkle_root(struct hash256 *leaves, size_t n, bool *mutated);
struct hash256 block_merkle_root(const struct block *b, bool *mutated);
struct hash256 block_witness_root(const struct block *b); /* coinbase counts as zeros */
/* Siblings from the leaf up; out holds 32 entries. Returns how many. */
size_t merkle_branch(struct hash256 *out, const struct hash256 *leaves, size_t n,
                     size_t position);
struct hash256 merkle_root_from_branch(const struct hash256 *leaf,
                                       const struct hash256 *branch, size_t n,
                                       size_t position);

#endif
