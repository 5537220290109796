#include "chain/store/txindex.h"

#include <stdlib.h>

#include "util/mem.h"

#define TXINDEX_VERSION 1
#define KEY_TX          't'

struct txindex {
    struct index_db base;
};

enum err txindex_open(struct txindex **out, const char *dir, size_t cache_bytes,
                      bool wipe, struct logger *log, char **error)
{
    struct txindex *ti = xcalloc(1, sizeof(*ti));
    enum err e = index_db_open(&ti->base, "transaction index", dir, TXINDEX_VERSION,
                               cache_bytes, wipe, log, error);
    if (e != ERR_OK)
        txindex_close(ti);
    else
        *out = ti;
    return e;
}

void txindex_close(struct txindex *ti)
{
    if (!ti)
        return;
    index_db_close(&ti->base);
    free(ti);
}

struct index_db *txindex_base(struct txindex *ti)
{
    return &ti->base;
}

static void put_tx(struct db_batch *batch, const struct block *b, const struct tx *tx,
                   const struct filepos *pos, struct buf *value)
{
    uint8_t key[33] = {KEY_TX};
    memcpy(key + 1, tx->txid.b, 32);
    buf_reset(value);
    struct sink s = sink_to_buf(value);
    write_base128(&s, (uint64_t)pos->file);
    write_base128(&s, pos->pos);
    write_base128(&s, (uint64_t)(tx->raw.data - b->raw.data));
    db_batch_put(batch, bytes_of(key, sizeof(key)), buf_view(value));
}

enum err txindex_add(struct txindex *ti, const struct block *b,
                     const struct filepos *pos)
{
    struct db_batch batch;
    struct buf value = {0};
    db_batch_init(&batch);
    for (uint32_t i = 0; i < b->n_tx; i++)
        put_tx(&batch, b, &b->txs[i], pos, &value);
    enum err e = index_db_advance(&ti->base, &batch, &b->hash);
    buf_clear(&value);
    db_batch_clear(&batch);
    return e;
}

/* Where the index says it is; ERR_CORRUPT for a malformed entry. */
static enum err find_entry(struct txindex *ti, const struct hash256 *txid,
                           struct filepos *pos, uint64_t *offset)
{
    uint8_t key[33] = {KEY_TX};
    struct buf v = {0};
    struct reader r;
    memcpy(key + 1, txid->b, 32);
    enum err e = db_get(ti->base.db, bytes_of(key, sizeof(key)), &v);
    reader_init(&r, v.data, v.len);
    pos->file = (int32_t)read_base128(&r);
    pos->pos = (uint32_t)read_base128(&r);
    *offset = read_base128(&r);
    if (e == ERR_OK && !reader_done(&r))
        e = ERR_CORRUPT;
    buf_clear(&v);
    return e;
}

/* The transaction at an offset of a raw block, if it is the one. */
static enum err take_tx(struct bytes raw, uint64_t offset, const struct hash256 *txid,
                        struct tx **out, struct hash256 *block)
{
    struct reader r;
    reader_init(&r, raw.data, raw.len);
    struct block_header h = header_read(&r);
    if (r.bad || offset >= raw.len)
        return ERR_NOT_FOUND;
    reader_init(&r, raw.data + offset, raw.len - (size_t)offset);
    struct tx *tx = tx_read(&r, true);
    if (!tx || !hash256_equal(&tx->txid, txid)) {
        tx_unref(tx);
        return ERR_NOT_FOUND;
    }
    if (block)
        *block = header_hash(&h);
    *out = tx;
    return ERR_OK;
}

enum err txindex_find(struct txindex *ti, struct block_files *bf,
                      const struct hash256 *txid, struct tx **out,
                      struct hash256 *block)
{
    struct filepos pos;
    uint64_t offset;
    struct buf raw = {0};
    enum err e = find_entry(ti, txid, &pos, &offset);
    if (e == ERR_OK)
        e = block_files_read_raw(bf, &raw, &pos);
    if (e == ERR_OK)
        e = take_tx(buf_view(&raw), offset, txid, out, block);
    buf_clear(&raw);
    return e;
}
