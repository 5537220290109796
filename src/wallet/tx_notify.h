/* -walletnotify: the user's command about each transaction that comes or changes. */
#ifndef OCHRE_WALLET_TX_NOTIFY_H
#define OCHRE_WALLET_TX_NOTIFY_H

#include "wallet/txstore.h"

/* Runs the command with %s the txid, %b the block's hash ("unconfirmed"), %h its height
 * (-1) and %w the wallet's name, quoted for the shell. Wallet's lock held. */
void tx_notify(const struct wallet *w, const struct wallet_tx *wtx);
/* The command's text for this transaction; appends. */
void tx_notify_expand(struct buf *out, const char *command, const char *wallet_name,
                      const struct wallet_tx *wtx);

#endif
