#include <stdlib.h>

#include "chain/store/coins_impl.h"
#include "util/rand.h"

/* -- Slots -- */

static void slot_clear_script(struct coins_cache *cc, struct slot *s)
{
    if (s->len == LONG_SCRIPT) {
        struct long_script ls = slot_long(s);
        cc->long_bytes -= ls.len;
        free(ls.data);
    }
    s->len = 0;
}

static void slot_set_script(struct coins_cache *cc, struct slot *s, struct bytes script)
{
    slot_clear_script(cc, s);
    if (script.len <= INLINE_SCRIPT) {
        s->len = (uint8_t)script.len;
        if (script.len)
            memcpy(s->script, script.data, script.len);
        return;
    }
    struct long_script ls = {xmemdup(script.data, script.len), (uint32_t)script.len};
    memcpy(s->script, &ls, sizeof(ls));
    s->len = LONG_SCRIPT;
    cc->long_bytes += ls.len;
}

static uint32_t slot_new(struct coins_cache *cc)
{
    uint32_t i = cc->free_slot;
    if (i != NO_SLOT) {
        cc->free_slot = slot_at(cc, i)->n;
        return i;
    }
    if (cc->slots_begun == cc->n_slabs * SLAB_SLOTS) {
        cc->slabs = xrealloc_array(cc->slabs, cc->n_slabs + 1, sizeof(*cc->slabs));
        cc->slabs[cc->n_slabs++] = xmalloc(SLAB_SLOTS * sizeof(struct slot));
    }
    i = cc->slots_begun++;
    memset(slot_at(cc, i), 0, sizeof(struct slot));
    return i;
}

static void slot_free(struct coins_cache *cc, uint32_t i)
{
    struct slot *s = slot_at(cc, i);
    slot_clear_script(cc, s);
    slot_set_flags(cc, s, 0);
    s->n = cc->free_slot;
    cc->free_slot = i;
}

static void slot_from_coin(struct coins_cache *cc, struct slot *s, const struct coin *c,
                           uint8_t flags)
{
    ASSERT((uint64_t)c->value.v <= VALUE_MASK);
    slot_set_flags(cc, s, 0);
    s->value = (uint64_t)c->value.v;
    s->height = c->height << 1 | c->coinbase;
    slot_set_script(cc, s, c->script);
    slot_set_flags(cc, s, flags | (uint8_t)(c->marks << SLOT_MARK_SHIFT));
}

/* -- Table -- */

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 r = (unsigned __int128)a * b;
    return (uint64_t)r ^ (uint64_t)(r >> 64);
}

/* Keyed, so that nobody can choose txids that meet in one place. */
static uint64_t outpoint_hash(const struct coins_cache *cc, const uint8_t txid[32],
                              uint32_t n)
{
    uint64_t w[4];
    memcpy(w, txid, 32);
    uint64_t a = fold(w[0] ^ cc->key[0], w[1] ^ cc->key[1]);
    uint64_t b = fold(w[2] ^ cc->key[2], w[3] ^ cc->key[3] ^ n);
    return fold(a ^ cc->key[1], b ^ cc->key[2] ^ (uint64_t)n << 32);
}

static uint8_t tag_of(uint64_t hash)
{
    return 0x80 | (uint8_t)(hash >> 57);
}

/* Where the outpoint stands, or the free place where it would. */
static size_t table_find(const struct coins_cache *cc, const struct outpoint *o,
                         uint64_t hash)
{
    uint8_t tag = tag_of(hash);
    for (size_t i = hash & (cc->cap - 1);; i = (i + 1) & (cc->cap - 1)) {
        if (cc->tag[i] == 0)
            return i;
        if (cc->tag[i] != tag)
            continue;
        const struct slot *s = slot_at(cc, cc->index[i]);
        if (s->n == o->n && memcmp(s->txid, o->txid.b, 32) == 0)
            return i;
    }
}

static void table_alloc(struct coins_cache *cc, size_t cap)
{
    cc->cap = cap;
    cc->tag = xcalloc(cap, 1);
    cc->index = xmalloc(cap * sizeof(*cc->index));
}

static void table_grow(struct coins_cache *cc)
{
    uint8_t *old_tag = cc->tag;
    uint32_t *old_index = cc->index;
    size_t old_cap = cc->cap;
    table_alloc(cc, old_cap * 2);
    for (size_t k = 0; k < old_cap; k++) {
        if (old_tag[k] == 0)
            continue;
        const struct slot *s = slot_at(cc, old_index[k]);
        uint64_t h = outpoint_hash(cc, s->txid, s->n);
        size_t i = h & (cc->cap - 1);
        while (cc->tag[i] != 0)
            i = (i + 1) & (cc->cap - 1);
        cc->tag[i] = old_tag[k];
        cc->index[i] = old_index[k];
    }
    free(old_tag);
    free(old_index);
}

/* Removes place i and moves up what probed past it. */
static void table_remove(struct coins_cache *cc, size_t i)
{
    size_t mask = cc->cap - 1;
    for (size_t k = (i + 1) & mask; cc->tag[k] != 0; k = (k + 1) & mask) {
        const struct slot *s = slot_at(cc, cc->index[k]);
        size_t home = outpoint_hash(cc, s->txid, s->n) & mask;
        if (((k - home) & mask) < ((k - i) & mask))
            continue;
        cc->tag[i] = cc->tag[k];
        cc->index[i] = cc->index[k];
        i = k;
    }
    cc->tag[i] = 0;
    cc->len--;
}

static struct slot *cache_find(const struct coins_cache *cc, const struct outpoint *o)
{
    size_t i = table_find(cc, o, outpoint_hash(cc, o->txid.b, o->n));
    return cc->tag[i] ? slot_at(cc, cc->index[i]) : NULL;
}

/* A new slot for an outpoint that is not in the cache; flags are 0. */
static struct slot *cache_insert(struct coins_cache *cc, const struct outpoint *o)
{
    if ((cc->len + 1) * 4 > cc->cap * 3)
        table_grow(cc);
    uint64_t hash = outpoint_hash(cc, o->txid.b, o->n);
    size_t i = table_find(cc, o, hash);
    ASSERT(cc->tag[i] == 0);
    uint32_t at = slot_new(cc);
    struct slot *s = slot_at(cc, at);
    memcpy(s->txid, o->txid.b, 32);
    s->n = o->n;
    cc->tag[i] = tag_of(hash);
    cc->index[i] = at;
    cc->len++;
    return s;
}

void coins_cache_remove(struct coins_cache *cc, const struct outpoint *o)
{
    size_t i = table_find(cc, o, outpoint_hash(cc, o->txid.b, o->n));
    ASSERT(cc->tag[i] != 0);
    uint32_t at = cc->index[i];
    table_remove(cc, i);
    slot_free(cc, at);
}

/* -- Database -- */

struct bytes coin_key(uint8_t out[40], const struct outpoint *o)
{
    struct buf b = {.data = out, .cap = 40};
    struct sink s = sink_to_buf(&b);
    write_u8(&s, COINS_DB_COIN);
    write_hash256(&s, &o->txid);
    write_base128(&s, o->n);
    return bytes_of(out, b.len);
}

bool coin_key_read(struct outpoint *o, struct bytes key)
{
    struct reader r;
    reader_init(&r, key.data, key.len);
    if (read_u8(&r) != COINS_DB_COIN)
        return false;
    o->txid = read_hash256(&r);
    uint64_t n = read_base128(&r);
    o->n = (uint32_t)n;
    return reader_done(&r) && n <= UINT32_MAX;
}

static void copy_script(struct coin *c, struct arena *mem)
{
    if (mem)
        c->script.data = arena_dup(mem, c->script.data, c->script.len);
    else
        c->script = bytes_of(NULL, 0);
}

enum err coins_db_read(struct db *db, const struct outpoint *o, struct coin *out,
                       struct arena *mem)
{
    uint8_t key[40], scratch[COIN_SCRATCH];
    struct buf value = {0};
    enum err e = db_get(db, coin_key(key, o), &value);
    if (e == ERR_OK) {
        struct reader r;
        reader_init(&r, value.data, value.len);
        if (coin_read(out, &r, scratch) && reader_done(&r))
            copy_script(out, mem);
        else
            e = ERR_CORRUPT;
    }
    buf_clear(&value);
    return e;
}

/* The slot of an outpoint, read from the database when the cache lacks it. NULL:
 * nowhere. */
static struct slot *fetch_slot(struct coins_cache *cc, const struct outpoint *o)
{
    struct slot *s = cache_find(cc, o);
    cc->lookups.hits += s != NULL;
    if (s)
        return s;
    cc->lookups.misses++;
    struct arena mem;
    struct coin c;
    arena_init(&mem, 256);
    enum err e = coins_db_read(cc->db, o, &c, &mem);
    if (e == ERR_OK) {
        s = cache_insert(cc, o);
        slot_from_coin(cc, s, &c, SLOT_USED);
    } else {
        coins_latch(cc, e);
    }
    arena_clear(&mem);
    return s;
}

/* -- Life cycle -- */

static void cache_drop(struct coins_cache *cc)
{
    if (cc->long_bytes > 0)
        for (uint32_t i = 0; i < cc->slots_begun; i++)
            slot_clear_script(cc, slot_at(cc, i));
    for (uint32_t i = 0; i < cc->n_slabs; i++)
        free(cc->slabs[i]);
    free(cc->slabs);
    free(cc->tag);
    free(cc->index);
    cc->slabs = NULL;
    cc->n_slabs = cc->slots_begun = 0;
    cc->free_slot = NO_SLOT;
    cc->len = cc->n_dirty = 0;
}

void coins_cache_empty(struct coins_cache *cc)
{
    cache_drop(cc);
    table_alloc(cc, EMPTY_TABLE);
}

struct coins_cache *coins_cache_new(struct db *db)
{
    struct coins_cache *cc = xcalloc(1, sizeof(*cc));
    cc->db = db;
    cc->free_slot = NO_SLOT;
    rand_bytes(cc->key, sizeof(cc->key));
    table_alloc(cc, EMPTY_TABLE);
    coins_load_markers(cc);
    return cc;
}

void coins_cache_free(struct coins_cache *cc)
{
    if (!cc)
        return;
    cache_drop(cc);
    free(cc);
}

enum err coins_cache_error(const struct coins_cache *cc)
{
    return cc->error;
}

/* -- Reading -- */

bool coins_peek(const struct coins_cache *cc, const struct outpoint *o,
                struct coin *out, struct arena *mem)
{
    const struct slot *s = cache_find(cc, o);
    if (!s)
        return coins_db_read(cc->db, o, out, mem) == ERR_OK;
    if (slot_flags(s) & SLOT_SPENT)
        return false;
    slot_to_coin(s, out);
    copy_script(out, mem);
    return true;
}

struct hash256 coins_best_block(const struct coins_cache *cc)
{
    return cc->best;
}

bool coins_cached(const struct coins_cache *cc, const struct outpoint *o)
{
    return cache_find(cc, o) != NULL;
}

/* -- Changing -- */

bool coins_fetch(struct coins_cache *cc, const struct outpoint *o, struct coin *out)
{
    const struct slot *s = fetch_slot(cc, o);
    if (!s || slot_flags(s) & SLOT_SPENT)
        return false;
    slot_to_coin(s, out);
    return true;
}

bool coins_have(struct coins_cache *cc, const struct outpoint *o)
{
    struct coin c;
    return coins_fetch(cc, o, &c);
}

void coins_add(struct coins_cache *cc, const struct outpoint *o, const struct coin *c,
               bool may_overwrite)
{
    if (script_is_unspendable(c->script))
        return;
    struct slot *s = may_overwrite ? fetch_slot(cc, o) : cache_find(cc, o);
    uint8_t flags = SLOT_USED | SLOT_DIRTY;
    if (!s) {
        s = cache_insert(cc, o);
        flags |= SLOT_FRESH;
    } else {
        ASSERT(may_overwrite || slot_flags(s) & SLOT_SPENT);
        flags |= slot_flags(s) & SLOT_FRESH;
    }
    slot_from_coin(cc, s, c, flags);
}

void coins_add_tx(struct coins_cache *cc, const struct tx *tx, uint32_t height,
                  bool may_overwrite)
{
    bool coinbase = tx_is_coinbase(tx);
    struct outpoint o = {.txid = tx->txid};
    for (o.n = 0; o.n < tx->n_out; o.n++) {
        struct coin c = {
            .value = tx->out[o.n].value,
            .height = height,
            .coinbase = coinbase,
            .script = tx->out[o.n].script,
        };
        coins_add(cc, &o, &c, coinbase || may_overwrite);
    }
}

bool coins_spend(struct coins_cache *cc, const struct outpoint *o, struct coin *out,
                 struct arena *mem)
{
    struct slot *s = fetch_slot(cc, o);
    if (!s || slot_flags(s) & SLOT_SPENT)
        return false;
    if (out) {
        slot_to_coin(s, out);
        copy_script(out, mem);
    }
    if (slot_flags(s) & SLOT_FRESH) {
        coins_cache_remove(cc, o);
    } else {
        slot_clear_script(cc, s);
        slot_set_flags(cc, s, SLOT_USED | SLOT_DIRTY | SLOT_SPENT);
    }
    return true;
}

void coins_mark(struct coins_cache *cc, const struct outpoint *o, uint8_t marks)
{
    struct slot *s = fetch_slot(cc, o);
    if (!s || slot_flags(s) & SLOT_SPENT)
        return;
    uint8_t bits = (uint8_t)((marks & COIN_MARKS) << SLOT_MARK_SHIFT);
    if ((slot_flags(s) & bits) != bits)
        slot_set_flags(cc, s, slot_flags(s) | bits | SLOT_DIRTY);
}

void coins_set_best_block(struct coins_cache *cc, const struct hash256 *hash)
{
    cc->best = *hash;
    cc->best_dirty = true;
}

void coins_insert_clean(struct coins_cache *cc, const struct outpoint *o,
                        const struct coin *c)
{
    if (!cache_find(cc, o))
        slot_from_coin(cc, cache_insert(cc, o), c, SLOT_USED);
}

/* -- Memory -- */

struct coins_lookups coins_cache_lookups(const struct coins_cache *cc)
{
    return cc->lookups;
}

size_t coins_cache_count(const struct coins_cache *cc)
{
    return cc->len;
}

size_t coins_cache_memory(const struct coins_cache *cc)
{
    return (size_t)cc->n_slabs * SLAB_SLOTS * sizeof(struct slot) + cc->long_bytes +
           cc->cap * (sizeof(*cc->index) + sizeof(*cc->tag));
}
