#include "chain/store/filter_index.h"

#include <stdlib.h>

#define FILTER_INDEX_VERSION 1
#define KEY_FILTER           'f'

struct filter_index {
    struct index_db base;
};

enum err filter_index_open(struct filter_index **out, const char *dir,
                           size_t cache_bytes, bool wipe, struct logger *log,
                           char **error)
{
    struct filter_index *fi = xcalloc(1, sizeof(*fi));
    enum err e = index_db_open(&fi->base, "basic block filter index", dir,
                               FILTER_INDEX_VERSION, cache_bytes, wipe, log, error);
    if (e != ERR_OK)
        filter_index_close(fi);
    else
        *out = fi;
    return e;
}

void filter_index_close(struct filter_index *fi)
{
    if (!fi)
        return;
    index_db_close(&fi->base);
    free(fi);
}

struct index_db *filter_index_base(struct filter_index *fi)
{
    return &fi->base;
}

static void make_key(uint8_t key[33], const struct hash256 *block)
{
    key[0] = KEY_FILTER;
    memcpy(key + 1, block->b, 32);
}

enum err filter_index_find(struct filter_index *fi, const struct hash256 *block,
                           struct filter_entry *out)
{
    uint8_t key[33];
    struct buf v = {0};
    struct reader r;
    *out = (struct filter_entry){0};
    make_key(key, block);
    enum err e = db_get(fi->base.db, bytes_of(key, sizeof(key)), &v);
    if (e == ERR_OK) {
        reader_init(&r, v.data, v.len);
        out->header = read_hash256(&r);
        out->hash = read_hash256(&r);
        size_t n = reader_left(&r);
        buf_append(&out->filter, read_bytes(&r, n), n);
        if (!reader_done(&r))
            e = ERR_CORRUPT;
    }
    buf_clear(&v);
    return e;
}

/* Zero when the block before is none. */
static enum err previous_header(struct filter_index *fi, const struct block *b,
                                struct hash256 *out)
{
    struct filter_entry before;
    *out = (struct hash256){{0}};
    if (hash256_is_zero(&b->header.prev))
        return ERR_OK;
    enum err e = filter_index_find(fi, &b->header.prev, &before);
    *out = before.header;
    buf_clear(&before.filter);
    return e;
}

enum err filter_index_add(struct filter_index *fi, const struct block *b,
                          const struct block_undo *undo)
{
    uint8_t key[33];
    struct hash256 prev;
    struct buf value = {0}, filter = {0};
    struct db_batch batch;
    struct sink s = sink_to_buf(&value);
    enum err e = previous_header(fi, b, &prev);
    if (e != ERR_OK)
        return e;
    block_filter_build(&filter, b, undo);
    struct hash256 hash = block_filter_hash(buf_view(&filter));
    struct hash256 header = block_filter_header(&hash, &prev);
    write_hash256(&s, &header);
    write_hash256(&s, &hash);
    buf_append(&value, filter.data, filter.len);
    make_key(key, &b->hash);
    db_batch_init(&batch);
    db_batch_put(&batch, bytes_of(key, sizeof(key)), buf_view(&value));
    e = index_db_advance(&fi->base, &batch, &b->hash);
    db_batch_clear(&batch);
    buf_clear(&value);
    buf_clear(&filter);
    return e;
}
