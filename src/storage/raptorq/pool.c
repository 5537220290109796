#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "storage/raptorq/raptorq.h"

struct rq_pool {
    struct rq_workers workers;
    pthread_mutex_t lock;
    pthread_cond_t start, finish;
    void (*job)(void *arg, unsigned i);
    void *arg;
    unsigned n, busy;    /* of the run; threads that have not left it yet */
    uint64_t generation; /* counts runs */
    bool quit;
    atomic_uint next;
    unsigned n_threads;
    pthread_t thread[]; /* [n_threads] */
};

static void take_jobs(struct rq_pool *pool)
{
    for (;;) {
        unsigned i = atomic_fetch_add(&pool->next, 1);

        if (i >= pool->n)
            return;
        pool->job(pool->arg, i);
    }
}

static void *thread_main(void *arg)
{
    struct rq_pool *pool = arg;
    uint64_t seen = 0;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->generation == seen && !pool->quit)
            pthread_cond_wait(&pool->start, &pool->lock);
        if (pool->quit)
            break;
        seen = pool->generation;
        pthread_mutex_unlock(&pool->lock);
        take_jobs(pool);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->finish);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void run(void *self, void (*job)(void *arg, unsigned i), void *arg, unsigned n)
{
    struct rq_pool *pool = self;

    pthread_mutex_lock(&pool->lock);
    pool->job = job;
    pool->arg = arg;
    pool->n = n;
    pool->busy = pool->n_threads;
    atomic_store(&pool->next, 0);
    pool->generation++;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    take_jobs(pool);
    pthread_mutex_lock(&pool->lock);
    while (pool->busy)
        pthread_cond_wait(&pool->finish, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

struct rq_pool *rq_pool_new(unsigned threads)
{
    unsigned others = threads > 1 ? threads - 1 : 0;
    struct rq_pool *pool = calloc(1, sizeof(*pool) + others * sizeof(pool->thread[0]));

    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->start, NULL);
    pthread_cond_init(&pool->finish, NULL);
    pool->workers =
        (struct rq_workers){.threads = others + 1, .run = run, .self = pool};
    for (; pool->n_threads < others; pool->n_threads++)
        if (pthread_create(&pool->thread[pool->n_threads], NULL, thread_main, pool)) {
            rq_pool_free(pool);
            return NULL;
        }
    return pool;
}

void rq_pool_free(struct rq_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n_threads; i++)
        pthread_join(pool->thread[i], NULL);
    pthread_cond_destroy(&pool->start);
    pthread_cond_destroy(&pool->finish);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

const struct rq_workers *rq_pool_workers(struct rq_pool *pool)
{
    return &pool->workers;
}
