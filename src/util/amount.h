/* Amounts of money: a typed count of the smallest unit (patoshi, satoshi) with checked
 * arithmetic. Decimals exist only at the RPC edge. */
#ifndef OCHRE_UTIL_AMOUNT_H
#define OCHRE_UTIL_AMOUNT_H

#include "util/bytes.h"

struct amount {
    int64_t v;
};

static inline struct amount amount_of(int64_t v)
{
    return (struct amount){v};
}
/* False on overflow; *out is untouched then. */
NODISCARD static inline bool amount_add(struct amount *out, struct amount a,
                                        struct amount b)
{
    int64_t r;
    if (__builtin_add_overflow(a.v, b.v, &r))
        return false;
    out->v = r;
    return true;
}
NODISCARD static inline bool amount_sub(struct amount *out, struct amount a,
                                        struct amount b)
{
    int64_t r;
    if (__builtin_sub_overflow(a.v, b.v, &r))
        return false;
    out->v = r;
    return true;
}
/* "-12.34500000" with exactly @decimals digits after the point. Returns out. */
char *amount_format(char out[32], struct amount a, unsigned decimals);
/* Decimal text as JSON numbers write it (exponent allowed) to units; more digits than
 * @decimals, overflow, or anything but a number is false. */
NODISCARD bool amount_parse(struct amount *out, const char *text, size_t len,
                            unsigned decimals);

#endif
