/* Locks wallets again when their time is over (walletpassphrase). One thread. */
#ifndef OCHRE_WALLET_RELOCK_H
#define OCHRE_WALLET_RELOCK_H

#include "util/err.h"

struct relock;
struct wallet;

struct relock *relock_new(void);
void relock_free(struct relock *r); /* forgets what is pending; NULL is fine */
/* Replaces what was set for the wallet; holds a reference until then. */
void relock_after(struct relock *r, struct wallet *w, int64_t seconds);
/* The wallet is locked or unloaded: nothing to do for it. */
void relock_cancel(struct relock *r, struct wallet *w);

#endif
