#include "wallet/history.h"

#include <stdlib.h>

#include "util/mem.h"
#include "wallet/balance.h"
#include "wallet/spkman.h"
#include "wallet/wallet.h"

static void add_entry(struct history_entry **list, size_t *n, uint32_t cap,
                      const struct history_entry *e)
{
    if (*list == NULL)
        *list = xrealloc_array(NULL, cap, sizeof(**list));
    (*list)[(*n)++] = *e;
}

void history_view(const struct wallet *w, const struct wallet_tx *wtx, bool with_change,
                  struct history_view *out)
{
    const struct tx *tx = wtx->tx;
    struct amount debit = balance_debit(w, tx);
    *out = (struct history_view){0};
    if (debit.v > 0)
        out->fee.v = debit.v - tx_value_out(tx).v;
    for (uint32_t i = 0; i < tx->n_out; i++) {
        const struct history_entry e = {tx->out[i].script, tx->out[i].value, i};
        bool mine = spkman_find(w->spkman, e.script, NULL);
        if (debit.v > 0 && !with_change && balance_is_change(w, e.script))
            continue;
        if (debit.v > 0)
            add_entry(&out->sent, &out->n_sent, tx->n_out, &e);
        if (mine)
            add_entry(&out->received, &out->n_received, tx->n_out, &e);
    }
}

void history_view_clear(struct history_view *v)
{
    free(v->sent);
    free(v->received);
    *v = (struct history_view){0};
}
