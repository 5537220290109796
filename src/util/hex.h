/* Hexadecimal text. */
#ifndef OCHRE_UTIL_HEX_H
#define OCHRE_UTIL_HEX_H

#include "util/bytes.h"

/* Writes 2 * len lower-case digits and a NUL. Returns out. */
char *hex_encode(char *out, const void *data, size_t len);
void hex_append(struct buf *out, const void *data, size_t len);
/* Even number of digits, either case, no blanks. Appends to out; false leaves out as it
 * was. */
NODISCARD bool hex_decode(struct buf *out, const char *hex, size_t hex_len);
/* Exactly n bytes. */
NODISCARD bool hex_decode_fixed(void *out, size_t n, const char *hex, size_t hex_len);
bool hex_is(const char *s, size_t len); /* non-empty, even, all digits */

#endif
