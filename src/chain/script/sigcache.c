#include "chain/script/sigcache.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "crypto/sha256.h"
#include "util/mem.h"
#include "util/rand.h"

/* A set of salted 256-bit hashes in buckets of eight. A lookup reads words without a
 * lock; a writer may tear an entry, but a torn one equals no hash anybody can ask for.
 */
#define BUCKET_WAYS 8
#define ENTRY_WORDS 4

struct bucket {
    _Atomic uint64_t words[BUCKET_WAYS][ENTRY_WORDS];
};

struct hash_set {
    struct bucket *buckets; /* owned */
    _Atomic uint8_t
        *spent; /* owned; per bucket a bit for each entry that may be replaced */
    size_t n;   /* buckets */
    _Atomic bool used;
    _Atomic uint64_t hits, misses;
};

struct sigcache {
    struct sha256 ecdsa, schnorr, tx; /* each has absorbed a salt of its own */
    struct hash_set signatures, txs;
};

static void hash_set_init(struct hash_set *s, size_t bytes)
{
    s->n = bytes / (sizeof(struct bucket) + 1);
    if (s->n == 0)
        s->n = 1;
    s->buckets = xcalloc(s->n, sizeof(*s->buckets));
    s->spent = xcalloc(s->n, sizeof(*s->spent));
    atomic_init(&s->used, false);
}

static void hash_set_clear(struct hash_set *s)
{
    free(s->buckets);
    free((void *)s->spent);
}

static void key_words(uint64_t out[ENTRY_WORDS], const struct hash256 *key)
{
    for (int i = 0; i < ENTRY_WORDS; i++)
        out[i] = get_le64(key->b + 8 * i);
}

/* Maps the key's first word evenly to a bucket. */
static size_t bucket_of(const struct hash_set *s, const uint64_t key[ENTRY_WORDS])
{
    return (size_t)(((unsigned __int128)key[0] * s->n) >> 64);
}

static bool entry_equal(_Atomic uint64_t *entry, const uint64_t key[ENTRY_WORDS])
{
    for (int i = 0; i < ENTRY_WORDS; i++) {
        if (atomic_load_explicit(&entry[i], memory_order_relaxed) != key[i])
            return false;
    }
    return true;
}

static int find_way(struct bucket *b, const uint64_t key[ENTRY_WORDS])
{
    for (int way = 0; way < BUCKET_WAYS; way++) {
        if (entry_equal(b->words[way], key))
            return way;
    }
    return -1;
}

static bool hash_set_has(struct hash_set *s, const struct hash256 *key, bool consume)
{
    uint64_t k[ENTRY_WORDS];
    if (!atomic_load_explicit(&s->used, memory_order_relaxed))
        return false;
    key_words(k, key);
    size_t at = bucket_of(s, k);
    int way = find_way(&s->buckets[at], k);
    atomic_fetch_add_explicit(way < 0 ? &s->misses : &s->hits, 1, memory_order_relaxed);
    if (way < 0)
        return false;
    if (consume)
        atomic_fetch_or_explicit(&s->spent[at], (uint8_t)(1 << way),
                                 memory_order_relaxed);
    return true;
}

static bool entry_is_free(_Atomic uint64_t *entry)
{
    static const uint64_t zero[ENTRY_WORDS];
    return entry_equal(entry, zero);
}

/* A free entry, else one that is wanted no more, else any (the key itself is random).
 */
static int pick_way(struct hash_set *s, size_t at, const uint64_t key[ENTRY_WORDS])
{
    for (int way = 0; way < BUCKET_WAYS; way++) {
        if (entry_is_free(s->buckets[at].words[way]))
            return way;
    }
    unsigned spent = atomic_load_explicit(&s->spent[at], memory_order_relaxed);
    return spent != 0 ? __builtin_ctz(spent) : (int)(key[3] % BUCKET_WAYS);
}

static void hash_set_add(struct hash_set *s, const struct hash256 *key)
{
    uint64_t k[ENTRY_WORDS];
    key_words(k, key);
    size_t at = bucket_of(s, k);
    int way = find_way(&s->buckets[at], k);
    if (way < 0) {
        way = pick_way(s, at, k);
        for (int i = 0; i < ENTRY_WORDS; i++)
            atomic_store_explicit(&s->buckets[at].words[way][i], k[i],
                                  memory_order_relaxed);
    }
    atomic_fetch_and_explicit(&s->spent[at], (uint8_t) ~(1 << way),
                              memory_order_relaxed);
    atomic_store_explicit(&s->used, true, memory_order_relaxed);
}

/* One block of the hash: 63 secret bytes and the domain. */
static void salt_init(struct sha256 *h, uint8_t domain)
{
    uint8_t salt[64];
    rand_bytes(salt, 63);
    salt[63] = domain;
    sha256_init(h);
    sha256_update(h, salt, sizeof(salt));
}

struct sigcache *sigcache_new(size_t bytes)
{
    struct sigcache *c = xcalloc(1, sizeof(*c));
    salt_init(&c->ecdsa, 'E');
    salt_init(&c->schnorr, 'S');
    salt_init(&c->tx, 'T');
    hash_set_init(&c->signatures, bytes / 2);
    hash_set_init(&c->txs, bytes / 2);
    return c;
}

void sigcache_free(struct sigcache *c)
{
    if (c == NULL)
        return;
    hash_set_clear(&c->signatures);
    hash_set_clear(&c->txs);
    free(c);
}

struct hash256 sigcache_ecdsa_key(const struct sigcache *c,
                                  const struct hash256 *sighash, struct bytes pubkey,
                                  struct bytes sig)
{
    struct hash256 key;
    struct sha256 h = c->ecdsa;
    sha256_update(&h, sighash->b, 32);
    sha256_update(&h, pubkey.data, pubkey.len);
    sha256_update(&h, sig.data, sig.len);
    sha256_final(&h, key.b);
    return key;
}

struct hash256 sigcache_schnorr_key(const struct sigcache *c,
                                    const struct hash256 *sighash,
                                    const uint8_t xonly[32], const uint8_t sig[64])
{
    struct hash256 key;
    struct sha256 h = c->schnorr;
    sha256_update(&h, sighash->b, 32);
    sha256_update(&h, xonly, 32);
    sha256_update(&h, sig, 64);
    sha256_final(&h, key.b);
    return key;
}

static struct hash256 tx_key(const struct sigcache *c, const struct hash256 *wtxid,
                             uint32_t flags)
{
    struct hash256 key;
    uint8_t le[4];
    struct sha256 h = c->tx;
    put_le32(le, flags);
    sha256_update(&h, wtxid->b, 32);
    sha256_update(&h, le, 4);
    sha256_final(&h, key.b);
    return key;
}

struct sigcache_lookups sigcache_lookups(const struct sigcache *c)
{
    return (struct sigcache_lookups){
        .signature_hits = c->signatures.hits,
        .signature_misses = c->signatures.misses,
        .tx_hits = c->txs.hits,
        .tx_misses = c->txs.misses,
    };
}

bool sigcache_is_empty(const struct sigcache *c)
{
    return c == NULL ||
           !atomic_load_explicit(&c->signatures.used, memory_order_relaxed);
}

bool sigcache_has_signature(struct sigcache *c, const struct hash256 *key, bool consume)
{
    return hash_set_has(&c->signatures, key, consume);
}

void sigcache_add_signature(struct sigcache *c, const struct hash256 *key)
{
    hash_set_add(&c->signatures, key);
}

bool sigcache_has_tx(struct sigcache *c, const struct hash256 *wtxid, uint32_t flags,
                     bool consume)
{
    if (c == NULL || !atomic_load_explicit(&c->txs.used, memory_order_relaxed))
        return false;
    struct hash256 key = tx_key(c, wtxid, flags);
    return hash_set_has(&c->txs, &key, consume);
}

void sigcache_add_tx(struct sigcache *c, const struct hash256 *wtxid, uint32_t flags)
{
    if (c == NULL)
        return;
    struct hash256 key = tx_key(c, wtxid, flags);
    hash_set_add(&c->txs, &key);
}
