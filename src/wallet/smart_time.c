#include "wallet/smart_time.h"

#include "wallet/wallet.h"

#define FUTURE_TOLERANCE_S 300

/* The time shown for the newest transaction that is not too far in the future: the
 * history shall not run backwards. */
static int64_t latest_entry(const struct wallet *w, int64_t received)
{
    for (size_t i = txstore_count(w); i-- > 0;) {
        int64_t t = txstore_at(w, i)->time_smart;
        if (t <= received + FUTURE_TOLERANCE_S)
            return t;
    }
    return 0;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t smart_time(const struct wallet *w, const struct wallet_tx *wtx, bool rescan)
{
    const struct chain_source *chain = w->opt->chain;
    struct chain_block block;
    if (wtx->block.height < 0 || chain == NULL ||
        !chain->find(chain->ctx, &wtx->block.hash, &block))
        return wtx->time_received;
    if (rescan)
        return block.time_max;
    int64_t latest = latest_entry(w, wtx->time_received);
    return max64(latest, min64(block.time, max64(wtx->time_received, latest)));
}
