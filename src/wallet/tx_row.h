/* A transaction in the wallet's file: one row of the table "transactions". */
#ifndef OCHRE_WALLET_TX_ROW_H
#define OCHRE_WALLET_TX_ROW_H

#include "wallet/txstore.h"

struct store;

/* The columns; bytes and texts are borrowed.
 *
 *   place        integer  key: order in the history
 *   tx           blob     the transaction with its witness
 *   state        integer  0 inactive, 1 confirmed, 2 conflicted, 3 abandoned
 *   block        blob     32 octets for states 1 and 2, else null
 *   height       integer  of that block, else null
 *   block_index  integer  place in the block for state 1, else null
 *   received     integer  unix seconds
 *   smart        integer  unix seconds
 *   comment, comment_to   text or null
 *   replaces, replaced_by blob of 32 octets or null */
struct tx_row {
    int64_t place;
    struct bytes tx;
    int64_t state;
    struct bytes block;
    int64_t height, block_index;
    int64_t received, smart;
    const char *comment, *comment_to;
    struct bytes replaces, replaced_by;
};

/* Fills the stored fields of a zeroed wallet_tx. False: damaged; nothing is owned
 * then. */
NODISCARD bool tx_row_decode(const struct tx_row *row, struct wallet_tx *out);
void tx_row_encode(struct tx_row *out, const struct wallet_tx *wtx);

/* Adds or replaces the row. */
NODISCARD enum err tx_row_put(struct store *s, const struct wallet_tx *wtx);
/* Renews the columns that say what became of it. */
NODISCARD enum err tx_row_put_state(struct store *s, const struct wallet_tx *wtx);
NODISCARD enum err tx_row_del(struct store *s, const struct wallet_tx *wtx);
/* All rows by place; fn returns false to stop. ERR_CORRUPT: fn did. */
NODISCARD enum err tx_rows_each(struct store *s,
                                bool (*fn)(void *ctx, const struct tx_row *row),
                                void *ctx);

#endif
