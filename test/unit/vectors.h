/* Shared vectors in JSON, read with jansson. */
#ifndef OCHRE_TEST_VECTORS_H
#define OCHRE_TEST_VECTORS_H

#include <jansson.h>

#include "unit.h"

#include "util/hex.h"

/* Whole file; the caller json_decrefs. Skips the test when the file is not there. */
static inline json_t *load_vectors(const char *name)
{
    json_error_t err;
    json_t *root = json_load_file(shared_vector(name), 0, &err);
    if (root == NULL)
        fail_msg("%s: %s", name, err.text);
    return root;
}

static inline void from_hex(struct buf *out, const char *hex)
{
    buf_reset(out);
    if (!hex_decode(out, hex, strlen(hex)))
        fail_msg("not hex: %s", hex);
}

static inline void assert_hex(const void *got, size_t len, const char *want)
{
    struct buf hex = {0};
    hex_append(&hex, got, len);
    assert_string_equal(buf_cstr(&hex), want);
    buf_clear(&hex);
}

static inline const char *str_at(const json_t *arr, size_t i)
{
    const char *s = json_string_value(json_array_get(arr, i));
    return s != NULL ? s : "";
}

static inline const char *str_of(const json_t *obj, const char *key)
{
    const char *s = json_string_value(json_object_get(obj, key));
    return s != NULL ? s : "";
}

static inline struct bytes hex_to(struct buf *out, const char *hex)
{
    from_hex(out, hex);
    return buf_view(out);
}

static inline void hex_to_fixed(void *out, size_t n, const char *hex)
{
    if (!hex_decode_fixed(out, n, hex, strlen(hex)))
        fail_msg("not %zu bytes of hex: %s", n, hex);
}

#endif
