/* All that a wallet knows of the world: chain, mempool, network, fees. src/node fills
 * one chain_source for all wallets; tests fill their own.
 *
 * Every function may be called from any thread but the validation thread, with or
 * without a wallet's lock (chain events reach wallets through a queue, so the chain
 * never waits for a wallet), and takes what locks of the chain it needs itself. A NULL
 * among the functions marked "may be NULL" means: this node has none. */
#ifndef OCHRE_WALLET_CHAIN_SOURCE_H
#define OCHRE_WALLET_CHAIN_SOURCE_H

#include "chain/prim/block.h"
#include "chain/prim/coin.h"

struct chain_params;
struct clock;
struct fee_estimator;
struct logger;
struct pool;

/* A block by hash and height; height -1: none. */
struct chain_point {
    struct hash256 hash;
    int32_t height;
};
#define CHAIN_POINT_NONE ((struct chain_point){.height = -1})

static inline bool chain_point_equal(const struct chain_point *a,
                                     const struct chain_point *b)
{
    return a->height == b->height &&
           (a->height < 0 || hash256_equal(&a->hash, &b->hash));
}

/* What is known of a block. */
struct chain_block {
    struct chain_point at;
    struct hash256 prev; /* zero for genesis */
    int64_t time;        /* of the header, unix seconds */
    int64_t time_max;    /* highest of this and all ancestors */
    int64_t mtp;         /* median time past of this block and its 10 ancestors */
    bool active;         /* in the active chain */
    bool has_data;       /* its transactions are stored (not pruned) */
};

enum filter_answer {
    FILTER_NONE, /* no filter for this block (yet): read the block */
    FILTER_MISS, /* none of the scripts occurs in it */
    FILTER_HIT,  /* one may */
};

/* A transaction's family in the mempool, itself included. */
struct chain_ancestry {
    uint64_t n_ancestors, n_descendants; /* 0: not in the mempool */
    int64_t ancestor_vsize;
    struct amount ancestor_fees; /* modified fees */
};

enum chain_rbf {
    CHAIN_RBF_UNKNOWN, /* not in the mempool, and does not signal by itself */
    CHAIN_RBF_FINAL,
    CHAIN_RBF_REPLACEABLE, /* it or an unconfirmed ancestor signals */
};

/* Mempool policy, units per 1000 vbytes unless said. */
struct chain_policy {
    int64_t min_mempool_feerate; /* rolling minimum; 0 when there is room */
    int64_t min_relay_feerate;
    int64_t incremental_feerate;
    int64_t dust_feerate;
    uint32_t max_ancestors, max_descendants; /* counts */
};

struct chain_source {
    void *ctx;
    const struct chain_params *params;
    struct clock *clock;
    struct logger *log;
    struct pool *workers;
    struct fee_estimator *fees; /* may be NULL */

    /* ---- blocks ---- */
    struct chain_point (*tip)(void *ctx);
    /* By hash, in whatever chain; by height in the active chain. False: unknown. */
    bool (*find)(void *ctx, const struct hash256 *hash, struct chain_block *out);
    bool (*at)(void *ctx, int32_t height, struct chain_block *out);
    /* The ancestor of block @hash at @height, in whatever chain. */
    bool (*ancestor)(void *ctx, const struct hash256 *hash, int32_t height,
                     struct chain_point *out);
    /* Where the chain of block @hash leaves the active one: @hash itself when active.
     * False: unknown block. */
    bool (*fork)(void *ctx, const struct hash256 *hash, struct chain_point *out);
    /* First block of the active chain from @min_height on whose time_max is at least
     * @time. False: there is none. */
    bool (*first_since)(void *ctx, int64_t time, int32_t min_height,
                        struct chain_block *out);
    /* One reference in *out. ERR_NOT_FOUND: unknown or pruned. */
    enum err (*read_block)(void *ctx, const struct hash256 *hash, struct block **out);
    /* Lowest height from which on all blocks up to the tip are stored: 0 unless
     * pruned. */
    int32_t (*prune_height)(void *ctx);
    /* Up to this height blocks may be missing, because the chain began with a UTXO
     * snapshot and its history is still being fetched. 0: none are. */
    int32_t (*snapshot_height)(void *ctx);
    /* Whether one of the scripts may be paid or spent in the block, from its BIP 158
     * filter. May be NULL. */
    enum filter_answer (*filter_match)(void *ctx, const struct hash256 *hash,
                                       const struct bytes *scripts, size_t n);
    /* Share of all transactions that lie up to the block, 0 to 1, for progress. */
    double (*progress)(void *ctx, const struct hash256 *hash);
    /* No initial block download, no import: what wallets send gets through. */
    bool (*ready)(void *ctx);
    bool (*stopping)(void *ctx); /* the node shuts down: long work ends early */

    /* ---- mempool ---- */
    /* Hands a transaction to the mempool, and to peers when @relay. @max_fee (0: any)
     * bounds what it may pay. True when it is in the mempool then, also when it was
     * before. Else *error (caller frees) is bitcoind's text of the reject. */
    bool (*submit)(void *ctx, const struct tx *tx, struct amount max_fee, bool relay,
                   char **error);
    /* What the mempool would say, without leaving a trace. */
    bool (*test)(void *ctx, const struct tx *tx, char **error);
    bool (*in_mempool)(void *ctx, const struct hash256 *txid);
    /* Every transaction of the mempool, parents first. fn must not call back. */
    void (*each_mempool)(void *ctx, void (*fn)(void *arg, const struct tx *tx),
                         void *arg);
    void (*ancestry)(void *ctx, const struct hash256 *txid, struct chain_ancestry *out);
    /* Another mempool transaction spends an output of this one. */
    bool (*has_descendants)(void *ctx, const struct hash256 *txid);
    enum chain_rbf (*rbf)(void *ctx, const struct tx *tx);
    struct chain_policy (*policy)(void *ctx);
    /* Whether a child of these unconfirmed parents would stay within the limits of
     * mempool families; else *error (caller frees) says which limit. */
    bool (*check_limits)(void *ctx, const struct tx *tx, char **error);
    /* What spending each output costs on top of its own size at @feerate (units per
     * kvB), because unconfirmed ancestors pay less: out[i] for each outpoint alone. */
    void (*bump_fees)(void *ctx, const struct outpoint *outs, size_t n, int64_t feerate,
                      struct amount *out);
    /* The same for all of them spent together, where ancestors are shared. */
    struct amount (*combined_bump_fee)(void *ctx, const struct outpoint *outs, size_t n,
                                       int64_t feerate);

    /* ---- coins ---- */
    /* An output of chain or mempool that no block has spent; out->script is appended
     * to @script and points into it. Height is the next block's for the mempool's. */
    bool (*coin)(void *ctx, const struct outpoint *o, struct coin *out,
                 struct buf *script);
    /* A coin that a token or collateral rests on: never selected unless named. May be
     * NULL. */
    bool (*coin_bound)(void *ctx, const struct outpoint *o);

    /* ---- the user ---- */
    /* Runs a command of the user's (-walletnotify), all placeholders filled in. */
    void (*run_command)(void *ctx, const char *command);
    void (*warn)(void *ctx, const char *text);
};

#endif
