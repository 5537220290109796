/* Transactions. A struct tx is immutable, reference counted, and one allocation: its
 * scripts and witnesses point into its own serialised bytes (or, inside a block, into
 * the block's), so relaying and storing it is a copy of `raw`, and txid and wtxid are
 * computed once. */
#ifndef OCHRE_CHAIN_PRIM_TX_H
#define OCHRE_CHAIN_PRIM_TX_H

#include <stdatomic.h>

#include "util/amount.h"
#include "util/reader.h"
#include "util/sink.h"

#define WITNESS_SCALE_FACTOR 4
#define MAX_BLOCK_WEIGHT     4000000
#define SEQUENCE_FINAL       0xffffffffu
#define LOCKTIME_THRESHOLD   500000000u

struct outpoint {
    struct hash256 txid;
    uint32_t n;
};

struct txin {
    struct outpoint prevout;
    uint32_t sequence;
    uint32_t n_witness;
    struct bytes script_sig;
    const struct bytes *witness; /* n_witness items */
};

struct txout {
    struct amount value;
    struct bytes script; /* scriptPubKey */
};

struct tx {
    _Atomic int refs; /* 0: lives inside a block, see tx_ref */
    int32_t version;  /* shown unsigned by RPC, as in Core 28 */
    uint32_t locktime;
    uint32_t n_in, n_out;
    bool has_witness;
    uint32_t base_size;  /* without witness, bytes */
    uint32_t total_size; /* raw.len */
    struct txin *in;
    struct txout *out;
    struct bytes raw; /* with witness */
    struct hash256 txid, wtxid;
};

/* Reads one transaction (extended format accepted when @allow_witness); the reader
 * advances over it. NULL on malformed bytes (the reader is bad then). Copies the bytes.
 * One reference. */
struct tx *tx_read(struct reader *r, bool allow_witness);
/* The same for a whole byte string; anything left over is malformed. */
struct tx *tx_from_bytes(const void *raw, size_t len, bool allow_witness);
/* Transactions of a block live as long as the block: tx_ref of one makes a copy of its
 * own. */
struct tx *tx_ref(const struct tx *tx);
void tx_unref(struct tx *tx); /* NULL is fine */
void tx_write(const struct tx *tx, struct sink *s, bool with_witness);

bool tx_is_coinbase(const struct tx *tx);
static inline int64_t tx_weight(const struct tx *tx)
{
    return (int64_t)tx->base_size * 3 + tx->total_size;
}
static inline int64_t tx_vsize(const struct tx *tx)
{
    return (tx_weight(tx) + 3) / 4;
}
/* Sum of outputs; only for transactions that passed tx_check. */
struct amount tx_value_out(const struct tx *tx);

bool outpoint_is_null(const struct outpoint *o);
static inline bool outpoint_equal(const struct outpoint *a, const struct outpoint *b)
{
    return a->n == b->n && hash256_equal(&a->txid, &b->txid);
}
void outpoint_write(struct sink *s, const struct outpoint *o);
struct outpoint outpoint_read(struct reader *r);

/* A transaction being made or changed. Owns copies of everything it holds. */
struct mtxin {
    struct outpoint prevout;
    uint32_t sequence;
    struct buf script_sig;
    struct buf *witness; /* owned array of n_witness */
    uint32_t n_witness;
};
struct mtxout {
    struct amount value;
    struct buf script;
};
struct mtx {
    int32_t version;
    uint32_t locktime;
    struct mtxin *in;   /* owned */
    struct mtxout *out; /* owned */
    uint32_t n_in, n_out;
};

void mtx_init(struct mtx *m); /* version 2 */
void mtx_clear(struct mtx *m);
void mtx_from_tx(struct mtx *m, const struct tx *tx);
struct mtxin *mtx_add_in(struct mtx *m, const struct outpoint *prevout,
                         uint32_t sequence);
struct mtxout *mtx_add_out(struct mtx *m, struct amount value, struct bytes script);
/* Insert before position i (i <= n_out). */
struct mtxout *mtx_insert_out(struct mtx *m, uint32_t i, struct amount value,
                              struct bytes script);
void mtx_remove_in(struct mtx *m, uint32_t i);
void mtx_remove_out(struct mtx *m, uint32_t i);
void mtxin_set_witness(struct mtxin *in, const struct bytes *items, uint32_t n);
void mtx_write(const struct mtx *m, struct sink *s, bool with_witness);
struct tx *mtx_to_tx(const struct mtx *m); /* one reference; may have no inputs */

#endif
