/* How long things took: counts by duration. Not thread-safe: its owner has a lock. */
#ifndef OCHRE_UTIL_HISTOGRAM_H
#define OCHRE_UTIL_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 10
extern const double histogram_bounds[HISTOGRAM_BOUNDS]; /* seconds, rising */

struct histogram {
    /* What was at most bounds[i], and above bounds[i - 1]; the last: above all. */
    uint64_t counts[HISTOGRAM_BOUNDS + 1];
    double sum; /* seconds */
};

void histogram_add(struct histogram *h, int64_t us);

#endif
