/* SHA-256 with the SHA extensions of x86: one lane for streams, two interleaved lanes
 * for Merkle trees (the instructions' latency is twice their throughput).
 *
 * The instructions keep the state as two vectors, ABEF and CDGH, and take four rounds'
 * schedule words at a time. */
#include "crypto/sha256_impl.h"

#ifdef __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("sha,sse4.1,ssse3")))
#define INLINE TARGET static inline __attribute__((always_inline))

struct lane {
    __m128i abef, cdgh;
};

INLINE __m128i load_k(const uint32_t *k, int i)
{
    return _mm_loadu_si128((const __m128i *)(k + 4 * i));
}

INLINE __m128i swap_words(__m128i v)
{
    return _mm_shuffle_epi8(v, _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
}

INLINE void lane_load(struct lane *l, const uint32_t s[8])
{
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)s), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(s + 4)), 0x1b);
    l->abef = _mm_alignr_epi8(abcd, efgh, 8);
    l->cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);
}

/* Words a..d and e..h in ascending order. */
INLINE void lane_words(const struct lane *l, __m128i *abcd, __m128i *efgh)
{
    __m128i feba = _mm_shuffle_epi32(l->abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(l->cdgh, 0xb1);
    *abcd = _mm_blend_epi16(feba, dchg, 0xf0);
    *efgh = _mm_alignr_epi8(dchg, feba, 8);
}

INLINE void lane_add(struct lane *l, const struct lane *m)
{
    l->abef = _mm_add_epi32(l->abef, m->abef);
    l->cdgh = _mm_add_epi32(l->cdgh, m->cdgh);
}

/* Four rounds with the sums of schedule and constants. */
INLINE void rounds(struct lane *l, __m128i kw)
{
    l->cdgh = _mm_sha256rnds2_epu32(l->cdgh, l->abef, kw);
    l->abef = _mm_sha256rnds2_epu32(l->abef, l->cdgh, _mm_shuffle_epi32(kw, 0x0e));
}

/* The four schedule words that follow m0 m1 m2 m3. */
INLINE __m128i extend(__m128i m0, __m128i m1, __m128i m2, __m128i m3)
{
    __m128i t = _mm_add_epi32(_mm_sha256msg1_epu32(m0, m1), _mm_alignr_epi8(m3, m2, 4));
    return _mm_sha256msg2_epu32(t, m3);
}

#define FOR_LANES for (int j = 0; j < lanes; j++)

#define STEP(i, m0) FOR_LANES rounds(&l[j], _mm_add_epi32(m0[j], load_k(sha256_k, i)))
#define STEP_EXTEND(i, m0, m1, m2, m3)                                                 \
    FOR_LANES                                                                          \
    {                                                                                  \
        rounds(&l[j], _mm_add_epi32(m0[j], load_k(sha256_k, i)));                      \
        m0[j] = extend(m0[j], m1[j], m2[j], m3[j]);                                    \
    }

/* All 64 rounds over the first 16 schedule words; lanes is a constant where inlined. */
INLINE void compress(struct lane *l, __m128i *m0, __m128i *m1, __m128i *m2, __m128i *m3,
                     const int lanes)
{
    struct lane start[2];
    FOR_LANES start[j] = l[j];
    STEP_EXTEND(0, m0, m1, m2, m3)
    STEP_EXTEND(1, m1, m2, m3, m0)
    STEP_EXTEND(2, m2, m3, m0, m1)
    STEP_EXTEND(3, m3, m0, m1, m2)
    STEP_EXTEND(4, m0, m1, m2, m3)
    STEP_EXTEND(5, m1, m2, m3, m0)
    STEP_EXTEND(6, m2, m3, m0, m1)
    STEP_EXTEND(7, m3, m0, m1, m2)
    STEP_EXTEND(8, m0, m1, m2, m3)
    STEP_EXTEND(9, m1, m2, m3, m0)
    STEP_EXTEND(10, m2, m3, m0, m1)
    STEP_EXTEND(11, m3, m0, m1, m2)
    STEP(12, m0);
    STEP(13, m1);
    STEP(14, m2);
    STEP(15, m3);
    FOR_LANES lane_add(&l[j], &start[j]);
}

INLINE void compress_padding(struct lane *l, const int lanes)
{
    struct lane start[2];
    FOR_LANES start[j] = l[j];
    for (int i = 0; i < 16; i++)
        FOR_LANES rounds(&l[j], load_k(sha256_kw_pad64, i));
    FOR_LANES lane_add(&l[j], &start[j]);
}

INLINE __m128i load_words(const uint8_t *p)
{
    return swap_words(_mm_loadu_si128((const __m128i *)p));
}

TARGET void sha256_shani_blocks(uint32_t state[8], const uint8_t *data, size_t n)
{
    struct lane l[1];
    lane_load(l, state);
    for (; n > 0; n--, data += 64) {
        __m128i m0[1] = {load_words(data)}, m1[1] = {load_words(data + 16)};
        __m128i m2[1] = {load_words(data + 32)}, m3[1] = {load_words(data + 48)};
        compress(l, m0, m1, m2, m3, 1);
    }
    __m128i abcd, efgh;
    lane_words(l, &abcd, &efgh);
    _mm_storeu_si128((__m128i *)state, abcd);
    _mm_storeu_si128((__m128i *)(state + 4), efgh);
}

TARGET void sha256_shani_double_64(uint8_t *out, const uint8_t *in)
{
    enum { lanes = 2 };
    struct lane l[lanes];
    __m128i m0[lanes], m1[lanes], m2[lanes], m3[lanes];
    FOR_LANES
    {
        lane_load(&l[j], sha256_iv);
        m0[j] = load_words(in + 64 * j);
        m1[j] = load_words(in + 64 * j + 16);
        m2[j] = load_words(in + 64 * j + 32);
        m3[j] = load_words(in + 64 * j + 48);
    }
    compress(l, m0, m1, m2, m3, lanes);
    compress_padding(l, lanes);
    FOR_LANES
    {
        lane_words(&l[j], &m0[j], &m1[j]);
        m2[j] = _mm_set_epi32(0, 0, 0, (int)0x80000000);
        m3[j] = _mm_set_epi32(256, 0, 0, 0);
        lane_load(&l[j], sha256_iv);
    }
    compress(l, m0, m1, m2, m3, lanes);
    FOR_LANES
    {
        lane_words(&l[j], &m0[j], &m1[j]);
        _mm_storeu_si128((__m128i *)(out + 32 * j), swap_words(m0[j]));
        _mm_storeu_si128((__m128i *)(out + 32 * j + 16), swap_words(m1[j]));
    }
}
#endif
