/* SHA3-256. Own code: the state tree hashes many short messages, where a library's
 * context set-up costs more than the permutation, and where several states fit one
 * vector register. */
#include "crypto/hash.h"
#include "util/sink.h"

#define RATE 136

static const uint64_t keccak_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

#define LANE        uint64_t
#define KECCAK_NAME keccak
#define KECCAK_TARGET
#include "crypto/keccak.h"

static void absorb(uint64_t s[25], const uint8_t block[RATE])
{
    for (int i = 0; i < RATE / 8; i++)
        s[i] ^= get_le64(block + 8 * i);
    keccak(s);
}

void sha3_init(struct sha3 *h)
{
    memset(h, 0, sizeof(*h));
}

void sha3_update(struct sha3 *h, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (; h->fill == 0 && len >= RATE; len -= RATE, p += RATE)
        absorb(h->s, p);
    for (size_t i = 0; i < len; i++) {
        h->s[h->fill / 8] ^= (uint64_t)p[i] << 8 * (h->fill % 8);
        if (++h->fill == RATE) {
            keccak(h->s);
            h->fill = 0;
            sha3_update(h, p + i + 1, len - i - 1);
            return;
        }
    }
}

static void put_digest(uint8_t out[32], const uint64_t *s, size_t stride)
{
    for (int i = 0; i < 4; i++)
        put_le64(out + 8 * i, s[i * stride]);
}

void sha3_final(struct sha3 *h, uint8_t out[32])
{
    h->s[h->fill / 8] ^= (uint64_t)0x06 << 8 * (h->fill % 8);
    h->s[RATE / 8 - 1] ^= (uint64_t)0x80 << 56;
    keccak(h->s);
    put_digest(out, h->s, 1);
}

void sha3_256(uint8_t out[32], const void *data, size_t len)
{
    uint64_t s[25] = {0};
    uint8_t block[RATE] = {0};
    const uint8_t *p = data;
    for (; len >= RATE; len -= RATE, p += RATE)
        absorb(s, p);
    if (len > 0)
        memcpy(block, p, len);
    block[len] = 0x06;
    block[RATE - 1] |= 0x80;
    absorb(s, block);
    put_digest(out, s, 1);
}

#ifdef __x86_64__
typedef uint64_t lanes4 __attribute__((vector_size(32)));
typedef uint64_t lanes8 __attribute__((vector_size(64)));

#define LANE          lanes4
#define KECCAK_NAME   keccak_avx2
#define KECCAK_TARGET __attribute__((target("avx2")))
#include "crypto/keccak.h"

#define LANE          lanes8
#define KECCAK_NAME   keccak_avx512
#define KECCAK_TARGET __attribute__((target("avx512f")))
#include "crypto/keccak.h"

/* Message @lane of @lanes, padded, into every lanes-th word of s. */
static void load_lane(uint64_t *s, size_t lanes, const uint8_t *msg, size_t len)
{
    uint8_t block[RATE] = {0};
    memcpy(block, msg, len);
    block[len] = 0x06;
    block[RATE - 1] |= 0x80;
    for (int i = 0; i < RATE / 8; i++)
        s[i * lanes] = get_le64(block + 8 * i);
}

/* Hashes as many groups of `lanes` messages as there are; returns how many it did. */
static size_t hash_groups(uint8_t *out, const uint8_t *in, size_t len, size_t n,
                          size_t lanes, void (*permute)(void *s))
{
    uint64_t s[25 * 8] __attribute__((aligned(64)));
    size_t done = 0;
    for (; n - done >= lanes; done += lanes) {
        memset(s, 0, sizeof(s));
        for (size_t j = 0; j < lanes; j++)
            load_lane(s + j, lanes, in + (done + j) * len, len);
        permute(s);
        for (size_t j = 0; j < lanes; j++)
            put_digest(out + 32 * (done + j), s + j, lanes);
    }
    return done;
}

static void permute4(void *s)
{
    keccak_avx2(s);
}

static void permute8(void *s)
{
    keccak_avx512(s);
}
#endif

void sha3_256_many(uint8_t *out, const uint8_t *in, size_t len, size_t n)
{
    size_t done = 0;
    ASSERT(len < RATE);
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f"))
        done = hash_groups(out, in, len, n, 8, permute8);
    if (__builtin_cpu_supports("avx2"))
        done +=
            hash_groups(out + 32 * done, in + len * done, len, n - done, 4, permute4);
#endif
    for (; done < n; done++)
        sha3_256(out + 32 * done, in + len * done, len);
}
