/* The queue between the validation thread, which must not wait, and the wallets, which
 * may take their time. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "wallet/follow_impl.h"
#include "wallet/rebroadcast.h"

/* Blocks in the queue are kept in memory up to this; later ones are read from disk
 * when their turn comes. */
#define MAX_HELD_BYTES (64u << 20)
#define TIMER_US       (60 * INT64_C(1000000))

enum event_kind {
    EVENT_CONNECTED,
    EVENT_DISCONNECTED,
    EVENT_TX_ADDED,
    EVENT_TX_REMOVED,
    EVENT_FLUSHED,
    EVENT_JUMPED,
};

struct event {
    enum event_kind kind;
    uint64_t number;
    struct block *block; /* owned reference; NULL: not held */
    struct tx *tx;       /* owned reference */
    struct chain_point at;
    enum feed_removal why;
    struct event *next;
};

struct chain_feed {
    const struct chain_source *chain;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more; /* events, or an end */
    pthread_cond_t done; /* an event was handled, a wallet is free, or a tip came */
    /* All below under the lock. */
    struct event *first, **end;
    uint64_t queued, handled; /* counts of events */
    size_t held_bytes;
    struct hash256 tip; /* of the last block event */
    uint64_t n_tips;    /* block events so far */
    struct follower *followers;
    struct follower *busy; /* the one that hears of an event just now */
    int64_t timer_due;     /* steady microseconds */
    bool stop;
};

/* -- In -- */

/* With the lock. NULL: nobody would hear of it. */
static struct event *push(struct chain_feed *f, enum event_kind kind)
{
    if (f->followers == NULL)
        return NULL;
    struct event *ev = xcalloc(1, sizeof(*ev));
    ev->kind = kind;
    ev->number = ++f->queued;
    *f->end = ev;
    f->end = &ev->next;
    pthread_cond_signal(&f->more);
    return ev;
}

static void hold_block(struct chain_feed *f, struct event *ev, const struct block *b)
{
    if (f->held_bytes + b->raw.len > MAX_HELD_BYTES)
        return;
    f->held_bytes += b->raw.len;
    ev->block = block_ref(b);
}

static void push_block(struct chain_feed *f, enum event_kind kind,
                       const struct block *b, const struct chain_point *at,
                       const struct hash256 *tip)
{
    pthread_mutex_lock(&f->lock);
    struct event *ev = push(f, kind);
    if (ev != NULL) {
        ev->at = *at;
        if (b != NULL)
            hold_block(f, ev, b);
    }
    f->tip = *tip;
    f->n_tips++;
    pthread_cond_broadcast(&f->done);
    pthread_mutex_unlock(&f->lock);
}

static void push_tx(struct chain_feed *f, enum event_kind kind, const struct tx *tx,
                    enum feed_removal why)
{
    pthread_mutex_lock(&f->lock);
    struct event *ev = push(f, kind);
    if (ev != NULL) {
        ev->tx = tx_ref(tx);
        ev->why = why;
    }
    pthread_mutex_unlock(&f->lock);
}

void chain_feed_connected(struct chain_feed *f, const struct block *b,
                          const struct chain_point *at)
{
    push_block(f, EVENT_CONNECTED, b, at, &at->hash);
}

void chain_feed_disconnected(struct chain_feed *f, const struct block *b,
                             const struct chain_point *at)
{
    push_block(f, EVENT_DISCONNECTED, b, at, &b->header.prev);
}

void chain_feed_tx_added(struct chain_feed *f, const struct tx *tx)
{
    push_tx(f, EVENT_TX_ADDED, tx, FEED_REMOVED_OTHER);
}

void chain_feed_tx_removed(struct chain_feed *f, const struct tx *tx,
                           enum feed_removal why)
{
    push_tx(f, EVENT_TX_REMOVED, tx, why);
}

void chain_feed_jumped(struct chain_feed *f, const struct chain_point *to)
{
    push_block(f, EVENT_JUMPED, NULL, to, &to->hash);
}

void chain_feed_flushed(struct chain_feed *f)
{
    pthread_mutex_lock(&f->lock);
    push(f, EVENT_FLUSHED);
    pthread_mutex_unlock(&f->lock);
}

void chain_feed_run_timers(struct chain_feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->timer_due = 0;
    pthread_cond_signal(&f->more);
    pthread_mutex_unlock(&f->lock);
}

/* -- Out -- */

static void save_best(struct follower *f)
{
    enum err e = follow_save_best(f, &f->best);
    if (e != ERR_OK)
        log_error(f->w->opt->log, "[%s] Could not note the best block: %s", f->w->name,
                  err_text(e));
}

static void tell(struct follower *f, const struct event *ev)
{
    wallet_lock(f->w);
    switch (ev->kind) {
    case EVENT_CONNECTED:
        follow_block_connected(f, ev->block, &ev->at);
        break;
    case EVENT_DISCONNECTED:
        follow_block_disconnected(f, ev->block, &ev->at);
        break;
    case EVENT_TX_ADDED:
        follow_tx_added(f, ev->tx);
        break;
    case EVENT_TX_REMOVED:
        follow_tx_removed(f, ev->tx, ev->why);
        break;
    case EVENT_FLUSHED:
        save_best(f);
        break;
    case EVENT_JUMPED:
        follow_jumped(f, &ev->at);
        break;
    }
    wallet_unlock(f->w);
}

/* The next follower behind @last that is to hear of event @number; it is busy then, and
 * will not leave. Followers are kept in the order in which they joined. */
static struct follower *next_follower(struct chain_feed *f, struct follower *last,
                                      uint64_t number)
{
    struct follower *next;
    pthread_mutex_lock(&f->lock);
    next = last != NULL ? last->next : f->followers;
    while (next != NULL && next->since >= number)
        next = next->next;
    f->busy = next;
    pthread_cond_broadcast(&f->done);
    pthread_mutex_unlock(&f->lock);
    return next;
}

static void handle(struct chain_feed *f, const struct event *ev)
{
    struct follower *to = NULL;
    while ((to = next_follower(f, to, ev->number)) != NULL)
        tell(to, ev);
}

static void event_free(struct event *ev)
{
    block_unref(ev->block);
    tx_unref(ev->tx);
    free(ev);
}

static void finish(struct chain_feed *f, struct event *ev)
{
    pthread_mutex_lock(&f->lock);
    if (ev->block != NULL)
        f->held_bytes -= ev->block->raw.len;
    f->handled = ev->number;
    pthread_cond_broadcast(&f->done);
    pthread_mutex_unlock(&f->lock);
    event_free(ev);
}

static bool timer_is_due(const struct chain_feed *f)
{
    return clock_steady_us() >= f->timer_due;
}

static void wait_for_work(struct chain_feed *f)
{
    struct timespec until = {.tv_sec = f->timer_due / 1000000,
                             .tv_nsec = f->timer_due % 1000000 * 1000};
    pthread_cond_timedwait(&f->more, &f->lock, &until);
}

/* Waits for an event; NULL: the timer is due, or the end has come. */
static struct event *pull(struct chain_feed *f)
{
    pthread_mutex_lock(&f->lock);
    while (f->first == NULL && !f->stop && !timer_is_due(f))
        wait_for_work(f);
    struct event *ev = timer_is_due(f) ? NULL : f->first;
    if (ev != NULL) {
        f->first = ev->next;
        if (f->first == NULL)
            f->end = &f->first;
    }
    pthread_mutex_unlock(&f->lock);
    return ev;
}

static void run_timers(struct chain_feed *f)
{
    struct follower *to = NULL;
    pthread_mutex_lock(&f->lock);
    f->timer_due = clock_steady_us() + TIMER_US;
    pthread_mutex_unlock(&f->lock);
    while ((to = next_follower(f, to, UINT64_MAX)) != NULL)
        wallet_resend_due(to->w);
}

static bool stopped(struct chain_feed *f)
{
    pthread_mutex_lock(&f->lock);
    bool stop = f->stop;
    pthread_mutex_unlock(&f->lock);
    return stop;
}

static void *feed_thread(void *arg)
{
    struct chain_feed *f = arg;
    log_thread_name("wallet");
    while (!stopped(f)) {
        struct event *ev = pull(f);
        if (ev != NULL) {
            handle(f, ev);
            finish(f, ev);
        } else {
            run_timers(f);
        }
    }
    return NULL;
}

/* -- Wallets -- */

void chain_feed_add(struct chain_feed *feed, struct follower *f)
{
    struct follower **end = &feed->followers;
    pthread_mutex_lock(&feed->lock);
    while (*end != NULL)
        end = &(*end)->next;
    *end = f;
    f->next = NULL;
    f->since = feed->queued;
    f->feed = feed;
    pthread_mutex_unlock(&feed->lock);
}

void chain_feed_del(struct chain_feed *feed, struct follower *f)
{
    struct follower **at = &feed->followers;
    pthread_mutex_lock(&feed->lock);
    while (feed->busy == f)
        pthread_cond_wait(&feed->done, &feed->lock);
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->feed = NULL;
    pthread_mutex_unlock(&feed->lock);
}

void chain_feed_drain(struct chain_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    for (uint64_t until = feed->queued; feed->handled < until;)
        pthread_cond_wait(&feed->done, &feed->lock);
    pthread_mutex_unlock(&feed->lock);
}

/* Whether the event about the chain's tip is queued: the chain shows a new tip a moment
 * before. The chain's lock is never taken under the feed's. */
static bool tip_is_queued(struct chain_feed *feed, uint64_t *seen)
{
    pthread_mutex_lock(&feed->lock);
    *seen = feed->n_tips;
    pthread_mutex_unlock(&feed->lock);
    struct chain_point tip = feed->chain->tip(feed->chain->ctx);
    pthread_mutex_lock(&feed->lock);
    bool queued = hash256_equal(&feed->tip, &tip.hash);
    pthread_mutex_unlock(&feed->lock);
    return queued;
}

static void wait_for_tip(struct chain_feed *feed, uint64_t seen)
{
    pthread_mutex_lock(&feed->lock);
    while (feed->n_tips == seen)
        pthread_cond_wait(&feed->done, &feed->lock);
    pthread_mutex_unlock(&feed->lock);
}

void wallet_sync(struct wallet *w)
{
    struct chain_feed *feed = w->follower->feed;
    uint64_t seen;
    if (feed == NULL)
        return;
    while (!tip_is_queued(feed, &seen))
        wait_for_tip(feed, seen);
    chain_feed_drain(feed);
}

/* -- Life -- */

struct chain_feed *chain_feed_new(const struct chain_source *chain)
{
    struct chain_feed *f = xcalloc(1, sizeof(*f));
    pthread_condattr_t steady;
    f->chain = chain;
    f->end = &f->first;
    f->tip = chain->tip(chain->ctx).hash;
    f->timer_due = clock_steady_us() + TIMER_US;
    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&f->more, &steady);
    pthread_cond_init(&f->done, NULL);
    pthread_condattr_destroy(&steady);
    if (pthread_create(&f->thread, NULL, feed_thread, f) == 0)
        return f;
    free(f);
    return NULL;
}

void chain_feed_stop(struct chain_feed *f)
{
    ASSERT(f->followers == NULL);
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_cond_signal(&f->more);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
}

void chain_feed_free(struct chain_feed *f)
{
    if (f == NULL)
        return;
    while (f->first != NULL) {
        struct event *ev = f->first;
        f->first = ev->next;
        event_free(ev);
    }
    pthread_cond_destroy(&f->more);
    pthread_cond_destroy(&f->done);
    pthread_mutex_destroy(&f->lock);
    free(f);
}
