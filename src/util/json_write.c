#include <stdio.h>

#include "util/hex.h"
#include "util/json.h"

/* Bits of json_writer.state[level]. */
enum {
    IN_OBJECT = 1,
    HAS_MEMBER = 2,
    AFTER_KEY = 4,
};

void json_writer_init(struct json_writer *w, struct buf *out, int indent)
{
    w->out = out;
    w->indent = indent;
    w->depth = 0;
    w->state[0] = 0;
}

static void new_line(struct json_writer *w, int level)
{
    size_t n = (size_t)(level * w->indent);
    if (w->indent == 0)
        return;
    buf_append_byte(w->out, '\n');
    memset(buf_extend(w->out, n), ' ', n);
}

/* What stands before a member: the comma, and its line when the text is indented. */
static void before_member(struct json_writer *w)
{
    uint8_t *s = &w->state[w->depth];
    if (*s & HAS_MEMBER)
        buf_append_byte(w->out, ',');
    *s |= HAS_MEMBER;
    new_line(w, w->depth);
}

static void before_value(struct json_writer *w)
{
    uint8_t *s = &w->state[w->depth];
    if (w->depth == 0)
        return;
    if (*s & IN_OBJECT) {
        ASSERT(*s & AFTER_KEY);
        *s &= (uint8_t)~AFTER_KEY;
    } else {
        before_member(w);
    }
}

static void begin(struct json_writer *w, char open, uint8_t state)
{
    before_value(w);
    buf_append_byte(w->out, (uint8_t)open);
    ASSERT(w->depth + 1 < JSON_WRITE_DEPTH);
    w->state[++w->depth] = state;
}

static void end(struct json_writer *w, char close, uint8_t state)
{
    ASSERT(w->depth > 0 && (w->state[w->depth] & (IN_OBJECT | AFTER_KEY)) == state);
    w->depth--;
    new_line(w, w->depth);
    buf_append_byte(w->out, (uint8_t)close);
}

void json_begin_object(struct json_writer *w)
{
    begin(w, '{', IN_OBJECT);
}

void json_end_object(struct json_writer *w)
{
    end(w, '}', IN_OBJECT);
}

void json_begin_array(struct json_writer *w)
{
    begin(w, '[', 0);
}

void json_end_array(struct json_writer *w)
{
    end(w, ']', 0);
}

/* Bytes that pass as they are; all others have an escape. */
static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

static void append_escape(struct buf *out, uint8_t c)
{
    static const char short_form[128] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',  ['\f'] = 'f',
        ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\',
    };
    if (short_form[c]) {
        buf_append_byte(out, '\\');
        buf_append_byte(out, (uint8_t)short_form[c]);
    } else {
        buf_printf(out, "\\u%04x", c);
    }
}

/* Whether one of eight bytes has an escape; may also say so when none has. */
static bool any_escape(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101, tops = ones * 0x80;
    uint64_t quote = w ^ ones * '"', backslash = w ^ ones * '\\', del = w ^ ones * 0x7f;
    uint64_t control = (w - ones * 0x20) & ~w;
    uint64_t zero = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                    ((del - ones) & ~del);
    return ((control | zero) & tops) != 0;
}

/* Length of the longest head of s that needs no escape. */
static size_t plain_run(const char *s, size_t len)
{
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t w;
        memcpy(&w, s + i, 8);
        if (any_escape(w))
            break;
    }
    while (i < len && is_plain((uint8_t)s[i]))
        i++;
    return i;
}

static void append_string(struct buf *out, const char *s, size_t len)
{
    buf_reserve(out, len + 2);
    buf_append_byte(out, '"');
    for (;;) {
        size_t n = plain_run(s, len);
        buf_append(out, s, n);
        if (n == len)
            break;
        append_escape(out, (uint8_t)s[n]);
        s += n + 1;
        len -= n + 1;
    }
    buf_append_byte(out, '"');
}

static void write_key(struct json_writer *w, const char *key, size_t len)
{
    ASSERT((w->state[w->depth] & (IN_OBJECT | AFTER_KEY)) == IN_OBJECT);
    before_member(w);
    append_string(w->out, key, len);
    buf_append(w->out, ": ", w->indent ? 2 : 1);
    w->state[w->depth] |= AFTER_KEY;
}

void json_key(struct json_writer *w, const char *key)
{
    write_key(w, key, strlen(key));
}

void json_raw(struct json_writer *w, const char *text, size_t len)
{
    before_value(w);
    buf_append(w->out, text, len);
}

void json_null(struct json_writer *w)
{
    json_raw(w, "null", 4);
}

void json_bool(struct json_writer *w, bool v)
{
    json_raw(w, v ? "true" : "false", v ? 4 : 5);
}

static void write_number(struct json_writer *w, uint64_t v, bool negative)
{
    char text[24], *p = text + sizeof(text);
    do {
        *--p = (char)('0' + v % 10);
    } while (v /= 10);
    if (negative)
        *--p = '-';
    json_raw(w, p, (size_t)(text + sizeof(text) - p));
}

void json_int(struct json_writer *w, int64_t v)
{
    write_number(w, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
}

void json_uint(struct json_writer *w, uint64_t v)
{
    write_number(w, v, false);
}

void json_double(struct json_writer *w, double v)
{
    char text[40];
    if (v - v != 0) { /* infinite or no number: JSON has no word for it */
        json_null(w);
        return;
    }
    int n = snprintf(text, sizeof(text), "%.16g", v);
    json_raw(w, text, (size_t)n);
}

void json_amount(struct json_writer *w, struct amount v, unsigned decimals)
{
    char text[32];
    amount_format(text, v, decimals);
    json_raw(w, text, strlen(text));
}

void json_strn(struct json_writer *w, const char *s, size_t len)
{
    before_value(w);
    append_string(w->out, s, len);
}

void json_str(struct json_writer *w, const char *s)
{
    json_strn(w, s, strlen(s));
}

void json_hex(struct json_writer *w, const void *data, size_t len)
{
    before_value(w);
    buf_append_byte(w->out, '"');
    hex_append(w->out, data, len);
    buf_append_byte(w->out, '"');
}

void json_hash(struct json_writer *w, const struct hash256 *h)
{
    char text[65];
    json_strn(w, hash256_to_hex(text, h), 64);
}

void json_value(struct json_writer *w, const struct json *v)
{
    switch (v->type) {
    case JSON_NULL:
        json_null(w);
        break;
    case JSON_BOOL:
        json_bool(w, v->boolean);
        break;
    case JSON_NUMBER:
        json_raw(w, v->str, v->str_len);
        break;
    case JSON_STRING:
        json_strn(w, v->str, v->str_len);
        break;
    case JSON_ARRAY:
        json_begin_array(w);
        for (size_t i = 0; i < v->len; i++)
            json_value(w, &v->items[i]);
        json_end_array(w);
        break;
    case JSON_OBJECT:
        json_begin_object(w);
        for (size_t i = 0; i < v->len; i++) {
            write_key(w, v->keys[i].str, v->keys[i].str_len);
            json_value(w, &v->items[i]);
        }
        json_end_object(w);
        break;
    }
}

void json_kv_null(struct json_writer *w, const char *k)
{
    json_key(w, k);
    json_null(w);
}

void json_kv_bool(struct json_writer *w, const char *k, bool v)
{
    json_key(w, k);
    json_bool(w, v);
}

void json_kv_int(struct json_writer *w, const char *k, int64_t v)
{
    json_key(w, k);
    json_int(w, v);
}

void json_kv_uint(struct json_writer *w, const char *k, uint64_t v)
{
    json_key(w, k);
    json_uint(w, v);
}

void json_kv_double(struct json_writer *w, const char *k, double v)
{
    json_key(w, k);
    json_double(w, v);
}

void json_kv_amount(struct json_writer *w, const char *k, struct amount v,
                    unsigned decimals)
{
    json_key(w, k);
    json_amount(w, v, decimals);
}

void json_kv_str(struct json_writer *w, const char *k, const char *v)
{
    json_key(w, k);
    json_str(w, v);
}

void json_kv_hex(struct json_writer *w, const char *k, const void *data, size_t len)
{
    json_key(w, k);
    json_hex(w, data, len);
}

void json_kv_hash(struct json_writer *w, const char *k, const struct hash256 *h)
{
    json_key(w, k);
    json_hash(w, h);
}
