/* From the cache to the database, and where that stands. */
#include "chain/store/coins_impl.h"

/* Octets that a changed coin takes in a batch, and in LevelDB's memtable, about. */
#define BATCH_BYTES_PER_COIN    75
#define MEMTABLE_BYTES_PER_COIN 105
#define DISK_BYTES_PER_COIN     120 /* log and table, about */

static const uint8_t best_key = COINS_DB_BEST, heads_key = COINS_DB_HEADS;

/* -- Where it stands -- */

/* A record of exactly @len octets. */
static bool read_marker(struct coins_cache *cc, uint8_t key, void *out, size_t len)
{
    struct buf value = {0};
    enum err e = db_get(cc->db, bytes_of(&key, 1), &value);
    if (e == ERR_OK && value.len != len)
        e = ERR_CORRUPT;
    if (e == ERR_OK)
        memcpy(out, value.data, len);
    else
        coins_latch(cc, e);
    buf_clear(&value);
    return e == ERR_OK;
}

void coins_load_markers(struct coins_cache *cc)
{
    uint8_t heads[64];
    read_marker(cc, COINS_DB_BEST, cc->best.b, sizeof(cc->best.b));
    cc->saved = cc->best;
    cc->torn = read_marker(cc, COINS_DB_HEADS, heads, sizeof(heads));
    if (!cc->torn)
        return;
    memcpy(cc->heads.to.b, heads, 32);
    memcpy(cc->heads.from.b, heads + 32, 32);
    if (!hash256_is_zero(&cc->best))
        coins_latch(cc, ERR_CORRUPT);
}

bool coins_torn(const struct coins_cache *cc, struct coins_heads *out)
{
    *out = cc->heads;
    return cc->torn;
}

/* -- Memory -- */

size_t coins_cache_flush_memory(const struct coins_cache *cc, size_t batch_bytes)
{
    size_t in_batch = batch_bytes / BATCH_BYTES_PER_COIN + 1;
    size_t coins = cc->n_dirty < in_batch ? cc->n_dirty : in_batch;
    return coins * (BATCH_BYTES_PER_COIN + MEMTABLE_BYTES_PER_COIN);
}

uint64_t coins_cache_flush_disk(const struct coins_cache *cc)
{
    return (uint64_t)cc->n_dirty * DISK_BYTES_PER_COIN;
}

bool coins_cache_dirty(const struct coins_cache *cc)
{
    return cc->n_dirty > 0 || cc->best_dirty;
}

/* -- Flush -- */

static void flush_slot(const struct slot *s, struct db_batch *batch, struct buf *value)
{
    uint8_t key[40];
    struct outpoint o = {.n = s->n};
    memcpy(o.txid.b, s->txid, 32);
    if (slot_flags(s) & SLOT_SPENT) {
        db_batch_del(batch, coin_key(key, &o));
        return;
    }
    struct coin c;
    slot_to_coin(s, &c);
    buf_reset(value);
    struct sink sink = sink_to_buf(value);
    coin_write(&sink, &c);
    db_batch_put(batch, coin_key(key, &o), buf_view(value));
}

static void flush_heads(const struct coins_cache *cc, struct db_batch *batch)
{
    uint8_t heads[64];
    memcpy(heads, cc->best.b, 32);
    memcpy(heads + 32, cc->saved.b, 32);
    db_batch_put(batch, bytes_of(&heads_key, 1), bytes_of(heads, sizeof(heads)));
    db_batch_del(batch, bytes_of(&best_key, 1));
}

/* Without one the heads remain: what was torn is being mended. */
static void flush_best(const struct coins_cache *cc, struct db_batch *batch, bool heads)
{
    if (hash256_is_zero(&cc->best))
        return;
    db_batch_put(batch, bytes_of(&best_key, 1),
                 bytes_of(cc->best.b, sizeof(cc->best.b)));
    if (heads)
        db_batch_del(batch, bytes_of(&heads_key, 1));
}

bool coins_flush_into(const struct coins_cache *cc, struct coins_flush *f,
                      struct db_batch *batch, size_t batch_bytes)
{
    struct buf value = {0};
    while (f->next < cc->slots_begun) {
        const struct slot *s = slot_at(cc, f->next++);
        if (!(slot_flags(s) & SLOT_DIRTY))
            continue;
        flush_slot(s, batch, &value);
        if (batch->bytes > batch_bytes)
            break;
    }
    buf_clear(&value);
    bool more = f->next < cc->slots_begun;
    if (!more)
        flush_best(cc, batch, f->parted || cc->torn);
    else if (!f->parted && !cc->torn)
        flush_heads(cc, batch);
    f->parted |= more;
    return more;
}

/* What was written is clean; coins known to be spent need no slot any more. */
static void settle_slot(struct coins_cache *cc, struct slot *s)
{
    uint8_t flags = slot_flags(s);
    if (!(flags & SLOT_DIRTY))
        return;
    if (flags & SLOT_SPENT) {
        struct outpoint o = {.n = s->n};
        memcpy(o.txid.b, s->txid, 32);
        coins_cache_remove(cc, &o);
    } else {
        slot_set_flags(cc, s, flags & (uint8_t) ~(SLOT_DIRTY | SLOT_FRESH));
    }
}

void coins_flush_done(struct coins_cache *cc, bool drop)
{
    cc->best_dirty = false;
    cc->saved = cc->best;
    cc->torn &= hash256_is_zero(&cc->best);
    if (drop) {
        coins_cache_empty(cc);
        return;
    }
    for (uint32_t i = 0; i < cc->slots_begun; i++)
        settle_slot(cc, slot_at(cc, i));
}
