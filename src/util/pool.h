/* Worker threads for parallel work. A batch is an array of jobs; the caller helps until
 * all are done, so a pool of 0 workers runs everything in the caller. */
#ifndef OCHRE_UTIL_POOL_H
#define OCHRE_UTIL_POOL_H

#include "util/err.h"

struct pool;

/* @workers may be 0. @name: thread names become "<name>.0", "<name>.1", ... */
struct pool *pool_new(unsigned workers, const char *name);
void pool_free(struct pool *p); /* waits for queued jobs */
unsigned pool_workers(const struct pool *p);

/* Fire-and-forget job, run by a worker (or at once when there are none). */
void pool_submit(struct pool *p, void (*fn)(void *arg), void *arg);

/* Runs fn(ctx, i) for i in [0, n), split in chunks over workers and caller; stops
 * handing out work after a false. Returns true when every call returned true. */
bool pool_for(struct pool *p, size_t n, size_t chunk, bool (*fn)(void *ctx, size_t i),
              void *ctx);

/* A queue of checks filled while workers already drain it (script checks of a block).
 */
struct check_queue;
struct check_queue *check_queue_new(struct pool *p, size_t item_size, size_t max_items,
                                    bool (*run)(void *ctx, void *item), void *ctx);
void check_queue_free(struct check_queue *q);
/* Copies n items; workers start at once. One producer at a time. */
void check_queue_add(struct check_queue *q, const void *items, size_t n);
/* Helps until empty; true when all were true. *failed (may be NULL) gets a copy of the
 * failing item with the lowest position. The queue is empty and reusable after. */
bool check_queue_wait(struct check_queue *q, void *failed);
/* After a failure seen elsewhere: drop what is queued and wait for what runs. */
void check_queue_abandon(struct check_queue *q);

#endif
