/* What the user has said of transactions: fee deltas, and which are his to broadcast.
 */
#include "chain/mempool/pool.h"

/* ---- fee deltas ---- */

int64_t pool_delta(const struct mempool *mp, const struct hash256 *txid)
{
    const int64_t *delta = map_get(&mp->deltas, txid);
    return delta ? *delta : 0;
}

static int64_t saturating_add(int64_t a, int64_t b)
{
    int64_t r;
    if (!__builtin_add_overflow(a, b, &r))
        return r;
    return a > 0 ? INT64_MAX : INT64_MIN;
}

static void log_delta(const struct mempool *mp, const struct hash256 *txid,
                      bool in_pool, int64_t delta, int64_t after)
{
    char hex[65], x[POOL_AMOUNT_TEXT], y[POOL_AMOUNT_TEXT];
    const char *where = in_pool ? "" : "not ";
    if (!mp->opt.log)
        return;
    hash256_to_hex(hex, txid);
    if (after == 0)
        log_info(mp->opt.log, "PrioritiseTransaction: %s (%sin mempool) delta cleared",
                 hex, where);
    else
        log_info(mp->opt.log,
                 "PrioritiseTransaction: %s (%sin mempool) delta=%s, new delta=%s", hex,
                 where, pool_money_text(mp, x, delta), pool_money_text(mp, y, after));
}

void mempool_prioritise(struct mempool *mp, const struct hash256 *txid,
                        struct amount delta)
{
    int64_t before = pool_delta(mp, txid);
    int64_t after = saturating_add(before, delta.v);
    struct mempool_entry *e = pool_find(mp, txid);

    pool_lock(mp);
    if (after)
        *(int64_t *)map_put(&mp->deltas, txid, NULL) = after;
    else
        map_del(&mp->deltas, txid);
    if (e) {
        e->delta.v = after;
        family_fee_changed(mp, e, after - before);
        mp->updates++;
    }
    pool_unlock(mp);
    log_delta(mp, txid, e != NULL, delta.v, after);
}

void mempool_each_delta(const struct mempool *mp,
                        void (*fn)(void *ctx, const struct hash256 *txid,
                                   struct amount delta),
                        void *ctx)
{
    const void *key;
    void *value;
    for (size_t i = 0; map_next(&mp->deltas, &i, &key, &value);)
        fn(ctx, key, amount_of(*(int64_t *)value));
}

/* ---- transactions of ours that no peer has asked for yet ---- */

void mempool_unbroadcast_add(struct mempool *mp, const struct hash256 *txid)
{
    if (!pool_find(mp, txid))
        return;
    pool_lock(mp);
    map_put(&mp->unbroadcast, txid, NULL);
    pool_unlock(mp);
}

void mempool_unbroadcast_del(struct mempool *mp, const struct hash256 *txid)
{
    pool_lock(mp);
    map_del(&mp->unbroadcast, txid);
    pool_unlock(mp);
}

bool mempool_is_unbroadcast(const struct mempool *mp, const struct hash256 *txid)
{
    return map_get(&mp->unbroadcast, txid) != NULL;
}

size_t mempool_unbroadcast_count(const struct mempool *mp)
{
    return mp->unbroadcast.len;
}

void mempool_each_unbroadcast(const struct mempool *mp,
                              void (*fn)(void *ctx, const struct hash256 *txid),
                              void *ctx)
{
    const void *key;
    for (size_t i = 0; map_next(&mp->unbroadcast, &i, &key, NULL);)
        fn(ctx, key);
}
