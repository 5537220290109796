/* Which fee rate gets a transaction mined within how many blocks, learned from how long
 * those of the mempool took: Bitcoin Core 28's estimator. Every function may be called
 * from any thread. Fee rates are units per 1000 vbytes, targets are blocks. */
#ifndef OCHRE_CHAIN_MEMPOOL_FEE_ESTIMATOR_H
#define OCHRE_CHAIN_MEMPOOL_FEE_ESTIMATOR_H

#include "chain/prim/tx.h"

/* Spans of the past: the shorter, the more a block weighs. */
enum fee_horizon {
    FEE_HORIZON_SHORT,  /* targets to 12, half-life 18 blocks */
    FEE_HORIZON_MEDIUM, /* to 48, 144 blocks */
    FEE_HORIZON_LONG,   /* to 1008, 1008 blocks */
    FEE_HORIZONS,
};
#define FEE_MAX_TARGET 1008

struct fee_estimator;

struct fee_estimator *fee_estimator_new(void);
void fee_estimator_free(struct fee_estimator *f);

/* -- Learning -- */
/* A transaction came into the mempool while the tip stood at @height. Only such whose
 * fee alone decides count: without unconfirmed parents, not from a package or a
 * disconnected block, while the node is up to date. */
void fee_estimator_added(struct fee_estimator *f, const struct hash256 *txid,
                         int32_t height, int64_t feerate);
/* It left the mempool, but not into a block. */
void fee_estimator_removed(struct fee_estimator *f, const struct hash256 *txid);
/* A block was connected at @height. Branches below the highest block seen are not
 * counted. */
void fee_estimator_block(struct fee_estimator *f, int32_t height, const struct tx *txs,
                         size_t n);
/* Nobody will see what becomes of those that still wait: as if all left now. Before the
 * last fee_estimator_save. */
void fee_estimator_give_up(struct fee_estimator *f);

/* -- Asking -- */
/* Which of the questions asked gave the highest rate, which is the answer. */
enum fee_basis {
    FEE_BASIS_HALF,         /* half the target, 60 % mined in time */
    FEE_BASIS_FULL,         /* the target, 85 % */
    FEE_BASIS_DOUBLE,       /* twice the target, 95 % */
    FEE_BASIS_CONSERVATIVE, /* the same over a longer horizon */
};
struct fee_estimate {
    int64_t feerate; /* 0: too little is known */
    unsigned target; /* what it holds for: the least and the most that is known */
    enum fee_basis basis;
};
struct fee_estimate fee_estimator_smart(struct fee_estimator *f, unsigned target,
                                        bool conservative);

/* A range of fee rates and how its transactions fared. */
struct fee_bucket {
    double start, end; /* -1: there is none */
    double mined_within, mined, waiting, failed;
};
struct fee_evidence {
    double decay;
    unsigned scale; /* blocks per period */
    struct fee_bucket pass, fail;
};
unsigned fee_horizon_max_target(enum fee_horizon h);
/* One horizon's answer to one question; @target must be within its range, @success (0
 * to 1) is the share mined in time. 0: none. */
int64_t fee_estimator_raw(struct fee_estimator *f, enum fee_horizon h, unsigned target,
                          double success, struct fee_evidence *out);

/* -- fee_file.c: fee_estimates.dat -- */
/* ERR_CORRUPT, ERR_VERSION; the estimator stays empty then. For a new one only. */
NODISCARD enum err fee_estimator_read(struct fee_estimator *f, struct bytes data);
void fee_estimator_write(struct fee_estimator *f, struct buf *out);
NODISCARD enum err fee_estimator_load(struct fee_estimator *f, const char *path);
NODISCARD enum err fee_estimator_save(struct fee_estimator *f, const char *path);

#endif
