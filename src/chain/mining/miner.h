/* Block templates: the transactions that pay best by ancestor fee rate, a coinbase with
 * what consensus demands, and block building for regtest's generate calls. Templates
 * are made on the validation thread. */
#ifndef OCHRE_CHAIN_MINING_MINER_H
#define OCHRE_CHAIN_MINING_MINER_H

#include "chain/mempool/mempool.h"
#include "util/mem.h"

struct miner_options {
    int64_t max_weight;  /* -blockmaxweight */
    int64_t min_feerate; /* -blockmintxfee, units per 1000 vbytes */
    int32_t version;     /* -blockversion, test chains only; 0: by versionbits */
    bool check;          /* run chainman_test_block on the result */
    const struct consensus_hooks *hooks; /* borrowed; NULL: none */
    struct clock *clock;                 /* borrowed */
    struct logger *log; /* -printpriority: gets the fee rates taken; NULL: not wanted */
};
/* Bitcoin Core's defaults, with the pool's hooks and clock. */
struct miner_options miner_default_options(const struct mempool *mp);

struct template_tx {
    struct tx *tx; /* owned reference */
    struct amount fee;
    int64_t sigop_cost;
};

/* A block without proof of work, and what getblocktemplate tells of it. Immutable once
 * made, and reference counted. */
struct block_template {
    _Atomic int refs;
    struct block *block; /* owned; its coinbase pays to the given script */
    struct block_index *prev;
    int32_t height;
    struct template_tx *txs; /* owned, n_txs: block transactions but the coinbase */
    uint32_t n_txs, cap_txs;
    struct amount fees;
    struct amount coinbase_value;       /* what the coinbase may take in all */
    struct required_output required[8]; /* outputs the coinbase must have (hooks) */
    size_t n_required;
    uint8_t commitment[38]; /* witness commitment output script, from segwit on */
    size_t commitment_len;
    int64_t weight, sigops; /* with the coinbase's reserve */
    struct arena mem;       /* of required */
};

/* On top of the tip, with the best of the pool (NULL: only a coinbase). NULL: rej says
 * what chainman_test_block found (our bug, or a pool that disagrees with it). */
struct block_template *block_template_new(struct chainman *cm, struct mempool *mp,
                                          const struct miner_options *opt,
                                          struct bytes payout_script,
                                          struct reject *rej);
/* With exactly these transactions, in their order; their fees are left to the miner of
 * a later block. */
struct block_template *block_template_with(struct chainman *cm,
                                           const struct miner_options *opt,
                                           struct bytes payout_script,
                                           const struct tx *const *txs, size_t n,
                                           struct reject *rej);
struct block_template *block_template_ref(struct block_template *t);
void block_template_unref(struct block_template *t); /* NULL is fine */

/* The node's miner: options, and the template that getblocktemplate hands out until it
 * is stale. */
struct miner;
struct miner *miner_new(struct chainman *cm, struct mempool *mp,
                        const struct miner_options *opt);
void miner_free(struct miner *m); /* NULL is fine */
const struct miner_options *miner_get_options(const struct miner *m);
/* On the validation thread. block_template_new and _with, remembered for miner_last. */
struct block_template *miner_create(struct miner *m, struct bytes payout_script,
                                    struct reject *rej);
struct block_template *miner_create_with(struct miner *m, struct bytes payout_script,
                                         const struct tx *const *txs, size_t n,
                                         struct reject *rej);
/* On the validation thread: the current template (paying to OP_TRUE), one reference; a
 * new one when the tip has moved, or the pool has changed and five seconds are over. */
struct block_template *miner_current(struct miner *m, struct reject *rej);
/* mempool_updates when the current template was made. Any thread. */
uint32_t miner_updates(const struct miner *m);
/* Weight and number of transactions (without coinbase) of the last template of any
 * kind; false: there was none yet. Any thread. */
bool miner_last(const struct miner *m, int64_t *weight, int64_t *n_txs);

/* Time of a block on top of prev: now, but later than its median time past. */
int64_t template_time(const struct block_index *prev, int64_t now);

/* Searches a nonce, at most *tries; takes off what was tried. NULL: none found or
 * interrupted. Needs no lock. The result is a block of its own, one reference. */
struct block *mine_block(const struct block *b, const struct chain_params *p,
                         uint64_t *tries, const _Atomic bool *stop);

/* A block that commits to witnesses but whose coinbase lacks the reserved value gets it
 * (32 zero bytes), as bitcoind's submitblock does. One reference, of the same block if
 * nothing lacks. */
struct block *block_complete_witness(const struct block *b,
                                     const struct chain_params *p, int32_t height);

/* ---- Between the files of this folder ---- */
#define COINBASE_WEIGHT_RESERVE 4000
#define COINBASE_SIGOPS_RESERVE 400
/* Fills t with the best transactions of the pool. */
void select_transactions(struct block_template *t, struct mempool *mp,
                         const struct miner_options *opt, struct rule_env *tickets);
void template_add_tx(struct block_template *t, const struct tx *tx, struct amount fee,
                     int64_t sigop_cost);

#endif
