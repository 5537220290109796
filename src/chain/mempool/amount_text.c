/* Amounts in words, as reasons and log lines have them. */
#include <stdio.h>

#include "chain/mempool/pool.h"

const char *pool_rate_text(const struct mempool *mp, char out[POOL_AMOUNT_TEXT],
                           int64_t rate)
{
    const struct chain_params *p = chainman_params(mp->cm);
    char number[32];
    snprintf(out, POOL_AMOUNT_TEXT, "%s %s/kvB",
             amount_format(number, amount_of(rate), p->decimals), p->unit);
    return out;
}

const char *pool_money_text(const struct mempool *mp, char out[POOL_AMOUNT_TEXT],
                            int64_t v)
{
    amount_format(out, amount_of(v), chainman_params(mp->cm)->decimals);
    size_t n = strlen(out);
    while (n > 3 && out[n - 1] == '0' && out[n - 3] != '.')
        out[--n] = '\0';
    return out;
}
