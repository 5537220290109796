/* The validation thread, its queue, the chain lock, and who is told of what. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "chain/validation/internal.h"

#define IDLE_CHECK_S 30 /* how often an idle thread looks whether a flush is due */

struct job {
    struct job *next;
    void (*fn)(void *arg);
    void *arg;
    bool *done; /* of a caller who waits and owns the job; NULL: the queue owns it */
};

/* -- Lock -- */

static void rwlock_init(pthread_rwlock_t *rw)
{
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(rw, &attr);
    pthread_rwlockattr_destroy(&attr);
}

void chainman_read_lock(struct chainman *cm)
{
    if (!chainman_on_thread(cm))
        pthread_rwlock_rdlock(&cm->rw);
}

void chainman_read_unlock(struct chainman *cm)
{
    if (!chainman_on_thread(cm))
        pthread_rwlock_unlock(&cm->rw);
}

void chainman_write_lock(struct chainman *cm)
{
    ASSERT(chainman_on_thread(cm));
    if (cm->write_depth++ == 0)
        pthread_rwlock_wrlock(&cm->rw);
}

void chainman_write_unlock(struct chainman *cm)
{
    ASSERT(cm->write_depth > 0);
    if (--cm->write_depth == 0)
        pthread_rwlock_unlock(&cm->rw);
}

/* -- Queue -- */

/* Jobs run one at a time, in order: whoever has the turn runs them. That is the
 * thread, or, when nothing is queued and nothing runs, the caller of chainman_call
 * himself: waking another thread and sleeping meanwhile costs more than accepting a
 * transaction. */
static uintptr_t self(void)
{
    static _Thread_local char mine;
    return (uintptr_t)&mine;
}

bool chainman_on_thread(const struct chainman *cm)
{
    /* Before the thread starts, whoever opens the chain stands in for it. */
    return !cm->thread_started || cm->turn == self();
}

static void enqueue_locked(struct chainman *cm, struct job *j)
{
    j->next = NULL;
    *cm->jobs_tail = j;
    cm->jobs_tail = &j->next;
    pthread_cond_broadcast(&cm->jobs_cond);
}

static struct job *dequeue_locked(struct chainman *cm)
{
    struct job *j = cm->jobs_head;
    if (!j)
        return NULL;
    cm->jobs_head = j->next;
    if (!cm->jobs_head)
        cm->jobs_tail = &cm->jobs_head;
    return j;
}

static void run_job(struct chainman *cm, struct job *j)
{
    bool *done = j->done;
    j->fn(j->arg);
    if (!done) {
        free(j);
        return;
    }
    pthread_mutex_lock(&cm->jobs_mutex);
    *done = true;
    pthread_cond_broadcast(&cm->jobs_cond);
    pthread_mutex_unlock(&cm->jobs_mutex);
}

void jobs_run_pending(struct chainman *cm)
{
    for (;;) {
        pthread_mutex_lock(&cm->jobs_mutex);
        struct job *j = dequeue_locked(cm);
        pthread_mutex_unlock(&cm->jobs_mutex);
        if (!j)
            return;
        run_job(cm, j);
    }
}

static void end_turn(struct chainman *cm)
{
    pthread_mutex_lock(&cm->jobs_mutex);
    cm->turn = 0;
    if (cm->jobs_head || cm->jobs_closed)
        pthread_cond_broadcast(&cm->jobs_cond);
    pthread_mutex_unlock(&cm->jobs_mutex);
}

enum err chainman_call(struct chainman *cm, void (*fn)(void *arg), void *arg)
{
    if (chainman_on_thread(cm)) {
        fn(arg);
        return ERR_OK;
    }
    bool done = false, mine = false;
    struct job j = {.fn = fn, .arg = arg, .done = &done};
    pthread_mutex_lock(&cm->jobs_mutex);
    bool open = !cm->jobs_closed;
    if (open && !cm->turn && !cm->jobs_head) {
        cm->turn = self();
        mine = true;
    } else if (open) {
        enqueue_locked(cm, &j);
        while (!done)
            pthread_cond_wait(&cm->jobs_cond, &cm->jobs_mutex);
    }
    pthread_mutex_unlock(&cm->jobs_mutex);
    if (mine) {
        fn(arg);
        end_turn(cm);
    }
    return open ? ERR_OK : ERR_CLOSED;
}

bool chainman_post(struct chainman *cm, void (*fn)(void *arg), void *arg)
{
    struct job *j = xmalloc(sizeof(*j));
    *j = (struct job){.fn = fn, .arg = arg};
    pthread_mutex_lock(&cm->jobs_mutex);
    bool open = !cm->jobs_closed;
    if (open)
        enqueue_locked(cm, j);
    pthread_mutex_unlock(&cm->jobs_mutex);
    if (!open)
        free(j);
    return open;
}

/* Waits for the turn, with the next job, or NULL when a while passed without one.
 * False: none will come any more, and nobody has the turn. */
static bool take_turn(struct chainman *cm, struct job **j)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_CHECK_S;
    pthread_mutex_lock(&cm->jobs_mutex);
    int rc = 0;
    while (cm->turn || (!cm->jobs_head && !cm->jobs_closed && rc == 0)) {
        rc = pthread_cond_timedwait(&cm->jobs_cond, &cm->jobs_mutex, &until);
        if (rc != 0 && cm->turn)
            until.tv_sec += IDLE_CHECK_S;
    }
    *j = dequeue_locked(cm);
    bool go_on = *j || !cm->jobs_closed;
    if (go_on)
        cm->turn = self();
    pthread_mutex_unlock(&cm->jobs_mutex);
    return go_on;
}

static void *validation_thread(void *arg)
{
    struct chainman *cm = arg;
    struct job *j;
    log_thread_name("validation");
    while (take_turn(cm, &j)) {
        if (j)
            run_job(cm, j);
        else if (!cm->fatal)
            flush_chain(cm, FLUSH_IF_NEEDED);
        end_turn(cm);
    }
    return NULL;
}

static void monotonic_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

void thread_init(struct chainman *cm)
{
    rwlock_init(&cm->rw);
    pthread_mutex_init(&cm->jobs_mutex, NULL);
    monotonic_cond_init(&cm->jobs_cond);
    pthread_mutex_init(&cm->tip_mutex, NULL);
    monotonic_cond_init(&cm->tip_cond);
    cm->jobs_tail = &cm->jobs_head;
}

bool thread_start(struct chainman *cm)
{
    /* The new thread waits for the mutex, so it sees thread_started and its own id. */
    pthread_mutex_lock(&cm->jobs_mutex);
    cm->thread_started = pthread_create(&cm->thread, NULL, validation_thread, cm) == 0;
    pthread_mutex_unlock(&cm->jobs_mutex);
    return cm->thread_started;
}

void thread_stop(struct chainman *cm)
{
    chainman_interrupt(cm);
    if (!cm->thread_started)
        return;
    pthread_join(cm->thread, NULL);
    cm->thread_started = false;
}

void thread_clear(struct chainman *cm)
{
    pthread_cond_destroy(&cm->tip_cond);
    pthread_mutex_destroy(&cm->tip_mutex);
    pthread_cond_destroy(&cm->jobs_cond);
    pthread_mutex_destroy(&cm->jobs_mutex);
    pthread_rwlock_destroy(&cm->rw);
}

void chainman_interrupt(struct chainman *cm)
{
    cm->interrupted = true;
    pthread_mutex_lock(&cm->jobs_mutex);
    cm->jobs_closed = true;
    pthread_cond_broadcast(&cm->jobs_cond);
    pthread_mutex_unlock(&cm->jobs_mutex);
    pthread_mutex_lock(&cm->tip_mutex);
    pthread_cond_broadcast(&cm->tip_cond);
    pthread_mutex_unlock(&cm->tip_mutex);
}

/* -- Stopping -- */

bool chainman_stopping(const struct chainman *cm)
{
    return cm->interrupted || cm->stop_requested;
}

/* The first reason goes to whoever runs the node, who tells the user; later ones to
 * the log. */
static void request_stop(struct chainman *cm, const char *fatal)
{
    if (!atomic_exchange(&cm->stop_requested, true) && cm->opt.request_stop)
        cm->opt.request_stop(cm->opt.stop_ctx, fatal);
    else if (fatal)
        log_error(cm->log, "*** %s", fatal);
}

void chainman_stop_wanted(struct chainman *cm)
{
    request_stop(cm, NULL);
}

bool chainman_fatal(struct chainman *cm, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    cm->fatal = true;
    request_stop(cm, text);
    return false;
}

bool chainman_disk_full(struct chainman *cm, const char *what)
{
    char text[512];
    snprintf(text, sizeof(text),
             "Disk space is too low! %s: free at least 50 MB, then start again", what);
    request_stop(cm, text);
    return false;
}

bool chainman_fatal_err(struct chainman *cm, const char *what, enum err e)
{
    if (e == ERR_FULL)
        return chainman_disk_full(cm, what);
    if (e == ERR_CORRUPT)
        return chainman_fatal(cm,
                              "%s: %s. Please restart with -reindex or "
                              "-reindex-chainstate to recover",
                              what, err_text(e));
    return chainman_fatal(cm, "%s: %s", what, err_text(e));
}

/* -- Waiting for the tip -- */

void tip_announce(struct chainman *cm)
{
    pthread_mutex_lock(&cm->tip_mutex);
    cm->tip_hash = chain_tip(cm)->hash;
    pthread_cond_broadcast(&cm->tip_cond);
    pthread_mutex_unlock(&cm->tip_mutex);
}

void chainman_wait_tip(struct chainman *cm, const struct hash256 *known,
                       int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    int rc = 0;
    pthread_mutex_lock(&cm->tip_mutex);
    while (!cm->interrupted && rc == 0 && hash256_equal(&cm->tip_hash, known))
        rc = timeout_ms > 0
                 ? pthread_cond_timedwait(&cm->tip_cond, &cm->tip_mutex, &until)
                 : pthread_cond_wait(&cm->tip_cond, &cm->tip_mutex);
    pthread_mutex_unlock(&cm->tip_mutex);
}

/* -- Events -- */

void chainman_subscribe(struct chainman *cm, const struct chain_events *ev)
{
    ASSERT(cm->n_subscribers < MAX_SUBSCRIBERS);
    cm->subscribers[cm->n_subscribers++] = *ev;
}

/* Calls one member of every subscriber that has it. */
#define TELL(cm, member, ...)                                                          \
    for (size_t i_ = 0; i_ < (cm)->n_subscribers; i_++)                                \
        if ((cm)->subscribers[i_].member)                                              \
    (cm)->subscribers[i_].member((cm)->subscribers[i_].ctx, __VA_ARGS__)

void event_block_connected(struct chainman *cm, const struct block *b,
                           const struct block_index *bi)
{
    TELL(cm, block_connected, b, bi);
}

void event_block_disconnected(struct chainman *cm, const struct block *b,
                              const struct block_index *bi)
{
    TELL(cm, block_disconnected, b, bi);
}

void event_tip_changed(struct chainman *cm, const struct block_index *fork)
{
    tip_announce(cm);
    bool initial = chainman_ibd(cm);
    TELL(cm, tip_changed, chain_tip(cm), fork, initial);
}

void event_header_tip(struct chainman *cm)
{
    bool initial = chainman_ibd(cm);
    TELL(cm, header_tip, cm->best_header, initial);
}

void event_block_checked(struct chainman *cm, const struct hash256 *hash,
                         const struct reject *rej)
{
    if (rej->code != REJECT_NONE && cm->current_hash &&
        hash256_equal(cm->current_hash, hash))
        *cm->current_reject = *rej;
    TELL(cm, block_checked, hash, rej);
}

void event_new_pow_valid(struct chainman *cm, const struct block_index *bi,
                         const struct block *b)
{
    TELL(cm, new_pow_valid, bi, b);
}

void event_flushed(struct chainman *cm)
{
    TELL(cm, flushed, chain_tip(cm));
}

void event_history_connected(struct chainman *cm, const struct block *b,
                             const struct block_index *bi)
{
    TELL(cm, history_connected, b, bi);
}

void event_snapshot(struct chainman *cm, const struct block_index *base, bool validated)
{
    TELL(cm, snapshot, base, validated);
}

void event_invalid_chain(struct chainman *cm, const char *text)
{
    TELL(cm, invalid_chain, text);
}

void chainman_tx_added(struct chainman *cm, const struct tx *tx,
                       uint64_t mempool_sequence)
{
    TELL(cm, tx_added, tx, mempool_sequence);
}

void chainman_tx_removed(struct chainman *cm, const struct tx *tx, enum tx_removal why,
                         uint64_t mempool_sequence)
{
    TELL(cm, tx_removed, tx, why, mempool_sequence);
}
