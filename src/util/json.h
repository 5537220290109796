/* JSON (RFC 8259). Reader: strict, into a tree that keeps a number's text and caps the
 * depth. Writer: streams into a buffer, keeps no tree, writes exact decimals. */
#ifndef OCHRE_UTIL_JSON_H
#define OCHRE_UTIL_JSON_H

#include "util/amount.h"
#include "util/mem.h"

enum json_type {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER, /* str is the number's text as it stood */
    JSON_STRING, /* str is UTF-8, escapes resolved, may hold NUL (use str_len) */
    JSON_ARRAY,
    JSON_OBJECT,
};

#define JSON_MAX_DEPTH 512

struct json {
    enum json_type type;
    bool boolean;
    const char *str; /* NUL-terminated, in the document's arena */
    size_t str_len;
    size_t len;         /* array or object: number of children */
    struct json *items; /* children, in order */
    struct json *keys;  /* object only: len JSON_STRINGs */
};

/* Parses all of text into *out, allocated from @a. False: *error is a static phrase. */
NODISCARD bool json_parse(struct json **out, struct arena *a, const char *text,
                          size_t len, const char **error);
/* Member of an object by name (the first of equal ones), NULL when absent or no object.
 */
const struct json *json_get(const struct json *obj, const char *key);
const struct json *json_at(const struct json *arr, size_t i);
/* Whole numbers only ("1.0" is not one); false when out of range or not a number. */
NODISCARD bool json_to_i64(const struct json *v, int64_t *out);
NODISCARD bool json_to_u64(const struct json *v, uint64_t *out);
NODISCARD bool json_to_double(const struct json *v, double *out);
/* "null", "bool", "number", "string", "array", "object": bitcoind's words. */
const char *json_type_name(enum json_type t);
/* Deep copy of @v into @a. */
struct json *json_dup(struct arena *a, const struct json *v);

/* Writer. Calls must nest properly (ASSERTed). Strings are escaped as univalue does:
 * control characters, quote, backslash and 0x7f; other UTF-8 passes as it is. */
#define JSON_WRITE_DEPTH                                                               \
    (JSON_MAX_DEPTH + 64) /* any parsed tree, and something around */
struct json_writer {
    struct buf *out; /* borrowed */
    int indent; /* spaces per level; 0 = compact; an empty "[" "]" takes two lines */
    int depth;
    uint8_t state[JSON_WRITE_DEPTH];
};

void json_writer_init(struct json_writer *w, struct buf *out, int indent);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_null(struct json_writer *w);
void json_bool(struct json_writer *w, bool v);
void json_int(struct json_writer *w, int64_t v);
void json_uint(struct json_writer *w, uint64_t v);
/* As C++ streams with precision 16 print it (bitcoind's doubles),
 * e.g. 4.656542373906925e-10. */
void json_double(struct json_writer *w, double v);
void json_amount(struct json_writer *w, struct amount v, unsigned decimals);
void json_str(struct json_writer *w, const char *s);
void json_strn(struct json_writer *w, const char *s, size_t len);
void json_hex(struct json_writer *w, const void *data, size_t len);
void json_hash(struct json_writer *w, const struct hash256 *h); /* displayed order */
void json_raw(struct json_writer *w, const char *text,
              size_t len); /* ready-made JSON value */
void json_value(struct json_writer *w, const struct json *v); /* a parsed tree */

/* key and value in one call */
void json_kv_null(struct json_writer *w, const char *k);
void json_kv_bool(struct json_writer *w, const char *k, bool v);
void json_kv_int(struct json_writer *w, const char *k, int64_t v);
void json_kv_uint(struct json_writer *w, const char *k, uint64_t v);
void json_kv_double(struct json_writer *w, const char *k, double v);
void json_kv_amount(struct json_writer *w, const char *k, struct amount v,
                    unsigned decimals);
void json_kv_str(struct json_writer *w, const char *k, const char *v);
void json_kv_hex(struct json_writer *w, const char *k, const void *data, size_t len);
void json_kv_hash(struct json_writer *w, const char *k, const struct hash256 *h);

#endif
