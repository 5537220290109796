#include "chain/rules/locks.h"

bool tx_is_final(const struct tx *tx, int32_t height, int64_t time)
{
    int64_t limit = tx->locktime < LOCKTIME_THRESHOLD ? height : time;
    if (tx->locktime == 0 || tx->locktime < limit)
        return true;
    /* A locktime that is still ahead counts only if some input asks for it. */
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (tx->in[i].sequence != SEQUENCE_FINAL)
            return false;
    return true;
}

bool tx_is_final_after(const struct tx *tx, const struct block_index *tip)
{
    return tx_is_final(tx, tip->height + 1, block_index_mtp(tip));
}

/* Relative time counts from the median time past of the block before the coin's. */
static int64_t lock_base_time(const struct block_index *prev, uint32_t coin_height)
{
    int32_t before = coin_height ? (int32_t)coin_height - 1 : 0;
    return block_index_mtp(block_index_ancestor(prev, before));
}

struct sequence_lock sequence_lock_of(const struct tx *tx, const uint32_t *coin_heights,
                                      const struct block_index *prev,
                                      int32_t *max_height)
{
    struct sequence_lock lock = {-1, -1};
    if (max_height)
        *max_height = 0;
    if ((uint32_t)tx->version < 2)
        return lock;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        uint32_t sequence = tx->in[i].sequence;
        uint32_t height = coin_heights[i];
        if (sequence & SEQUENCE_LOCK_DISABLE)
            continue;
        if (max_height && (int32_t)height > *max_height)
            *max_height = (int32_t)height;
        int64_t n = sequence & SEQUENCE_LOCK_MASK;
        if (sequence & SEQUENCE_LOCK_TIME) {
            int64_t until =
                lock_base_time(prev, height) + (n << SEQUENCE_LOCK_GRANULARITY) - 1;
            if (until > lock.time)
                lock.time = until;
        } else {
            int64_t until = (int64_t)height + n - 1;
            if (until > lock.height)
                lock.height = (int32_t)until;
        }
    }
    return lock;
}

bool sequence_lock_passed(struct sequence_lock lock, const struct block_index *prev)
{
    return lock.height < prev->height + 1 && lock.time < block_index_mtp(prev);
}
