/* How much memory a serialised transaction needs, found by a first pass that allocates
 * nothing; a second pass places it. Shared by single transactions and blocks. */
#ifndef OCHRE_CHAIN_PRIM_TX_LAYOUT_H
#define OCHRE_CHAIN_PRIM_TX_LAYOUT_H

#include "chain/prim/tx.h"

struct tx_layout {
    struct bytes raw; /* the transaction's bytes in the reader's input */
    size_t base_size; /* without witness */
    uint64_t n_in, n_out;
    uint64_t n_witness; /* items of all inputs */
    bool extended;      /* marker, flag and witness are there */
};

/* Measures one transaction and advances over it; false (the reader is bad) on malformed
 * bytes. */
NODISCARD bool tx_layout_read(struct tx_layout *l, struct reader *r,
                              bool allow_witness);
/* Bytes that the arrays of inputs, outputs and witness items take. */
size_t tx_layout_memory(const struct tx_layout *l);
/* Fills tx (but refs and ids) from @raw, a lasting copy of l->raw, with its arrays in
 * memory. Returns the first byte of memory not used. */
void *tx_layout_place(struct tx *tx, const struct tx_layout *l, const uint8_t *raw,
                      void *memory);
/* Sets txid and wtxid. */
void tx_compute_ids(struct tx *tx);

#endif
