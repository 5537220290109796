/* Getting the wallet's own transactions into the mempool and to peers, again and
 * again until a block has them. */
#ifndef OCHRE_WALLET_REBROADCAST_H
#define OCHRE_WALLET_REBROADCAST_H

#include "wallet/txstore.h"

/* Hands it to the mempool (and to peers when @relay). True: it is there now. Else
 * *error (may be NULL; caller frees) is the mempool's word. Wallet's lock held. */
bool wallet_tx_submit(struct wallet *w, struct wallet_tx *wtx, bool relay,
                      char **error);
/* All unconfirmed ones that are neither abandoned nor conflicted, oldest first. @force:
 * also those of a moment ago; @relay: to peers too. Without the wallet's lock. */
void wallet_resubmit(struct wallet *w, bool relay, bool force);
/* Called by the follower's timer: resends when it is time (about daily). */
void wallet_resend_due(struct wallet *w);

#endif
