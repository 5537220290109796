#include "crypto/bech32.h"

#define CHECKSUM_LEN 6
#define VALUES_MAX   84

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t final_constant(enum bech32_encoding enc)
{
    return enc == BECH32 ? 1 : 0x2bc830a3;
}

/* One step of the remainder of the message polynomial over GF(32), modulo the
 * generator: its multiples for each value of the five bits shifted out. */
static uint32_t polymod_step(uint32_t c, uint8_t value)
{
    static const uint32_t reduction[32] = {
        0x00000000, 0x3b6a57b2, 0x26508e6d, 0x1d3ad9df, 0x1ea119fa, 0x25cb4e48,
        0x38f19797, 0x039bc025, 0x3d4233dd, 0x0628646f, 0x1b12bdb0, 0x2078ea02,
        0x23e32a27, 0x18897d95, 0x05b3a44a, 0x3ed9f3f8, 0x2a1462b3, 0x117e3501,
        0x0c44ecde, 0x372ebb6c, 0x34b57b49, 0x0fdf2cfb, 0x12e5f524, 0x298fa296,
        0x1756516e, 0x2c3c06dc, 0x3106df03, 0x0a6c88b1, 0x09f74894, 0x329d1f26,
        0x2fa7c6f9, 0x14cd914b,
    };
    return ((c & 0x1ffffff) << 5) ^ value ^ reduction[c >> 25];
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Remainder after the human-readable part, in lower case. */
static uint32_t polymod_hrp(const char *hrp, size_t len)
{
    uint32_t c = 1;
    for (size_t i = 0; i < len; i++)
        c = polymod_step(c, (uint8_t)lower(hrp[i]) >> 5);
    c = polymod_step(c, 0);
    for (size_t i = 0; i < len; i++)
        c = polymod_step(c, (uint8_t)lower(hrp[i]) & 31);
    return c;
}

static int char_value(char c)
{
    const char *p = c != '\0' ? strchr(charset, lower(c)) : NULL;
    return p != NULL ? (int)(p - charset) : -1;
}

/* Positions (in pos when not NULL) of characters that may not stand in any Bech32
 * string, or whose case differs from the first letter's. Returns how many. */
static size_t bad_characters(const char *text, size_t len, int *pos)
{
    bool has_lower = false, has_upper = false;
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_lower = c >= 'a' && c <= 'z', is_upper = c >= 'A' && c <= 'Z';
        bool bad =
            (is_lower && has_upper) || (is_upper && has_lower) || c < 33 || c > 126;
        if (!bad) {
            has_lower |= is_lower;
            has_upper |= is_upper;
            continue;
        }
        if (pos != NULL && n < BECH32_MAX_ERRORS)
            pos[n] = (int)i;
        n++;
    }
    return n;
}

/* Position of the separator; len when there is none. */
static size_t find_separator(const char *text, size_t len)
{
    for (size_t i = len; i > 0; i--)
        if (text[i - 1] == '1')
            return i - 1;
    return len;
}

enum bech32_encoding bech32_decode(struct bech32 *out, const char *text, size_t max_len)
{
    size_t len = strlen(text), sep = find_separator(text, len);
    out->encoding = BECH32_INVALID;
    if (len > max_len || bad_characters(text, len, NULL) > 0 || sep == 0 ||
        sep + CHECKSUM_LEN >= len || sep >= sizeof(out->hrp) ||
        len - sep - 1 - CHECKSUM_LEN > VALUES_MAX)
        return BECH32_INVALID;
    uint32_t c = polymod_hrp(text, sep);
    out->len = len - sep - 1 - CHECKSUM_LEN;
    for (size_t i = 0; i < out->len + CHECKSUM_LEN; i++) {
        int v = char_value(text[sep + 1 + i]);
        if (v < 0)
            return BECH32_INVALID;
        c = polymod_step(c, (uint8_t)v);
        if (i < out->len)
            out->values[i] = (uint8_t)v;
    }
    for (size_t i = 0; i < sep; i++)
        out->hrp[i] = lower(text[i]);
    out->hrp[sep] = '\0';
    if (c == final_constant(BECH32))
        out->encoding = BECH32;
    else if (c == final_constant(BECH32M))
        out->encoding = BECH32M;
    return out->encoding;
}

void bech32_encode(char *out, enum bech32_encoding enc, const char *hrp,
                   const uint8_t *values, size_t len)
{
    size_t hrp_len = strlen(hrp);
    uint32_t c = polymod_hrp(hrp, hrp_len);
    memcpy(out, hrp, hrp_len);
    out += hrp_len;
    *out++ = '1';
    for (size_t i = 0; i < len; i++) {
        c = polymod_step(c, values[i]);
        *out++ = charset[values[i]];
    }
    for (int i = 0; i < CHECKSUM_LEN; i++)
        c = polymod_step(c, 0);
    c ^= final_constant(enc);
    for (int i = 0; i < CHECKSUM_LEN; i++)
        *out++ = charset[c >> 5 * (CHECKSUM_LEN - 1 - i) & 31];
    *out = '\0';
}

bool bech32_convert_bits(struct buf *out, unsigned to, const uint8_t *in, size_t len,
                         unsigned from, bool pad)
{
    uint32_t acc = 0, mask = (1u << to) - 1;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        acc = (acc << from | in[i]) & 0xffff;
        for (bits += from; bits >= to;) {
            bits -= to;
            buf_append_byte(out, (uint8_t)(acc >> bits & mask));
        }
    }
    if (pad) {
        if (bits > 0)
            buf_append_byte(out, (uint8_t)(acc << (to - bits) & mask));
        return true;
    }
    return bits < from && (acc << (to - bits) & mask) == 0;
}

/* --- where the typos are ---
 *
 * The checksum is a BCH code: its generator has the roots e^997, e^998, e^999, with e a
 * primitive element of GF(1024) = GF(32)[e] / (e^2 + 9e + 23). An invalid string is a
 * valid one plus an error polynomial, whose values at the three roots (the syndromes)
 * are those of the string. From them one or two wrong positions can be solved for. */

#define ORDER      1023 /* of the multiplicative group of GF(1024) */
#define FIRST_ROOT 997

struct field {
    uint16_t exp[ORDER];
    int16_t log[ORDER + 1]; /* log[0] = -1 */
};

/* Product in GF(32) = GF(2)[x] / (x^5 + x^3 + 1). */
static unsigned mul32(unsigned a, unsigned b)
{
    unsigned r = 0;
    for (; b != 0; b >>= 1) {
        if (b & 1)
            r ^= a;
        a <<= 1;
        if (a & 32)
            a ^= 41;
    }
    return r;
}

/* An element v1 * e + v0 is the number 32 * v1 + v0. */
static void field_init(struct field *f)
{
    unsigned v = 1;
    f->log[0] = -1;
    for (int i = 0; i < ORDER; i++) {
        f->exp[i] = (uint16_t)v;
        f->log[v] = (int16_t)i;
        unsigned v1 = v >> 5, v0 = v & 31;
        v = (v0 ^ mul32(9, v1)) << 5 | mul32(23, v1);
    }
}

/* a * e^k */
static unsigned shifted(const struct field *f, unsigned a, int k)
{
    return a == 0 ? 0 : f->exp[(f->log[a] + k) % ORDER];
}

/* The remainder, six coefficients in GF(32), at the root e^(997 + i). */
static unsigned syndrome(const struct field *f, uint32_t residue, int i)
{
    unsigned s = 0;
    for (int k = 0; k < CHECKSUM_LEN; k++)
        s ^= shifted(f, residue >> 5 * k & 31, (FIRST_ROOT + i) * k % ORDER);
    return s;
}

/* Errors lie in GF(32), whose non-zero elements are the powers of e^33. */
static bool in_gf32(int log)
{
    return log % 33 == 0;
}

/* Position, counted from the end, of the single error that explains the syndromes, or
 * -1: with the error a at position p, s[i] = a * e^((997 + i) p). */
static int solve_one(const struct field *f, const unsigned s[3], size_t len)
{
    int l0 = f->log[s[0]], l1 = f->log[s[1]];
    int p = (l1 - l0 + ORDER) % ORDER;
    return (size_t)p < len && in_gf32(l0 + (ORDER - FIRST_ROOT) * p) ? p : -1;
}

/* The same for two errors, by trying every first position. */
static bool solve_two(const struct field *f, const unsigned s[3], size_t len, int p[2])
{
    for (int p1 = 0; p1 < (int)len; p1++) {
        unsigned a = s[2] ^ shifted(f, s[1], p1), b = s[1] ^ shifted(f, s[0], p1);
        if (a == 0 || b == 0)
            continue;
        int p2 = (f->log[a] - f->log[b] + ORDER) % ORDER;
        if (p2 >= (int)len || p1 == p2)
            continue;
        unsigned c = s[1] ^ shifted(f, s[0], p2);
        if (c == 0)
            continue;
        int inverse = ORDER - f->log[f->exp[p1] ^ f->exp[p2]];
        if (!in_gf32(f->log[b] + inverse + (ORDER - FIRST_ROOT) * p2) ||
            !in_gf32(f->log[c] + inverse + (ORDER - FIRST_ROOT) * p1))
            continue;
        p[0] = p1 > p2 ? p1 : p2;
        p[1] = p1 > p2 ? p2 : p1;
        return true;
    }
    return false;
}

/* How many errors (0: cannot tell) and their positions counted from the end. */
static size_t solve(const struct field *f, uint32_t residue, size_t len, int p[2])
{
    unsigned s[3];
    for (int i = 0; i < 3; i++)
        s[i] = syndrome(f, residue, i);
    bool one =
        s[0] != 0 && s[1] != 0 && s[2] != 0 &&
        (2 * f->log[s[1]] - f->log[s[2]] - f->log[s[0]] + 2 * ORDER) % ORDER == 0;
    if (one) {
        p[0] = solve_one(f, s, len);
        return p[0] >= 0 ? 1 : 0;
    }
    return solve_two(f, s, len, p) ? 2 : 0;
}

/* Tries both checksums and keeps the one that needs fewer corrections: the encoding
 * cannot be told from the version, which may itself be wrong. */
static const char *locate_in_data(const char *text, size_t sep, size_t len, int *pos,
                                  size_t *n)
{
    static const char *const messages[] = {
        [BECH32_INVALID] = "Invalid checksum",
        [BECH32] = "Invalid Bech32 checksum",
        [BECH32M] = "Invalid Bech32m checksum",
    };
    enum bech32_encoding best = BECH32_INVALID;
    uint32_t c = polymod_hrp(text, sep);
    struct field f;
    for (size_t i = sep + 1; i < len; i++)
        c = polymod_step(c, (uint8_t)char_value(text[i]));
    field_init(&f);
    for (enum bech32_encoding enc = BECH32; enc <= BECH32M; enc++) {
        uint32_t residue = c ^ final_constant(enc);
        int p[2];
        if (residue == 0) {
            *n = 0;
            return "";
        }
        size_t found = solve(&f, residue, len - sep - 1, p);
        if (found == 0 || (*n > 0 && found >= *n))
            continue;
        for (size_t i = 0; i < found; i++)
            pos[i] = (int)len - 1 - p[i];
        *n = found;
        best = enc;
    }
    return messages[best];
}

const char *bech32_locate_errors(const char *text, size_t max_len, int pos[90],
                                 size_t *n)
{
    size_t len = strlen(text), sep = find_separator(text, len);
    *n = 0;
    if (len > max_len) {
        for (size_t i = max_len; i < len && *n < BECH32_MAX_ERRORS; i++)
            pos[(*n)++] = (int)i;
        return "Bech32 string too long";
    }
    *n = bad_characters(text, len, pos);
    if (*n > 0) {
        if (*n > BECH32_MAX_ERRORS)
            *n = BECH32_MAX_ERRORS;
        return "Invalid character or mixed case";
    }
    if (sep == len)
        return "Missing separator";
    if (sep == 0 || sep + CHECKSUM_LEN >= len) {
        pos[(*n)++] = (int)sep;
        return "Invalid separator position";
    }
    for (size_t i = sep + 1; i < len; i++)
        if (char_value(text[i]) < 0) {
            pos[(*n)++] = (int)i;
            return "Invalid Base 32 character";
        }
    return locate_in_data(text, sep, len, pos, n);
}
