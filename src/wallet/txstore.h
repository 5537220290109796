/* The transactions of a wallet and the coins they make: all in memory, every change
 * committed to the wallet's file before a function returns.
 *
 * A transaction belongs to the wallet when it pays to a script of the wallet, spends a
 * coin of the wallet, or was made by it. Which of its outputs are coins is decided
 * once, when it comes in, and again after scripts were added (txstore_scripts_added).
 *
 * All functions here (also those named wallet_tx_) want the wallet's lock. A struct
 * wallet_tx stays where it is until the transaction is removed; the unspent array moves
 * with every change. */
#ifndef OCHRE_WALLET_TXSTORE_H
#define OCHRE_WALLET_TXSTORE_H

#include "chain/prim/tx.h"
#include "wallet/chain_source.h"

struct txstore;
struct wallet;
struct wallet_error;

/* Part of a wallet from its opening on. */
struct txstore *txstore_new(struct wallet *w);
void txstore_free(struct txstore *ts); /* NULL is fine */
/* Reads all records of the file. False: a damaged one; @e names it and the way out. */
NODISCARD bool txstore_load(struct txstore *ts, struct wallet_error *e);

/* ---- Transactions ---- */

enum wtx_state {
    WTX_CONFIRMED,  /* in a block of the chain that the wallet follows */
    WTX_MEMPOOL,    /* in the node's mempool */
    WTX_INACTIVE,   /* neither, but may still come: its inputs count as spent */
    WTX_CONFLICTED, /* a block holds a transaction that spends one of its inputs, or one
                       of an ancestor's */
    WTX_ABANDONED,  /* given up by the user or (a coinbase) by a reorg */
};

struct wallet_coin {
    uint32_t n;     /* output */
    uint32_t place; /* in the unspent array, or COIN_SPENT */
};
#define COIN_SPENT UINT32_MAX

struct spend_link;

struct wallet_tx {
    struct tx *tx; /* owned reference */
    enum wtx_state state;
    struct chain_point block; /* CONFIRMED: its block. CONFLICTED: the other's block */
    int32_t index;            /* CONFIRMED: place in the block */
    int64_t time_received;    /* unix seconds, when the wallet first saw it */
    int64_t time_smart;       /* the time that is shown: see smart_time.h */
    int64_t order;            /* place in the wallet's history; rises */
    /* Remarks; owned, NULL when there is none. */
    char *comment, *comment_to;
    struct hash256 replaces, replaced_by; /* fee bumps; zero: none */
    struct wallet_coin *coins; /* owned, by rising n: outputs of the wallet */
    uint32_t n_coins;
    /* Transactions of the mempool that spend one of its inputs, or an ancestor's. While
     * there are any, it spends nothing. Owned; not in the file. */
    struct hash256 *rivals;
    uint32_t n_rivals;
    /* private */
    struct spend_link *links; /* owned: tx->n_in, who else spends the same */
    uint64_t trust_round;     /* when it was last judged */
    bool trusted;             /* the judgement */
    uint64_t walk;            /* the last walk over families that met it */
};

/* Confirmations: 0 unconfirmed, negative when CONFLICTED (the depth of the other). */
int32_t wallet_tx_depth(const struct wallet *w, const struct wallet_tx *wtx);
/* Blocks until a coinbase may be spent; 0 for everything else. */
int32_t wallet_tx_blocks_to_maturity(const struct wallet *w,
                                     const struct wallet_tx *wtx);
static inline bool wallet_tx_immature(const struct wallet *w,
                                      const struct wallet_tx *wtx)
{
    return wallet_tx_blocks_to_maturity(w, wtx) > 0;
}

/* It spends a coin of the wallet. */
bool wallet_tx_from_me(const struct wallet *w, const struct wallet_tx *wtx);

struct wallet_tx *txstore_find(const struct wallet *w, const struct hash256 *txid);
size_t txstore_count(const struct wallet *w);
/* By order, oldest first: 0 <= i < txstore_count. */
struct wallet_tx *txstore_at(const struct wallet *w, size_t i);

/* ---- Coins ---- */

/* An unspent coin: no confirmed, pending or inactive transaction spends it. The array
 * is dense, so that sums over 200,000 coins cost a millisecond. */
struct unspent {
    struct wallet_tx *wtx;
    struct amount value;
    uint32_t n;
    int32_t height;      /* -1: not confirmed */
    uint8_t coinbase;    /* of a coinbase transaction */
    uint8_t used;        /* its script was spent from before (avoid_reuse wallets) */
    uint32_t script_tag; /* some bytes of the script: equal for equal scripts */
};

/* All unspent coins, in no order: those of conflicted and abandoned transactions too
 * (look at wtx->state). */
const struct unspent *txstore_unspent(const struct wallet *w, size_t *n);
/* The coin of an outpoint: NULL when it is not the wallet's. */
const struct wallet_coin *txstore_coin(const struct wallet *w, const struct outpoint *o,
                                       struct wallet_tx **wtx);
/* The wallet's output behind an outpoint; NULL when it is not the wallet's. */
const struct txout *txstore_my_output(const struct wallet *w, const struct outpoint *o);
/* True also for outpoints that are not the wallet's but spent by one of its
 * transactions. */
bool txstore_is_spent(const struct wallet *w, const struct outpoint *o);
/* The wallet's transactions that spend it, active or not: count, and the first @max in
 * @out. */
size_t txstore_spenders(const struct wallet *w, const struct outpoint *o,
                        struct wallet_tx **out, size_t max);
/* Some transaction of the wallet spends an output of it. */
bool txstore_has_spends(const struct wallet *w, const struct wallet_tx *wtx);

/* ---- Trust ---- */

/* Confirmed, or: in the mempool and made by this wallet from coins that are trusted
 * themselves (with -spendzeroconfchange). */
bool wallet_tx_trusted(const struct wallet *w, const struct wallet_tx *wtx);

/* ---- Changes ---- */

/* Remarks that come with a transaction; all may be NULL. */
struct wallet_tx_notes {
    const char *comment, *comment_to;
    const struct hash256 *replaces;
};
/* Adds a transaction that the wallet made, state INACTIVE, and commits it: from here on
 * its inputs are spent. Hand it to the mempool with wallet_tx_submit (rebroadcast.h),
 * and mark what it replaces with wallet_tx_set_replaced. False: the file cannot be
 * written, and nothing has changed. */
NODISCARD bool txstore_add_own(struct wallet *w, const struct tx *tx,
                               const struct wallet_tx_notes *notes,
                               struct wallet_tx **out, struct wallet_error *e);
/* A fee bump: @wtx was replaced by @by. */
NODISCARD bool wallet_tx_set_replaced(struct wallet *w, struct wallet_tx *wtx,
                                      const struct hash256 *by, struct wallet_error *e);
/* Gives it and all that spends it up: ABANDONED, its inputs are free again. Only
 * INACTIVE ones can be. False: the file cannot be written. */
NODISCARD bool wallet_tx_abandon(struct wallet *w, struct wallet_tx *wtx,
                                 struct wallet_error *e);
static inline bool wallet_tx_can_abandon(const struct wallet_tx *wtx)
{
    return wtx->state == WTX_INACTIVE;
}
/* Forgets transactions altogether (removeprunedfunds). */
NODISCARD bool txstore_remove(struct wallet *w, struct wallet_tx *const *txs, size_t n,
                              struct wallet_error *e);
/* Adds one that is known to be in block @at, at place @index, without looking whether
 * it is the wallet's (importprunedfunds). */
NODISCARD bool txstore_import(struct wallet *w, const struct tx *tx,
                              const struct chain_point *at, int32_t index,
                              struct wallet_error *e);
/* After scripts were added by an import: outputs and inputs of known transactions may
 * have become the wallet's. */
void txstore_scripts_added(struct wallet *w);

#endif
