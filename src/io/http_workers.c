/* The threads that run handlers, and the queue before them. */
#include "io/http_internal.h"

#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"

/* Under the lock. Until there is work or the end. */
static void sleep_for_work(struct http_worker *w)
{
    struct http_server *s = w->server;
    w->asleep = true;
    w->next_idle = s->idle;
    s->idle = w;
    while (w->asleep && !s->stop)
        pthread_cond_wait(&w->wake, &s->lock);
}

static struct http_request *next_request(struct http_worker *w)
{
    struct http_server *s = w->server;
    pthread_mutex_lock(&s->lock);
    while (!s->first && !s->stop)
        sleep_for_work(w);
    struct http_request *rq = s->first;
    if (rq) {
        s->first = rq->next;
        if (!s->first)
            s->last = &s->first;
        s->queued--;
    }
    pthread_mutex_unlock(&s->lock);
    return rq;
}

static void *work(void *arg)
{
    struct http_worker *w = arg;
    struct http_request *rq;
    log_thread_name("httpworker");
    while ((rq = next_request(w)) != NULL)
        rq->route->fn(rq->route->ctx, rq);
    return NULL;
}

bool http_enqueue(struct http_server *s, struct http_request *rq)
{
    struct http_worker *w = NULL;
    pthread_mutex_lock(&s->lock);
    bool room = s->queued < s->opt.queue_depth && !s->stop;
    s->pending++;
    if (room) {
        rq->next = NULL;
        *s->last = rq;
        s->last = &rq->next;
        s->queued++;
        w = s->idle;
    }
    if (w) {
        s->idle = w->next_idle;
        w->asleep = false;
    }
    pthread_mutex_unlock(&s->lock);
    if (w)
        pthread_cond_signal(&w->wake); /* unlocked: it need not wait for us */
    return room;
}

void http_add_pending(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->pending++;
    pthread_mutex_unlock(&s->lock);
}

void http_settle(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->pending--;
    pthread_cond_broadcast(&s->settled);
    pthread_mutex_unlock(&s->lock);
}

void http_wait_settled(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->pending > 0)
        pthread_cond_wait(&s->settled, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void http_server_start(struct http_server *s)
{
    unsigned n = s->opt.threads ? s->opt.threads : 1;
    s->workers = xcalloc(n, sizeof(*s->workers));
    for (unsigned i = 0; i < n; i++) {
        struct http_worker *w = &s->workers[i];
        w->server = s;
        pthread_cond_init(&w->wake, NULL);
        if (pthread_create(&w->thread, NULL, work, w) != 0)
            break;
        s->n_workers++;
    }
    ASSERT(s->n_workers > 0);
}

void http_workers_stop(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    for (unsigned i = 0; i < s->n_workers; i++)
        pthread_cond_signal(&s->workers[i].wake);
    pthread_mutex_unlock(&s->lock);
}

void http_workers_join(struct http_server *s)
{
    for (unsigned i = 0; i < s->n_workers; i++) {
        pthread_join(s->workers[i].thread, NULL);
        pthread_cond_destroy(&s->workers[i].wake);
    }
    free(s->workers);
}
