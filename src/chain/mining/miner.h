/* Block templates: the transactions that pay best by ancestor fee rate, a coinbase with what
 * consensus demands, and block building for regtest's generate calls. On the validation
 * thread. */
#ifndef OCHRE_CHAIN_MINING_MINER_H
#define OCHRE_CHAIN_MINING_MINER_H

#include "chain/mempool/mempool.h"

struct miner_options {
    int64_t max_weight;     /* -blockmaxweight */
    int64_t min_feerate;    /* -blockmintxfee, units per 1000 vbytes */
    int32_t version;        /* -blockversion, test chains only; 0: by versionbits */
    bool use_mempool;       /* else only the coinbase */
    bool check;             /* run chainman_test_block on the result */
};

struct template_tx {
    struct tx *tx; /* owned reference */
    struct amount fee;
    int64_t sigop_cost;
};

/* A block without proof of work, and what getblocktemplate tells of it. */
struct block_template {
    struct block *block;           /* owned; its coinbase pays to the given script */
    struct block_index *prev;
    int32_t height;
    struct template_tx *txs;       /* owned, n_txs: block transactions but the coinbase */
    uint32_t n_txs;
    struct amount fees;
    struct amount coinbase_value;  /* what the miner may take: subsidy less unpaid share, fees */
    struct required_output required[8]; /* outputs the coinbase must have (hooks) */
    size_t n_required;
    uint8_t commitment[38];        /* witness commitment output script, from segwit on */
    size_t commitment_len;
    int64_t weight;                /* with the coinbase's reserve */
    struct arena mem;
};

/* On top of the tip. NULL: rej says what chainman_test_block found (our bug, or a mempool that
 * disagrees with it). */
struct block_template *block_template_new(struct chainman *cm, struct mempool *mp,
                                          const struct miner_options *opt,
                                          struct bytes payout_script, struct reject *rej);
/* The same with exactly these transactions, in their order. */
struct block_template *block_template_with(struct chainman *cm,
                                           const struct miner_options *opt,
                                           struct bytes payout_script,
                                           const struct tx *const *txs, size_t n,
                                           struct reject *rej);
void block_template_free(struct block_template *t); /* NULL is fine */

/* Time of a block on top of prev: now, but later than its median time past. */
int64_t template_time(const struct block_index *prev, int64_t now);

/* Searches a nonce, at most *tries; takes off what was tried. NULL: none found or interrupted.
 * Needs no lock. The result is a block of its own. */
struct block *mine_block(const struct block *b, const struct chain_params *p, uint64_t *tries,
                         const _Atomic bool *stop);

/* Mutates a coinbase-complete list of transactions: adds the witness commitment output (if
 * segwit is active and there is none) and the reserved value. */
void add_witness_commitment(struct mtx *coinbase, const struct hash256 *wtxids, size_t n);

#endif
