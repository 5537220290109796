/* The latest transactions that are not in the mempool but may well be in the next
 * block: refused, replaced, orphans. For the reconstruction of compact blocks. Bounded
 * in number and in size. */
#ifndef OCHRE_NET_EXTRA_TXS_H
#define OCHRE_NET_EXTRA_TXS_H

#include "chain/prim/tx.h"

#define EXTRA_TX_MAX_BYTES  100000   /* one of them */
#define EXTRA_TXS_MAX_BYTES 10000000 /* all together */

struct extra_txs {
    struct tx **items; /* owned array of owned references, oldest first */
    size_t n, max;
    size_t bytes; /* serialised */
};

void extra_txs_init(struct extra_txs *e, size_t max);
void extra_txs_clear(struct extra_txs *e);
void extra_txs_add(struct extra_txs *e, const struct tx *tx);

#endif
