/* SHA-256 (FIPS 180-4) in plain C, and the constants that all implementations use. */
#include "crypto/sha256_impl.h"

#include <string.h>

const uint32_t sha256_iv[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};
const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
};
const uint32_t sha256_kw_pad64[64] = {
    0xc28a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf374, 0x649b69c1, 0xf0fe4786, 0x0fe1edc6, 0x240cf254, 0x4fe9346f,
    0x6cc984be, 0x61b9411e, 0x16f988fa, 0xf2c65152, 0xa88e5a6d, 0xb019fc65, 0xb9d99ec7,
    0x9a1231c3, 0xe70eeaa0, 0xfdb1232b, 0xc7353eb0, 0x3069bad5, 0xcb976d5f, 0x5a0f118f,
    0xdc1eeefd, 0x0a35b689, 0xde0b7a04, 0x58f4ca9d, 0xe15d5b16, 0x007f3e86, 0x37088980,
    0xa507ea32, 0x6fab9537, 0x17406110, 0x0d8cd6f1, 0xcdaa3b6d, 0xc0bbbe37, 0x83613bda,
    0xdb48a363, 0x0b02e931, 0x6fd15ca7, 0x521afaca, 0x31338431, 0x6ed41a95, 0x6d437890,
    0xc39c91f2, 0x9eccabbd, 0xb5c9a0e6, 0x532fb63c, 0xd2c741c6, 0x07237ea3, 0xa4954b68,
    0x4c191d76,
};

static inline uint32_t ror(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static inline uint32_t load_be32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    return v;
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    memcpy(p, &v, 4);
}

/* One round; the roles of the eight variables rotate from call to call. */
#define ROUND(a, b, c, d, e, f, g, h, kw)                                              \
    do {                                                                               \
        uint32_t t1 =                                                                  \
            h + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + (g ^ (e & (f ^ g))) + (kw);    \
        uint32_t t2 =                                                                  \
            (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) | (c & (a | b)));         \
        d += t1;                                                                       \
        h = t1 + t2;                                                                   \
    } while (0)

#define EIGHT_ROUNDS(i)                                                                \
    do {                                                                               \
        ROUND(a, b, c, d, e, f, g, h, KW(i));                                          \
        ROUND(h, a, b, c, d, e, f, g, KW(i + 1));                                      \
        ROUND(g, h, a, b, c, d, e, f, KW(i + 2));                                      \
        ROUND(f, g, h, a, b, c, d, e, KW(i + 3));                                      \
        ROUND(e, f, g, h, a, b, c, d, KW(i + 4));                                      \
        ROUND(d, e, f, g, h, a, b, c, KW(i + 5));                                      \
        ROUND(c, d, e, f, g, h, a, b, KW(i + 6));                                      \
        ROUND(b, c, d, e, f, g, h, a, KW(i + 7));                                      \
    } while (0)

static void compress(uint32_t s[8], const uint32_t kw[64])
{
    uint32_t a = s[0], b = s[1], c = s[2], d = s[3];
    uint32_t e = s[4], f = s[5], g = s[6], h = s[7];
#define KW(i) kw[i]
    for (int i = 0; i < 64; i += 8)
        EIGHT_ROUNDS(i);
#undef KW
    s[0] += a;
    s[1] += b;
    s[2] += c;
    s[3] += d;
    s[4] += e;
    s[5] += f;
    s[6] += g;
    s[7] += h;
}

/* Fills w[16..63] of the message schedule, then adds the round constants. */
static void schedule(uint32_t w[64])
{
    for (int i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (ror(x, 7) ^ ror(x, 18) ^ x >> 3) + w[i - 7] +
               (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
    }
    for (int i = 0; i < 64; i++)
        w[i] += sha256_k[i];
}

void sha256_portable_blocks(uint32_t state[8], const uint8_t *data, size_t n)
{
    uint32_t w[64];
    for (; n > 0; n--, data += 64) {
        for (int i = 0; i < 16; i++)
            w[i] = load_be32(data + 4 * i);
        schedule(w);
        compress(state, w);
    }
}

void sha256_portable_double_64(uint8_t *out, const uint8_t *in)
{
    uint32_t s[8], w[64] = {0};
    memcpy(s, sha256_iv, sizeof(s));
    sha256_portable_blocks(s, in, 1);
    compress(s, sha256_kw_pad64);
    memcpy(w, s, sizeof(s));
    w[8] = 0x80000000;
    w[15] = 256;
    schedule(w);
    memcpy(s, sha256_iv, sizeof(s));
    compress(s, w);
    for (int i = 0; i < 8; i++)
        store_be32(out + 4 * i, s[i]);
}
