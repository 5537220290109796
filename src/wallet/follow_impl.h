/* What following, scanning and resending keep of a wallet, for the files of this folder
 * that do it. */
#ifndef OCHRE_WALLET_FOLLOW_IMPL_H
#define OCHRE_WALLET_FOLLOW_IMPL_H

#include <stdatomic.h>

#include "wallet/follow.h"
#include "wallet/txstore_impl.h"
#include "wallet/wallet.h"

struct follower {
    struct wallet *w;
    /* Under the wallet's lock. */
    struct chain_point best;  /* everything up to this block has been seen */
    struct chain_point saved; /* the same as the file has it */
    int64_t best_time, best_mtp;
    struct hash256 *locator; /* owned; as read from the file: newest first */
    size_t n_locator;
    int64_t next_resend; /* unix seconds */
    /* Under the feed's lock. */
    struct chain_feed *feed; /* NULL: not joined */
    uint64_t since;          /* events up to this number are not for it */
    struct follower *next;   /* of the feed's */
    /* Without a lock. */
    struct {
        _Atomic bool running, abort, with_passphrase;
        _Atomic int64_t started; /* steady microseconds */
        _Atomic double progress;
    } scan;
};

/* -- follow.c: one wallet and one event; wallet's lock held -- */

/* Sets where the wallet stands, in memory. */
void follow_set_best(struct follower *f, const struct chain_point *at);
/* Writes it down, with what finds the fork should the block be reorganised away. */
NODISCARD enum err follow_save_best(struct follower *f, const struct chain_point *at);
/* The chain has come to block @at (has left it). @b may be NULL: it is read then. What
 * lies between @at and where the wallet stands is made good first. */
void follow_block_connected(struct follower *f, const struct block *b,
                            const struct chain_point *at);
void follow_block_disconnected(struct follower *f, const struct block *b,
                               const struct chain_point *at);
/* The same for a block that the chain jumped to: nobody can read what lies between. */
void follow_jumped(struct follower *f, const struct chain_point *to);
/* Leads the wallet to the chain's tip, from wherever it stands. */
void follow_to(struct follower *f, const struct chain_point *tip);
void follow_tx_added(struct follower *f, const struct tx *tx);
void follow_tx_removed(struct follower *f, const struct tx *tx, enum feed_removal why);

/* -- join.c -- */
/* Takes in what the mempool holds. Without the wallet's lock. */
void follow_see_mempool(struct follower *f);

/* -- rebroadcast.c -- */
void follow_plan_resend(struct follower *f);

/* -- chain_feed.c -- */
/* From the next event on the follower gets them all. */
void chain_feed_add(struct chain_feed *feed, struct follower *f);
/* Waits until all events that are queued now have been handled. */
void chain_feed_drain(struct chain_feed *feed);
void chain_feed_del(struct chain_feed *feed, struct follower *f);

#endif
