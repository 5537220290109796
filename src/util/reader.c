#include "util/reader.h"

void reader_init(struct reader *r, const void *data, size_t len)
{
    static const uint8_t nothing[1];
    r->pos = data ? data : nothing;
    r->end = r->pos + (data ? len : 0);
    r->bad = false;
}

void reader_fail(struct reader *r)
{
    r->bad = true;
    r->pos = r->end;
}

static uint64_t bad_number(struct reader *r)
{
    reader_fail(r);
    return 0;
}

uint64_t read_varint(struct reader *r, uint64_t max)
{
    uint64_t v, least = 0;
    uint8_t first = read_u8(r);
    switch (first) {
    case 0xfd:
        v = read_u16(r);
        least = 0xfd;
        break;
    case 0xfe:
        v = read_u32(r);
        least = 0x10000;
        break;
    case 0xff:
        v = read_u64(r);
        least = 0x100000000;
        break;
    default:
        v = first;
    }
    if (v < least || v > max)
        return bad_number(r);
    return v;
}

uint64_t read_base128(struct reader *r)
{
    uint64_t n = 0;
    for (;;) {
        uint8_t c = read_u8(r);
        if (r->bad || n > UINT64_MAX >> 7)
            return bad_number(r);
        n = n << 7 | (c & 0x7f);
        if (!(c & 0x80))
            return n;
        if (n == UINT64_MAX)
            return bad_number(r);
        n++;
    }
}

void read_copy(struct reader *r, void *out, size_t n)
{
    const uint8_t *p = read_bytes(r, n);
    if (p)
        memcpy(out, p, n);
    else
        memset(out, 0, n);
}

struct hash256 read_hash256(struct reader *r)
{
    struct hash256 h;
    read_copy(r, h.b, sizeof(h.b));
    return h;
}

struct bytes read_var(struct reader *r, size_t max)
{
    size_t n = (size_t)read_varint(r, max);
    const uint8_t *p = read_bytes(r, n);
    return bytes_of(p, p ? n : 0);
}
