#include "util/base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_append(struct buf *out, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (; len > 0; p += 3) {
        size_t n = len < 3 ? len : 3;
        uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) |
                     (n > 2 ? p[2] : 0);
        uint8_t *to = buf_extend(out, 4);
        to[0] = (uint8_t)alphabet[v >> 18];
        to[1] = (uint8_t)alphabet[v >> 12 & 63];
        to[2] = n > 1 ? (uint8_t)alphabet[v >> 6 & 63] : '=';
        to[3] = n > 2 ? (uint8_t)alphabet[v & 63] : '=';
        len -= n;
    }
}

static int value_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

bool base64_decode(struct buf *out, const char *text, size_t len)
{
    size_t before = out->len, n = len, bits = 0;
    uint32_t acc = 0;
    if (len % 4 != 0)
        return false;
    while (n > 0 && len - n < 2 && text[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        int v = value_of(text[i]);
        if (v < 0)
            goto bad;
        acc = (acc << 6 | (uint32_t)v) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_append_byte(out, (uint8_t)(acc >> bits));
        }
    }
    if ((acc & ((1u << bits) - 1)) == 0)
        return true;
bad:
    out->len = before;
    return false;
}
