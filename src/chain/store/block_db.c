#include "chain/store/block_db.h"

#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"

#define BLOCK_DB_VERSION 1
#define KEY_BLOCK        'b'
#define KEY_FILE         'f'
#define KEY_FLAG         'F'

struct block_db {
    struct db *db; /* owned */
    struct logger *log;
};

static void on_db_error(void *ctx, enum err e, const char *message)
{
    struct block_db *bdb = ctx;
    log_error(bdb->log, "Block index: %s (%s)", message, err_text(e));
}

enum err block_db_open(struct block_db **out, const char *dir, size_t cache_bytes,
                       bool wipe, struct logger *log, char **error)
{
    struct block_db *bdb = xcalloc(1, sizeof(*bdb));
    bdb->log = log;
    struct db_options opt = {
        .name = "block",
        .cache_bytes = cache_bytes,
        .wipe = wipe,
        .version = BLOCK_DB_VERSION,
        .on_error = on_db_error,
        .ctx = bdb,
    };
    enum err e = db_open(&bdb->db, dir, &opt, error);
    if (e != ERR_OK) {
        free(bdb);
        return e;
    }
    *out = bdb;
    return ERR_OK;
}

struct db *block_db_database(struct block_db *bdb)
{
    return bdb->db;
}

void block_db_close(struct block_db *bdb)
{
    if (!bdb)
        return;
    db_close(bdb->db);
    free(bdb);
}

/* -- Records -- */

static void entry_write(struct sink *s, const struct block_index *bi)
{
    struct block_header h = block_index_header(bi);
    write_base128(s, (uint64_t)bi->height);
    write_base128(s, bi->status);
    write_base128(s, bi->n_tx);
    if (bi->status & (BLOCK_HAVE_DATA | BLOCK_HAVE_UNDO))
        write_base128(s, (uint64_t)bi->file);
    if (bi->status & BLOCK_HAVE_DATA)
        write_base128(s, bi->data_pos);
    if (bi->status & BLOCK_HAVE_UNDO)
        write_base128(s, bi->undo_pos);
    header_write(s, &h);
}

static bool record_read(struct block_record *rec, struct bytes key, struct bytes value)
{
    struct reader k, r;
    reader_init(&k, key.data, key.len);
    reader_init(&r, value.data, value.len);
    memset(rec, 0, sizeof(*rec));
    rec->file = -1;
    read_u8(&k);
    rec->hash = read_hash256(&k);
    rec->height = (int32_t)read_base128(&r);
    rec->status = (uint32_t)read_base128(&r);
    rec->n_tx = (uint32_t)read_base128(&r);
    if (rec->status & (BLOCK_HAVE_DATA | BLOCK_HAVE_UNDO))
        rec->file = (int32_t)read_base128(&r);
    if (rec->status & BLOCK_HAVE_DATA)
        rec->data_pos = (uint32_t)read_base128(&r);
    if (rec->status & BLOCK_HAVE_UNDO)
        rec->undo_pos = (uint32_t)read_base128(&r);
    rec->header = header_read(&r);
    if (!reader_done(&k) || !reader_done(&r) || rec->height < 0)
        return false;
    struct hash256 hash = header_hash(&rec->header);
    return hash256_equal(&hash, &rec->hash);
}

enum err block_db_load(struct block_db *bdb,
                       bool (*fn)(void *ctx, const struct block_record *rec), void *ctx)
{
    uint8_t prefix = KEY_BLOCK;
    enum err bad = ERR_OK;
    struct db_iter *it = db_iter_new(bdb->db, NULL, bytes_of(&prefix, 1));
    for (; db_iter_valid(it); db_iter_next(it)) {
        struct block_record rec;
        if (!record_read(&rec, db_iter_key(it), db_iter_value(it))) {
            bad = ERR_CORRUPT;
            break;
        }
        if (!fn(ctx, &rec))
            break;
    }
    enum err e = db_iter_free(it);
    return e != ERR_OK ? e : bad;
}

static void info_write(struct sink *s, const struct block_file_info *info)
{
    write_base128(s, info->n_blocks);
    write_base128(s, info->size);
    write_base128(s, info->undo_size);
    write_base128(s, info->height_first);
    write_base128(s, info->height_last);
    write_base128(s, info->time_first);
    write_base128(s, info->time_last);
}

static struct block_file_info info_read(struct reader *r)
{
    struct block_file_info info = {0};
    info.n_blocks = (uint32_t)read_base128(r);
    info.size = (uint32_t)read_base128(r);
    info.undo_size = (uint32_t)read_base128(r);
    info.height_first = (uint32_t)read_base128(r);
    info.height_last = (uint32_t)read_base128(r);
    info.time_first = read_base128(r);
    info.time_last = read_base128(r);
    return info;
}

static bool file_record_read(struct block_files *bf, struct bytes key,
                             struct bytes value)
{
    struct reader k, r;
    reader_init(&k, key.data, key.len);
    reader_init(&r, value.data, value.len);
    read_u8(&k);
    uint32_t file = read_u32be(&k);
    struct block_file_info info = info_read(&r);
    if (!reader_done(&k) || !reader_done(&r) || file > MAX_BLOCK_FILES)
        return false;
    block_files_restore(bf, (int32_t)file, &info);
    return true;
}

enum err block_db_load_files(struct block_db *bdb, struct block_files *bf)
{
    uint8_t prefix = KEY_FILE;
    enum err bad = ERR_OK;
    struct db_iter *it = db_iter_new(bdb->db, NULL, bytes_of(&prefix, 1));
    for (; db_iter_valid(it) && bad == ERR_OK; db_iter_next(it))
        if (!file_record_read(bf, db_iter_key(it), db_iter_value(it)))
            bad = ERR_CORRUPT;
    enum err e = db_iter_free(it);
    return e != ERR_OK ? e : bad;
}

/* -- Saving -- */

static void batch_put_entry(struct db_batch *batch, const struct block_index *bi,
                            struct buf *value)
{
    uint8_t key[33] = {KEY_BLOCK};
    memcpy(key + 1, bi->hash.b, 32);
    buf_reset(value);
    struct sink s = sink_to_buf(value);
    entry_write(&s, bi);
    db_batch_put(batch, bytes_of(key, sizeof(key)), buf_view(value));
}

static void batch_put_file(struct db_batch *batch, int32_t file,
                           const struct block_file_info *info, struct buf *value)
{
    uint8_t key[5] = {KEY_FILE};
    put_be32(key + 1, (uint32_t)file);
    buf_reset(value);
    struct sink s = sink_to_buf(value);
    info_write(&s, info);
    db_batch_put(batch, bytes_of(key, sizeof(key)), buf_view(value));
}

enum err block_db_save(struct block_db *bdb, struct block_index *const *entries,
                       size_t n, struct block_files *bf)
{
    struct db_batch batch;
    struct buf value = {0};
    db_batch_init(&batch);
    for (size_t i = 0; i < n; i++)
        batch_put_entry(&batch, entries[i], &value);
    int32_t n_files = block_files_count(bf);
    for (int32_t i = 0; i < n_files; i++) {
        struct block_file_info info = block_files_info(bf, i);
        if (info.dirty)
            batch_put_file(&batch, i, &info, &value);
    }
    enum err e = batch.count > 0 ? db_write(bdb->db, &batch, true) : ERR_OK;
    for (int32_t i = 0; i < n_files && e == ERR_OK; i++)
        block_files_clean(bf, i);
    buf_clear(&value);
    db_batch_clear(&batch);
    return e;
}

/* -- Flags -- */

static struct bytes flag_key(struct buf *key, const char *name)
{
    buf_append_byte(key, KEY_FLAG);
    buf_append_str(key, name);
    return buf_view(key);
}

bool block_db_flag(struct block_db *bdb, const char *name)
{
    struct buf key = {0}, value = {0};
    bool on = db_get(bdb->db, flag_key(&key, name), &value) == ERR_OK &&
              value.len == 1 && value.data[0] == 1;
    buf_clear(&key);
    buf_clear(&value);
    return on;
}

enum err block_db_set_flag(struct block_db *bdb, const char *name, bool on)
{
    struct buf key = {0};
    uint8_t value = on;
    enum err e = db_put(bdb->db, flag_key(&key, name), bytes_of(&value, 1), true);
    buf_clear(&key);
    return e;
}
