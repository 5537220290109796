#include "util/hex.h"

#include "util/sink.h"

static const char digits[] = "0123456789abcdef";

/* Value of each hexadecimal digit plus one; 0 for everything else. */
static const uint8_t value_of[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
    ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
    ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
    ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* Both digits of eight bytes' worth of nibbles at once: each nibble in a byte of its
 * own becomes '0' + n, and those above 9 are lifted to 'a'. */
static uint64_t nibbles_to_digits(uint64_t n)
{
    uint64_t above_nine = (n + 0x0606060606060606) >> 4 & 0x0101010101010101;
    return n + 0x3030303030303030 + above_nine * ('a' - '0' - 10);
}

/* Four bytes in memory order to their eight digits in memory order (little-endian). */
static uint64_t spread(uint32_t v)
{
    uint64_t x = v;
    x = (x | x << 16) & 0x0000ffff0000ffff;
    x = (x | x << 8) & 0x00ff00ff00ff00ff;
    return (x >> 4 & 0x000f000f000f000f) | (x & 0x000f000f000f000f) << 8;
}

static void encode(char *out, const uint8_t *p, size_t len)
{
    size_t i = 0;
    for (; i + 4 <= len; i += 4) {
        uint64_t text = nibbles_to_digits(spread(get_le32(p + i)));
        put_le64((uint8_t *)out + 2 * i, text);
    }
    for (; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
}

char *hex_encode(char *out, const void *data, size_t len)
{
    encode(out, data, len);
    out[2 * len] = 0;
    return out;
}

void hex_append(struct buf *out, const void *data, size_t len)
{
    encode((char *)buf_extend(out, 2 * len), data, len);
}

bool hex_decode_fixed(void *out, size_t n, const char *hex, size_t hex_len)
{
    const uint8_t *in = (const uint8_t *)hex;
    uint8_t *p = out;
    if (hex_len / 2 != n || hex_len % 2 != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t hi = value_of[in[2 * i]], lo = value_of[in[2 * i + 1]];
        if (!hi || !lo)
            return false;
        p[i] = (uint8_t)((hi - 1) << 4 | (lo - 1));
    }
    return true;
}

bool hex_decode(struct buf *out, const char *hex, size_t hex_len)
{
    size_t before = out->len;
    size_t n = hex_len / 2;
    if (hex_decode_fixed(buf_extend(out, n), n, hex, hex_len))
        return true;
    out->len = before;
    return false;
}

bool hex_is(const char *s, size_t len)
{
    if (len == 0 || len % 2 != 0)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!value_of[(uint8_t)s[i]])
            return false;
    return true;
}
