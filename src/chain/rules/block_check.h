/* Rules for headers and blocks that need no coins. */
#ifndef OCHRE_CHAIN_RULES_BLOCK_CHECK_H
#define OCHRE_CHAIN_RULES_BLOCK_CHECK_H

#include "chain/params/params.h"
#include "chain/rules/block_index.h"
#include "chain/rules/reject.h"

/* high-hash */
bool header_check(const struct block_header *h, const struct hash256 *hash,
                  const struct chain_params *p, struct reject *rej);
/* With its parent: bad-diffbits, time-too-old, time-too-new, bad-version. @now: unix
 * seconds. */
bool header_check_contextual(const struct block_header *h,
                             const struct block_index *prev, int64_t now,
                             const struct chain_params *p, struct reject *rej);

/* Context free: high-hash (if @check_pow), bad-txnmrklroot and bad-txns-duplicate (if
 * @check_merkle), size, coinbase, transactions, legacy sigops. With both checks on, a
 * block that passed is marked and not checked again. */
bool block_check(const struct block *b, const struct chain_params *p, bool check_pow,
                 bool check_merkle, struct reject *rej);
/* With its parent: bad-txns-nonfinal, bad-cb-height, witness commitment,
 * bad-blk-weight. */
bool block_check_contextual(const struct block *b, const struct block_index *prev,
                            const struct chain_params *p, struct reject *rej);

/* Script rules in force for a block of this height (flags of script/script.h). */
uint32_t block_script_flags(const struct chain_params *p, int32_t height);

/* Index of the coinbase output with the witness commitment (the last one), -1 when
 * none. */
int block_witness_commitment_index(const struct block *b);
/* True when the bytes were altered on the way: the Merkle root or the witness
 * commitment does not fit, so a verdict says nothing about the block of that hash. */
bool block_is_mutated(const struct block *b, bool check_witness);

/* The push of the height that a coinbase scriptSig begins with (BIP 34). Returns its
 * length. */
size_t bip34_height_script(uint8_t out[6], int32_t height);

#endif
