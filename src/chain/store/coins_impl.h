/* What the files of the coins' cache share. Nobody else includes it. */
#ifndef OCHRE_CHAIN_STORE_COINS_IMPL_H
#define OCHRE_CHAIN_STORE_COINS_IMPL_H

#include "chain/store/coins_cache.h"

/* P2PK with a compressed key, the longest of the usual ones */
#define INLINE_SCRIPT 35
#define LONG_SCRIPT   0xff /* slot.len of a script on the heap */
#define SLAB_SLOTS    4096u
#define NO_SLOT       UINT32_MAX
#define EMPTY_TABLE   1024u

enum slot_flags {
    SLOT_USED = 1,
    SLOT_DIRTY = 2, /* differs from the database */
    SLOT_FRESH = 4, /* not in the database: spending it leaves nothing to write */
    SLOT_SPENT = 8, /* gone, but still in the database: always DIRTY, never FRESH */
    SLOT_MARK_SHIFT = 4,
};

/* 84 octets for a coin with everything. */
struct slot {
    uint8_t txid[32];
    uint32_t n;      /* in a free slot: the next free one */
    uint32_t height; /* << 1 | coinbase */
    uint64_t value;  /* amount, flags in the top octet */
    uint8_t len;
    uint8_t script[INLINE_SCRIPT];
} __attribute__((packed, aligned(4)));

struct long_script {
    uint8_t *data; /* owned */
    uint32_t len;
};

_Static_assert(sizeof(struct slot) == 84, "slots are packed");
_Static_assert(sizeof(struct long_script) <= INLINE_SCRIPT, "fits the slot");

#define VALUE_BITS 56
#define VALUE_MASK ((UINT64_C(1) << VALUE_BITS) - 1)

struct coins_cache {
    struct db *db; /* borrowed */
    enum err error;
    struct hash256 best; /* zero: none, or torn and not mended yet */
    bool best_dirty;
    struct hash256 saved; /* the best block on disk */
    bool torn;            /* the database holds heads instead */
    struct coins_heads heads;

    struct slot **slabs; /* owned, n_slabs of SLAB_SLOTS */
    uint32_t n_slabs, slots_begun, free_slot;

    /* The table: tag[i] is 0 where nothing is, else seven hash bits and the top one. */
    uint8_t *tag;    /* owned, cap */
    uint32_t *index; /* owned, cap: slot numbers */
    size_t cap;      /* power of two */
    size_t len;
    uint64_t key[4];

    size_t n_dirty, long_bytes;
    struct coins_lookups lookups;
};

static inline struct slot *slot_at(const struct coins_cache *cc, uint32_t i)
{
    return &cc->slabs[i / SLAB_SLOTS][i % SLAB_SLOTS];
}

static inline uint8_t slot_flags(const struct slot *s)
{
    return (uint8_t)(s->value >> VALUE_BITS);
}

static inline void slot_set_flags(struct coins_cache *cc, struct slot *s, uint8_t flags)
{
    cc->n_dirty -= !!(slot_flags(s) & SLOT_DIRTY);
    cc->n_dirty += !!(flags & SLOT_DIRTY);
    s->value = (s->value & VALUE_MASK) | (uint64_t)flags << VALUE_BITS;
}

static inline struct long_script slot_long(const struct slot *s)
{
    struct long_script ls;
    memcpy(&ls, s->script, sizeof(ls));
    return ls;
}

static inline struct bytes slot_script(const struct slot *s)
{
    if (s->len != LONG_SCRIPT)
        return bytes_of(s->script, s->len);
    struct long_script ls = slot_long(s);
    return bytes_of(ls.data, ls.len);
}

static inline void slot_to_coin(const struct slot *s, struct coin *out)
{
    out->value.v = (int64_t)(s->value & VALUE_MASK);
    out->height = s->height >> 1;
    out->coinbase = s->height & 1;
    out->marks = slot_flags(s) >> SLOT_MARK_SHIFT & COIN_MARKS;
    out->script = slot_script(s);
}

static inline void coins_latch(struct coins_cache *cc, enum err e)
{
    if (e != ERR_NOT_FOUND && cc->error == ERR_OK)
        cc->error = e;
}

/* -- coins_cache.c -- */
/* A coin that is there leaves the cache, saved or not. */
void coins_cache_remove(struct coins_cache *cc, const struct outpoint *o);
/* All of them do. */
void coins_cache_empty(struct coins_cache *cc);

/* -- coins_flush.c -- */
/* Where the database stands. */
void coins_load_markers(struct coins_cache *cc);

#endif
