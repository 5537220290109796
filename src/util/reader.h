/* Reads little-endian fields and Bitcoin's CompactSize from borrowed bytes. A read past
 * the end (or any other mistake) latches `bad` and yields zeros, so callers check once,
 * at the end, with reader_done(). */
#ifndef OCHRE_UTIL_READER_H
#define OCHRE_UTIL_READER_H

#include "util/bytes.h"

struct reader {
    const uint8_t *pos;
    const uint8_t *end;
    bool bad;
};

void reader_init(struct reader *r, const void *data, size_t len);
static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->pos);
}
/* True when nothing was bad and nothing is left over. */
static inline bool reader_done(const struct reader *r)
{
    return !r->bad && r->pos == r->end;
}
void reader_fail(struct reader *r);

/* n bytes, borrowed from the input; NULL when bad. */
static inline const uint8_t *read_bytes(struct reader *r, size_t n)
{
    if (r->bad || reader_left(r) < n) {
        reader_fail(r);
        return NULL;
    }
    const uint8_t *p = r->pos;
    r->pos += n;
    return p;
}
static inline uint8_t read_u8(struct reader *r)
{
    const uint8_t *p = read_bytes(r, 1);
    return p ? p[0] : 0;
}
static inline uint16_t read_u16(struct reader *r)
{
    const uint8_t *p = read_bytes(r, 2);
    return p ? (uint16_t)(p[0] | p[1] << 8) : 0;
}
static inline uint16_t read_u16be(struct reader *r)
{
    const uint8_t *p = read_bytes(r, 2);
    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}
static inline uint32_t read_u32(struct reader *r)
{
    const uint8_t *p = read_bytes(r, 4);
    return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                   (uint32_t)p[3] << 24
             : 0;
}
static inline uint32_t read_u32be(struct reader *r)
{
    return __builtin_bswap32(read_u32(r));
}
static inline uint64_t read_u64(struct reader *r)
{
    const uint8_t *p = read_bytes(r, 8);
    uint64_t v = 0;
    for (int i = 7; p && i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}
static inline int32_t read_i32(struct reader *r)
{
    return (int32_t)read_u32(r);
}
static inline int64_t read_i64(struct reader *r)
{
    return (int64_t)read_u64(r);
}
/* CompactSize, must be minimal; above @max is bad. */
uint64_t read_varint(struct reader *r, uint64_t max);
/* Bitcoin Core's base-128 VARINT of its disk formats. */
uint64_t read_base128(struct reader *r);
void read_copy(struct reader *r, void *out, size_t n); /* zeros when bad */
struct hash256 read_hash256(struct reader *r);
/* CompactSize length (at most max) and that many bytes, borrowed. */
struct bytes read_var(struct reader *r, size_t max);

#endif
