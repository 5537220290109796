/* Byte strings: a borrowed view, a growing buffer, and the two fixed-size ids that the
 * whole program passes around. */
#ifndef OCHRE_UTIL_BYTES_H
#define OCHRE_UTIL_BYTES_H

#include <stdarg.h>
#include <string.h>

#include "util/err.h"

/* Borrowed bytes. data may be NULL only when len is 0. */
struct bytes {
    const uint8_t *data;
    size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){(const uint8_t *)data, len};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int bytes_compare(struct bytes a, struct bytes b); /* memcmp order, shorter first */

/* Growing buffer; owns its memory. Zero-initialised is valid and empty. */
struct buf {
    uint8_t *data; /* owned */
    size_t len;
    size_t cap;
    bool secret; /* what it held is wiped before memory is given back */
};

void buf_init(struct buf *b);
void buf_clear(struct buf *b);             /* frees */
void buf_reset(struct buf *b);             /* len = 0, keeps memory */
void buf_grow(struct buf *b, size_t more); /* for buf_reserve */
static inline void buf_reserve(struct buf *b, size_t more)
{
    if (b->cap - b->len < more || b->data == NULL) /* even 0 bytes have an address */
        buf_grow(b, more);
}
/* Returns the n new bytes, not set. */
static inline uint8_t *buf_extend(struct buf *b, size_t n)
{
    buf_reserve(b, n);
    uint8_t *p = b->data + b->len;
    b->len += n;
    return p;
}
static inline void buf_append(struct buf *b, const void *data, size_t len)
{
    if (len)
        memcpy(buf_extend(b, len), data, len);
}
static inline void buf_append_byte(struct buf *b, uint8_t c)
{
    *buf_extend(b, 1) = c;
}
void buf_append_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
const char *
buf_cstr(struct buf *b); /* adds a NUL beyond len; valid until next change */
/* Caller frees; b is empty after. A NUL stands behind the last byte; @len may be NULL.
 */
uint8_t *buf_take(struct buf *b, size_t *len);

static inline struct bytes buf_view(const struct buf *b)
{
    return bytes_of(b->data, b->len);
}

/* 256-bit id in the order in which it is serialised (the displayed order is reversed).
 */
struct hash256 {
    uint8_t b[32];
};

struct hash160 {
    uint8_t b[20];
};

static inline bool hash256_equal(const struct hash256 *a, const struct hash256 *b)
{
    return memcmp(a->b, b->b, 32) == 0;
}

static inline bool hash256_is_zero(const struct hash256 *a)
{
    static const struct hash256 zero;
    return memcmp(a->b, zero.b, 32) == 0;
}

/* Displayed (reversed) hex. out holds 65 bytes. Returns out. */
char *hash256_to_hex(char out[65], const struct hash256 *h);
/* Reads 64 displayed hex digits, either case. */
NODISCARD bool hash256_from_hex(struct hash256 *out, const char *hex);

#endif
