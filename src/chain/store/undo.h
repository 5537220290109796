/* What disconnecting a block needs: the coins it spent and the state journal's undo
 * octets.
 *
 *   varint n           number of transactions without the coinbase
 *   n x { varint m, m x coin }   spent coins in input order (see prim/coin.h)
 *   var state          state undo octets (see state/state.h); empty when nothing
 * changed */
#ifndef OCHRE_CHAIN_STORE_UNDO_H
#define OCHRE_CHAIN_STORE_UNDO_H

#include "chain/prim/block.h"
#include "chain/prim/coin.h"
#include "util/mem.h"

#define MAX_UNDO_SIZE (256u << 20)

struct tx_undo {
    uint32_t n;
    struct coin *coins; /* scripts live in the arena */
};

struct block_undo {
    uint32_t n_tx;
    struct tx_undo *txs; /* txs[i] belongs to transaction i + 1 of the block */
    struct bytes state;
};

void block_undo_write(struct sink *s, const struct block_undo *u);
/* Everything in *out points into @mem. False: malformed. */
NODISCARD bool block_undo_read(struct block_undo *out, struct reader *r,
                               struct arena *mem);
/* Whether there is a coin for each input of the block. */
bool block_undo_fits(const struct block_undo *u, const struct block *b);

#endif
