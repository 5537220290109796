#include "chain/store/txindex.h"

#include <pthread.h>
#include <stdlib.h>

#include "db/db.h"
#include "util/log.h"
#include "util/mem.h"

#define TXINDEX_VERSION 1
#define KEY_TX          't'
#define KEY_BEST        'B'

struct txindex {
    struct db *db; /* owned */
    struct logger *log;
    pthread_mutex_t mutex;
    struct hash256 best; /* guarded by mutex */
};

static void on_db_error(void *ctx, enum err e, const char *message)
{
    struct txindex *ti = ctx;
    log_error(ti->log, "Transaction index: %s (%s)", message, err_text(e));
}

static struct bytes best_key(void)
{
    static const uint8_t key = KEY_BEST;
    return bytes_of(&key, 1);
}

static enum err load_best(struct txindex *ti)
{
    struct buf v = {0};
    enum err e = db_get(ti->db, best_key(), &v);
    if (e == ERR_OK && v.len == sizeof(ti->best.b))
        memcpy(ti->best.b, v.data, v.len);
    buf_clear(&v);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err txindex_open(struct txindex **out, const char *dir, size_t cache_bytes,
                      bool wipe, struct logger *log, char **error)
{
    struct txindex *ti = xcalloc(1, sizeof(*ti));
    ti->log = log;
    pthread_mutex_init(&ti->mutex, NULL);
    struct db_options opt = {
        .name = "transaction index",
        .cache_bytes = cache_bytes,
        .bloom = true,
        .wipe = wipe,
        .version = TXINDEX_VERSION,
        .way_out = "Remove the directory; the index is built again",
        .on_error = on_db_error,
        .ctx = ti,
    };
    enum err e = db_open(&ti->db, dir, &opt, error);
    if (e == ERR_OK && (e = load_best(ti)) != ERR_OK)
        *error = xasprintf("Error reading the transaction index in %s: %s", dir,
                           err_text(e));
    if (e != ERR_OK) {
        txindex_close(ti);
        return e;
    }
    *out = ti;
    return ERR_OK;
}

void txindex_close(struct txindex *ti)
{
    if (!ti)
        return;
    db_close(ti->db);
    pthread_mutex_destroy(&ti->mutex);
    free(ti);
}

struct hash256 txindex_best(struct txindex *ti)
{
    pthread_mutex_lock(&ti->mutex);
    struct hash256 best = ti->best;
    pthread_mutex_unlock(&ti->mutex);
    return best;
}

static void set_best(struct txindex *ti, const struct hash256 *best)
{
    pthread_mutex_lock(&ti->mutex);
    ti->best = *best;
    pthread_mutex_unlock(&ti->mutex);
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
    db_batch_put(&batch, best_key(), bytes_of(b->hash.b, sizeof(b->hash.b)));
    enum err e = db_write(ti->db, &batch, false);
    buf_clear(&value);
    db_batch_clear(&batch);
    if (e == ERR_OK)
        set_best(ti, &b->hash);
    return e;
}

enum err txindex_rewind(struct txindex *ti, const struct hash256 *best)
{
    enum err e = db_put(ti->db, best_key(), bytes_of(best->b, sizeof(best->b)), false);
    if (e == ERR_OK)
        set_best(ti, best);
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
    enum err e = db_get(ti->db, bytes_of(key, sizeof(key)), &v);
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
