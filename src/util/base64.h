/* Base64 (RFC 4648, section 4) with padding. */
#ifndef OCHRE_UTIL_BASE64_H
#define OCHRE_UTIL_BASE64_H

#include "util/bytes.h"

void base64_append(struct buf *out, const void *data, size_t len);
/* Appends; false leaves out as it was: wrong characters, length or padding, or unused
 * bits that are not zero. */
NODISCARD bool base64_decode(struct buf *out, const char *text, size_t len);

#endif
