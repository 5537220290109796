/* How long transactions of each fee rate waited to be mined, as moving averages over
 * one span of the past. A data point loses weight with every block; times are counted
 * in periods of some blocks. Not locked: fee_estimator.h is. */
#ifndef OCHRE_CHAIN_MEMPOOL_FEE_STATS_H
#define OCHRE_CHAIN_MEMPOOL_FEE_STATS_H

#include "util/reader.h"
#include "util/sink.h"

/* Upper bounds 1000 * 1.05^i up to 10^7 units per kvB, then one without bound. */
#define FEE_BUCKETS 190

struct fee_stats_shape {
    double decay;     /* what a data point keeps per block */
    unsigned scale;   /* blocks per period */
    unsigned periods; /* how many are told apart */
    double enough;    /* transactions per block that make a range worth a judgement */
};

struct fee_stats {
    const struct fee_stats_shape *shape; /* borrowed */
    /* Weighted numbers of transactions by bucket. Owned; row p of the first two: mined
     * within p + 1 periods; gone without being mined after more than p. */
    double (*mined)[FEE_BUCKETS], (*failed)[FEE_BUCKETS];
    double count[FEE_BUCKETS]; /* mined at all */
    double rates[FEE_BUCKETS]; /* sum of their fee rates */
};

/* Neighbouring buckets judged together, and the evidence. */
struct fee_range {
    int low, high; /* buckets; -1: there is no such range */
    double mined_within, mined, waiting, failed;
};

void fee_stats_init(struct fee_stats *s, const struct fee_stats_shape *shape);
void fee_stats_clear(struct fee_stats *s);
/* The longest target, in blocks. */
unsigned fee_stats_max_target(const struct fee_stats *s);

void fee_stats_decay(struct fee_stats *s); /* once per block, before what it mined */
/* Mined in the @blocks-th block after it came, from 1 on. */
void fee_stats_mined(struct fee_stats *s, unsigned bucket, unsigned blocks,
                     double feerate);
/* Left the pool unmined after @blocks blocks. */
void fee_stats_failed(struct fee_stats *s, unsigned bucket, unsigned blocks);

/* The lowest fee rate for which the share @success was mined within @target blocks,
 * counting ranges from the highest rate down: the mean of the bucket that holds the
 * median transaction; -1: none. @waiting: transactions by bucket that have waited for
 * @target blocks or more. *pass is the range it stands on, *fail the next one, which
 * fell short. */
double fee_stats_median(const struct fee_stats *s, unsigned target, double success,
                        const uint32_t waiting[FEE_BUCKETS], struct fee_range *pass,
                        struct fee_range *fail);

/* The averages; the order stands in fee_file.c. False: no such numbers can come about.
 */
void fee_stats_write(const struct fee_stats *s, struct sink *out);
NODISCARD bool fee_stats_read(struct fee_stats *s, struct reader *r);

#endif
