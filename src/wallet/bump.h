/* Raising the fee of a transaction that the wallet sent. */
#ifndef OCHRE_WALLET_BUMP_H
#define OCHRE_WALLET_BUMP_H

#include "wallet/spend.h"

#define KEEP_CHANGE (-1)

struct bump_request {
    struct hash256 txid;
    struct coin_control *control; /* fee and replaceability; is added to */
    const struct txout *outputs;  /* instead of the old ones; NULL: the same */
    size_t n_outputs;
    int64_t change_index; /* the old output that is change, or KEEP_CHANGE: the wallet
                             knows which */
    bool only_own;        /* refuse when not all inputs are the wallet's */
};

/* The replacement, not signed; *old_fee is what was paid. False: e with bitcoind's code
 * and sentence. Wallet lock held, also until the replacement is committed. */
NODISCARD bool wallet_bump(struct wallet *w, const struct bump_request *rq,
                           struct funded_tx *out, struct amount *old_fee,
                           struct wallet_error *e);
/* Signs, records and sends the replacement. */
NODISCARD bool wallet_commit_bump(struct wallet *w, const struct hash256 *old,
                                  struct funded_tx *f, struct wallet_error *e);

#endif
