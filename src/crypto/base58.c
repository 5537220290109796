#include "crypto/base58.h"

#include <stdlib.h>

#include "crypto/secret.h"
#include "crypto/sha256.h"
#include "util/mem.h"

static const char alphabet[] =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

static int digit_value(char c)
{
    const char *p = c != '\0' ? strchr(alphabet, c) : NULL;
    return p != NULL ? (int)(p - alphabet) : -1;
}

/* Private keys pass through here. */
static void drop(uint8_t *p, size_t n)
{
    secret_wipe(p, n);
    free(p);
}

/* number = number * mul + add, in base @base with n digits, the last one the lowest;
 * returns what did not fit. @used counts the digits in use. */
static unsigned mul_add(uint8_t *number, size_t n, size_t *used, unsigned base,
                        unsigned mul, unsigned add)
{
    size_t i = 0;
    for (; (add != 0 || i < *used) && i < n; i++) {
        add += number[n - 1 - i] * mul;
        number[n - 1 - i] = (uint8_t)(add % base);
        add /= base;
    }
    *used = i;
    return add;
}

char *base58_encode(const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t zeros = 0, used = 0;
    while (zeros < len && p[zeros] == 0)
        zeros++;
    size_t max = (len - zeros) * 138 / 100 + 1; /* log(256) / log(58), rounded up */
    uint8_t *digits = xcalloc(max, 1);
    for (size_t i = zeros; i < len; i++)
        mul_add(digits, max, &used, 58, 256, p[i]);
    char *text = xmalloc(zeros + used + 1);
    memset(text, '1', zeros);
    for (size_t i = 0; i < used; i++)
        text[zeros + i] = alphabet[digits[max - used + i]];
    text[zeros + used] = '\0';
    drop(digits, max);
    return text;
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \f\n\r\t\v");
}

/* The digits' value into the last octets of number[n]; false: a bad character or too
 * large. */
static bool decode_digits(uint8_t *number, size_t n, size_t *used, const char *text)
{
    for (; *text != '\0' && strchr(" \f\n\r\t\v", *text) == NULL; text++) {
        int v = digit_value(*text);
        if (v < 0 || mul_add(number, n, used, 256, 58, (unsigned)v) != 0)
            return false;
    }
    return *skip_blanks(text) == '\0';
}

bool base58_decode(struct buf *out, const char *text, size_t max)
{
    size_t zeros = 0, used = 0;
    text = skip_blanks(text);
    while (text[zeros] == '1')
        zeros++;
    if (zeros > max)
        return false;
    uint8_t *number = xcalloc(max - zeros + 1, 1);
    bool ok = decode_digits(number, max - zeros, &used, text + zeros);
    if (ok) {
        if (zeros > 0)
            memset(buf_extend(out, zeros), 0, zeros);
        buf_append(out, number + (max - zeros - used), used);
    }
    drop(number, max - zeros + 1);
    return ok;
}

char *base58check_encode(const void *data, size_t len)
{
    uint8_t sum[32];
    uint8_t *checked = xmalloc(len + 4);
    sha256d(sum, data, len);
    if (len > 0)
        memcpy(checked, data, len);
    memcpy(checked + len, sum, 4);
    char *text = base58_encode(checked, len + 4);
    drop(checked, len + 4);
    return text;
}

bool base58check_decode(struct buf *out, const char *text, size_t max)
{
    size_t start = out->len;
    uint8_t sum[32];
    if (!base58_decode(out, text, max + 4))
        return false;
    size_t n = out->len - start;
    if (n >= 4) {
        sha256d(sum, out->data + start, n - 4);
        if (memcmp(sum, out->data + start + n - 4, 4) == 0) {
            out->len -= 4;
            return true;
        }
    }
    out->len = start;
    return false;
}
