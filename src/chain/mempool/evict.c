/* Keeping the pool small: expiry, eviction of what pays least, and the minimum fee rate
 * that rises with eviction and sinks with time. */
#include <math.h>
#include <stdlib.h>

#include "chain/mempool/pool.h"

/* ---- the order of eviction ---- */

/* Whether a leaves before b. An entry counts with its descendants when these pay
 * better: removing it would lose them too. */
static bool is_worse(const void *x, const void *y)
{
    const struct mempool_entry *e[2] = {*(struct mempool_entry *const *)x,
                                        *(struct mempool_entry *const *)y};
    __int128 fee[2], size[2];

    for (int i = 0; i < 2; i++) {
        int64_t own = entry_modified_fee(e[i]);
        bool with_descendants = (__int128)e[i]->descendant_fees * e[i]->vsize >
                                (__int128)own * e[i]->descendant_vsize;
        fee[i] = with_descendants ? e[i]->descendant_fees : own;
        size[i] = with_descendants ? e[i]->descendant_vsize : e[i]->vsize;
    }
    __int128 a = fee[0] * size[1], b = fee[1] * size[0];
    return a != b ? a < b : e[0]->time > e[1]->time;
}

static void on_moved(void *item, size_t pos)
{
    (*(struct mempool_entry **)item)->heap_pos = (uint32_t)pos;
}

static const struct heap_kind worst_first = {sizeof(struct mempool_entry *), is_worse,
                                             on_moved};

struct mempool_entry *eviction_at(const struct mempool *mp, size_t pos)
{
    return *(struct mempool_entry **)heap_at(&mp->eviction, &worst_first, pos);
}

void eviction_add(struct mempool *mp, struct mempool_entry *e)
{
    heap_add(&mp->eviction, &worst_first, &e);
}

void eviction_del(struct mempool *mp, struct mempool_entry *e)
{
    heap_del(&mp->eviction, &worst_first, e->heap_pos);
}

void eviction_fix(struct mempool *mp, struct mempool_entry *e)
{
    heap_fix(&mp->eviction, &worst_first, e->heap_pos);
}

/* ---- the rolling minimum ---- */

#define ROLLING_HALF_LIFE (12 * 3600)
#define ROLLING_STEP      10 /* seconds between updates */

/* The minimum at time @now: it halves in 12 hours, faster while the pool is far from
 * full, and only once a block came after the last eviction. */
static double rolling_at(const struct mempool *mp, int64_t now)
{
    if (!mp->block_since_bump || mp->rolling_feerate == 0 ||
        now <= mp->rolling_time + ROLLING_STEP)
        return mp->rolling_feerate;
    double half_life = ROLLING_HALF_LIFE;
    if (mp->usage < (size_t)mp->opt.max_bytes / 4)
        half_life /= 4;
    else if (mp->usage < (size_t)mp->opt.max_bytes / 2)
        half_life /= 2;
    double rate =
        mp->rolling_feerate / exp2((double)(now - mp->rolling_time) / half_life);
    return rate < (double)mp->opt.incremental_feerate / 2 ? 0 : rate;
}

/* Lets it sink up to now. */
static void rolling_update(struct mempool *mp)
{
    int64_t now = pool_now(mp);
    if (now <= mp->rolling_time + ROLLING_STEP)
        return;
    mp->rolling_feerate = rolling_at(mp, now);
    mp->rolling_time = now;
}

int64_t mempool_min_feerate(const struct mempool *mp)
{
    double rate = rolling_at(mp, pool_now(mp));
    if (rate == 0)
        return 0;
    int64_t rounded = (int64_t)(rate + 0.5);
    if (!mp->block_since_bump)
        return rounded;
    return rounded > mp->opt.incremental_feerate ? rounded
                                                 : mp->opt.incremental_feerate;
}

void pool_rolling_block(struct mempool *mp)
{
    mp->rolling_time = pool_now(mp);
    mp->block_since_bump = true;
}

/* Whoever comes next must pay more than what had to leave. */
static void bump_minimum(struct mempool *mp, const struct mempool_entry *e)
{
    double rate = (double)(feerate_of(e->descendant_fees, e->descendant_vsize) +
                           mp->opt.incremental_feerate);
    if (rate > mp->rolling_feerate) {
        mp->rolling_feerate = rate;
        mp->block_since_bump = false;
    }
}

/* ---- limits ---- */

static void collect_expired(struct mempool *mp, struct entry_list *l, int64_t before)
{
    walk_begin(mp);
    for (struct mempool_entry *e = mp->oldest; e; e = e->newer) {
        if (e->time >= before || !walk_visit(mp, e))
            continue;
        entry_list_add(l, e);
        walk_descendants(mp, l, e);
    }
}

static void expire(struct mempool *mp)
{
    int64_t before = pool_now(mp) - mp->opt.expiry_s;
    if (mp->oldest_time >= before)
        return;
    struct entry_list l = {0};
    collect_expired(mp, &l, before);
    if (l.n)
        log_debug(mp->opt.log, LOG_MEMPOOL,
                  "Expired %zu transactions from the memory pool", l.n);
    pool_remove_all(mp, &l, TX_REMOVED_EXPIRY);
    entry_list_clear(&l);
    mp->oldest_time = INT64_MAX;
    for (const struct mempool_entry *e = mp->oldest; e; e = e->newer)
        if (e->time < mp->oldest_time)
            mp->oldest_time = e->time;
}

static void trim(struct mempool *mp)
{
    size_t removed = 0;
    char rate[POOL_AMOUNT_TEXT];
    while (mp->by_txid.len && mp->usage > (size_t)mp->opt.max_bytes) {
        struct mempool_entry *e = eviction_at(mp, 0);
        bump_minimum(mp, e);
        removed += e->n_descendants;
        pool_remove_family(mp, e, TX_REMOVED_SIZE_LIMIT);
    }
    if (removed && mp->opt.log)
        log_debug(mp->opt.log, LOG_MEMPOOL,
                  "Removed %zu txn, rolling minimum fee bumped to %s", removed,
                  pool_rate_text(mp, rate, (int64_t)mp->rolling_feerate));
}

void pool_limit(struct mempool *mp)
{
    rolling_update(mp);
    expire(mp);
    trim(mp);
}
