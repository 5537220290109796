/* MuHash3072: the set's hash is the product of its elements' hashes modulo 2^3072 -
 * 1103717. Removal multiplies a denominator, so the one costly inversion is left to the
 * end. */
#include <sodium.h>

#include "crypto/hash.h"
#include "crypto/sha256.h"
#include "util/sink.h"

#define LIMBS     48
#define PRIME_GAP 1103717 /* 2^3072 - prime */

typedef unsigned __int128 u128;

/* product = a * b, column by column: the sums of a column fit three limbs. */
static void multiply(uint64_t product[2 * LIMBS], const uint64_t a[LIMBS],
                     const uint64_t b[LIMBS])
{
    u128 sum = 0;
    for (int k = 0; k < 2 * LIMBS - 1; k++) {
        int from = k < LIMBS ? 0 : k - LIMBS + 1, to = k < LIMBS ? k : LIMBS - 1;
        uint64_t overflow = 0;
        for (int i = from; i <= to; i++) {
            u128 t = (u128)a[i] * b[k - i];
            sum += t;
            overflow += sum < t;
        }
        product[k] = (uint64_t)sum;
        sum = sum >> 64 | (u128)overflow << 64;
    }
    product[2 * LIMBS - 1] = (uint64_t)sum;
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

/* out = a^(prime - 2). The exponent is all ones but for its lowest limb. */
static void invert(uint64_t out[LIMBS], const uint64_t a[LIMBS])
{
    const uint64_t lowest = (uint64_t)0 - (PRIME_GAP + 2);
    set_one(out);
    for (int bit = 64 * LIMBS - 1; bit >= 0; bit--) {
        mul(out, out);
        if (bit >= 64 || (lowest >> bit & 1))
            mul(out, a);
    }
}

static void element(uint64_t out[LIMBS], const void *data, size_t len)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    uint8_t key[32], stream[8 * LIMBS];
    sha256(key, data, len);
    crypto_stream_chacha20(stream, sizeof(stream), nonce, key);
    for (int i = 0; i < LIMBS; i++)
        out[i] = get_le64(stream + 8 * i);
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

void muhash_final(const struct muhash *m, uint8_t out[32])
{
    uint64_t v[LIMBS];
    uint8_t octets[8 * LIMBS];
    invert(v, m->den);
    mul(v, m->num);
    reduce(v);
    for (int i = 0; i < LIMBS; i++)
        put_le64(octets + 8 * i, v[i]);
    sha256(out, octets, sizeof(octets));
}
