/* The time that the history shows for a transaction: when it was seen, unless its block
 * tells better. */
#ifndef OCHRE_WALLET_SMART_TIME_H
#define OCHRE_WALLET_SMART_TIME_H

#include "wallet/txstore.h"

/* Of a transaction that comes in now as the newest of the history; time_received, state
 * and block are set. @rescan: its block is an old one. Wallet's lock held. */
int64_t smart_time(const struct wallet *w, const struct wallet_tx *wtx, bool rescan);

#endif
