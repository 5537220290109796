#include "util/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/mem.h"

/* -- Workers and their queue of jobs -------------------------------------- */

struct job {
    void (*fn)(void *arg);
    void *arg;
};

struct pool {
    unsigned workers;
    pthread_t *threads; /* owned */
    char name[16];
    atomic_uint started; /* numbers the threads */
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct job *ring; /* owned; cap is a power of two */
    size_t head, len, cap;
    unsigned asleep;
    bool stop;
};

static bool next_job(struct pool *p, struct job *out)
{
    pthread_mutex_lock(&p->lock);
    while (p->len == 0 && !p->stop) {
        p->asleep++;
        pthread_cond_wait(&p->more, &p->lock);
        p->asleep--;
    }
    bool found = p->len > 0;
    if (found) {
        *out = p->ring[p->head];
        p->head = (p->head + 1) & (p->cap - 1);
        p->len--;
    }
    pthread_mutex_unlock(&p->lock);
    return found;
}

static void *worker(void *arg)
{
    struct pool *p = arg;
    struct job j;
    char name[32];
    snprintf(name, sizeof(name), "%s.%u", p->name, atomic_fetch_add(&p->started, 1));
    log_thread_name(name);
    while (next_job(p, &j))
        j.fn(j.arg);
    return NULL;
}

struct pool *pool_new(unsigned workers, const char *name)
{
    struct pool *p = xcalloc(1, sizeof(*p));
    snprintf(p->name, sizeof(p->name), "%s", name);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    p->threads = xcalloc(workers, sizeof(*p->threads));
    p->cap = 64;
    p->ring = xmalloc(p->cap * sizeof(*p->ring));
    while (p->workers < workers &&
           pthread_create(&p->threads[p->workers], NULL, worker, p) == 0)
        p->workers++;
    return p;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->workers; i++)
        pthread_join(p->threads[i], NULL);
    ASSERT(p->len == 0);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->more);
    free(p->threads);
    free(p->ring);
    free(p);
}

unsigned pool_workers(const struct pool *p)
{
    return p->workers;
}

static void grow_ring(struct pool *p)
{
    struct job *bigger = xmalloc(2 * p->cap * sizeof(*bigger));
    for (size_t i = 0; i < p->len; i++)
        bigger[i] = p->ring[(p->head + i) & (p->cap - 1)];
    free(p->ring);
    p->ring = bigger;
    p->cap *= 2;
    p->head = 0;
}

void pool_submit(struct pool *p, void (*fn)(void *arg), void *arg)
{
    if (p->workers == 0) {
        fn(arg);
        return;
    }
    pthread_mutex_lock(&p->lock);
    if (p->len == p->cap)
        grow_ring(p);
    p->ring[(p->head + p->len++) & (p->cap - 1)] = (struct job){fn, arg};
    bool wake = p->asleep > 0;
    pthread_mutex_unlock(&p->lock);
    if (wake)
        pthread_cond_signal(&p->more); /* unlocked: the woken need not wait for us */
}

/* -- pool_for ------------------------------------------------------------- */

/* Shared by the caller and its helpers; the last one frees it, since a helper may get
 * its turn only after the caller has long gone on. */
struct loop_job {
    size_t n, chunk;
    bool (*fn)(void *ctx, size_t i);
    void *ctx;
    atomic_size_t next;
    atomic_size_t done; /* items claimed and finished */
    atomic_bool failed;
    atomic_uint refs;
    pthread_mutex_t lock;
    pthread_cond_t finished;
};

static void loop_job_unref(struct loop_job *j)
{
    if (atomic_fetch_sub(&j->refs, 1) != 1)
        return;
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->finished);
    free(j);
}

static void run_chunk(struct loop_job *j, size_t from, size_t to)
{
    for (size_t i = from;
         i < to && !atomic_load_explicit(&j->failed, memory_order_relaxed); i++)
        if (!j->fn(j->ctx, i))
            atomic_store(&j->failed, true);
}

static void run_chunks(struct loop_job *j)
{
    for (;;) {
        size_t from = atomic_fetch_add(&j->next, j->chunk);
        if (from >= j->n)
            return;
        size_t to = j->n - from > j->chunk ? from + j->chunk : j->n;
        run_chunk(j, from, to);
        if (atomic_fetch_add(&j->done, to - from) + (to - from) == j->n) {
            pthread_mutex_lock(&j->lock);
            pthread_cond_signal(&j->finished);
            pthread_mutex_unlock(&j->lock);
        }
    }
}

static void help(void *arg)
{
    run_chunks(arg);
    loop_job_unref(arg);
}

static bool run_alone(size_t n, bool (*fn)(void *ctx, size_t i), void *ctx)
{
    for (size_t i = 0; i < n; i++)
        if (!fn(ctx, i))
            return false;
    return true;
}

bool pool_for(struct pool *p, size_t n, size_t chunk, bool (*fn)(void *ctx, size_t i),
              void *ctx)
{
    if (chunk == 0)
        chunk = 1;
    size_t helpers = n ? (n - 1) / chunk : 0;
    if (helpers > p->workers)
        helpers = p->workers;
    if (helpers == 0)
        return run_alone(n, fn, ctx);
    struct loop_job *j = xcalloc(1, sizeof(*j));
    j->n = n;
    j->chunk = chunk;
    j->fn = fn;
    j->ctx = ctx;
    atomic_init(&j->refs, (unsigned)helpers + 1);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->finished, NULL);
    for (size_t i = 0; i < helpers; i++)
        pool_submit(p, help, j);
    run_chunks(j);
    pthread_mutex_lock(&j->lock);
    while (atomic_load(&j->done) < n)
        pthread_cond_wait(&j->finished, &j->lock);
    pthread_mutex_unlock(&j->lock);
    bool ok = !atomic_load(&j->failed);
    loop_job_unref(j);
    return ok;
}

/* -- check_queue ---------------------------------------------------------- */

#define MAX_BATCH 32

/* Positions count up for ever; item @i stands at i % max_items. Those below `added`
 * were put in, those below `next` are claimed, and `done` of them have ended. The
 * producer alone moves `added` and reuses the places below `base` + max_items, `base`
 * being the last position at which everything was done. A drainer is a job on the pool
 * that takes batches until there are none; it may get its turn long after the queue was
 * empty again. */
struct check_queue {
    struct pool *pool;
    size_t item_size, max_items;
    bool (*run)(void *ctx, void *item);
    void *ctx;
    uint8_t *items; /* owned */
    size_t base;
    atomic_size_t added, next, done;
    atomic_size_t fail_at; /* lowest failing position; SIZE_MAX: none */
    atomic_uint drainers;  /* running or waiting for their turn */
    atomic_bool waiting;   /* the producer, for done to catch up with added */
    pthread_mutex_t lock;
    pthread_cond_t idle;  /* done caught up, or a drainer left */
    uint8_t *failed_item; /* owned: a copy of the item that failed first */
    bool any_failed;
};

struct check_queue *check_queue_new(struct pool *p, size_t item_size, size_t max_items,
                                    bool (*run)(void *ctx, void *item), void *ctx)
{
    struct check_queue *q = xcalloc(1, sizeof(*q));
    q->pool = p;
    q->item_size = item_size;
    q->max_items = max_items;
    q->run = run;
    q->ctx = ctx;
    q->items = xmalloc(item_size * max_items);
    q->failed_item = xmalloc(item_size);
    atomic_init(&q->fail_at, SIZE_MAX);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->idle, NULL);
    return q;
}

static uint8_t *item_at(struct check_queue *q, size_t i)
{
    return q->items + i % q->max_items * q->item_size;
}

/* Claims the next items in order; small batches near the end keep all threads busy. */
static size_t claim(struct check_queue *q, size_t *from)
{
    size_t at = atomic_load(&q->next);
    for (;;) {
        size_t left = atomic_load(&q->added) - at;
        if (left == 0)
            return 0;
        size_t n = left / (2 * (q->pool->workers + 1)) + 1;
        if (n > MAX_BATCH)
            n = MAX_BATCH;
        if (atomic_compare_exchange_weak(&q->next, &at, at + n)) {
            *from = at;
            return n;
        }
    }
}

static void note_failure(struct check_queue *q, size_t i)
{
    size_t lowest = atomic_load(&q->fail_at);
    while (i < lowest && !atomic_compare_exchange_weak(&q->fail_at, &lowest, i)) {
    }
}

static void wake_waiter(struct check_queue *q)
{
    pthread_mutex_lock(&q->lock);
    pthread_cond_broadcast(&q->idle);
    pthread_mutex_unlock(&q->lock);
}

/* Items are claimed in order, so all below a failing one are claimed too; they still
 * run, and those above it are skipped: the lowest failure does not depend on luck. */
static void run_batch(struct check_queue *q, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++) {
        if (i > atomic_load_explicit(&q->fail_at, memory_order_relaxed))
            continue;
        if (!q->run(q->ctx, item_at(q, i)))
            note_failure(q, i);
    }
    atomic_fetch_add(&q->done, n);
    if (atomic_load(&q->waiting))
        wake_waiter(q);
}

static void drain(struct check_queue *q)
{
    size_t from, n;
    while ((n = claim(q, &from)) > 0)
        run_batch(q, from, n);
}

static bool has_work(struct check_queue *q)
{
    return atomic_load(&q->next) < atomic_load(&q->added);
}

/* Says that it leaves, then looks once more: an item added in between has either been
 * seen here, or its producer has seen that a drainer is missing. */
static bool leave(struct check_queue *q)
{
    pthread_mutex_lock(&q->lock);
    atomic_fetch_sub(&q->drainers, 1);
    bool stay = has_work(q);
    if (stay)
        atomic_fetch_add(&q->drainers, 1);
    else
        pthread_cond_broadcast(&q->idle);
    pthread_mutex_unlock(&q->lock); /* the owner may free the queue now */
    return !stay;
}

static void drainer(void *arg)
{
    do
        drain(arg);
    while (!leave(arg));
}

static void wait_done(struct check_queue *q)
{
    drain(q);
    pthread_mutex_lock(&q->lock);
    atomic_store(&q->waiting, true);
    while (atomic_load(&q->done) < atomic_load(&q->added))
        pthread_cond_wait(&q->idle, &q->lock);
    atomic_store(&q->waiting, false);
    pthread_mutex_unlock(&q->lock);
}

/* All is done: remembers a failure and gives all places back. */
static void start_over(struct check_queue *q)
{
    size_t fail_at = atomic_load(&q->fail_at);
    if (fail_at != SIZE_MAX && !q->any_failed) {
        memcpy(q->failed_item, item_at(q, fail_at), q->item_size);
        q->any_failed = true;
    }
    q->base = atomic_load(&q->added);
    atomic_store(&q->fail_at, SIZE_MAX);
}

/* One more drainer when there is room for one. */
static void call_helper(struct check_queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool call = atomic_load(&q->drainers) < q->pool->workers;
    if (call)
        atomic_fetch_add(&q->drainers, 1);
    pthread_mutex_unlock(&q->lock);
    if (call)
        pool_submit(q->pool, drainer, q);
}

static void add_some(struct check_queue *q, const uint8_t *items, size_t n)
{
    size_t at = atomic_load(&q->added);
    for (size_t i = 0; i < n; i++)
        memcpy(item_at(q, at + i), items + i * q->item_size, q->item_size);
    atomic_store(&q->added, at + n);
    if (atomic_load(&q->drainers) < q->pool->workers)
        call_helper(q);
}

void check_queue_add(struct check_queue *q, const void *items, size_t n)
{
    const uint8_t *p = items;
    while (n > 0) {
        size_t room = q->base + q->max_items - atomic_load(&q->added);
        if (room == 0) {
            wait_done(q);
            start_over(q);
            continue;
        }
        size_t part = n < room ? n : room;
        add_some(q, p, part);
        p += part * q->item_size;
        n -= part;
    }
}

bool check_queue_wait(struct check_queue *q, void *failed)
{
    wait_done(q);
    start_over(q);
    bool ok = !q->any_failed;
    if (!ok && failed)
        memcpy(failed, q->failed_item, q->item_size);
    q->any_failed = false;
    return ok;
}

void check_queue_abandon(struct check_queue *q)
{
    atomic_store(&q->fail_at, 0); /* what is not running yet is skipped */
    wait_done(q);
    start_over(q);
    q->any_failed = false;
}

void check_queue_free(struct check_queue *q)
{
    if (!q)
        return;
    check_queue_abandon(q);
    pthread_mutex_lock(&q->lock);
    while (atomic_load(&q->drainers) > 0)
        pthread_cond_wait(&q->idle, &q->lock);
    pthread_mutex_unlock(&q->lock);
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->idle);
    free(q->items);
    free(q->failed_item);
    free(q);
}
