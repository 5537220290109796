#include "chain/prim/arith.h"

#include "util/sink.h"

int u256_cmp(const struct u256 *a, const struct u256 *b)
{
    for (int i = 3; i >= 0; i--) {
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i] ? -1 : 1;
    }
    return 0;
}

bool u256_is_zero(const struct u256 *a)
{
    return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

struct u256 u256_from_u64(uint64_t v)
{
    return (struct u256){{v, 0, 0, 0}};
}

struct u256 u256_add(struct u256 a, struct u256 b)
{
    unsigned __int128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (unsigned __int128)a.w[i] + b.w[i];
        a.w[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return a;
}

struct u256 u256_sub(struct u256 a, struct u256 b)
{
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        unsigned __int128 d = (unsigned __int128)a.w[i] - b.w[i] - borrow;
        a.w[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return a;
}

struct u256 u256_mul_u32(struct u256 a, uint32_t m)
{
    unsigned __int128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (unsigned __int128)a.w[i] * m;
        a.w[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return a;
}

unsigned u256_bits(const struct u256 *a)
{
    for (int i = 3; i >= 0; i--) {
        if (a->w[i] != 0)
            return 64 * (unsigned)i + 64 - (unsigned)__builtin_clzll(a->w[i]);
    }
    return 0;
}

struct u256 u256_shl(struct u256 a, unsigned n)
{
    struct u256 r = {{0}};
    unsigned words = n / 64, bits = n % 64;
    for (unsigned i = words; i < 4; i++) {
        r.w[i] = a.w[i - words] << bits;
        if (bits != 0 && i > words)
            r.w[i] |= a.w[i - words - 1] >> (64 - bits);
    }
    return r;
}

struct u256 u256_shr(struct u256 a, unsigned n)
{
    struct u256 r = {{0}};
    unsigned words = n / 64, bits = n % 64;
    for (unsigned i = 0; i + words < 4; i++) {
        r.w[i] = a.w[i + words] >> bits;
        if (bits != 0 && i + words + 1 < 4)
            r.w[i] |= a.w[i + words + 1] << (64 - bits);
    }
    return r;
}

/* Shift and subtract: at most 256 steps, and it runs once per header. */
struct u256 u256_div(struct u256 a, struct u256 b)
{
    struct u256 quotient = {{0}};
    unsigned a_bits = u256_bits(&a), b_bits = u256_bits(&b);
    ASSERT(b_bits > 0);
    if (a_bits < b_bits)
        return quotient;
    unsigned shift = a_bits - b_bits;
    struct u256 d = u256_shl(b, shift);
    for (;; shift--) {
        if (u256_cmp(&a, &d) >= 0) {
            a = u256_sub(a, d);
            quotient.w[shift / 64] |= 1ull << (shift % 64);
        }
        if (shift == 0)
            return quotient;
        d = u256_shr(d, 1);
    }
}

struct u256 u256_from_hash(const struct hash256 *h)
{
    struct u256 r;
    for (int i = 0; i < 4; i++)
        r.w[i] = get_le64(h->b + 8 * i);
    return r;
}

struct hash256 u256_to_hash(const struct u256 *a)
{
    struct hash256 h;
    for (int i = 0; i < 4; i++)
        put_le64(h.b + 8 * i, a->w[i]);
    return h;
}

/* Sums 32-bit limbs from the lowest, the order in which bitcoind rounds. */
double u256_to_double(const struct u256 *a)
{
    double sum = 0, unit = 1;
    for (int i = 0; i < 4; i++) {
        sum += unit * (double)(uint32_t)a->w[i];
        unit *= 4294967296.0;
        sum += unit * (double)(uint32_t)(a->w[i] >> 32);
        unit *= 4294967296.0;
    }
    return sum;
}

char *u256_to_hex(char out[65], const struct u256 *a)
{
    struct hash256 h = u256_to_hash(a);
    return hash256_to_hex(out, &h);
}

bool u256_from_hex(struct u256 *out, const char *hex)
{
    size_t len = strlen(hex);
    char padded[65];
    struct hash256 h;
    if (len == 0 || len > 64)
        return false;
    memset(padded, '0', 64 - len);
    memcpy(padded + 64 - len, hex, len + 1);
    if (!hash256_from_hex(&h, padded))
        return false;
    *out = u256_from_hash(&h);
    return true;
}

/* Header bits: exponent in bytes (8 bits), sign (1 bit), mantissa (23 bits). */
struct u256 compact_to_target(uint32_t bits, bool *negative, bool *overflow)
{
    unsigned size = bits >> 24;
    uint32_t word = bits & 0x007fffff;
    struct u256 target;
    if (size <= 3) {
        word >>= 8 * (3 - size);
        target = u256_from_u64(word);
    } else {
        target = u256_shl(u256_from_u64(word), 8 * (size - 3));
    }
    if (negative != NULL)
        *negative = word != 0 && (bits & 0x00800000) != 0;
    if (overflow != NULL)
        *overflow = word != 0 && (size > 34 || (word > 0xff && size > 33) ||
                                  (word > 0xffff && size > 32));
    return target;
}

uint32_t target_to_compact(const struct u256 *target)
{
    unsigned size = (u256_bits(target) + 7) / 8;
    uint32_t word;
    if (size <= 3)
        word = (uint32_t)(target->w[0] << (8 * (3 - size)));
    else
        word = (uint32_t)u256_shr(*target, 8 * (size - 3)).w[0];
    if (word & 0x00800000) { /* would read as a sign */
        word >>= 8;
        size++;
    }
    return word | size << 24;
}

/* 2^256 / (t + 1) does not fit the dividend; (2^256 - t - 1) / (t + 1) + 1 is the same.
 */
struct u256 work_of_bits(uint32_t bits)
{
    bool negative, overflow;
    struct u256 target = compact_to_target(bits, &negative, &overflow);
    if (negative || overflow || u256_is_zero(&target))
        return u256_from_u64(0);
    struct u256 inverse = {{~target.w[0], ~target.w[1], ~target.w[2], ~target.w[3]}};
    struct u256 next = u256_add(target, u256_from_u64(1));
    return u256_add(u256_div(inverse, next), u256_from_u64(1));
}
