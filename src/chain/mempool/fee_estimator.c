#include "chain/mempool/fee_estimator.h"

#include <math.h>
#include <stdlib.h>

#include "chain/mempool/fee_impl.h"
#include "util/mem.h"

#define LOWEST_BOUND   1000.0
#define HIGHEST_BOUND  1e7
#define BOUND_SPACING  1.05
#define UNBOUNDED      1e99
#define MAX_HISTORY    (6 * FEE_MAX_TARGET) /* blocks until earlier runs are forgotten */
#define HALF_SUCCESS   0.60
#define FULL_SUCCESS   0.85
#define DOUBLE_SUCCESS 0.95

static const struct fee_stats_shape shapes[FEE_HORIZONS] = {
    [FEE_HORIZON_SHORT] = {.decay = .962, .scale = 1, .periods = 12, .enough = 0.5},
    [FEE_HORIZON_MEDIUM] = {.decay = .9952, .scale = 2, .periods = 24, .enough = 0.1},
    [FEE_HORIZON_LONG] = {.decay = .99931, .scale = 24, .periods = 42, .enough = 0.1},
};

/* One that waits in the mempool. */
struct waiting {
    int64_t feerate;
    int32_t height;
    uint32_t bucket;
};

/* -- Life -- */

static void set_bounds(double bounds[FEE_BUCKETS])
{
    size_t n = 0;
    for (double b = LOWEST_BOUND; b <= HIGHEST_BOUND; b *= BOUND_SPACING)
        bounds[n++] = b;
    bounds[n++] = UNBOUNDED;
    ASSERT(n == FEE_BUCKETS);
}

struct fee_estimator *fee_estimator_new(void)
{
    struct fee_estimator *f = xcalloc(1, sizeof(*f));
    pthread_mutex_init(&f->lock, NULL);
    set_bounds(f->bounds);
    for (size_t h = 0; h < FEE_HORIZONS; h++)
        fee_stats_init(&f->stats[h], &shapes[h]);
    map_init(&f->waiting, sizeof(struct hash256), sizeof(struct waiting));
    return f;
}

void fee_estimator_free(struct fee_estimator *f)
{
    if (f == NULL)
        return;
    for (size_t h = 0; h < FEE_HORIZONS; h++)
        fee_stats_clear(&f->stats[h]);
    map_clear(&f->waiting);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

/* -- Those that wait -- */

/* The first bucket whose bound is not below the rate. */
static uint32_t bucket_of(const struct fee_estimator *f, int64_t feerate)
{
    uint32_t low = 0, high = FEE_BUCKETS - 1;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (f->bounds[mid] < (double)feerate)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static uint32_t *recent_at(struct fee_estimator *f, int32_t height)
{
    return f->recent[height % FEE_MAX_TARGET];
}

void fee_estimator_added(struct fee_estimator *f, const struct hash256 *txid,
                         int32_t height, int64_t feerate)
{
    bool is_new = false;
    pthread_mutex_lock(&f->lock);
    /* Until the next block comes the estimator may lag behind a reorganisation. */
    if (height == f->best_height) {
        struct waiting *w = map_put(&f->waiting, txid, &is_new);
        if (is_new) {
            *w = (struct waiting){feerate, height, bucket_of(f, feerate)};
            recent_at(f, height)[w->bucket]++;
        }
    }
    pthread_mutex_unlock(&f->lock);
}

static int32_t age_of(const struct fee_estimator *f, const struct waiting *w)
{
    return f->best_height - w->height;
}

static void stop_waiting(struct fee_estimator *f, const struct waiting *w)
{
    if (age_of(f, w) < FEE_MAX_TARGET)
        recent_at(f, w->height)[w->bucket]--;
    else
        f->older[w->bucket]--;
}

static void fails(struct fee_estimator *f, const struct waiting *w)
{
    stop_waiting(f, w);
    f->learned = true;
    for (size_t h = 0; h < FEE_HORIZONS; h++)
        fee_stats_failed(&f->stats[h], w->bucket, (unsigned)age_of(f, w));
}

void fee_estimator_removed(struct fee_estimator *f, const struct hash256 *txid)
{
    pthread_mutex_lock(&f->lock);
    const struct waiting *w = map_get(&f->waiting, txid);
    if (w != NULL) {
        fails(f, w);
        map_del(&f->waiting, txid);
    }
    pthread_mutex_unlock(&f->lock);
}

void fee_estimator_give_up(struct fee_estimator *f)
{
    const void *txid;
    void *w;
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; map_next(&f->waiting, &i, &txid, &w);)
        fails(f, w);
    map_clear(&f->waiting);
    pthread_mutex_unlock(&f->lock);
}

/* -- Blocks -- */

/* Another block's transactions take the place of the longest-waiting. */
static void advance(struct fee_estimator *f, int32_t height)
{
    uint32_t *recent = recent_at(f, height);
    f->best_height = height;
    for (size_t i = 0; i < FEE_BUCKETS; i++) {
        f->older[i] += recent[i];
        recent[i] = 0;
    }
    for (size_t h = 0; h < FEE_HORIZONS && f->learned; h++)
        fee_stats_decay(&f->stats[h]);
}

/* False: it was not counted. */
static bool mined(struct fee_estimator *f, const struct hash256 *txid)
{
    const struct waiting *w = map_get(&f->waiting, txid);
    if (w == NULL)
        return false;
    stop_waiting(f, w);
    f->learned = true;
    for (size_t h = 0; h < FEE_HORIZONS; h++)
        fee_stats_mined(&f->stats[h], w->bucket, (unsigned)age_of(f, w),
                        (double)w->feerate);
    map_del(&f->waiting, txid);
    return true;
}

void fee_estimator_block(struct fee_estimator *f, int32_t height, const struct tx *txs,
                         size_t n)
{
    size_t counted = 0;
    pthread_mutex_lock(&f->lock);
    if (height > f->best_height) {
        advance(f, height);
        for (size_t i = 0; i < n && f->waiting.len > 0; i++)
            counted += mined(f, &txs[i].txid);
        if (f->first_height == 0 && counted > 0)
            f->first_height = height;
    }
    pthread_mutex_unlock(&f->lock);
}

/* -- Asking -- */

int32_t fee_span(const struct fee_estimator *f)
{
    return f->first_height != 0 ? f->best_height - f->first_height : 0;
}

int32_t fee_history_span(const struct fee_estimator *f)
{
    const struct fee_history *h = &f->history;
    return f->best_height - h->best > MAX_HISTORY ? 0 : h->best - h->first;
}

unsigned fee_horizon_max_target(enum fee_horizon h)
{
    return shapes[h].scale * shapes[h].periods;
}

/* By bucket, those that have waited for @target blocks or more. */
static void count_waiting(const struct fee_estimator *f, unsigned target,
                          uint32_t out[FEE_BUCKETS])
{
    memcpy(out, f->older, sizeof(f->older));
    for (unsigned age = target; age < FEE_MAX_TARGET; age++) {
        if (age > (unsigned)f->best_height)
            return;
        const uint32_t *row =
            f->recent[((unsigned)f->best_height - age) % FEE_MAX_TARGET];
        for (size_t i = 0; i < FEE_BUCKETS; i++)
            out[i] += row[i];
    }
}

static double ask_for(const struct fee_estimator *f, enum fee_horizon h,
                      unsigned target, double success, struct fee_range *pass,
                      struct fee_range *fail)
{
    uint32_t waiting[FEE_BUCKETS];
    count_waiting(f, target, waiting);
    return fee_stats_median(&f->stats[h], target, success, waiting, pass, fail);
}

static double ask(const struct fee_estimator *f, enum fee_horizon h, unsigned target,
                  double success)
{
    struct fee_range pass, fail;
    return ask_for(f, h, target, success, &pass, &fail);
}

/* From the shortest horizon that knows the target. A lower answer of a shorter one for
 * its own longest target will do as well: more time never costs more. */
static double ask_shortest(const struct fee_estimator *f, unsigned target,
                           double success, bool also_shorter)
{
    enum fee_horizon h = FEE_HORIZON_SHORT;
    if (target > FEE_MAX_TARGET)
        return -1;
    while (target > fee_horizon_max_target(h))
        h++;
    double best = ask(f, h, target, success);
    while (also_shorter && h-- > FEE_HORIZON_SHORT) {
        double rate = ask(f, h, fee_horizon_max_target(h), success);
        if (rate > 0 && (best < 0 || rate < best))
            best = rate;
    }
    return best;
}

/* The highest of the horizons beyond the shortest that knows the target: what was
 * cheap for a short while does not count. */
static double ask_longer(const struct fee_estimator *f, unsigned target)
{
    double best = -1;
    for (enum fee_horizon h = FEE_HORIZON_MEDIUM; h <= FEE_HORIZON_LONG; h++) {
        if (target > fee_horizon_max_target(h - 1))
            continue;
        double rate = ask(f, h, target, DOUBLE_SUCCESS);
        best = rate > best ? rate : best;
    }
    return best;
}

/* Half of what was seen, from the first block on. */
static unsigned usable_target(const struct fee_estimator *f, unsigned target)
{
    int32_t span = fee_span(f), before = fee_history_span(f);
    unsigned most = (unsigned)(span > before ? span : before) / 2;
    if (target == 1) /* too much is left to chance */
        target = 2;
    return target < most ? target : most;
}

static void take_higher(double *best, struct fee_estimate *out, double rate,
                        enum fee_basis basis)
{
    if (rate <= *best)
        return;
    *best = rate;
    out->basis = basis;
}

static struct fee_estimate smart(const struct fee_estimator *f, unsigned target,
                                 bool conservative)
{
    struct fee_estimate out = {.target = usable_target(f, target)};
    const unsigned t = out.target;
    double best = -1;
    if (t < 2)
        return out;
    take_higher(&best, &out, ask_shortest(f, t / 2, HALF_SUCCESS, true),
                FEE_BASIS_HALF);
    take_higher(&best, &out, ask_shortest(f, t, FULL_SUCCESS, true), FEE_BASIS_FULL);
    take_higher(&best, &out, ask_shortest(f, 2 * t, DOUBLE_SUCCESS, !conservative),
                FEE_BASIS_DOUBLE);
    if (conservative || best < 0)
        take_higher(&best, &out, ask_longer(f, 2 * t), FEE_BASIS_CONSERVATIVE);
    if (best >= 0)
        out.feerate = llround(best);
    return out;
}

struct fee_estimate fee_estimator_smart(struct fee_estimator *f, unsigned target,
                                        bool conservative)
{
    struct fee_estimate out = {.target = target};
    if (target < 1 || target > FEE_MAX_TARGET)
        return out;
    pthread_mutex_lock(&f->lock);
    out = smart(f, target, conservative);
    pthread_mutex_unlock(&f->lock);
    return out;
}

static struct fee_bucket describe(const struct fee_estimator *f,
                                  const struct fee_range *r)
{
    if (r->high < 0)
        return (struct fee_bucket){.start = -1, .end = -1};
    return (struct fee_bucket){
        .start = r->low > 0 ? f->bounds[r->low - 1] : 0,
        .end = f->bounds[r->high],
        .mined_within = r->mined_within,
        .mined = r->mined,
        .waiting = r->waiting,
        .failed = r->failed,
    };
}

int64_t fee_estimator_raw(struct fee_estimator *f, enum fee_horizon h, unsigned target,
                          double success, struct fee_evidence *out)
{
    struct fee_range pass, fail;
    ASSERT(target >= 1 && target <= fee_horizon_max_target(h));
    pthread_mutex_lock(&f->lock);
    double rate = ask_for(f, h, target, success, &pass, &fail);
    *out = (struct fee_evidence){
        .decay = shapes[h].decay,
        .scale = shapes[h].scale,
        .pass = describe(f, &pass),
        .fail = describe(f, &fail),
    };
    pthread_mutex_unlock(&f->lock);
    return rate < 0 ? 0 : llround(rate);
}
