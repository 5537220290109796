/* A finished transaction goes into the wallet, then out into the world. */
#include <stdlib.h>

#include "wallet/coins.h"
#include "wallet/rebroadcast.h"
#include "wallet/spend.h"
#include "wallet/store.h"
#include "wallet/wallet.h"

/* Whoever named a locked coin has no more use for the lock. */
static enum err unlock_inputs(struct wallet *w, const struct tx *tx)
{
    enum err e = ERR_OK;
    for (uint32_t i = 0; i < tx->n_in && e == ERR_OK; i++)
        e = coin_unlock(w, &tx->in[i].prevout);
    return e;
}

/* In one step with the new transaction, or a crash might leave two that both seem to
 * count. */
static bool mark_replaced(struct wallet *w, const struct wallet_tx *by,
                          struct wallet_error *e)
{
    struct wallet_tx *old = txstore_find(w, &by->replaces);
    return old == NULL || wallet_tx_set_replaced(w, old, &by->tx->txid, e);
}

static bool record(struct wallet *w, const struct tx *tx,
                   const struct spend_notes *notes, struct wallet_tx **wtx,
                   struct wallet_error *e)
{
    struct wallet_tx_notes n = {0};
    if (notes != NULL)
        n = (struct wallet_tx_notes){.comment = notes->comment,
                                     .comment_to = notes->to,
                                     .replaces = notes->replaces};
    return txstore_add_own(w, tx, &n, wtx, e) && mark_replaced(w, *wtx, e) &&
           wallet_wrote(w, unlock_inputs(w, tx), e);
}

bool wallet_commit(struct wallet *w, const struct funded_tx *f,
                   const struct spend_notes *notes, struct wallet_error *e)
{
    struct wallet_tx *wtx;
    char *reject = NULL;
    store_begin(w->store);
    bool ok = record(w, f->tx, notes, &wtx, e);
    if (!wallet_wrote(w, store_end(w->store, ok ? ERR_OK : ERR_CLOSED), e) || !ok)
        return false;
    if (w->opt->broadcast && !wallet_tx_submit(w, wtx, true, &reject))
        wallet_log(w, "Transaction cannot be broadcast immediately, %s", reject);
    free(reject);
    return true;
}
