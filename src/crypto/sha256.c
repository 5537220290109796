#include "crypto/sha256.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "crypto/sha256_impl.h"

static const struct sha256_impl implementations[] = {
    {"standard", sha256_portable_blocks, sha256_portable_double_64, 1},
#ifdef __x86_64__
    {"avx2(8way)", sha256_portable_blocks, sha256_avx2_double_64, 8},
    {"x86_shani(1way,2way)", sha256_shani_blocks, sha256_shani_double_64, 2},
#endif
};

/* Written once, before main: what the processor can do does not change. */
static const struct sha256_impl *impl = &implementations[0];

#ifdef __x86_64__
static bool cpu_has_sha(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1) &&
           __builtin_cpu_supports("sse4.1");
}
#endif

static bool supported(size_t i)
{
#ifdef __x86_64__
    if (i == 1)
        return __builtin_cpu_supports("avx2");
    if (i == 2)
        return cpu_has_sha();
#endif
    return i == 0;
}

__attribute__((constructor)) static void choose(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
#endif
    for (size_t i = 0; i < ARRAY_LEN(implementations); i++)
        if (supported(i))
            impl = &implementations[i];
}

const char *sha256_implementation(void)
{
    return impl->name;
}

bool sha256_force(size_t i)
{
    if (i >= ARRAY_LEN(implementations) || !supported(i))
        return false;
    impl = &implementations[i];
    return true;
}

void sha256_init(struct sha256 *h)
{
    memcpy(h->state, sha256_iv, sizeof(h->state));
    h->count = 0;
}

void sha256_update(struct sha256 *h, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t fill = h->count & 63;
    h->count += len;
    if (fill + len < 64) {
        if (len > 0)
            memcpy(h->block + fill, p, len);
        return;
    }
    if (fill > 0) {
        size_t n = 64 - fill;
        memcpy(h->block + fill, p, n);
        impl->blocks(h->state, h->block, 1);
        p += n;
        len -= n;
    }
    if (len >= 64)
        impl->blocks(h->state, p, len / 64);
    memcpy(h->block, p + (len & ~(size_t)63), len & 63);
}

static void put_state(uint8_t out[32], const uint32_t state[8])
{
    for (int i = 0; i < 8; i++)
        put_be32(out + 4 * i, state[i]);
}

void sha256_final(struct sha256 *h, uint8_t out[32])
{
    size_t fill = h->count & 63;
    uint64_t bits = h->count * 8;
    h->block[fill++] = 0x80;
    if (fill > 56) {
        memset(h->block + fill, 0, 64 - fill);
        impl->blocks(h->state, h->block, 1);
        fill = 0;
    }
    memset(h->block + fill, 0, 56 - fill);
    put_be32(h->block + 56, (uint32_t)(bits >> 32));
    put_be32(h->block + 60, (uint32_t)bits);
    impl->blocks(h->state, h->block, 1);
    put_state(out, h->state);
}

void sha256(uint8_t out[32], const void *data, size_t len)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_update(&h, data, len);
    sha256_final(&h, out);
}

/* SHA-256 of 32 octets: a single block. */
static void sha256_32(uint8_t out[32], const uint8_t in[32])
{
    static const uint8_t padding[32] = {[0] = 0x80, [30] = 0x01};
    uint32_t state[8];
    uint8_t block[64];
    memcpy(state, sha256_iv, sizeof(state));
    memcpy(block, in, 32);
    memcpy(block + 32, padding, 32);
    impl->blocks(state, block, 1);
    put_state(out, state);
}

void sha256d_final(struct sha256 *h, uint8_t out[32])
{
    uint8_t once[32];
    sha256_final(h, once);
    sha256_32(out, once);
}

void sha256d(uint8_t out[32], const void *data, size_t len)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_update(&h, data, len);
    sha256d_final(&h, out);
}

void sha256d_64(uint8_t *out, const uint8_t *in, size_t blocks)
{
    size_t lanes = impl->lanes;
    for (; blocks >= lanes; blocks -= lanes) {
        impl->double_64(out, in);
        out += 32 * lanes;
        in += 64 * lanes;
    }
    for (; blocks > 0; blocks--) {
        sha256d(out, in, 64);
        out += 32;
        in += 64;
    }
}

void sha256_init_tagged(struct sha256 *h, const char *tag)
{
    uint8_t twice[64];
    sha256(twice, tag, strlen(tag));
    memcpy(twice + 32, twice, 32);
    sha256_init(h);
    sha256_update(h, twice, sizeof(twice));
}

static void sink_put(void *ctx, const void *data, size_t len)
{
    sha256_update(ctx, data, len);
}

struct sink sha256_sink(struct sha256 *h)
{
    return sink_to_fn(sink_put, h);
}
