/* mempool.dat, in Bitcoin Core's format:
 *
 *   0  8  version: 1, or 2 with obfuscation
 *   8  9  version 2 only: 08 and a random key of 8 bytes
 *
 *   ..  8  u64 number of transactions
 *   ..  n x { transaction with witness, i64 time, i64 fee delta }
 *   ..  varint n, n x { txid, i64 fee delta }: of transactions not in the pool
 *   ..  varint n, n x txid: not broadcast yet
 *
 * In version 2 every byte behind the key is XORed with the key's byte of its position
 * in the file modulo 8. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain/mempool/pool.h"
#include "util/fs.h"
#include "util/rand.h"

#define VERSION_PLAIN 1
#define VERSION_XOR   2
#define XOR_KEY_SIZE  8

/* ---- saving ---- */

struct saved_tx {
    struct tx *tx; /* owned reference */
    int64_t time, delta;
};

/* What is written, taken under the read lock; writing needs none. */
struct snapshot {
    struct saved_tx *txs; /* owned */
    size_t n;
    struct buf deltas, unbroadcast; /* serialised maps, without their counts */
    size_t n_deltas, n_unbroadcast;
    const struct mempool *mp;
};

static void take_delta(void *ctx, const struct hash256 *txid, struct amount delta)
{
    struct snapshot *s = ctx;
    struct sink out = sink_to_buf(&s->deltas);
    if (pool_find(s->mp, txid))
        return;
    write_hash256(&out, txid);
    write_i64(&out, delta.v);
    s->n_deltas++;
}

static void take_unbroadcast(void *ctx, const struct hash256 *txid)
{
    struct snapshot *s = ctx;
    buf_append(&s->unbroadcast, txid->b, sizeof(txid->b));
    s->n_unbroadcast++;
}

static void take_snapshot(struct snapshot *s, const struct mempool *mp)
{
    *s = (struct snapshot){.mp = mp};
    chainman_read_lock(mp->cm);
    const struct mempool_entry **all = mempool_sorted(mp, &s->n);
    s->txs = xrealloc_array(NULL, s->n + 1, sizeof(*s->txs));
    for (size_t i = 0; i < s->n; i++)
        s->txs[i] =
            (struct saved_tx){tx_ref(all[i]->tx), all[i]->time, all[i]->delta.v};
    free(all);
    mempool_each_delta(mp, take_delta, s);
    mempool_each_unbroadcast(mp, take_unbroadcast, s);
    chainman_read_unlock(mp->cm);
}

static void snapshot_clear(struct snapshot *s)
{
    for (size_t i = 0; i < s->n; i++)
        tx_unref(s->txs[i].tx);
    free(s->txs);
    buf_clear(&s->deltas);
    buf_clear(&s->unbroadcast);
}

/* A file being written; bytes are XORed on their way. */
struct writer {
    FILE *f;
    uint8_t key[XOR_KEY_SIZE];
    uint64_t pos;
    bool failed;
};

static void xor_bytes(uint8_t *out, const uint8_t *in, size_t len, uint64_t pos,
                      const uint8_t key[XOR_KEY_SIZE])
{
    for (size_t i = 0; i < len; i++)
        out[i] = in[i] ^ key[(pos + i) % XOR_KEY_SIZE];
}

static void writer_put(void *ctx, const void *data, size_t len)
{
    struct writer *w = ctx;
    const uint8_t *in = data;
    uint8_t chunk[4096];

    while (len > 0 && !w->failed) {
        size_t n = len < sizeof(chunk) ? len : sizeof(chunk);
        xor_bytes(chunk, in, n, w->pos, w->key);
        w->failed = fwrite(chunk, 1, n, w->f) != n;
        w->pos += n;
        in += n;
        len -= n;
    }
}

static void write_snapshot(const struct snapshot *s, struct writer *w, bool plain)
{
    struct sink out = sink_to_fn(writer_put, w);
    write_u64(&out, plain ? VERSION_PLAIN : VERSION_XOR);
    if (!plain) {
        uint8_t key[XOR_KEY_SIZE];
        rand_bytes(key, sizeof(key));
        write_var(&out, bytes_of(key, sizeof(key)));
        memcpy(w->key, key, sizeof(key));
    }
    write_u64(&out, s->n);
    for (size_t i = 0; i < s->n; i++) {
        tx_write(s->txs[i].tx, &out, true);
        write_i64(&out, s->txs[i].time);
        write_i64(&out, s->txs[i].delta);
    }
    write_varint(&out, s->n_deltas);
    write_bytes(&out, s->deltas.data, s->deltas.len);
    write_varint(&out, s->n_unbroadcast);
    write_bytes(&out, s->unbroadcast.data, s->unbroadcast.len);
}

enum err mempool_save(struct mempool *mp, const char *path)
{
    struct snapshot s;
    struct writer w = {0};
    int64_t begin = clock_steady_us();
    char *tmp = xasprintf("%s.new", path);
    enum err e = ERR_IO;

    take_snapshot(&s, mp);
    int64_t copied = clock_steady_us();
    w.f = fopen(tmp, "wb");
    if (!w.f)
        goto out;
    log_info(mp->opt.log, "Writing %zu mempool transactions to file...", s.n);
    write_snapshot(&s, &w, mp->opt.persist_v1);
    log_info(mp->opt.log, "Writing %zu unbroadcasted transactions to file.",
             s.n_unbroadcast);
    if (fflush(w.f) != 0 || fsync(fileno(w.f)) != 0)
        w.failed = true;
    if (fclose(w.f) != 0 || w.failed || rename(tmp, path) != 0) {
        unlink(tmp);
        goto out;
    }
    log_info(mp->opt.log,
             "Dumped mempool: %.3fs to copy, %.3fs to dump, %llu bytes dumped to file",
             (double)(copied - begin) / 1e6, (double)(clock_steady_us() - copied) / 1e6,
             (unsigned long long)w.pos);
    e = ERR_OK;
out:
    snapshot_clear(&s);
    free(tmp);
    return e;
}

/* ---- loading ---- */

/* Transactions handed to the validation thread at a time: others get their turn in
 * between. */
#define LOAD_BATCH 64

struct loading {
    struct mempool *mp;
    struct reader r;
    bool use_current_time, apply_deltas, apply_unbroadcast;
    uint64_t total, left; /* transactions: all, and those not read yet */
    unsigned told;        /* tenths of them, in the log */
    size_t accepted, failed, expired, already, unbroadcast;
};

static void load_tx(struct loading *l, const struct tx *tx, int64_t time, int64_t delta)
{
    struct mempool *mp = l->mp;
    struct accept_result r;
    int64_t now = pool_now(mp);

    if (l->use_current_time)
        time = now;
    if (delta && l->apply_deltas)
        mempool_prioritise(mp, &tx->txid, amount_of(delta));
    if (time <= now - mp->opt.expiry_s) {
        l->expired++;
        return;
    }
    if (mempool_accept(mp, tx, false, false, time, &r))
        l->accepted++;
    else if (pool_find(mp, &tx->txid))
        l->already++;
    else
        l->failed++;
    accept_result_clear(&r);
}

static void load_batch(void *arg)
{
    struct loading *l = arg;
    for (int i = 0; i < LOAD_BATCH && l->left > 0 && !l->r.bad; i++, l->left--) {
        struct tx *tx = tx_read(&l->r, true);
        int64_t time = read_i64(&l->r);
        int64_t delta = read_i64(&l->r);
        if (!l->r.bad)
            load_tx(l, tx, time, delta);
        tx_unref(tx);
    }
}

#define MAX_LIST 10000000 /* entries; far above anything a pool can hold */

static void load_rest(void *arg)
{
    struct loading *l = arg;
    uint64_t n = read_varint(&l->r, MAX_LIST);
    for (; n > 0 && !l->r.bad; n--) {
        struct hash256 txid = read_hash256(&l->r);
        int64_t delta = read_i64(&l->r);
        if (!l->r.bad && l->apply_deltas)
            mempool_prioritise(l->mp, &txid, amount_of(delta));
    }
    n = read_varint(&l->r, MAX_LIST);
    for (; n > 0 && !l->r.bad; n--) {
        struct hash256 txid = read_hash256(&l->r);
        if (l->r.bad || !l->apply_unbroadcast || !pool_find(l->mp, &txid))
            continue;
        mempool_unbroadcast_add(l->mp, &txid);
        l->unbroadcast++;
    }
}

/* Takes the obfuscation off and places the reader behind the head. */
static enum err open_data(struct loading *l, struct buf *data)
{
    reader_init(&l->r, data->data, data->len);
    uint64_t version = read_u64(&l->r);
    if (version == VERSION_XOR) {
        struct bytes key = read_var(&l->r, XOR_KEY_SIZE);
        size_t pos = (size_t)(l->r.pos - data->data);
        if (l->r.bad || key.len != XOR_KEY_SIZE)
            return ERR_CORRUPT;
        xor_bytes(data->data + pos, data->data + pos, data->len - pos, pos, key.data);
    } else if (version != VERSION_PLAIN) {
        return l->r.bad ? ERR_CORRUPT : ERR_VERSION;
    }
    l->total = l->left = read_u64(&l->r);
    return l->r.bad ? ERR_CORRUPT : ERR_OK;
}

static void tell_progress(struct loading *l)
{
    uint64_t tried = l->total - l->left;
    unsigned tenths = (unsigned)((double)tried / (double)l->total * 10);
    if (tenths == l->told)
        return;
    l->told = tenths;
    log_info(l->mp->opt.log,
             "Progress loading mempool transactions from file: %u%% (tried %llu, %llu "
             "remaining)",
             10 * tenths, (unsigned long long)tried, (unsigned long long)l->left);
}

static enum err load_all(struct loading *l)
{
    struct chainman *cm = l->mp->cm;
    while (l->left > 0 && !l->r.bad) {
        if (chainman_call(cm, load_batch, l) != ERR_OK)
            return ERR_CLOSED;
        tell_progress(l);
    }
    if (!l->r.bad && chainman_call(cm, load_rest, l) != ERR_OK)
        return ERR_CLOSED;
    return l->r.bad ? ERR_CORRUPT : ERR_OK;
}

enum err mempool_load(struct mempool *mp, const char *path, bool use_current_time,
                      bool apply_deltas, bool apply_unbroadcast)
{
    struct loading l = {.mp = mp,
                        .use_current_time = use_current_time,
                        .apply_deltas = apply_deltas,
                        .apply_unbroadcast = apply_unbroadcast};
    struct buf data = {0};
    enum err e = fs_read_file(path, SIZE_MAX, &data);
    if (e == ERR_OK)
        e = open_data(&l, &data);
    if (e == ERR_OK) {
        log_info(mp->opt.log, "Loading %llu mempool transactions from file...",
                 (unsigned long long)l.left);
        e = load_all(&l);
    }
    buf_clear(&data);
    if (e == ERR_OK)
        log_info(
            mp->opt.log,
            "Imported mempool transactions from file: %zu succeeded, %zu failed, %zu "
            "expired, %zu already there, %zu waiting for initial broadcast",
            l.accepted, l.failed, l.expired, l.already, l.unbroadcast);
    return e;
}
