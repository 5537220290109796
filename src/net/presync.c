#include "net/presync.h"

#include <stdlib.h>

#include "chain/rules/pow.h"
#include "crypto/hash.h"
#include "util/mem.h"
#include "util/rand.h"

#define MAX_HEADERS_PER_SECOND 6 /* the rule of the median time allows no more */

/* A header whose parent's hash is known from what stands before it. */
struct kept_header {
    int32_t version;
    struct hash256 merkle_root;
    uint32_t time, bits, nonce;
};

/* How far one of the passes has come. */
struct pass {
    struct pow_tip tip;
    struct hash256 hash; /* of the last header */
    struct u256 work;
};

struct presync {
    const struct chain_params *params;
    const struct block_index *start;
    struct u256 least_work;
    uint64_t key[2];
    unsigned offset; /* of the first committed height */

    struct pass first, second;
    bool in_second;
    struct buf bits; /* commitments, eight an octet */
    uint64_t n_bits, max_bits, bits_used;

    struct kept_header *buffer; /* owned; second pass, checked but not ready */
    size_t n_buffer, cap_buffer;
    struct hash256 before; /* hash of the header in front of the buffer */
    bool all_ready;        /* enough work was seen again */
};

static struct pass pass_from(const struct block_index *start)
{
    return (struct pass){pow_tip_of(start), start->hash, start->chain_work};
}

struct presync *presync_new(const struct chain_params *params,
                            const struct block_index *start,
                            const struct u256 *least_work, int64_t now)
{
    struct presync *ps = xcalloc(1, sizeof(*ps));
    int64_t seconds = now - block_index_mtp(start) + MAX_FUTURE_BLOCK_TIME;
    ps->params = params;
    ps->start = start;
    ps->least_work = *least_work;
    rand_bytes(ps->key, sizeof(ps->key));
    ps->offset = (unsigned)(rand_u64() % PRESYNC_PERIOD);
    if (seconds > 0)
        ps->max_bits = (uint64_t)seconds * MAX_HEADERS_PER_SECOND / PRESYNC_PERIOD;
    ps->first = ps->second = pass_from(start);
    ps->before = start->hash;
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

size_t presync_memory(const struct presync *ps)
{
    return sizeof(*ps) + ps->bits.cap + ps->cap_buffer * sizeof(*ps->buffer);
}

/* -- Headers and bits ----------------------------------------------------- */

/* False: it does not continue what came before, or its target is not the one that it
 * has to have. */
static bool pass_add(struct pass *at, const struct chain_params *params,
                     const struct block_header *h)
{
    if (!hash256_equal(&h->prev, &at->hash) ||
        h->bits != pow_tip_next_bits(&at->tip, h->time, params))
        return false;
    at->tip = pow_tip_add(&at->tip, h);
    at->hash = header_hash(h);
    at->work = u256_add(at->work, work_of_bits(h->bits));
    return true;
}

static bool has_work(const struct presync *ps, const struct pass *at)
{
    return u256_cmp(&at->work, &ps->least_work) >= 0;
}

static bool is_committed(const struct presync *ps, const struct pass *at)
{
    return (unsigned)at->tip.height % PRESYNC_PERIOD == ps->offset;
}

static unsigned commitment(const struct presync *ps, const struct pass *at)
{
    return siphash_32(ps->key[0], ps->key[1], at->hash.b) & 1;
}

/* False: the chain is longer than time allows. */
static bool commit(struct presync *ps)
{
    if (ps->n_bits == ps->max_bits)
        return false;
    if (ps->n_bits % 8 == 0)
        buf_append_byte(&ps->bits, 0);
    ps->bits.data[ps->n_bits / 8] |=
        (uint8_t)(commitment(ps, &ps->first) << ps->n_bits % 8);
    ps->n_bits++;
    return true;
}

static bool keeps_commitment(struct presync *ps)
{
    if (ps->bits_used == ps->n_bits)
        return false;
    unsigned bit = ps->bits.data[ps->bits_used / 8] >> ps->bits_used % 8 & 1;
    ps->bits_used++;
    return bit == commitment(ps, &ps->second);
}

/* -- The first pass ------------------------------------------------------- */

static void take_first(struct presync *ps, const struct block_header *h, size_t n,
                       bool full, struct presync_result *r)
{
    for (size_t i = 0; i < n; i++) {
        if (!pass_add(&ps->first, ps->params, &h[i]))
            return;
        if (is_committed(ps, &ps->first) && !commit(ps))
            return;
    }
    r->counted_on = true;
    ps->in_second = has_work(ps, &ps->first);
    r->go_on = full || ps->in_second;
}

/* -- The second pass ------------------------------------------------------ */

static bool check_again(struct presync *ps, const struct block_header *h)
{
    if (!pass_add(&ps->second, ps->params, h))
        return false;
    ps->all_ready |= has_work(ps, &ps->second);
    /* Behind that point the chain may have grown since the first pass. */
    return ps->all_ready || !is_committed(ps, &ps->second) || keeps_commitment(ps);
}

static void keep(struct presync *ps, const struct block_header *h)
{
    ps->buffer[ps->n_buffer++] =
        (struct kept_header){h->version, h->merkle_root, h->time, h->bits, h->nonce};
}

static size_t count_ready(const struct presync *ps)
{
    if (ps->all_ready)
        return ps->n_buffer;
    return ps->n_buffer > PRESYNC_BUFFER ? ps->n_buffer - PRESYNC_BUFFER : 0;
}

static void release_ready(struct presync *ps, struct presync_result *r)
{
    size_t n = count_ready(ps);
    if (!n)
        return;
    r->ready = xmalloc(n * sizeof(*r->ready));
    for (; r->n_ready < n; r->n_ready++) {
        const struct kept_header *k = &ps->buffer[r->n_ready];
        struct block_header *h = &r->ready[r->n_ready];
        *h = (struct block_header){.version = k->version,
                                   .prev = ps->before,
                                   .merkle_root = k->merkle_root,
                                   .time = k->time,
                                   .bits = k->bits,
                                   .nonce = k->nonce};
        ps->before = header_hash(h);
    }
    ps->n_buffer -= n;
    memmove(ps->buffer, ps->buffer + n, ps->n_buffer * sizeof(*ps->buffer));
}

static void make_room(struct presync *ps, size_t n)
{
    if (ps->n_buffer + n <= ps->cap_buffer)
        return;
    ps->cap_buffer = ps->n_buffer + n;
    ps->buffer = xrealloc_array(ps->buffer, ps->cap_buffer, sizeof(*ps->buffer));
}

static void take_second(struct presync *ps, const struct block_header *h, size_t n,
                        bool full, struct presync_result *r)
{
    make_room(ps, n);
    for (size_t i = 0; i < n; i++) {
        if (!check_again(ps, &h[i]))
            return;
        keep(ps, &h[i]);
    }
    r->counted_on = true;
    release_ready(ps, r);
    r->go_on = full && !(ps->all_ready && !ps->n_buffer);
}

struct presync_result presync_take(struct presync *ps, const struct block_header *h,
                                   size_t n, bool full)
{
    struct presync_result r = {0};
    if (ps->in_second)
        take_second(ps, h, n, full, &r);
    else
        take_first(ps, h, n, full, &r);
    return r;
}

struct hash256 presync_next(const struct presync *ps)
{
    return ps->in_second ? ps->second.hash : ps->first.hash;
}

const struct block_index *presync_start(const struct presync *ps)
{
    return ps->start;
}

int32_t presync_height(const struct presync *ps)
{
    return ps->in_second ? -1 : ps->first.tip.height;
}
