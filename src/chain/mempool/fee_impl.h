/* The estimator's inside, shared by fee_estimator.c and fee_file.c only. */
#ifndef OCHRE_CHAIN_MEMPOOL_FEE_IMPL_H
#define OCHRE_CHAIN_MEMPOOL_FEE_IMPL_H

#include <pthread.h>

#include "chain/mempool/fee_estimator.h"
#include "chain/mempool/fee_stats.h"
#include "util/map.h"

/* Blocks that an earlier run has seen. */
struct fee_history {
    int32_t first, best; /* 0: none */
};

struct fee_estimator {
    pthread_mutex_t lock;
    double bounds[FEE_BUCKETS]; /* upper ones, inclusive */
    struct fee_stats stats[FEE_HORIZONS];
    struct map waiting; /* txid -> struct waiting: in the mempool, counted */
    /* The same by the height they came at, modulo the size, and those from before. */
    uint32_t recent[FEE_MAX_TARGET][FEE_BUCKETS];
    uint32_t older[FEE_BUCKETS];
    int32_t best_height;  /* highest block seen; 0: none */
    int32_t first_height; /* first block that mined a counted one; 0: none */
    struct fee_history history;
    bool learned; /* the statistics are not all zero */
};

/* Blocks from the first to the last seen, now and in earlier runs. */
int32_t fee_span(const struct fee_estimator *f);
int32_t fee_history_span(const struct fee_estimator *f);

#endif
