#include "net/extra_txs.h"

#include <stdlib.h>

#include "util/mem.h"

void extra_txs_init(struct extra_txs *e, size_t max)
{
    *e = (struct extra_txs){.max = max};
}

void extra_txs_clear(struct extra_txs *e)
{
    for (size_t i = 0; i < e->n; i++)
        tx_unref(e->items[i]);
    free(e->items);
    extra_txs_init(e, e->max);
}

/* Lets the oldest go until there is room for one more. */
static void make_room(struct extra_txs *e, size_t bytes)
{
    size_t n = 0;
    for (; e->n - n >= e->max || (e->n > n && e->bytes + bytes > EXTRA_TXS_MAX_BYTES);
         n++) {
        e->bytes -= e->items[n]->total_size;
        tx_unref(e->items[n]);
    }
    if (n)
        memmove(e->items, e->items + n, (e->n - n) * sizeof(*e->items));
    e->n -= n;
}

void extra_txs_add(struct extra_txs *e, const struct tx *tx)
{
    if (!e->max || tx->total_size > EXTRA_TX_MAX_BYTES)
        return;
    make_room(e, tx->total_size);
    e->items = xrealloc_array(e->items, e->n + 1, sizeof(*e->items));
    e->items[e->n++] = tx_ref(tx);
    e->bytes += tx->total_size;
}
