/* Reading a transaction in two passes: the first allocates nothing and finds how much
 * memory it needs, the second puts it there. Shared by single transactions and blocks.
 */
#ifndef OCHRE_CHAIN_PRIM_TX_PLACE_H
#define OCHRE_CHAIN_PRIM_TX_PLACE_H

#include "chain/prim/tx.h"

/* Advances over one transaction and adds what the arrays of its inputs, outputs and
 * witness items take to *memory; false (the reader is bad) on malformed bytes. */
NODISCARD bool tx_measure(struct reader *r, bool allow_witness, size_t *memory);
/* Fills tx (but refs and ids) from a reader at a transaction that was measured; its
 * arrays go to memory, everything else points into the reader's input. Returns the
 * first byte not used. */
void *tx_place(struct tx *tx, struct reader *r, bool allow_witness, void *memory);
/* Sets txid and wtxid. */
void tx_compute_ids(struct tx *tx);

#endif
