#include "chain/rules/block_index.h"

#include "chain/params/params.h"

static int32_t clear_lowest_bit(int32_t n)
{
    return n & (n - 1);
}

/* Any rule that sends a height to a lower one works; this one takes at most about 2
 * log2(n) steps to any ancestor. It is the one in general use, so tests can count on
 * its cost. */
static int32_t skip_height(int32_t height)
{
    if (height < 2)
        return 0;
    return (height & 1) ? clear_lowest_bit(clear_lowest_bit(height - 1)) + 1
                        : clear_lowest_bit(height);
}

void block_index_init(struct block_index *b, const struct block_header *h,
                      const struct hash256 *hash, struct block_index *prev)
{
    b->hash = *hash;
    b->prev = prev;
    b->version = h->version;
    b->merkle_root = h->merkle_root;
    b->time = h->time;
    b->bits = h->bits;
    b->nonce = h->nonce;
    b->time_max = h->time;
    b->chain_work = work_of_bits(h->bits);
    b->status = BLOCK_VALID_TREE;
    if (!prev)
        return;
    b->height = prev->height + 1;
    b->skip = block_index_ancestor(prev, skip_height(b->height));
    if (prev->time_max > b->time_max)
        b->time_max = prev->time_max;
    b->chain_work = u256_add(prev->chain_work, b->chain_work);
}

struct block_header block_index_header(const struct block_index *b)
{
    struct block_header h = {
        .version = b->version,
        .merkle_root = b->merkle_root,
        .time = b->time,
        .bits = b->bits,
        .nonce = b->nonce,
    };
    if (b->prev)
        h.prev = b->prev->hash;
    return h;
}

/* Whether jumping from @at to its skip entry does not overshoot @height, and is not
 * worse than stepping back once and jumping from there. */
static bool should_skip(const struct block_index *at, int32_t height)
{
    if (!at->skip)
        return false;
    int32_t here = skip_height(at->height);
    int32_t before = skip_height(at->height - 1);
    return here == height ||
           (here > height && !(before < here - 2 && before >= height));
}

struct block_index *block_index_ancestor(const struct block_index *b, int32_t height)
{
    if (height < 0 || height > b->height)
        return NULL;
    const struct block_index *at = b;
    while (at->height > height)
        at = should_skip(at, height) ? at->skip : at->prev;
    return (struct block_index *)at;
}

int64_t block_index_mtp(const struct block_index *b)
{
    uint32_t times[MEDIAN_TIME_SPAN];
    int n = 0;
    for (; b && n < MEDIAN_TIME_SPAN; b = b->prev, n++) {
        int i = n;
        for (; i > 0 && times[i - 1] > b->time; i--)
            times[i] = times[i - 1];
        times[i] = b->time;
    }
    return times[n / 2];
}

const struct block_index *block_index_common(const struct block_index *a,
                                             const struct block_index *b)
{
    if (a->height > b->height)
        a = block_index_ancestor(a, b->height);
    else
        b = block_index_ancestor(b, a->height);
    while (a != b && a && b) {
        if (a->skip && a->skip != b->skip) {
            a = a->skip;
            b = b->skip;
        } else {
            a = a->prev;
            b = b->prev;
        }
    }
    return a == b ? a : NULL;
}

bool block_index_is_valid(const struct block_index *b, enum block_status level)
{
    if (b->status & BLOCK_FAILED_MASK)
        return false;
    return (b->status & BLOCK_VALID_MASK) >= (uint32_t)level;
}

bool block_index_raise(struct block_index *b, enum block_status level)
{
    if (b->status & BLOCK_FAILED_MASK ||
        (b->status & BLOCK_VALID_MASK) >= (uint32_t)level)
        return false;
    b->status = (b->status & ~(uint32_t)BLOCK_VALID_MASK) | (uint32_t)level;
    return true;
}

int64_t block_index_equivalent_time(const struct block_index *to,
                                    const struct block_index *from,
                                    const struct block_index *tip, int32_t spacing)
{
    bool ahead = u256_cmp(&to->chain_work, &from->chain_work) > 0;
    struct u256 work = ahead ? u256_sub(to->chain_work, from->chain_work)
                             : u256_sub(from->chain_work, to->chain_work);
    work = u256_mul_u32(work, (uint32_t)spacing);
    work = u256_div(work, work_of_bits(tip->bits));
    if (u256_bits(&work) > 63)
        return ahead ? INT64_MAX : -INT64_MAX;
    return ahead ? (int64_t)work.w[0] : -(int64_t)work.w[0];
}
