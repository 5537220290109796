/* How wallets keep up with the chain. Events of the validation thread go into one feed;
 * its thread takes them out and brings them to every wallet that has joined. The feed
 * never makes the chain wait. A wallet that has missed blocks reads them itself.
 *
 *   node:    chain_feed_new ... chain_feed_free around all wallets, and the
 *            chain_feed_* events from the validation thread
 *   manager: follower_new and follower_free with the wallet, follow_join after loading,
 *            follow_leave before closing
 *   RPC:     wallet_sync before looking at a wallet */
#ifndef OCHRE_WALLET_FOLLOW_H
#define OCHRE_WALLET_FOLLOW_H

#include "wallet/chain_source.h"

struct chain_feed;
struct follower;
struct wallet;
struct wallet_error;

/* ---- The feed of a node ---- */

/* Starts the thread. @chain is borrowed. NULL: no thread to be had. */
struct chain_feed *chain_feed_new(const struct chain_source *chain);
/* Looks now whether something is to be sent again (mockscheduler). Any thread. */
void chain_feed_run_timers(struct chain_feed *f);
/* Ends the thread, after all wallets have left. Events may still come. */
void chain_feed_stop(struct chain_feed *f);
/* After chain_feed_stop and the last event. NULL is fine. */
void chain_feed_free(struct chain_feed *f);

/* Events: on the validation thread; they never block. */
void chain_feed_connected(struct chain_feed *f, const struct block *b,
                          const struct chain_point *at);
void chain_feed_disconnected(struct chain_feed *f, const struct block *b,
                             const struct chain_point *at);
void chain_feed_tx_added(struct chain_feed *f, const struct tx *tx);
enum feed_removal {
    FEED_REMOVED_BLOCK,    /* it was confirmed */
    FEED_REMOVED_CONFLICT, /* a block holds a rival */
    FEED_REMOVED_OTHER,    /* replaced, expired, evicted, reorganised away */
};
void chain_feed_tx_removed(struct chain_feed *f, const struct tx *tx,
                           enum feed_removal why);
/* The chain goes on from a block whose history it does not have (a UTXO snapshot). */
void chain_feed_jumped(struct chain_feed *f, const struct chain_point *to);
/* The chain state is on disk: a good moment to note where wallets stand. */
void chain_feed_flushed(struct chain_feed *f);

/* ---- A wallet ---- */

/* Part of a wallet from its opening on; reads where the wallet stands from its file
 * (nothing there: it stands at the tip, or nowhere without a chain). */
struct follower *follower_new(struct wallet *w);
void follower_free(struct follower *f); /* NULL is fine */
/* A wallet that was just created has nothing to look for in the past: it begins at
 * the tip. A restored one does not call this, and is scanned from its birth time. */
void follower_begin_at_tip(struct wallet *w);

/* Catches up with the chain, takes in the mempool, resends what is pending, and follows
 * from there on. Without the wallet's lock. False: bitcoind's sentence in @e, as when
 * blocks it needs were pruned. */
NODISCARD bool follow_join(struct wallet *w, struct chain_feed *f,
                           struct wallet_error *e);
/* When it returns no event is under way for the wallet, and none will come. Notes
 * where the wallet stands. Without the wallet's lock. */
void follow_leave(struct wallet *w);
/* The wallet has seen everything up to this block; height -1: nothing. Lock held. For
 * getwalletinfo's and others' "lastprocessedblock", and for depths. */
struct chain_point follow_best(const struct wallet *w);
/* Median time past, and header time, of that block. Lock held. */
int64_t follow_best_mtp(const struct wallet *w);
int64_t follow_best_time(const struct wallet *w);

/* Waits until the wallet has heard of everything that the chain did before this call.
 * Without the wallet's lock; not on the validation thread. */
void wallet_sync(struct wallet *w);

#endif
