/* The event loop: one thread on which sockets, timers and posted calls run, one at a
 * time. */
#ifndef OCHRE_IO_LOOP_H
#define OCHRE_IO_LOOP_H

#include "util/err.h"

struct event_base;
struct logger;

struct loop;
struct loop *loop_new(struct logger *lg);
/* Runs the loop on a thread of its own until loop_stop. @name is the thread's. */
NODISCARD enum err loop_start(struct loop *l, const char *name);
/* Ends the thread after the callback that runs now, then waits for it. Not from the
 * loop. */
void loop_stop(struct loop *l);
/* After loop_stop. Posts that did not run are dropped. */
void loop_free(struct loop *l);
bool loop_on_thread(const struct loop *l);

/* Runs fn(arg) on the loop's thread as soon as possible, in the order of the posts;
 * from any thread. */
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg);
/* The same and waits until it has run. At once when called on the loop, or when the
 * loop does not run. */
void loop_call(struct loop *l, void (*fn)(void *arg), void *arg);

/* Timers: made, set and freed on the loop's thread (or while it does not run). Real
 * time, not mock time: what follows mock time runs a short timer and asks the clock. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg);
void loop_timer_free(
    struct loop_timer *t); /* NULL is fine; also from its own callback */
void loop_timer_set(struct loop_timer *t,
                    int64_t delay_ms); /* once; replaces an earlier set */
void loop_timer_cancel(struct loop_timer *t);

/* For src/io only. */
struct event_base *loop_base(struct loop *l);

#endif
