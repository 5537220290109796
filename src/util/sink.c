#include "util/sink.h"

static void put_buf(void *ctx, const void *data, size_t len)
{
    buf_append(ctx, data, len);
}

struct sink sink_to_buf(struct buf *b)
{
    return sink_to_fn(put_buf, b);
}

struct sink sink_counter(void)
{
    return sink_to_fn(NULL, NULL);
}

struct sink sink_to_fn(void (*put)(void *ctx, const void *data, size_t len), void *ctx)
{
    return (struct sink){.put = put, .ctx = ctx};
}

void write_u8(struct sink *s, uint8_t v)
{
    write_bytes(s, &v, 1);
}

void write_u16(struct sink *s, uint16_t v)
{
    uint8_t p[2];
    put_le16(p, v);
    write_bytes(s, p, sizeof(p));
}

void write_u16be(struct sink *s, uint16_t v)
{
    write_u16(s, __builtin_bswap16(v));
}

void write_u32(struct sink *s, uint32_t v)
{
    uint8_t p[4];
    put_le32(p, v);
    write_bytes(s, p, sizeof(p));
}

void write_u32be(struct sink *s, uint32_t v)
{
    write_u32(s, __builtin_bswap32(v));
}

void write_u64(struct sink *s, uint64_t v)
{
    uint8_t p[8];
    put_le64(p, v);
    write_bytes(s, p, sizeof(p));
}

size_t varint_size(uint64_t v)
{
    return v < 0xfd ? 1 : v <= 0xffff ? 3 : v <= 0xffffffff ? 5 : 9;
}

void write_varint(struct sink *s, uint64_t v)
{
    uint8_t p[9];
    size_t n = varint_size(v);
    switch (n) {
    case 1:
        p[0] = (uint8_t)v;
        break;
    case 3:
        p[0] = 0xfd;
        put_le16(p + 1, (uint16_t)v);
        break;
    case 5:
        p[0] = 0xfe;
        put_le32(p + 1, (uint32_t)v);
        break;
    default:
        p[0] = 0xff;
        put_le64(p + 1, v);
    }
    write_bytes(s, p, n);
}

void write_base128(struct sink *s, uint64_t v)
{
    uint8_t p[10];
    size_t at = sizeof(p);
    p[--at] = v & 0x7f;
    while (v > 0x7f) {
        v = (v >> 7) - 1;
        p[--at] = (uint8_t)(v & 0x7f) | 0x80;
    }
    write_bytes(s, p + at, sizeof(p) - at);
}

void write_hash256(struct sink *s, const struct hash256 *h)
{
    write_bytes(s, h->b, sizeof(h->b));
}

void write_var(struct sink *s, struct bytes v)
{
    write_varint(s, v.len);
    write_bytes(s, v.data, v.len);
}
