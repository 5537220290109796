/* MuHash3072: the set's hash is the product of its elements' hashes modulo 2^3072 -
 * 1103717. Removal multiplies a denominator, so the one costly inversion is left to the
 * end. */
#include <openssl/bn.h>
#include <sodium.h>

#include "crypto/hash.h"
#include "crypto/sha256.h"
#include "util/err.h"
#include "util/sink.h"

#define LIMBS     48
#define HALF      (LIMBS / 2)
#define PRIME_GAP 1103717 /* 2^3072 - prime */

typedef unsigned __int128 u128;

/* product = a * b of half a number each, column by column: the sums of a column fit
 * three limbs. */
static void multiply_half(uint64_t product[LIMBS], const uint64_t a[HALF],
                          const uint64_t b[HALF])
{
    u128 sum = 0;
    for (int k = 0; k < LIMBS - 1; k++) {
        int from = k < HALF ? 0 : k - HALF + 1, to = k < HALF ? k : HALF - 1;
        uint64_t overflow = 0;
        for (int i = from; i <= to; i++) {
            u128 t = (u128)a[i] * b[k - i];
            sum += t;
            overflow += sum < t;
        }
        product[k] = (uint64_t)sum;
        sum = sum >> 64 | (u128)overflow << 64;
    }
    product[LIMBS - 1] = (uint64_t)sum;
}

/* out = |a - b|. All ones when b is the greater, else zero. */
static uint64_t distance(uint64_t out[HALF], const uint64_t a[HALF],
                         const uint64_t b[HALF])
{
    uint64_t borrow = 0;
    for (int i = 0; i < HALF; i++) {
        u128 t = (u128)a[i] - b[i] - borrow;
        out[i] = (uint64_t)t;
        borrow = (uint64_t)(t >> 64) & 1;
    }
    uint64_t negative = 0 - borrow;
    u128 t = borrow;
    for (int i = 0; i < HALF; i++) {
        t += out[i] ^ negative;
        out[i] = (uint64_t)t;
        t >>= 64;
    }
    return negative;
}

/* product = a * b by Karatsuba's three products of halves: the middle one is
 * high + low -/+ |a1 - a0| * |b1 - b0|. */
static void multiply(uint64_t product[2 * LIMBS], const uint64_t a[LIMBS],
                     const uint64_t b[LIMBS])
{
    uint64_t x[HALF], y[HALF], mid[LIMBS];
    uint64_t minus = ~(distance(x, a + HALF, a) ^ distance(y, b + HALF, b));
    multiply_half(mid, x, y);
    multiply_half(product, a, b);
    multiply_half(product + LIMBS, a + HALF, b + HALF);
    u128 t = minus & 1; /* minus m is plus ~m, plus one, minus 2^(64 * LIMBS) */
    for (int i = 0; i < LIMBS; i++) {
        t += (u128)product[i] + product[i + LIMBS];
        t += mid[i] ^ minus;
        mid[i] = (uint64_t)t;
        t >>= 64;
    }
    uint64_t top = (uint64_t)t + minus;
    t = 0;
    for (int i = 0; i < LIMBS; i++) {
        t += (u128)product[i + HALF] + mid[i];
        product[i + HALF] = (uint64_t)t;
        t >>= 64;
    }
    t += top;
    for (int i = LIMBS + HALF; i < 2 * LIMBS; i++) {
        t += product[i];
        product[i] = (uint64_t)t;
        t >>= 64;
    }
}

/* a = a * b mod prime, fully reduced or not: any value below 2^3072 is a residue. */
static void mul(uint64_t a[LIMBS], const uint64_t b[LIMBS])
{
    uint64_t product[2 * LIMBS];
    multiply(product, a, b);
    /* 2^3072 = PRIME_GAP: fold the upper half on to the lower, then what overflowed. */
    u128 t = 0;
    for (int i = 0; i < LIMBS; i++) {
        t += (u128)product[i + LIMBS] * PRIME_GAP + product[i];
        a[i] = (uint64_t)t;
        t >>= 64;
    }
    while (t != 0) {
        t *= PRIME_GAP;
        for (int i = 0; i < LIMBS; i++) {
            t += a[i];
            a[i] = (uint64_t)t;
            t >>= 64;
        }
    }
}

static void numbers_to_octets(uint8_t out[MUHASH_SIZE], const uint64_t a[LIMBS])
{
    for (int i = 0; i < LIMBS; i++)
        put_le64(out + 8 * i, a[i]);
}

static void octets_to_numbers(uint64_t out[LIMBS], const uint8_t octets[MUHASH_SIZE])
{
    for (int i = 0; i < LIMBS; i++)
        out[i] = get_le64(octets + 8 * i);
}

static void set_one(uint64_t a[LIMBS])
{
    memset(a, 0, LIMBS * sizeof(*a));
    a[0] = 1;
}

/* Brings a value below 2^3072 below the prime. */
static void reduce(uint64_t a[LIMBS])
{
    uint64_t sum[LIMBS];
    u128 t = PRIME_GAP;
    for (int i = 0; i < LIMBS; i++) {
        t += a[i];
        sum[i] = (uint64_t)t;
        t >>= 64;
    }
    if (t != 0)
        memcpy(a, sum, sizeof(sum));
}

static bool is_one(const uint64_t a[LIMBS])
{
    uint64_t others = 0;
    for (int i = 1; i < LIMBS; i++)
        others |= a[i];
    return a[0] == 1 && others == 0;
}

/* a = 1 / a. The set is public, so the library's variable time does no harm. */
static void invert(uint64_t a[LIMBS])
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *prime = BN_new(), *v = BN_new();
    uint8_t octets[MUHASH_SIZE];
    numbers_to_octets(octets, a);
    ASSERT(ctx && prime && v && BN_set_bit(prime, 64 * LIMBS) &&
           BN_sub_word(prime, PRIME_GAP) && BN_lebin2bn(octets, sizeof(octets), v) &&
           BN_mod_inverse(v, v, prime, ctx) &&
           BN_bn2lebinpad(v, octets, sizeof(octets)) > 0);
    octets_to_numbers(a, octets);
    BN_free(v);
    BN_free(prime);
    BN_CTX_free(ctx);
}

static void element(uint64_t out[LIMBS], const void *data, size_t len)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    uint8_t key[32], stream[MUHASH_SIZE];
    sha256(key, data, len);
    crypto_stream_chacha20(stream, sizeof(stream), nonce, key);
    octets_to_numbers(out, stream);
}

void muhash_init(struct muhash *m)
{
    set_one(m->num);
    set_one(m->den);
}

void muhash_insert(struct muhash *m, const void *data, size_t len)
{
    uint64_t e[LIMBS];
    element(e, data, len);
    mul(m->num, e);
}

void muhash_remove(struct muhash *m, const void *data, size_t len)
{
    uint64_t e[LIMBS];
    element(e, data, len);
    mul(m->den, e);
}

void muhash_combine(struct muhash *m, const struct muhash *other)
{
    mul(m->num, other->num);
    mul(m->den, other->den);
}

void muhash_settle(struct muhash *m)
{
    if (!is_one(m->den)) {
        invert(m->den);
        mul(m->num, m->den);
        set_one(m->den);
    }
    reduce(m->num);
}

void muhash_save(const struct muhash *m, uint8_t out[MUHASH_SIZE])
{
    ASSERT(is_one(m->den));
    numbers_to_octets(out, m->num);
}

void muhash_load(struct muhash *m, const uint8_t saved[MUHASH_SIZE])
{
    octets_to_numbers(m->num, saved);
    set_one(m->den);
}

void muhash_final(const struct muhash *m, uint8_t out[32])
{
    struct muhash settled = *m;
    uint8_t octets[MUHASH_SIZE];
    muhash_settle(&settled);
    muhash_save(&settled, octets);
    sha256(out, octets, sizeof(octets));
}
