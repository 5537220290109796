/* Where written bytes go: a buffer, a counter, or any function (a hash, say). One
 * T_write serves size, serialisation and id alike, so they can never disagree. */
#ifndef OCHRE_UTIL_SINK_H
#define OCHRE_UTIL_SINK_H

#include "util/bytes.h"

struct sink {
    void (*put)(void *ctx, const void *data, size_t len); /* NULL: only count */
    void *ctx;
    uint64_t count;
};

struct sink sink_to_buf(struct buf *b); /* appends */
struct sink sink_counter(void);
struct sink sink_to_fn(void (*put)(void *ctx, const void *data, size_t len), void *ctx);

static inline void write_bytes(struct sink *s, const void *data, size_t len)
{
    s->count += len;
    if (s->put && len)
        s->put(s->ctx, data, len);
}
void write_u8(struct sink *s, uint8_t v);
void write_u16(struct sink *s, uint16_t v);
void write_u16be(struct sink *s, uint16_t v);
void write_u32(struct sink *s, uint32_t v);
void write_u32be(struct sink *s, uint32_t v);
void write_u64(struct sink *s, uint64_t v);
static inline void write_i64(struct sink *s, int64_t v)
{
    write_u64(s, (uint64_t)v);
}
void write_varint(struct sink *s, uint64_t v);  /* CompactSize */
void write_base128(struct sink *s, uint64_t v); /* Core's disk VARINT */
void write_hash256(struct sink *s, const struct hash256 *h);
void write_var(struct sink *s, struct bytes v); /* CompactSize length, then bytes */
size_t varint_size(uint64_t v);

static inline void put_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}
static inline void put_le32(uint8_t *p, uint32_t v)
{
    put_le16(p, (uint16_t)v);
    put_le16(p + 2, (uint16_t)(v >> 16));
}
static inline void put_le64(uint8_t *p, uint64_t v)
{
    put_le32(p, (uint32_t)v);
    put_le32(p + 4, (uint32_t)(v >> 32));
}
static inline void put_be32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}
static inline uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}
static inline uint64_t get_le64(const uint8_t *p)
{
    return (uint64_t)get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

#endif
