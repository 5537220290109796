/* Keeping the pool small: expiry, eviction of what pays least, and the minimum fee rate
 * that rises with eviction and sinks with time. */
#include <math.h>
#include <stdlib.h>

#include "chain/mempool/pool.h"

/* ---- the order of eviction: a binary heap ---- */

/* Whether a leaves before b. An entry counts with its descendants when these pay
 * better: removing it would lose them too. */
static bool worse(const struct mempool_entry *a, const struct mempool_entry *b)
{
    const struct mempool_entry *e[2] = {a, b};
    __int128 fee[2], size[2];

    for (int i = 0; i < 2; i++) {
        int64_t own = entry_modified_fee(e[i]);
        bool with_descendants = (__int128)e[i]->descendant_fees * e[i]->vsize >
                                (__int128)own * e[i]->descendant_vsize;
        fee[i] = with_descendants ? e[i]->descendant_fees : own;
        size[i] = with_descendants ? e[i]->descendant_vsize : e[i]->vsize;
    }
    __int128 x = fee[0] * size[1], y = fee[1] * size[0];
    return x != y ? x < y : a->time > b->time;
}

static void heap_place(struct mempool *mp, uint32_t pos, struct mempool_entry *e)
{
    mp->heap[pos] = e;
    e->heap_pos = pos;
}

static void sift_up(struct mempool *mp, struct mempool_entry *e)
{
    uint32_t pos = e->heap_pos;
    while (pos > 0 && worse(e, mp->heap[(pos - 1) / 2])) {
        heap_place(mp, pos, mp->heap[(pos - 1) / 2]);
        pos = (pos - 1) / 2;
    }
    heap_place(mp, pos, e);
}

static void sift_down(struct mempool *mp, struct mempool_entry *e, size_t n)
{
    uint32_t pos = e->heap_pos;
    for (;;) {
        size_t child = 2 * (size_t)pos + 1;
        if (child >= n)
            break;
        if (child + 1 < n && worse(mp->heap[child + 1], mp->heap[child]))
            child++;
        if (!worse(mp->heap[child], e))
            break;
        heap_place(mp, pos, mp->heap[child]);
        pos = (uint32_t)child;
    }
    heap_place(mp, pos, e);
}

/* The map already counts the entry. */
void heap_insert(struct mempool *mp, struct mempool_entry *e)
{
    size_t n = mp->by_txid.len;
    if (n > mp->heap_cap) {
        mp->heap_cap = n < 64 ? 64 : 2 * n;
        mp->heap =
            xrealloc_array(mp->heap, mp->heap_cap, sizeof(struct mempool_entry *));
    }
    heap_place(mp, (uint32_t)n - 1, e);
    sift_up(mp, e);
}

/* The map still counts the entry. */
void heap_delete(struct mempool *mp, struct mempool_entry *e)
{
    size_t n = mp->by_txid.len - 1;
    struct mempool_entry *last = mp->heap[n];
    if (last == e)
        return;
    heap_place(mp, e->heap_pos, last);
    sift_up(mp, last);
    sift_down(mp, last, n);
}

void heap_fix(struct mempool *mp, struct mempool_entry *e)
{
    sift_up(mp, e);
    sift_down(mp, e, mp->by_txid.len);
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
    while (mp->by_txid.len && mp->usage > (size_t)mp->opt.max_bytes) {
        struct mempool_entry *e = mp->heap[0];
        bump_minimum(mp, e);
        removed += e->n_descendants;
        pool_remove_family(mp, e, TX_REMOVED_SIZE_LIMIT);
    }
    if (removed)
        log_debug(mp->opt.log, LOG_MEMPOOL,
                  "Removed %zu txn, rolling minimum fee bumped to %.0f per kvB",
                  removed, mp->rolling_feerate);
}

void pool_limit(struct mempool *mp)
{
    rolling_update(mp);
    expire(mp);
    trim(mp);
}
