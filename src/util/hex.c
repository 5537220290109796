#include "util/hex.h"

static const char digits[] = "0123456789abcdef";

/* Value of each hexadecimal digit plus one; 0 for everything else. */
static const uint8_t value_of[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
    ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
    ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
    ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static void encode(char *out, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
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
