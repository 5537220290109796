/* What it costs that unconfirmed ancestors pay too little: how much a transaction that
 * spends them must add so that miners at a fee rate take them all. */
#ifndef OCHRE_CHAIN_MINING_BUMP_FEES_H
#define OCHRE_CHAIN_MINING_BUMP_FEES_H

#include "chain/mempool/mempool.h"

/* Both: under the read lock. @feerate in units per 1000 vbytes. Outputs of confirmed or
 * unknown transactions cost nothing. What already spends one of the outputs in the pool
 * is looked upon as replaced. */

/* out[i]: for each output alone. */
void mempool_bump_fees(const struct mempool *mp, const struct outpoint *outs, size_t n,
                       int64_t feerate, struct amount *out);
/* For all of them spent by one transaction: shared ancestors count once. */
struct amount mempool_combined_bump_fee(const struct mempool *mp,
                                        const struct outpoint *outs, size_t n,
                                        int64_t feerate);

#endif
