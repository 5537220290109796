/* The inside of the transaction store, for the files of this folder that change it:
 * memory and file together. All functions want the wallet's lock.
 *
 *   txstore.c   the index in memory: transactions, who spends what, unspent coins
 *   sighting.c  what chain and mempool say becomes a state
 *   wallet_tx.c questions about one transaction
 *   family.c    states that pass from a transaction to all that spends it */
#ifndef OCHRE_WALLET_TXSTORE_IMPL_H
#define OCHRE_WALLET_TXSTORE_IMPL_H

#include "chain/prim/block.h"
#include "util/map.h"
#include "wallet/txstore.h"

/* One input of a transaction of the wallet, in the list of all those that spend the
 * same output. */
struct spend_link {
    struct wallet_tx *wtx;
    struct spend_link *next;
};

struct txstore {
    struct wallet *w;
    struct map by_txid;         /* hash256 -> struct wallet_tx * */
    struct map spends;          /* outpoint -> struct spend_link *, the first */
    struct wallet_tx **history; /* owned array of owned, by order */
    size_t n, cap;
    struct unspent *unspent; /* owned */
    size_t n_unspent, cap_unspent;
    uint64_t trust_round, walk;
};

/* -- txstore.c -- */
/* Takes the transaction into the index; wtx->order decides its place in the history. */
void txstore_link(struct txstore *ts, struct wallet_tx *take_wtx);
/* Out of the index, and frees it. */
void txstore_unlink(struct txstore *ts, struct wallet_tx *wtx);
/* The next place of the history. */
int64_t txstore_next_order(const struct txstore *ts);
/* Those that spend the output; NULL: none. */
struct spend_link *txstore_spend_links(const struct txstore *ts,
                                       const struct outpoint *o);
/* Puts wtx->state into effect on coins: after every change of state or rivals. */
void txstore_state_changed(struct txstore *ts, struct wallet_tx *wtx);
/* Decides again which outputs are the wallet's. */
void txstore_find_coins(struct txstore *ts, struct wallet_tx *wtx);
/* Sets the mark on all coins that pay to the script. */
void txstore_mark_used(struct txstore *ts, struct bytes script);

/* -- family.c -- */
/* Calls fn for the transaction and all that spends it, directly or not. fn returns
 * false to leave that transaction (and what spends it) as it is. */
void txstore_walk_family(struct txstore *ts, struct wallet_tx *wtx,
                         bool (*fn)(void *ctx, struct wallet_tx *wtx), void *ctx);
/* Sets the state with its row in the file, and its effect on coins. */
NODISCARD enum err txstore_set_state(struct txstore *ts, struct wallet_tx *wtx,
                                     enum wtx_state state,
                                     const struct chain_point *block, int32_t index);
/* A block at @at holds a rival of the transaction: it and all that spends it are
 * CONFLICTED, unless a deeper block says so already. */
NODISCARD enum err txstore_mark_conflicted(struct txstore *ts, struct wallet_tx *wtx,
                                           const struct chain_point *at);
/* The block at @height is gone: what it or one above it put in conflict is INACTIVE. */
NODISCARD enum err txstore_unmark_conflicted(struct txstore *ts, struct wallet_tx *wtx,
                                             int32_t height);
/* A coinbase whose block is gone: it and all that spends it are ABANDONED. */
NODISCARD enum err txstore_orphan(struct txstore *ts, struct wallet_tx *wtx);
/* The transaction entered (left) the mempool: the others that spend the same have a
 * rival more (less). */
void txstore_rival_came(struct txstore *ts, const struct tx *tx);
void txstore_rival_left(struct txstore *ts, const struct tx *tx);

/* -- sighting.c -- */
/* Where a transaction was seen. */
struct sighting {
    enum wtx_state state;     /* CONFIRMED, MEMPOOL or INACTIVE */
    struct chain_point block; /* CONFIRMED */
    int32_t index;
    bool rescan; /* of an old block: its time, not now's */
};
/* Takes note of a transaction if it has to do with the wallet. @update: also when it is
 * known. *mine (may be NULL): it is the wallet's, and something was written. */
NODISCARD enum err txstore_see(struct wallet *w, const struct tx *tx,
                               const struct sighting *s, bool update, bool *mine);

/* The same for all transactions of a block, @s telling of the block. Payments that move
 * the key pool may make others of the block the wallet's, in any order. */
NODISCARD enum err txstore_see_block(struct wallet *w, const struct block *b,
                                     const struct sighting *s, bool update, bool *mine);

#endif
