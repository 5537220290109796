/* UTXO snapshots (assumeutxo): a file made of the chain state at one block, and a chain
 * state made of such a file. Both from any thread but the validation thread, without
 * lock; the chain goes on meanwhile. */
#ifndef OCHRE_CHAIN_VALIDATION_SNAPSHOT_H
#define OCHRE_CHAIN_VALIDATION_SNAPSHOT_H

#include <stdio.h>

#include "chain/validation/chainman.h"

struct utxo_file_header;
struct utxo_reader;

struct snapshot_written {
    uint64_t n_coins;
    const struct block_index *base;
    struct hash256 txoutset;   /* hash_serialized_3 */
    struct hash256 state_root; /* of the ticket state */
};
/* Writes the chain state as it is after @at, a block of the active chain: for any other
 * than the tip, blocks are taken off and put on again, as one job, so that nobody sees
 * the chain in between; a crash leaves a chain state that the next start leads on.
 * go_on returns false to give up. ERR_NOT_FOUND: @at is not in the active chain any
 * more, or blocks above it are pruned. ERR_CLOSED: given up or shutting down. */
NODISCARD enum err snapshot_dump(struct chainman *cm, FILE *f,
                                 const struct block_index *at, bool (*go_on)(void *ctx),
                                 void *ctx, struct snapshot_written *out);

/* Makes a chain state from the rest of the file, behind its header, and makes it the
 * active one. NULL, and *base is the block it stands at; else what is wrong, in
 * bitcoind's words (caller frees), and nothing has changed. */
NODISCARD char *snapshot_load(struct chainman *cm, struct utxo_reader *r,
                              const struct utxo_file_header *h,
                              const struct block_index **base);

#endif
