/* fee_estimates.dat, all numbers little-endian:
 *
 *    0   8  "ochrefee"
 *    8   4  version: 1. It fixes buckets and horizons, so the file does not repeat them
 *   12   4  height of the highest block seen
 *   16   8  heights of the first and the last block of the longest run
 *   24  ..  for each horizon, short, medium, long, in rows of 190 IEEE 754 doubles, one
 *           for each bucket: sum of fee rates; number mined; for each period, number
 *           mined within it; for each period, number that left the pool after it
 *   ..  32  double SHA-256 of all before
 */
#include "chain/mempool/fee_impl.h"
#include "crypto/sha256.h"
#include "util/fs.h"

#define MAGIC      "ochrefee"
#define MAGIC_SIZE 8
#define VERSION    1
#define HASH_SIZE  32
#define MAX_FILE   (1024 * 1024)
#define FILE_MODE  0600

/* ---- writing ---- */

static struct fee_history longest_run(const struct fee_estimator *f)
{
    if (fee_span(f) > fee_history_span(f) / 2)
        return (struct fee_history){f->first_height, f->best_height};
    return f->history;
}

void fee_estimator_write(struct fee_estimator *f, struct buf *out)
{
    size_t start = out->len;
    struct sink s = sink_to_buf(out);
    pthread_mutex_lock(&f->lock);
    struct fee_history run = longest_run(f);
    write_bytes(&s, MAGIC, MAGIC_SIZE);
    write_u32(&s, VERSION);
    write_u32(&s, (uint32_t)f->best_height);
    write_u32(&s, (uint32_t)run.first);
    write_u32(&s, (uint32_t)run.best);
    for (size_t h = 0; h < FEE_HORIZONS; h++)
        fee_stats_write(&f->stats[h], &s);
    pthread_mutex_unlock(&f->lock);
    struct hash256 sum;
    sha256d(sum.b, out->data + start, out->len - start);
    write_hash256(&s, &sum);
}

enum err fee_estimator_save(struct fee_estimator *f, const char *path)
{
    struct buf out = {0};
    fee_estimator_write(f, &out);
    enum err e = fs_write_atomic(path, out.data, out.len, FILE_MODE);
    buf_clear(&out);
    return e;
}

/* ---- reading ---- */

static bool sum_holds(struct bytes data)
{
    struct hash256 sum;
    if (data.len < HASH_SIZE)
        return false;
    sha256d(sum.b, data.data, data.len - HASH_SIZE);
    return memcmp(sum.b, data.data + data.len - HASH_SIZE, HASH_SIZE) == 0;
}

static enum err read_head(struct fee_estimator *f, struct reader *r)
{
    const uint8_t *magic = read_bytes(r, MAGIC_SIZE);
    if (magic == NULL || memcmp(magic, MAGIC, MAGIC_SIZE) != 0)
        return ERR_CORRUPT;
    if (read_u32(r) != VERSION)
        return r->bad ? ERR_CORRUPT : ERR_VERSION;
    f->best_height = read_i32(r);
    f->history.first = read_i32(r);
    f->history.best = read_i32(r);
    bool ok = f->history.first >= 0 && f->history.first <= f->history.best &&
              f->history.best <= f->best_height;
    return ok && !r->bad ? ERR_OK : ERR_CORRUPT;
}

static enum err read_all(struct fee_estimator *f, struct bytes data)
{
    struct reader r;
    reader_init(&r, data.data, data.len - HASH_SIZE);
    enum err e = read_head(f, &r);
    for (size_t h = 0; h < FEE_HORIZONS && e == ERR_OK; h++)
        e = fee_stats_read(&f->stats[h], &r) ? ERR_OK : ERR_CORRUPT;
    return e == ERR_OK && !reader_done(&r) ? ERR_CORRUPT : e;
}

/* Into a second estimator first: a bad file leaves no trace. */
enum err fee_estimator_read(struct fee_estimator *f, struct bytes data)
{
    if (!sum_holds(data))
        return ERR_CORRUPT;
    struct fee_estimator *from = fee_estimator_new();
    enum err e = read_all(from, data);
    if (e == ERR_OK) {
        pthread_mutex_lock(&f->lock);
        f->best_height = from->best_height;
        f->history = from->history;
        f->learned = true;
        for (size_t h = 0; h < FEE_HORIZONS; h++) {
            struct fee_stats empty = f->stats[h];
            f->stats[h] = from->stats[h];
            from->stats[h] = empty;
        }
        pthread_mutex_unlock(&f->lock);
    }
    fee_estimator_free(from);
    return e;
}

enum err fee_estimator_load(struct fee_estimator *f, const char *path)
{
    struct buf data = {0};
    enum err e = fs_read_file(path, MAX_FILE, &data);
    if (e == ERR_OK)
        e = fee_estimator_read(f, buf_view(&data));
    buf_clear(&data);
    return e;
}
