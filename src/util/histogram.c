#include "util/histogram.h"

const double histogram_bounds[HISTOGRAM_BOUNDS] = {0.001, 0.003, 0.01, 0.03, 0.1,
                                                   0.3,   1,     3,    10,   30};

void histogram_add(struct histogram *h, int64_t us)
{
    double s = (double)us / 1e6;
    int i = 0;
    while (i < HISTOGRAM_BOUNDS && s > histogram_bounds[i])
        i++;
    h->counts[i]++;
    h->sum += s;
}
