/* Reading blocks again. A scan goes along the chain that the wallet stands on, block by
 * block, and holds the wallet's lock only while it looks into one. Several blocks are
 * read ahead on the worker pool. */
#include "wallet/scan.h"

#include <stdlib.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/pool.h"
#include "wallet/follow_impl.h"
#include "wallet/scan_filter.h"
#include "wallet/store.h"

#define WINDOW             16 /* blocks read ahead */
#define LOG_INTERVAL_US    (60 * INT64_C(1000000))
#define SAVE_INTERVAL_US   (10 * INT64_C(1000000))
#define TIMESTAMP_WINDOW_S (2 * 60 * 60)

/* -- Reservation -- */

bool scan_begin(struct wallet *w, bool with_passphrase)
{
    struct follower *f = w->follower;
    bool idle = false;
    if (!atomic_compare_exchange_strong(&f->scan.running, &idle, true))
        return false;
    atomic_store(&f->scan.abort, false);
    atomic_store(&f->scan.started, clock_steady_us());
    atomic_store(&f->scan.progress, 0);
    atomic_store(&f->scan.with_passphrase, with_passphrase);
    return true;
}

void scan_end(struct wallet *w)
{
    atomic_store(&w->follower->scan.with_passphrase, false);
    atomic_store(&w->follower->scan.running, false);
}

bool scan_status(const struct wallet *w, int64_t *seconds, double *progress)
{
    const struct follower *f = w->follower;
    if (!atomic_load(&f->scan.running))
        return false;
    *seconds = (clock_steady_us() - atomic_load(&f->scan.started)) / 1000000;
    *progress = atomic_load(&f->scan.progress);
    return true;
}

bool scan_with_passphrase(const struct wallet *w)
{
    return atomic_load(&w->follower->scan.with_passphrase);
}

void scan_abort(struct wallet *w)
{
    atomic_store(&w->follower->scan.abort, true);
}

bool scan_aborting(const struct wallet *w)
{
    return atomic_load(&w->follower->scan.abort);
}

/* -- One window of blocks -- */

struct slot {
    struct chain_point at;
    struct block *block; /* owned reference; NULL: not read */
    bool skipped;        /* its filter says that nothing is in it */
};

struct scan {
    struct wallet *w;
    const struct chain_source *chain;
    const struct scan_options *opt;
    struct scan_report *report;
    struct scan_filter *filter; /* NULL: every block is read */
    struct slot slots[WINDOW];
    int32_t next; /* height */
    int64_t next_log, next_save;
    double progress_begin, progress_end;
};

/* Heights up to the end that are on the wallet's own chain now. */
static size_t fill_window(struct scan *s)
{
    size_t n = 0;
    wallet_lock(s->w);
    struct chain_point best = follow_best(s->w);
    int32_t end =
        s->opt->to >= 0 && s->opt->to < best.height ? s->opt->to : best.height;
    for (int32_t h = s->next; h <= end && n < WINDOW; h++, n++) {
        s->slots[n] = (struct slot){.at = CHAIN_POINT_NONE};
        if (!s->chain->ancestor(s->chain->ctx, &best.hash, h, &s->slots[n].at))
            break;
    }
    wallet_unlock(s->w);
    return n;
}

static bool read_slot(void *ctx, size_t i)
{
    struct scan *s = ctx;
    struct slot *slot = &s->slots[i];
    struct chain_point *at = &slot->at;
    slot->skipped = s->filter != NULL && scan_filter_misses(s->filter, &at->hash);
    if (!slot->skipped &&
        s->chain->read_block(s->chain->ctx, &at->hash, &slot->block) != ERR_OK)
        slot->block = NULL;
    return true;
}

static void read_window(struct scan *s, size_t n)
{
    if (s->filter != NULL)
        scan_filter_update(s->filter, s->w);
    if (s->chain->workers != NULL)
        pool_for(s->chain->workers, n, 1, read_slot, s);
    else
        for (size_t i = 0; i < n; i++)
            read_slot(s, i);
}

static bool on_our_chain(const struct scan *s, const struct chain_point *at)
{
    struct chain_point best = follow_best(s->w), p;
    return at->height <= best.height &&
           s->chain->ancestor(s->chain->ctx, &best.hash, at->height, &p) &&
           chain_point_equal(&p, at);
}

static enum err look_into(struct scan *s, const struct slot *slot)
{
    const struct sighting where = {
        .state = WTX_CONFIRMED, .block = slot->at, .rescan = true};
    store_begin(s->w->store);
    enum err e = txstore_see_block(s->w, slot->block, &where, s->opt->update, NULL);
    return store_end(s->w->store, e);
}

static enum err note_progress(struct scan *s)
{
    int64_t now = clock_steady_us();
    if (!s->opt->save_progress || now < s->next_save)
        return ERR_OK;
    s->next_save = now + SAVE_INTERVAL_US;
    return follow_save_best(s->w->follower, &s->report->last);
}

enum step {
    STEP_ON,
    STEP_AGAIN, /* the chain has changed: from s->next on */
    STEP_FAILED,
};

static enum step take_slot(struct scan *s, const struct slot *slot)
{
    enum step step = STEP_ON;
    wallet_lock(s->w);
    if (!on_our_chain(s, &slot->at)) {
        step = STEP_AGAIN;
    } else if (!slot->skipped && slot->block == NULL) {
        s->report->failed = slot->at;
        step = STEP_ON;
    } else if (slot->block != NULL && look_into(s, slot) != ERR_OK) {
        step = STEP_FAILED;
    } else {
        s->report->last = slot->at;
        if (note_progress(s) != ERR_OK)
            step = STEP_FAILED;
    }
    wallet_unlock(s->w);
    return step;
}

/* -- Progress -- */

static double progress_at(const struct scan *s, const struct chain_point *at)
{
    return s->chain->progress(s->chain->ctx, &at->hash);
}

static void show_progress(struct scan *s, const struct chain_point *at)
{
    double done = progress_at(s, at) - s->progress_begin;
    double all = s->progress_end - s->progress_begin;
    double share = all <= 0 ? 0 : done / all;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    atomic_store(&s->w->follower->scan.progress, share);
    if (clock_steady_us() < s->next_log)
        return;
    s->next_log = clock_steady_us() + LOG_INTERVAL_US;
    wallet_log(s->w, "Still rescanning. At block %d. Progress=%f", (int)at->height,
               share);
}

/* -- The scan -- */

static bool must_stop(const struct scan *s)
{
    return scan_aborting(s->w) || s->chain->stopping(s->chain->ctx);
}

static void clear_window(struct scan *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        block_unref(s->slots[i].block);
        s->slots[i].block = NULL;
    }
}

/* Later filters must be asked for scripts that were added meanwhile. */
static bool filters_outdated(const struct scan *s)
{
    return s->filter != NULL && scan_filter_outdated(s->filter, s->w);
}

/* False: the scan cannot go on. */
static bool take_window(struct scan *s, size_t n)
{
    for (size_t i = 0; i < n && !must_stop(s); i++) {
        enum step step = take_slot(s, &s->slots[i]);
        if (step != STEP_ON)
            return step == STEP_AGAIN;
        s->next = s->slots[i].at.height + 1;
        show_progress(s, &s->slots[i].at);
        if (filters_outdated(s))
            return true;
    }
    return true;
}

static void run(struct scan *s)
{
    bool go_on = true;
    while (go_on && !must_stop(s)) {
        size_t n = fill_window(s);
        if (n == 0)
            return;
        read_window(s, n);
        go_on = take_window(s, n);
        clear_window(s, n);
    }
    s->report->result = go_on ? SCAN_ABORTED : SCAN_FAILED;
}

static void set_progress_range(struct scan *s)
{
    struct chain_block first;
    wallet_lock(s->w);
    struct chain_point best = follow_best(s->w);
    wallet_unlock(s->w);
    s->progress_end = progress_at(s, &best);
    if (s->opt->to >= 0 && s->chain->at(s->chain->ctx, s->opt->to, &first))
        s->progress_end = progress_at(s, &first.at);
    if (s->chain->at(s->chain->ctx, s->opt->from, &first))
        s->progress_begin = progress_at(s, &first.at);
}

static void log_start(const struct scan *s)
{
    char hex[65];
    struct chain_block first = {0};
    s->chain->at(s->chain->ctx, s->opt->from, &first);
    wallet_log(s->w, "Rescan started from block %s... (%s)",
               hash256_to_hex(hex, &first.at.hash),
               s->filter != NULL ? "fast variant using block filters"
                                 : "slow variant inspecting all blocks");
}

static void log_end(const struct scan *s, int64_t us)
{
    const struct scan_report *r = s->report;
    if (r->result == SCAN_ABORTED)
        wallet_log(s->w, "Rescan aborted at block %d. Progress=%f", (int)r->last.height,
                   atomic_load(&s->w->follower->scan.progress));
    else
        wallet_log(s->w, "Rescan completed in %15lldms", (long long)(us / 1000));
}

void wallet_scan(struct wallet *w, const struct scan_options *opt,
                 struct scan_report *out)
{
    int64_t start = clock_steady_us();
    struct scan s = {
        .w = w,
        .chain = w->opt->chain,
        .opt = opt,
        .report = out,
        .filter = scan_filter_new(w),
        .next = opt->from,
        .next_log = start + LOG_INTERVAL_US,
        .next_save = start + SAVE_INTERVAL_US,
    };
    *out = (struct scan_report){
        .result = SCAN_DONE, .last = CHAIN_POINT_NONE, .failed = CHAIN_POINT_NONE};
    log_start(&s);
    set_progress_range(&s);
    run(&s);
    if (out->result == SCAN_DONE && out->failed.height >= 0)
        out->result = SCAN_FAILED;
    if (opt->to < 0 && out->result == SCAN_DONE)
        follow_see_mempool(w->follower);
    log_end(&s, clock_steady_us() - start);
    scan_filter_free(s.filter);
}

int64_t wallet_scan_since(struct wallet *w, int64_t time, bool update)
{
    const struct chain_source *chain = w->opt->chain;
    struct scan_options opt = {.to = -1, .update = update};
    struct scan_report report;
    struct chain_block block;
    if (!chain->first_since(chain->ctx, time - TIMESTAMP_WINDOW_S, 0, &block))
        return time;
    opt.from = block.at.height;
    wallet_scan(w, &opt, &report);
    if (report.failed.height < 0 ||
        !chain->find(chain->ctx, &report.failed.hash, &block))
        return time;
    return block.time_max + TIMESTAMP_WINDOW_S + 1;
}
