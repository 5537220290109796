#include "net/presync.h"

#include <stdlib.h>

#include "chain/params/params.h"
#include "crypto/hash.h"
#include "util/mem.h"
#include "util/rand.h"

/* One bit for every 624 headers, 15,009 checked headers (24 bits) on top before one is
 * believed: forging is not worth the work, and both passes stay small. */
#define COMMITMENT_PERIOD      624
#define BUFFER_HEADERS         15009
#define MAX_HEADERS_PER_SECOND 6 /* the rule of the median time allows no more */

struct presync {
    const struct block_index *start;
    struct u256 least_work;
    uint64_t key[2];
    unsigned offset; /* of the first committed height */
    bool second;     /* pass */

    struct buf bits; /* one octet per commitment */
    uint64_t max_bits;
    struct hash256 last; /* first pass */
    int32_t height;
    struct u256 work;

    struct block_header *buffer; /* owned; second pass, checked but not ready */
    size_t n_buffer;
    struct hash256 last_again;
    int32_t height_again;
    struct u256 work_again;
    size_t bits_used;
    bool all_ready; /* enough work was seen again */
};

struct presync *presync_new(const struct block_index *start,
                            const struct u256 *least_work, int64_t now)
{
    struct presync *ps = xcalloc(1, sizeof(*ps));
    int64_t seconds = now - block_index_mtp(start) + MAX_FUTURE_BLOCK_TIME;
    ps->start = start;
    ps->least_work = *least_work;
    rand_bytes(ps->key, sizeof(ps->key));
    ps->offset = (unsigned)(rand_u64() % COMMITMENT_PERIOD);
    ps->max_bits = seconds < 0
                       ? 0
                       : (uint64_t)seconds * MAX_HEADERS_PER_SECOND / COMMITMENT_PERIOD;
    ps->last = start->hash;
    ps->height = start->height;
    ps->work = start->chain_work;
    return ps;
}

void presync_free(struct presync *ps)
{
    if (!ps)
        return;
    buf_clear(&ps->bits);
    free(ps->buffer);
    free(ps);
}

static bool is_committed(const struct presync *ps, int32_t height)
{
    return (unsigned)height % COMMITMENT_PERIOD == ps->offset;
}

static uint8_t commitment(const struct presync *ps, const struct hash256 *hash)
{
    return siphash_32(ps->key[0], ps->key[1], hash->b) & 1;
}

/* False: it does not continue what came before, or the chain is longer than time
 * allows. */
static bool count_header(struct presync *ps, const struct block_header *h)
{
    struct hash256 hash = header_hash(h);
    if (!hash256_equal(&h->prev, &ps->last))
        return false;
    ps->height++;
    if (is_committed(ps, ps->height)) {
        buf_append_byte(&ps->bits, commitment(ps, &hash));
        if (ps->bits.len > ps->max_bits)
            return false;
    }
    ps->work = u256_add(ps->work, work_of_bits(h->bits));
    ps->last = hash;
    return true;
}

static void begin_second(struct presync *ps)
{
    ps->second = true;
    ps->last_again = ps->start->hash;
    ps->height_again = ps->start->height;
    ps->work_again = ps->start->chain_work;
}

static bool check_header(struct presync *ps, const struct block_header *h)
{
    struct hash256 hash = header_hash(h);
    if (!hash256_equal(&h->prev, &ps->last_again))
        return false;
    ps->height_again++;
    ps->work_again = u256_add(ps->work_again, work_of_bits(h->bits));
    if (u256_cmp(&ps->work_again, &ps->least_work) >= 0)
        ps->all_ready = true;
    /* Behind that point the chain may have grown since the first pass. */
    if (!ps->all_ready && is_committed(ps, ps->height_again)) {
        if (ps->bits_used == ps->bits.len ||
            ps->bits.data[ps->bits_used++] != commitment(ps, &hash))
            return false;
    }
    ps->last_again = hash;
    return true;
}

static void release_ready(struct presync *ps, struct presync_result *r)
{
    size_t n = ps->all_ready                   ? ps->n_buffer
               : ps->n_buffer > BUFFER_HEADERS ? ps->n_buffer - BUFFER_HEADERS
                                               : 0;
    if (!n)
        return;
    r->ready = xmemdup(ps->buffer, n * sizeof(*ps->buffer));
    r->n_ready = n;
    ps->n_buffer -= n;
    memmove(ps->buffer, ps->buffer + n, ps->n_buffer * sizeof(*ps->buffer));
}

static void take_first(struct presync *ps, const struct block_header *h, size_t n,
                       bool full, struct presync_result *r)
{
    for (size_t i = 0; i < n; i++)
        if (!count_header(ps, &h[i]))
            return;
    r->counted_on = true;
    if (u256_cmp(&ps->work, &ps->least_work) >= 0) {
        begin_second(ps);
        r->go_on = true;
    } else {
        r->go_on = full;
    }
}

static void take_second(struct presync *ps, const struct block_header *h, size_t n,
                        bool full, struct presync_result *r)
{
    ps->buffer = xrealloc_array(ps->buffer, ps->n_buffer + n, sizeof(*ps->buffer));
    for (size_t i = 0; i < n; i++) {
        if (!check_header(ps, &h[i]))
            return;
        ps->buffer[ps->n_buffer++] = h[i];
    }
    r->counted_on = true;
    release_ready(ps, r);
    r->go_on = full && !(ps->all_ready && !ps->n_buffer);
}

struct presync_result presync_take(struct presync *ps, const struct block_header *h,
                                   size_t n, bool full)
{
    struct presync_result r = {0};
    if (ps->second)
        take_second(ps, h, n, full, &r);
    else
        take_first(ps, h, n, full, &r);
    return r;
}

struct hash256 presync_next(const struct presync *ps)
{
    return ps->second ? ps->last_again : ps->last;
}

const struct block_index *presync_start(const struct presync *ps)
{
    return ps->start;
}

int32_t presync_height(const struct presync *ps)
{
    return ps->second ? -1 : ps->height;
}
