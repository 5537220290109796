/* Proof of work: does a header meet its target, and what target must come next? */
#ifndef OCHRE_CHAIN_RULES_POW_H
#define OCHRE_CHAIN_RULES_POW_H

#include "chain/params/params.h"
#include "chain/rules/block_index.h"

/* The hash is at most the target of bits, and bits stands for a positive target of at
 * most the network's limit. */
bool pow_check(const struct hash256 *hash, uint32_t bits, const struct chain_params *p);

/* All that the next target depends on, so that chains of which only the last header is
 * kept can be checked, too. */
struct pow_tip {
    int32_t height;
    uint32_t bits;
    int64_t time;
    int64_t anchor_time; /* of block 1; without meaning at height 0 */
};
struct pow_tip pow_tip_of(const struct block_index *bi);
/* The tip after one more header, whatever its nBits. */
struct pow_tip pow_tip_add(const struct pow_tip *tip, const struct block_header *h);
/* nBits of a header of that @time on top. */
uint32_t pow_tip_next_bits(const struct pow_tip *tip, int64_t time,
                           const struct chain_params *p);

/* nBits of the block after @prev whose header has this time (which matters on chains
 * with the 20-minute rule only). */
uint32_t pow_next_bits(const struct block_index *prev, int64_t time,
                       const struct chain_params *p);

/* ASERT (doc/spec/base-layer.md): target for the block after one that is @height_diff
 * blocks and @time_diff seconds after the anchor. */
uint32_t asert_bits(const struct u256 *pow_limit, int32_t spacing, int64_t time_diff,
                    int64_t height_diff);

/* Bitcoin's measure: how many times harder than difficulty 1 (bits 1d00ffff). */
double difficulty_of_bits(uint32_t bits);

#endif
