/* Eight double SHA-256 of 64 octets side by side, one per 32-bit lane of AVX2. */
#include "crypto/sha256_impl.h"

#ifdef __x86_64__
#include <string.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE TARGET static inline __attribute__((always_inline))

typedef uint32_t v8 __attribute__((vector_size(32)));

INLINE v8 ror(v8 x, int n)
{
    return x >> n | x << (32 - n);
}

INLINE v8 all(uint32_t x)
{
    return (v8){x, x, x, x, x, x, x, x};
}

INLINE void round1(v8 *s, int i, v8 kw)
{
    v8 a = s[-i & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7];
    v8 e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7];
    v8 t1 = s[(7 - i) & 7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) +
            (g ^ (e & (f ^ g))) + kw;
    s[(3 - i) & 7] += t1;
    s[(7 - i) & 7] =
        t1 + (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) | (c & (a | b)));
}

INLINE v8 schedule(const v8 *w, int i)
{
    v8 x = w[(i + 1) & 15], y = w[(i + 14) & 15];
    return w[i & 15] + (ror(x, 7) ^ ror(x, 18) ^ x >> 3) + w[(i + 9) & 15] +
           (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
}

TARGET static void compress(v8 state[8], v8 w[16])
{
    v8 s[8];
    memcpy(s, state, sizeof(s));
    for (int i = 0; i < 16; i += 8)
        for (int j = 0; j < 8; j++)
            round1(s, j, w[i + j] + sha256_k[i + j]);
    for (int i = 16; i < 64; i += 8)
        for (int j = 0; j < 8; j++) {
            w[(i + j) & 15] = schedule(w, i + j);
            round1(s, j, w[(i + j) & 15] + sha256_k[i + j]);
        }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

TARGET static void compress_padding(v8 state[8])
{
    v8 s[8];
    memcpy(s, state, sizeof(s));
    for (int i = 0; i < 64; i += 8)
        for (int j = 0; j < 8; j++)
            round1(s, j, all(sha256_kw_pad64[i + j]));
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

TARGET static void state_init(v8 s[8])
{
    for (int i = 0; i < 8; i++)
        s[i] = all(sha256_iv[i]);
}

TARGET void sha256_avx2_double_64(uint8_t *out, const uint8_t *in)
{
    v8 s[8], w[16];
    for (int i = 0; i < 16; i++)
        for (int lane = 0; lane < 8; lane++) {
            uint32_t x;
            memcpy(&x, in + 64 * lane + 4 * i, 4);
            w[i][lane] = __builtin_bswap32(x);
        }
    state_init(s);
    compress(s, w);
    compress_padding(s);
    memcpy(w, s, sizeof(s));
    memset(w + 8, 0, 8 * sizeof(v8));
    w[8] = all(0x80000000);
    w[15] = all(256);
    state_init(s);
    compress(s, w);
    for (int i = 0; i < 8; i++)
        for (int lane = 0; lane < 8; lane++) {
            uint32_t x = __builtin_bswap32(s[i][lane]);
            memcpy(out + 32 * lane + 4 * i, &x, 4);
        }
}
#endif
