#include "wallet/relock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "wallet/crypt.h"
#include "wallet/wallet.h"

struct pending {
    struct wallet *w; /* a reference */
    int64_t at_us;    /* steady */
    struct pending *next;
};

struct relock {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct pending *list; /* owned */
    bool started, stop;
};

struct relock *relock_new(void)
{
    pthread_condattr_t attr;
    struct relock *r = xcalloc(1, sizeof(*r));
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

/* Takes the entry of @w (NULL: any that is due) out of the list. */
static struct pending *take(struct relock *r, const struct wallet *w)
{
    int64_t now = clock_steady_us();
    for (struct pending **at = &r->list; *at != NULL; at = &(*at)->next) {
        struct pending *p = *at;
        if (w != NULL ? p->w != w : p->at_us > now)
            continue;
        *at = p->next;
        return p;
    }
    return NULL;
}

static void drop(struct pending *p)
{
    if (p == NULL)
        return;
    wallet_unref(p->w);
    free(p);
}

static void wait_for_next(struct relock *r)
{
    const struct pending *first = r->list;
    for (const struct pending *p = r->list; p != NULL; p = p->next)
        if (p->at_us < first->at_us)
            first = p;
    if (first == NULL) {
        pthread_cond_wait(&r->changed, &r->lock);
        return;
    }
    const struct timespec at = {first->at_us / 1000000, first->at_us % 1000000 * 1000};
    pthread_cond_timedwait(&r->changed, &r->lock, &at);
}

static void lock_now(struct wallet *w)
{
    wallet_lock(w);
    crypt_lock(w->crypt);
    wallet_unlock(w);
}

static void *run(void *arg)
{
    struct relock *r = arg;
    log_thread_name("relock");
    pthread_mutex_lock(&r->lock);
    while (!r->stop) {
        struct pending *p = take(r, NULL);
        if (p == NULL) {
            wait_for_next(r);
            continue;
        }
        pthread_mutex_unlock(&r->lock);
        lock_now(p->w);
        drop(p);
        pthread_mutex_lock(&r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

void relock_after(struct relock *r, struct wallet *w, int64_t seconds)
{
    struct pending *p = xcalloc(1, sizeof(*p));
    *p = (struct pending){wallet_ref(w), clock_steady_us() + seconds * 1000000, NULL};
    pthread_mutex_lock(&r->lock);
    struct pending *old = take(r, w);
    p->next = r->list;
    r->list = p;
    if (!r->started)
        ASSERT(pthread_create(&r->thread, NULL, run, r) == 0);
    r->started = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    drop(old);
}

void relock_cancel(struct relock *r, struct wallet *w)
{
    pthread_mutex_lock(&r->lock);
    struct pending *old = take(r, w);
    pthread_mutex_unlock(&r->lock);
    drop(old);
}

void relock_free(struct relock *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (r->started)
        pthread_join(r->thread, NULL);
    while (r->list != NULL) {
        struct pending *p = r->list;
        r->list = p->next;
        drop(p);
    }
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
