/* /metrics: what monitoring wants to know, in Prometheus' text format 0.0.4. Shown by
 * GET on the RPC port with -metrics, without a password: nothing of wallets but their
 * number is in it, and no address. */
#ifndef OCHRE_RPC_METRICS_H
#define OCHRE_RPC_METRICS_H

#include <stddef.h>

#include "rpc/context.h"
#include "util/histogram.h"

struct http_server;

/* Before the server listens. */
void metrics_route(struct http_server *s, struct node *n);

/* -- For the gatherers, one for each subject (metrics_<subject>.c) -- */

enum metric_type {
    METRIC_GAUGE,
    METRIC_COUNTER, /* only grows; its name ends in _total */
    METRIC_HISTOGRAM,
};

struct metrics {
    struct node *node;
    struct buf *out;
    const char *family; /* whose samples come now */
};

/* Begins a family: all its samples follow. */
void metrics_family(struct metrics *m, const char *name, enum metric_type type,
                    const char *help);
/* A sample without labels, or with a="b",c="d" from names of our own. */
void metrics_value(struct metrics *m, double value);
void metrics_sample(struct metrics *m, double value, const char *labels, ...)
    PRINTF_LIKE(3, 4);
/* All samples of a histogram; @labels may be "". */
void metrics_histogram(struct metrics *m, const struct histogram *h,
                       const char *labels);

/* Families of a single sample, as a table over a struct of doubles. */
struct metric {
    const char *name;
    enum metric_type type;
    size_t offset; /* of the value */
    const char *help;
};
#define METRIC(facts, name, type, member, help)                                        \
    {                                                                                  \
        name, METRIC_##type, offsetof(struct facts, member), help                      \
    }
void metrics_table(struct metrics *m, const struct metric *rows, size_t n,
                   const void *facts);

/* Each takes locks for moments only and walks nothing that grows with the chain. */
void metrics_of_chain(struct metrics *m);
void metrics_of_mempool(struct metrics *m);
void metrics_of_net(struct metrics *m);
void metrics_of_rpc(struct metrics *m);
void metrics_of_tickets(struct metrics *m);
void metrics_of_process(struct metrics *m);

#endif
