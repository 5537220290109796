#include "util/amount.h"

#define MAX_DIGITS 18 /* of a parsed amount, as in bitcoind: below 10^18 units */

char *amount_format(char out[32], struct amount a, unsigned decimals)
{
    ASSERT(decimals <= 18);
    uint64_t v = a.v < 0 ? 0 - (uint64_t)a.v : (uint64_t)a.v;
    char text[32], *p = text + sizeof(text);
    *--p = 0;
    for (unsigned digits = 0; v > 0 || digits <= decimals; digits++, v /= 10) {
        if (digits == decimals && decimals > 0)
            *--p = '.';
        *--p = (char)('0' + v % 10);
    }
    if (a.v < 0)
        *--p = '-';
    return memcpy(out, p, (size_t)(text + sizeof(text) - p));
}

/* A number taken apart: its significant digits (no trailing zeros) times 10^exponent.
 */
struct decimal {
    const char *pos, *end;
    bool negative;
    int64_t mantissa;
    int64_t exponent;
    int digits;
    int zeros; /* trailing zeros not yet multiplied in */
};

static bool is_digit(const struct decimal *d)
{
    return d->pos < d->end && *d->pos >= '0' && *d->pos <= '9';
}

static bool take(struct decimal *d, char c)
{
    if (d->pos == d->end || *d->pos != c)
        return false;
    d->pos++;
    return true;
}

static bool add_digit(struct decimal *d, int digit)
{
    if (digit == 0) {
        d->zeros++;
        return true;
    }
    for (; d->zeros >= 0; d->zeros--) {
        if (d->mantissa >= INT64_MAX / 10 || (d->mantissa && d->digits >= MAX_DIGITS))
            return false;
        d->mantissa *= 10;
        d->digits += d->mantissa != 0;
    }
    d->zeros = 0;
    d->mantissa += digit;
    if (d->digits == 0)
        d->digits = 1;
    return true;
}

static bool take_digits(struct decimal *d, bool fraction)
{
    if (!is_digit(d))
        return false;
    while (is_digit(d)) {
        if (!add_digit(d, *d->pos++ - '0'))
            return false;
        d->exponent -= fraction;
    }
    return true;
}

static bool take_exponent(struct decimal *d)
{
    int64_t e = 0;
    bool negative = false;
    if (!take(d, 'e') && !take(d, 'E'))
        return true;
    if (take(d, '-'))
        negative = true;
    else
        take(d, '+');
    if (!is_digit(d))
        return false;
    while (is_digit(d)) {
        if (e > 100000000)
            return false;
        e = e * 10 + (*d->pos++ - '0');
    }
    d->exponent += negative ? -e : e;
    return true;
}

static bool decimal_parse(struct decimal *d)
{
    d->negative = take(d, '-');
    if (take(d, '0')) {
        if (is_digit(d))
            return false;
    } else if (!take_digits(d, false)) {
        return false;
    }
    if (take(d, '.') && !take_digits(d, true))
        return false;
    if (!take_exponent(d) || d->pos != d->end)
        return false;
    d->exponent += d->zeros;
    return true;
}

bool amount_parse(struct amount *out, const char *text, size_t len, unsigned decimals)
{
    struct decimal d = {.pos = text, .end = text + len};
    if (!decimal_parse(&d))
        return false;
    int64_t v = d.mantissa;
    int64_t shift = d.exponent + (int64_t)decimals;
    if (shift < 0 || shift >= MAX_DIGITS)
        return false;
    for (; shift > 0; shift--)
        if (__builtin_mul_overflow(v, (int64_t)10, &v))
            return false;
    if (v >= 1000000000000000000)
        return false;
    out->v = d.negative ? -v : v;
    return true;
}
