#include "util/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/hex.h"
#include "util/mem.h"

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    if (c != 0)
        return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

void buf_init(struct buf *b)
{
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    if (b->secret && b->data != NULL)
        explicit_bzero(b->data, b->cap);
    free(b->data);
    *b = (struct buf){.secret = b->secret};
}

void buf_reset(struct buf *b)
{
    if (b->secret && b->data != NULL)
        explicit_bzero(b->data, b->len);
    b->len = 0;
}

/* realloc may leave a copy behind. */
static void move_secret(struct buf *b, size_t cap)
{
    uint8_t *to = xmalloc(cap);
    if (b->len > 0)
        memcpy(to, b->data, b->len);
    if (b->data != NULL)
        explicit_bzero(b->data, b->cap);
    free(b->data);
    b->data = to;
}

void buf_grow(struct buf *b, size_t more)
{
    ASSERT(more <= SIZE_MAX / 4 && b->len <= SIZE_MAX / 4);
    size_t need = b->len + more;
    size_t cap = b->cap + b->cap / 2;
    if (cap < 64)
        cap = 64;
    if (cap < need)
        cap = need;
    if (b->secret)
        move_secret(b, cap);
    else
        b->data = xrealloc(b->data, cap);
    b->cap = cap;
}

void buf_append_str(struct buf *b, const char *s)
{
    buf_append(b, s, strlen(s));
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    buf_reserve(b, 64);
    int n = vsnprintf((char *)b->data + b->len, b->cap - b->len, fmt, ap);
    ASSERT(n >= 0);
    if ((size_t)n >= b->cap - b->len) {
        buf_reserve(b, (size_t)n + 1);
        vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

const char *buf_cstr(struct buf *b)
{
    buf_reserve(b, 1);
    b->data[b->len] = 0;
    return (const char *)b->data;
}

uint8_t *buf_take(struct buf *b, size_t *len)
{
    buf_cstr(b); /* so that text may be taken as a string; never NULL */
    uint8_t *data = b->data;
    if (len)
        *len = b->len;
    buf_init(b);
    return data;
}

char *hash256_to_hex(char out[65], const struct hash256 *h)
{
    uint8_t rev[32];
    for (int i = 0; i < 32; i++)
        rev[i] = h->b[31 - i];
    return hex_encode(out, rev, 32);
}

bool hash256_from_hex(struct hash256 *out, const char *hex)
{
    uint8_t rev[32];
    if (!hex_decode_fixed(rev, 32, hex, strlen(hex)))
        return false;
    for (int i = 0; i < 32; i++)
        out->b[i] = rev[31 - i];
    return true;
}
