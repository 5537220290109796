/* A transaction as the user sees it: what was sent, what was received, at what fee. All
 * functions want the wallet's lock. */
#ifndef OCHRE_WALLET_HISTORY_H
#define OCHRE_WALLET_HISTORY_H

#include "wallet/txstore.h"

struct history_entry {
    struct bytes script; /* of the output */
    struct amount value;
    uint32_t n;
};

struct history_view {
    struct history_entry *sent, *received; /* owned */
    size_t n_sent, n_received;
    struct amount fee; /* positive; 0 unless the wallet paid for it */
};

/* Fills @out. Outputs that are change are listed as sent and received only with
 * @with_change. */
void history_view(const struct wallet *w, const struct wallet_tx *wtx, bool with_change,
                  struct history_view *out);
void history_view_clear(struct history_view *v);

#endif
