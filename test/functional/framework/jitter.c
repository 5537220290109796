/* Makes the threads of a daemon late at random, preloaded into it (see
 * framework/jitter.py).
 *
 * Wherever a thread waits for, or takes turns with, another one it may sleep for a
 * moment: after it has been woken, before it takes a lock, sends, reads or writes to
 * the disk, and when it begins. No order that the daemon promises is changed by that,
 * only what was left to chance.
 *
 * $OCHRE_JITTER is the seed (none or 0: nobody is late), $OCHRE_JITTER_MS the longest
 * sleep. A thread's sleeps follow from the seed and its number in order of the first
 * sleep. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_MS 20
#define ODDS       1000

/* How often in 1000 a thread is late, and for which part of the longest sleep at most.
 * Locks are taken millions of times, so a rare sleep is enough there. */
struct habit {
    unsigned odds, part;
};

static const struct habit woken = {100, 1}, moved = {30, 2}, signalled = {50, 2},
                          locks = {1, 4}, disk = {20, 2}, begins = {500, 1};

static uint64_t seed;
static uint64_t longest_ns;
static atomic_uint threads;
static _Thread_local uint64_t state;

__attribute__((constructor)) static void start(void)
{
    const char *ms = getenv("OCHRE_JITTER_MS"), *text = getenv("OCHRE_JITTER");
    longest_ns = (ms != NULL ? strtoull(ms, NULL, 10) : DEFAULT_MS) * 1000000;
    seed = text != NULL ? strtoull(text, NULL, 10) : 0;
}

/* Splitmix64. */
static uint64_t draw(void)
{
    if (state == 0)
        state = seed + ((uint64_t)atomic_fetch_add(&threads, 1) << 48);
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void late(struct habit h)
{
    if (seed == 0 || longest_ns == 0 || draw() % ODDS >= h.odds)
        return;
    int error = errno;
    uint64_t ns = draw() % (longest_ns / h.part + 1);
    struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    nanosleep(&t, NULL);
    errno = error;
}

/* Looked up at the first call, since libraries lock before our constructor runs;
 * threads that do it at once find the same. */
#define REAL(name)                                                                     \
    static __typeof__(name) *_Atomic real;                                             \
    real = real != NULL ? real : (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define LATE_BEFORE(habit, type, name, params, args)                                   \
    type name params                                                                   \
    {                                                                                  \
        REAL(name);                                                                    \
        late(habit);                                                                   \
        return real args;                                                              \
    }

#define LATE_AFTER(habit, type, name, params, args)                                    \
    type name params                                                                   \
    {                                                                                  \
        REAL(name);                                                                    \
        type result = real args;                                                       \
        late(habit);                                                                   \
        return result;                                                                 \
    }

/* clang-format off */
LATE_AFTER(woken, int, poll, (struct pollfd *f, nfds_t n, int ms), (f, n, ms))
LATE_AFTER(woken, int, epoll_wait, (int fd, struct epoll_event *e, int n, int ms),
           (fd, e, n, ms))
LATE_AFTER(signalled, int, pthread_cond_wait, (pthread_cond_t *c, pthread_mutex_t *m),
           (c, m))
LATE_AFTER(signalled, int, pthread_cond_timedwait,
           (pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t),
           (c, m, t))

LATE_BEFORE(moved, ssize_t, send, (int fd, const void *p, size_t n, int flags),
            (fd, p, n, flags))
LATE_BEFORE(moved, ssize_t, recv, (int fd, void *p, size_t n, int flags),
            (fd, p, n, flags))
LATE_BEFORE(moved, int, connect, (int fd, const struct sockaddr *a, socklen_t n),
            (fd, a, n))
LATE_BEFORE(moved, int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags),
            (fd, a, n, flags))

LATE_BEFORE(locks, int, pthread_mutex_lock, (pthread_mutex_t *m), (m))
LATE_BEFORE(locks, int, pthread_rwlock_rdlock, (pthread_rwlock_t *l), (l))
LATE_BEFORE(locks, int, pthread_rwlock_wrlock, (pthread_rwlock_t *l), (l))

LATE_BEFORE(disk, ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
LATE_BEFORE(disk, ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at),
            (fd, p, n, at))
LATE_BEFORE(disk, int, fsync, (int fd), (fd))
LATE_BEFORE(disk, int, fdatasync, (int fd), (fd))
/* clang-format on */

struct beginning {
    void *(*run)(void *arg);
    void *arg;
};

static void *begin(void *take_beginning)
{
    struct beginning b = *(struct beginning *)take_beginning;
    free(take_beginning);
    late(begins);
    return b.run(b.arg);
}

int pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *),
                   void *arg)
{
    REAL(pthread_create);
    struct beginning *b = malloc(sizeof *b);
    if (b == NULL)
        return EAGAIN;
    *b = (struct beginning){run, arg};
    int error = real(id, attr, begin, b);
    if (error != 0)
        free(b);
    return error;
}
