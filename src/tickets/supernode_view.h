/* What the ticket rules ask the list of supernodes (src/mn): filled in by src/node. All
 * calls see the state as @st does, its unsaved changes included. */
#ifndef OCHRE_TICKETS_SUPERNODE_VIEW_H
#define OCHRE_TICKETS_SUPERNODE_VIEW_H

#include "chain/state/state.h"

#define MAX_SUPERNODES 10000

struct chain_params;

struct supernode_view {
    void *ctx;
    /* The state of a chain was opened: follow it from now on. */
    void (*attach)(void *ctx, struct state *s, const struct chain_params *params);
    void (*detach)(void *ctx, struct state *s);       /* it is about to be freed */
    size_t (*count)(void *ctx, struct state_txn *st); /* registered ones */
    /* Whom the block after @height pays, when @st is the state after it; false:
     * nobody is active. */
    bool (*payee)(void *ctx, struct state_txn *st, uint32_t height, struct hash256 *sn);
    /* The committee of a block (at most COMMITTEE_SIZE), rank 0 first, when @st is the
     * state after it. */
    size_t (*choose)(void *ctx, struct state_txn *st, uint32_t height,
                     const struct hash256 *block, struct hash256 *sns);
};

#endif
