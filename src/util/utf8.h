/* UTF-8 (RFC 3629). */
#ifndef OCHRE_UTIL_UTF8_H
#define OCHRE_UTIL_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length of the well-formed sequence of several octets at s, 0 when there is none;
 * left > 0. */
static inline size_t utf8_sequence(const uint8_t *s, size_t left)
{
    uint8_t c = s[0];
    size_t n = c >= 0xc2 && c <= 0xdf   ? 2
               : (c & 0xf0) == 0xe0     ? 3
               : c >= 0xf0 && c <= 0xf4 ? 4
                                        : 0;
    if (n == 0 || left < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) ||
        (c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

#endif
