#include "chain/mempool/fee_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static const struct fee_range no_range = {.low = -1, .high = -1};

void fee_stats_init(struct fee_stats *s, const struct fee_stats_shape *shape)
{
    *s = (struct fee_stats){.shape = shape};
    s->mined = xcalloc(shape->periods, sizeof(*s->mined));
    s->failed = xcalloc(shape->periods, sizeof(*s->failed));
}

void fee_stats_clear(struct fee_stats *s)
{
    free(s->mined);
    free(s->failed);
    *s = (struct fee_stats){0};
}

unsigned fee_stats_max_target(const struct fee_stats *s)
{
    return s->shape->scale * s->shape->periods;
}

/* -- Learning -- */

static void scale_row(double row[FEE_BUCKETS], double by)
{
    for (size_t i = 0; i < FEE_BUCKETS; i++)
        row[i] *= by;
}

void fee_stats_decay(struct fee_stats *s)
{
    for (unsigned p = 0; p < s->shape->periods; p++) {
        scale_row(s->mined[p], s->shape->decay);
        scale_row(s->failed[p], s->shape->decay);
    }
    scale_row(s->count, s->shape->decay);
    scale_row(s->rates, s->shape->decay);
}

static unsigned periods_of(const struct fee_stats *s, unsigned blocks)
{
    return (blocks + s->shape->scale - 1) / s->shape->scale;
}

void fee_stats_mined(struct fee_stats *s, unsigned bucket, unsigned blocks,
                     double feerate)
{
    ASSERT(blocks > 0 && bucket < FEE_BUCKETS);
    for (unsigned p = periods_of(s, blocks); p <= s->shape->periods; p++)
        s->mined[p - 1][bucket]++;
    s->count[bucket]++;
    s->rates[bucket] += feerate;
}

/* A period counts when it was waited for to its end. */
void fee_stats_failed(struct fee_stats *s, unsigned bucket, unsigned blocks)
{
    unsigned periods = blocks / s->shape->scale;
    for (unsigned p = 0; p < periods && p < s->shape->periods; p++)
        s->failed[p][bucket]++;
}

/* -- Judging -- */

/* Buckets come from the highest down. */
static void range_add(struct fee_range *r, const struct fee_stats *s, unsigned period,
                      const uint32_t waiting[FEE_BUCKETS], int bucket)
{
    if (r->high < 0)
        r->high = bucket;
    r->low = bucket;
    r->mined_within += s->mined[period][bucket];
    r->mined += s->count[bucket];
    r->failed += s->failed[period][bucket];
    r->waiting += waiting[bucket];
}

static double range_success(const struct fee_range *r)
{
    return r->mined_within / (r->mined + r->failed + r->waiting);
}

static double range_median(const struct fee_stats *s, const struct fee_range *r)
{
    double half = 0;
    for (int b = r->low; b <= r->high; b++)
        half += s->count[b];
    half /= 2;
    for (int b = r->low; b <= r->high; b++) {
        if (s->count[b] >= half)
            return s->rates[b] / s->count[b];
        half -= s->count[b];
    }
    return -1;
}

/* A range is judged when it holds enough mined transactions, whatever the target, so
 * that all targets compare the same ranges. One that falls short grows until it
 * passes. */
double fee_stats_median(const struct fee_stats *s, unsigned target, double success,
                        const uint32_t waiting[FEE_BUCKETS], struct fee_range *pass,
                        struct fee_range *fail)
{
    const double enough = s->shape->enough / (1 - s->shape->decay);
    const unsigned period = periods_of(s, target) - 1;
    struct fee_range now = no_range;
    double fresh = 0; /* mined transactions since the last judgement */
    bool passing = true;

    *pass = *fail = no_range;
    for (int b = FEE_BUCKETS - 1; b >= 0; b--) {
        range_add(&now, s, period, waiting, b);
        fresh += s->count[b];
        if (fresh < enough)
            continue;
        fresh = 0;
        if (range_success(&now) >= success) {
            *pass = now;
            *fail = now = no_range;
            passing = true;
        } else {
            if (passing)
                *fail = now;
            passing = false;
        }
    }
    if (passing && now.high >= 0) /* too few to tell */
        *fail = now;
    return pass->high >= 0 ? range_median(s, pass) : -1;
}

/* -- Bytes -- */

static void write_row(struct sink *out, const double row[FEE_BUCKETS])
{
    for (size_t i = 0; i < FEE_BUCKETS; i++) {
        uint64_t bits;
        memcpy(&bits, &row[i], sizeof(bits));
        write_u64(out, bits);
    }
}

static bool read_row(double row[FEE_BUCKETS], struct reader *r)
{
    bool ok = true;
    for (size_t i = 0; i < FEE_BUCKETS; i++) {
        uint64_t bits = read_u64(r);
        memcpy(&row[i], &bits, sizeof(bits));
        ok = ok && isfinite(row[i]) && !signbit(row[i]);
    }
    return ok && !r->bad;
}

void fee_stats_write(const struct fee_stats *s, struct sink *out)
{
    write_row(out, s->rates);
    write_row(out, s->count);
    for (unsigned p = 0; p < s->shape->periods; p++)
        write_row(out, s->mined[p]);
    for (unsigned p = 0; p < s->shape->periods; p++)
        write_row(out, s->failed[p]);
}

#define HIGHEST_RATE 9e18 /* what 63 bits hold */

/* No more can be mined within some time than within more of it. */
static bool plausible(const struct fee_stats *s)
{
    for (size_t i = 0; i < FEE_BUCKETS; i++)
        if (s->rates[i] > s->count[i] * HIGHEST_RATE)
            return false;
    for (unsigned p = 0; p < s->shape->periods; p++) {
        const double *more = p + 1 < s->shape->periods ? s->mined[p + 1] : s->count;
        for (size_t i = 0; i < FEE_BUCKETS; i++)
            if (s->mined[p][i] > more[i])
                return false;
    }
    return true;
}

bool fee_stats_read(struct fee_stats *s, struct reader *r)
{
    bool ok = read_row(s->rates, r) && read_row(s->count, r);
    for (unsigned p = 0; ok && p < s->shape->periods; p++)
        ok = read_row(s->mined[p], r);
    for (unsigned p = 0; ok && p < s->shape->periods; p++)
        ok = read_row(s->failed[p], r);
    return ok && plausible(s);
}
