#include "wallet/rebroadcast.h"

#include <stdlib.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/rand.h"
#include "wallet/follow_impl.h"

/* Older than the last block by so much: younger ones may be on their way. */
#define MIN_AGE_S (5 * 60)
/* Between two times, and a random part on top, so that nobody learns whose they are. */
#define MIN_INTERVAL_S (12 * 60 * 60)
#define INTERVAL_S     (24 * 60 * 60)

static bool is_pending(const struct wallet_tx *wtx)
{
    return wtx->state == WTX_INACTIVE || wtx->state == WTX_MEMPOOL;
}

bool wallet_tx_submit(struct wallet *w, struct wallet_tx *wtx, bool relay, char **error)
{
    const struct chain_source *chain = w->opt->chain;
    char hex[65], *refused = NULL;
    if (error != NULL)
        *error = NULL;
    if (!w->opt->broadcast || !is_pending(wtx) || tx_is_coinbase(wtx->tx))
        return false;
    wallet_log(w, "Submitting wtx %s to mempool and for relay=%d",
               hash256_to_hex(hex, &wtx->tx->txid), relay);
    bool ok =
        chain->submit(chain->ctx, wtx->tx, amount_of(w->opt->max_fee), relay, &refused);
    /* The file knows no mempool, so there is nothing to write. */
    if (ok && wtx->state != WTX_MEMPOOL) {
        wtx->state = WTX_MEMPOOL;
        txstore_state_changed(w->txs, wtx);
    }
    if (error != NULL)
        *error = refused;
    else
        free(refused);
    return ok;
}

void wallet_resubmit(struct wallet *w, bool relay, bool force)
{
    size_t submitted = 0;
    wallet_lock(w);
    int64_t newest = follow_best_time(w) - MIN_AGE_S;
    for (size_t i = 0; w->opt->broadcast && i < txstore_count(w); i++) {
        struct wallet_tx *wtx = txstore_at(w, i);
        if (is_pending(wtx) && (force || wtx->time_received <= newest))
            submitted += wallet_tx_submit(w, wtx, relay, NULL);
    }
    if (submitted > 0)
        wallet_log(w,
                   "ResubmitWalletTransactions: resubmit %zu unconfirmed transactions",
                   submitted);
    wallet_unlock(w);
}

void follow_plan_resend(struct follower *f)
{
    f->next_resend = clock_now(f->w->opt->clock) + MIN_INTERVAL_S +
                     (int64_t)(rand_u64() % INTERVAL_S);
}

void wallet_resend_due(struct wallet *w)
{
    const struct chain_source *chain = w->opt->chain;
    struct follower *f = w->follower;
    wallet_lock(w);
    bool due = w->opt->broadcast && clock_now(w->opt->clock) >= f->next_resend &&
               chain->ready(chain->ctx);
    if (due)
        follow_plan_resend(f);
    wallet_unlock(w);
    if (due)
        wallet_resubmit(w, true, false);
}
