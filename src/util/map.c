/* Robin-hood linear probing: entries stay sorted by distance from their home slot, so a
 * search for an absent key ends as soon as it meets an entry closer to home.
 *
 * slot: u32 hash (0: free) | key | value, the value aligned to 8 when its size is a
 * multiple of 8 (it may hold pointers). */
#include "util/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "util/mem.h"
#include "util/rand.h"

#define MIN_CAP        8u
#define MAP_PAGES      (1u << 20) /* tables above this are pages of their own */
#define MAP_HUGE_PAGES (4u << 20) /* and above this large pages: fewer TLB misses */

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t m)
{
    s->v3 ^= m;
    sip_round(s);
    s->v0 ^= m;
}

/* SipHash-1-3 (as hash tables use it). Never 0, which marks a free slot. */
static uint32_t hash_key(const struct map *m, const void *key)
{
    const uint8_t *p = key;
    size_t n = m->key_size;
    struct sip s = {
        m->seed[0] ^ 0x736f6d6570736575,
        m->seed[1] ^ 0x646f72616e646f6d,
        m->seed[0] ^ 0x6c7967656e657261,
        m->seed[1] ^ 0x7465646279746573,
    };
    uint64_t w;
    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&w, p, 8);
        sip_word(&s, w);
    }
    w = (uint64_t)m->key_size << 56;
    memcpy(&w, p, n);
    sip_word(&s, w);
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    uint64_t h = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    uint32_t h32 = (uint32_t)(h ^ h >> 32);
    return h32 ? h32 : 1;
}

static uint32_t align_up(uint32_t n, uint32_t to)
{
    return (n + to - 1) / to * to;
}

void map_init(struct map *m, size_t key_size, size_t value_size)
{
    ASSERT(key_size > 0 && key_size < 1024 && value_size < 65536);
    uint32_t key_align = key_size == 8 || key_size == 16 ? 8 : 4;
    uint32_t value_align = value_size && value_size % 8 == 0 ? 8 : 4;
    *m = (struct map){.key_size = (uint32_t)key_size,
                      .value_size = (uint32_t)value_size};
    m->key_off = key_align;
    m->value_off = align_up(m->key_off + m->key_size, value_align);
    m->slot_size = align_up(m->value_off + m->value_size,
                            key_align > value_align ? key_align : value_align);
}

/* Zeroed. Pages of their own keep slots from straddling cache lines. */
static uint8_t *alloc_slots(size_t bytes)
{
    if (bytes < MAP_PAGES)
        return xcalloc(bytes, 1);
    void *p =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        fputs("out of memory\n", stderr);
        abort();
    }
    if (bytes >= MAP_HUGE_PAGES)
        madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

static void free_slots(uint8_t *slots, size_t bytes)
{
    if (bytes < MAP_PAGES)
        free(slots);
    else
        munmap(slots, bytes);
}

void map_clear(struct map *m)
{
    free_slots(m->slots, map_memory(m));
    m->slots = NULL;
    m->cap = m->len = 0;
}

static inline uint8_t *slot_at(const struct map *m, size_t i)
{
    return m->slots + i * m->slot_size;
}

static inline uint32_t slot_hash(const uint8_t *slot)
{
    uint32_t h;
    memcpy(&h, slot, 4);
    return h;
}

static inline size_t distance(const struct map *m, size_t at, uint32_t hash)
{
    return (at - hash) & (m->cap - 1);
}

static inline bool slot_is(const struct map *m, const uint8_t *slot, uint32_t hash,
                           const void *key)
{
    return slot_hash(slot) == hash && memcmp(slot + m->key_off, key, m->key_size) == 0;
}

/* The slot of @key, or NULL; *where is then the slot at which it belongs. */
static uint8_t *find(const struct map *m, const void *key, uint32_t hash, size_t *where)
{
    size_t i = hash & (m->cap - 1);
    for (size_t d = 0;; d++, i = (i + 1) & (m->cap - 1)) {
        uint8_t *slot = slot_at(m, i);
        if (slot_is(m, slot, hash, key))
            return slot;
        uint32_t other = slot_hash(slot);
        if (other == 0 || distance(m, i, other) < d) {
            *where = i;
            return NULL;
        }
    }
}

void *map_get(const struct map *m, const void *key)
{
    size_t where;
    if (m->len == 0)
        return NULL;
    uint8_t *slot = find(m, key, hash_key(m, key), &where);
    return slot ? slot + m->value_off : NULL;
}

/* Frees slot @at by moving it and its followers up to the next free slot by one. */
static void make_room(struct map *m, size_t at)
{
    size_t mask = m->cap - 1, end = at;
    while (slot_hash(slot_at(m, end)) != 0)
        end = (end + 1) & mask;
    if (end <
        at) { /* wraps: the head of the table, then the slot that crosses the end */
        memmove(slot_at(m, 1), slot_at(m, 0), end * m->slot_size);
        memcpy(slot_at(m, 0), slot_at(m, mask), m->slot_size);
        end = mask;
    }
    memmove(slot_at(m, at + 1), slot_at(m, at), (end - at) * m->slot_size);
}

static uint8_t *insert(struct map *m, const void *key, uint32_t hash, size_t where)
{
    make_room(m, where);
    uint8_t *slot = slot_at(m, where);
    memset(slot, 0, m->slot_size);
    memcpy(slot, &hash, 4);
    memcpy(slot + m->key_off, key, m->key_size);
    m->len++;
    return slot;
}

static void resize(struct map *m, size_t cap)
{
    struct map old = *m;
    ASSERT(cap <= UINT32_MAX);
    if (!old.cap) /* many maps are never used: the kernel is asked late */
        rand_bytes(m->seed, sizeof(m->seed));
    m->slots = alloc_slots(cap * m->slot_size);
    m->cap = cap;
    m->len = 0;
    for (size_t i = 0; i < old.cap; i++) {
        const uint8_t *from = slot_at(&old, i);
        uint32_t hash = slot_hash(from);
        if (hash == 0)
            continue;
        size_t at = hash & (cap - 1), d = 0;
        for (uint32_t other; (other = slot_hash(slot_at(m, at))) != 0; d++) {
            if (distance(m, at, other) < d)
                break;
            at = (at + 1) & (cap - 1);
        }
        make_room(m, at);
        memcpy(slot_at(m, at), from, m->slot_size);
        m->len++;
    }
    free_slots(old.slots, map_memory(&old));
}

void map_reserve(struct map *m, size_t n)
{
    size_t cap = m->cap ? m->cap : MIN_CAP;
    while (n > cap / 8 * 7)
        cap *= 2;
    if (cap != m->cap)
        resize(m, cap);
}

void *map_put(struct map *m, const void *key, bool *is_new)
{
    if (!m->cap)
        map_reserve(m, 1);
    uint32_t hash = hash_key(m, key);
    size_t where = 0;
    uint8_t *slot = m->len ? find(m, key, hash, &where) : NULL;
    if (is_new)
        *is_new = !slot;
    if (!slot) {
        size_t cap = m->cap;
        map_reserve(m, m->len + 1);
        if (m->cap != cap || m->len == 0)
            find(m, key, hash, &where);
        slot = insert(m, key, hash, where);
    }
    return slot + m->value_off;
}

bool map_del(struct map *m, const void *key)
{
    size_t where;
    uint8_t *slot = m->len ? find(m, key, hash_key(m, key), &where) : NULL;
    if (!slot)
        return false;
    size_t i = (size_t)(slot - m->slots) / m->slot_size;
    for (;;) { /* pull back what follows until an entry is at home */
        size_t next = (i + 1) & (m->cap - 1);
        uint32_t hash = slot_hash(slot_at(m, next));
        if (hash == 0 || distance(m, next, hash) == 0)
            break;
        memcpy(slot_at(m, i), slot_at(m, next), m->slot_size);
        i = next;
    }
    memset(slot_at(m, i), 0, m->slot_size);
    m->len--;
    return true;
}

size_t map_memory(const struct map *m)
{
    return m->cap * m->slot_size;
}

bool map_next(const struct map *m, size_t *cursor, const void **key, void **value)
{
    while (*cursor < m->cap) {
        uint8_t *slot = slot_at(m, (*cursor)++);
        if (slot_hash(slot) == 0)
            continue;
        if (key)
            *key = slot + m->key_off;
        if (value)
            *value = slot + m->value_off;
        return true;
    }
    return false;
}
