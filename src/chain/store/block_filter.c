#include "chain/store/block_filter.h"

#include <endian.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/sha256.h"

#define P         19
#define M         784931
#define OP_RETURN 0x6a

/* -- Elements ------------------------------------------------------------- */

struct elements {
    struct bytes *items; /* owned; the scripts are the block's */
    size_t n, cap;
};

static void add_element(struct elements *e, struct bytes script)
{
    if (script.len == 0)
        return;
    if (e->n == e->cap) {
        e->cap = e->cap ? e->cap * 2 : 256;
        e->items = xrealloc_array(e->items, e->cap, sizeof(*e->items));
    }
    e->items[e->n++] = script;
}

static int compare_scripts(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static void make_unique(struct elements *e)
{
    size_t n = 0;
    if (e->n == 0)
        return;
    qsort(e->items, e->n, sizeof(*e->items), compare_scripts);
    for (size_t i = 0; i < e->n; i++)
        if (i == 0 || !bytes_equal(e->items[i], e->items[n - 1]))
            e->items[n++] = e->items[i];
    e->n = n;
}

static void collect(struct elements *e, const struct block *b,
                    const struct block_undo *undo)
{
    for (uint32_t i = 0; i < b->n_tx; i++)
        for (uint32_t k = 0; k < b->txs[i].n_out; k++)
            if (b->txs[i].out[k].script.len > 0 &&
                b->txs[i].out[k].script.data[0] != OP_RETURN)
                add_element(e, b->txs[i].out[k].script);
    for (uint32_t i = 0; undo && i < undo->n_tx; i++)
        for (uint32_t k = 0; k < undo->txs[i].n; k++)
            add_element(e, undo->txs[i].coins[k].script);
    make_unique(e);
}

/* -- Hashing -------------------------------------------------------------- */

/* Uniform in [0, range). */
static uint64_t hash_to_range(const struct hash256 *block_hash, struct bytes script,
                              uint64_t range)
{
    uint64_t h = siphash(get_le64(block_hash->b), get_le64(block_hash->b + 8),
                         script.data, script.len);
    return (uint64_t)((unsigned __int128)h * range >> 64);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorted; the caller frees. */
static uint64_t *hash_all(const struct hash256 *block_hash, const struct bytes *scripts,
                          size_t n, uint64_t range)
{
    uint64_t *v = xmalloc((n + 1) * sizeof(*v));
    for (size_t i = 0; i < n; i++)
        v[i] = hash_to_range(block_hash, scripts[i], range);
    qsort(v, n, sizeof(*v), compare_u64);
    return v;
}

/* -- Bits, the highest first ---------------------------------------------- */

struct bit_writer {
    struct buf *out;
    uint64_t acc; /* its lowest n bits are not written yet, n < 8 */
    unsigned n;
};

/* n <= 56 */
static void put_bits(struct bit_writer *w, uint64_t v, unsigned n)
{
    w->acc = w->acc << n | v;
    for (w->n += n; w->n >= 8; w->n -= 8)
        buf_append_byte(w->out, (uint8_t)(w->acc >> (w->n - 8)));
    w->acc &= 0xff;
}

static void put_golomb(struct bit_writer *w, uint64_t v)
{
    for (uint64_t q = v >> P; q > 0; q--)
        put_bits(w, 1, 1);
    put_bits(w, v & ((UINT64_C(1) << P) - 1), P + 1);
}

struct bit_reader {
    struct bytes in;
    size_t at; /* bit */
    bool bad;
};

/* The bits that come next, the first one on top: at least PEEK_BITS of them, zeros
 * beyond the end. */
#define PEEK_BITS 57
static uint64_t peek(const struct bit_reader *r)
{
    size_t from = r->at / 8;
    uint64_t v = 0;
    if (from + 8 <= r->in.len) {
        memcpy(&v, r->in.data + from, 8);
        v = be64toh(v);
    } else {
        for (size_t i = from; i < from + 8; i++)
            v = v << 8 | (i < r->in.len ? r->in.data[i] : 0);
    }
    return v << r->at % 8;
}

/* A quotient in ones, ended by a zero, then P bits. */
static uint64_t get_golomb(struct bit_reader *r)
{
    const unsigned most = PEEK_BITS - 1 - P;
    uint64_t q = 0, top = peek(r);
    while (~top >> (63 - most) == 0 && r->at < r->in.len * 8) {
        q += most + 1;
        r->at += most + 1;
        top = peek(r);
    }
    unsigned ones = (unsigned)__builtin_clzll(~top | 1);
    r->at += ones + 1 + P;
    r->bad |= r->at > r->in.len * 8;
    return (q + ones) << P | top << (ones + 1) >> (64 - P);
}

/* -- Filters -------------------------------------------------------------- */

void block_filter_build(struct buf *out, const struct block *b,
                        const struct block_undo *undo)
{
    struct elements e = {0};
    struct bit_writer w = {.out = out};
    struct sink s = sink_to_buf(out);
    uint64_t last = 0;
    collect(&e, b, undo);
    write_varint(&s, e.n);
    uint64_t *v = hash_all(&b->hash, e.items, e.n, (uint64_t)e.n * M);
    for (size_t i = 0; i < e.n; i++) {
        put_golomb(&w, v[i] - last);
        last = v[i];
    }
    if (w.n > 0)
        put_bits(&w, 0, 8 - w.n);
    free(v);
    free(e.items);
}

struct hash256 block_filter_hash(struct bytes filter)
{
    struct hash256 h;
    sha256d(h.b, filter.data, filter.len);
    return h;
}

struct hash256 block_filter_header(const struct hash256 *filter_hash,
                                   const struct hash256 *prev_header)
{
    uint8_t both[64];
    struct hash256 h;
    memcpy(both, filter_hash->b, 32);
    memcpy(both + 32, prev_header->b, 32);
    sha256d(h.b, both, sizeof(both));
    return h;
}

/* Both lists rise: one walk along them. */
static enum filter_match walk(struct bit_reader *r, uint64_t n_filter,
                              const uint64_t *wanted, size_t n)
{
    uint64_t value = 0;
    size_t at = 0;
    for (uint64_t i = 0; i < n_filter && at < n; i++) {
        value += get_golomb(r);
        if (r->bad)
            return FILTER_MALFORMED;
        while (at < n && wanted[at] < value)
            at++;
        if (at < n && wanted[at] == value)
            return FILTER_MATCH_YES;
    }
    return FILTER_MATCH_NO;
}

enum filter_match block_filter_match(struct bytes filter,
                                     const struct hash256 *block_hash,
                                     const struct bytes *scripts, size_t n)
{
    struct reader r;
    reader_init(&r, filter.data, filter.len);
    uint64_t n_filter = read_varint(&r, UINT32_MAX);
    struct bit_reader bits = {.in = bytes_of(r.pos, reader_left(&r))};
    if (r.bad || n_filter > bits.in.len * 8 / (P + 1))
        return FILTER_MALFORMED;
    uint64_t *wanted = hash_all(block_hash, scripts, n, n_filter * M);
    enum filter_match m = walk(&bits, n_filter, wanted, n);
    free(wanted);
    return m;
}
