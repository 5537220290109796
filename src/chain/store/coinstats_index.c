#include "chain/store/coinstats_index.h"

#include <stdlib.h>

#include "util/mem.h"

#define COINSTATS_INDEX_VERSION 1
#define KEY_STATS               'c'

struct coinstats_index {
    struct index_db base;
};

enum err coinstats_index_open(struct coinstats_index **out, const char *dir,
                              size_t cache_bytes, bool wipe, struct logger *log,
                              char **error)
{
    struct coinstats_index *ci = xcalloc(1, sizeof(*ci));
    enum err e = index_db_open(&ci->base, "coin statistics index", dir,
                               COINSTATS_INDEX_VERSION, cache_bytes, wipe, log, error);
    if (e != ERR_OK)
        coinstats_index_close(ci);
    else
        *out = ci;
    return e;
}

void coinstats_index_close(struct coinstats_index *ci)
{
    if (!ci)
        return;
    index_db_close(&ci->base);
    free(ci);
}

struct index_db *coinstats_index_base(struct coinstats_index *ci)
{
    return &ci->base;
}

static void stats_write(struct sink *s, const struct coin_stats *c)
{
    const uint64_t numbers[] = {
        c->txouts,
        c->bogosize,
        (uint64_t)c->total,
        (uint64_t)c->unspendable,
        c->prevouts,
        c->new_outputs,
        (uint64_t)c->coinbase,
        (uint64_t)c->lost_genesis,
        (uint64_t)c->lost_scripts,
        (uint64_t)c->lost_unclaimed,
    };
    uint8_t set[MUHASH_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        write_base128(s, numbers[i]);
    muhash_save(&c->set, set);
    write_bytes(s, set, sizeof(set));
}

static void stats_read(struct coin_stats *c, struct reader *r)
{
    uint8_t set[MUHASH_SIZE];
    c->txouts = read_base128(r);
    c->bogosize = read_base128(r);
    c->total = (int64_t)read_base128(r);
    c->unspendable = (int64_t)read_base128(r);
    c->prevouts = read_base128(r);
    c->new_outputs = read_base128(r);
    c->coinbase = (int64_t)read_base128(r);
    c->lost_genesis = (int64_t)read_base128(r);
    c->lost_scripts = (int64_t)read_base128(r);
    c->lost_unclaimed = (int64_t)read_base128(r);
    read_copy(r, set, sizeof(set));
    muhash_load(&c->set, set);
}

static void make_key(uint8_t key[33], const struct hash256 *block)
{
    key[0] = KEY_STATS;
    memcpy(key + 1, block->b, 32);
}

enum err coinstats_index_find(struct coinstats_index *ci, const struct hash256 *block,
                              struct coin_stats *out)
{
    uint8_t key[33];
    struct buf v = {0};
    struct reader r;
    make_key(key, block);
    enum err e = db_get(ci->base.db, bytes_of(key, sizeof(key)), &v);
    if (e == ERR_OK) {
        reader_init(&r, v.data, v.len);
        stats_read(out, &r);
        if (!reader_done(&r))
            e = ERR_CORRUPT;
    }
    buf_clear(&v);
    return e;
}

static enum err write_entry(struct coinstats_index *ci, const struct hash256 *block,
                            const struct coin_stats *stats)
{
    uint8_t key[33];
    struct buf value = {0};
    struct sink s = sink_to_buf(&value);
    struct db_batch batch;
    make_key(key, block);
    stats_write(&s, stats);
    db_batch_init(&batch);
    db_batch_put(&batch, bytes_of(key, sizeof(key)), buf_view(&value));
    enum err e = index_db_advance(&ci->base, &batch, block);
    db_batch_clear(&batch);
    buf_clear(&value);
    return e;
}

enum err coinstats_index_add(struct coinstats_index *ci, const struct block *b,
                             const struct block_undo *undo, uint32_t height,
                             struct amount subsidy, struct pool *workers)
{
    struct coin_stats stats;
    enum err e = ERR_OK;
    if (height == 0)
        coin_stats_init(&stats);
    else
        e = coinstats_index_find(ci, &b->header.prev, &stats);
    if (e != ERR_OK)
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    if (!coin_stats_add_block(&stats, b, undo, height, subsidy, workers))
        return ERR_CORRUPT;
    return write_entry(ci, &b->hash, &stats);
}
