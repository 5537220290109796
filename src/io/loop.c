#include "io/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/log.h"
#include "util/mem.h"

struct post {
    void (*fn)(void *arg);
    void *arg;
};

struct loop {
    struct event_base *base;
    struct event *wake; /* readable: there are posts */
    int wake_fd;
    struct logger *log;
    pthread_t thread;
    const char *name;
    atomic_bool running;
    pthread_mutex_t lock; /* of the posts */
    struct post *posts;   /* owned */
    size_t len, cap;
    bool stop;
};

/* Runs what was posted before this moment; what that posts in turn waits for the next
 * round. */
static void run_posts(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    uint64_t count;
    (void)what;
    if (read(fd, &count, sizeof(count)) < 0)
        return;
    pthread_mutex_lock(&l->lock);
    struct post *posts = l->posts;
    size_t n = l->len;
    l->posts = NULL;
    l->len = l->cap = 0;
    bool stop = l->stop;
    pthread_mutex_unlock(&l->lock);
    for (size_t i = 0; i < n; i++)
        posts[i].fn(posts[i].arg);
    free(posts);
    if (stop)
        event_base_loopbreak(l->base);
}

static pthread_once_t threads_once = PTHREAD_ONCE_INIT;

static void use_threads(void)
{
    evthread_use_pthreads();
}

struct loop *loop_new(struct logger *lg)
{
    struct loop *l = xcalloc(1, sizeof(*l));
    pthread_once(&threads_once, use_threads);
    l->log = lg;
    l->base = event_base_new();
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ASSERT(l->base && l->wake_fd >= 0);
    l->wake = event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, run_posts, l);
    ASSERT(l->wake && event_add(l->wake, NULL) == 0);
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

static _Thread_local const struct loop *this_loop; /* that runs on this thread */

static void *run(void *arg)
{
    struct loop *l = arg;
    this_loop = l;
    log_thread_name(l->name);
    event_base_dispatch(l->base);
    return NULL;
}

enum err loop_start(struct loop *l, const char *name)
{
    l->name = name;
    l->stop = false;
    atomic_store(&l->running, true);
    if (pthread_create(&l->thread, NULL, run, l) == 0)
        return ERR_OK;
    atomic_store(&l->running, false);
    return ERR_IO;
}

static void wake(struct loop *l)
{
    uint64_t one = 1;
    ASSERT(write(l->wake_fd, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN);
}

void loop_stop(struct loop *l)
{
    if (!atomic_load(&l->running))
        return;
    ASSERT(!loop_on_thread(l));
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_mutex_unlock(&l->lock);
    wake(l);
    pthread_join(l->thread, NULL);
    atomic_store(&l->running, false);
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    ASSERT(!atomic_load(&l->running));
    event_free(l->wake);
    event_base_free(l->base);
    close(l->wake_fd);
    pthread_mutex_destroy(&l->lock);
    free(l->posts);
    free(l);
}

bool loop_on_thread(const struct loop *l)
{
    return this_loop == l;
}

void loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&l->lock);
    if (l->len == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->posts = xrealloc_array(l->posts, l->cap, sizeof(*l->posts));
    }
    l->posts[l->len++] = (struct post){fn, arg};
    bool first = l->len == 1;
    pthread_mutex_unlock(&l->lock);
    if (first)
        wake(l);
}

struct waiting_call {
    void (*fn)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool ran;
};

static void run_waiting_call(void *arg)
{
    struct waiting_call *c = arg;
    c->fn(c->arg);
    pthread_mutex_lock(&c->lock);
    c->ran = true;
    pthread_cond_signal(&c->done);
    pthread_mutex_unlock(&c->lock);
}

void loop_call(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct waiting_call c = {fn, arg, PTHREAD_MUTEX_INITIALIZER,
                             PTHREAD_COND_INITIALIZER, false};
    if (!atomic_load(&l->running) || loop_on_thread(l)) {
        fn(arg);
        return;
    }
    loop_post(l, run_waiting_call, &c);
    pthread_mutex_lock(&c.lock);
    while (!c.ran)
        pthread_cond_wait(&c.done, &c.lock);
    pthread_mutex_unlock(&c.lock);
    pthread_mutex_destroy(&c.lock);
    pthread_cond_destroy(&c.done);
}

struct loop_timer {
    struct event *ev;
    void (*fn)(void *arg);
    void *arg;
};

static void timer_due(evutil_socket_t fd, short what, void *arg)
{
    struct loop_timer *t = arg;
    (void)fd;
    (void)what;
    t->fn(t->arg); /* may free t */
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct loop_timer *t = xcalloc(1, sizeof(*t));
    t->ev = evtimer_new(l->base, timer_due, t);
    ASSERT(t->ev);
    t->fn = fn;
    t->arg = arg;
    return t;
}

void loop_timer_free(struct loop_timer *t)
{
    if (!t)
        return;
    event_free(t->ev);
    free(t);
}

void loop_timer_set(struct loop_timer *t, int64_t delay_ms)
{
    if (delay_ms < 0)
        delay_ms = 0;
    struct timeval tv = {delay_ms / 1000, delay_ms % 1000 * 1000};
    evtimer_add(t->ev, &tv);
}

void loop_timer_cancel(struct loop_timer *t)
{
    evtimer_del(t->ev);
}

struct event_base *loop_base(struct loop *l)
{
    return l->base;
}
