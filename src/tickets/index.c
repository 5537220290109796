#include "tickets/index.h"

#include <pthread.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "tickets/carrier.h"
#include "tickets/lists.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/reader.h"
#include "util/sink.h"

#define INDEX_VERSION  1
#define FIELD_KEY_SIZE 16

#define KIND_IDS 256

/* What adds up from block to block. */
struct index_sums {
    uint64_t withheld;
    uint64_t tickets[KIND_IDS];
};

struct ticket_index {
    struct db *db; /* owned */
    pthread_mutex_t
        lock; /* of what follows: read by RPC, changed by the chain's thread */
    struct hash256 best;
    int32_t height;
    struct index_sums sums;
};

/* --- keys and records --- */

struct index_key {
    uint8_t octets[48];
    size_t len;
};

static void key_add(struct index_key *k, const void *data, size_t len)
{
    memcpy(k->octets + k->len, data, len);
    k->len += len;
}

static void key_place(struct index_key *k, uint32_t height, uint32_t position)
{
    put_be32(k->octets + k->len, height);
    put_be32(k->octets + k->len + 4, position);
    k->len += 8;
}

static struct bytes key_view(const struct index_key *k)
{
    return bytes_of(k->octets, k->len);
}

static struct index_key key_txid(const struct hash256 *txid)
{
    struct index_key k = {.octets = {'t'}, .len = 1};
    key_add(&k, txid->b, 32);
    return k;
}

static struct index_key key_withheld(int32_t height)
{
    struct index_key k = {.octets = {'w'}, .len = 5};
    put_be32(k.octets + 1, (uint32_t)height);
    return k;
}

static struct index_key key_kind(const struct ticket_kind *kind)
{
    return (struct index_key){.octets = {'k', kind->id}, .len = 2};
}

static struct index_key key_field(const struct ticket_kind *kind, const char *name,
                                  struct bytes value)
{
    struct index_key k = {.octets = {'f'}, .len = 1};
    struct sha3 h;
    uint8_t digest[32];
    sha3_init(&h);
    sha3_update(&h, &kind->id, 1);
    sha3_update(&h, name, strlen(name) + 1);
    sha3_update(&h, value.data, value.len);
    sha3_final(&h, digest);
    key_add(&k, digest, FIELD_KEY_SIZE);
    return k;
}

static const struct index_key key_heights = {.octets = {'h'}, .len = 1};
static const struct index_key key_best = {.octets = {'B'}, .len = 1};
static const struct index_key key_counts = {.octets = {'n'}, .len = 1};

struct place {
    const struct ticket_record *record;
    const struct ticket_field *field;
    void (*fn)(void *ctx, struct bytes key);
    void *ctx;
};

static void place_under(const struct place *p, struct bytes value)
{
    struct index_key k = key_field(p->record->ticket.kind, p->field->name, value);
    key_place(&k, (uint32_t)p->record->height, p->record->position);
    p->fn(p->ctx, key_view(&k));
}

/* A ticket with reports is found by each token; no value, no place. */
static void place_field(const struct place *p, struct bytes raw)
{
    struct sync_item items[SYNC_LIST_MAX];
    if (p->field->type == FIELD_SYNC_LIST) {
        size_t n = sync_items(items, raw);
        for (size_t i = 0; i < n; i++)
            place_under(p, bytes_of(items[i].token, 32));
    } else if (raw.len > 0) {
        place_under(p, raw);
    }
}

/* Every key under which a ticket is found, besides its txid. */
static void each_place(const struct ticket_record *r,
                       void (*fn)(void *ctx, struct bytes key), void *ctx)
{
    const struct ticket_kind *kind = r->ticket.kind;
    struct index_key k = key_heights;
    key_place(&k, (uint32_t)r->height, r->position);
    fn(ctx, key_view(&k));
    k = key_kind(kind);
    key_place(&k, (uint32_t)r->height, r->position);
    fn(ctx, key_view(&k));
    for (size_t i = 0; i < kind->n_fields; i++) {
        struct place p = {r, &kind->fields[i], fn, ctx};
        if (kind->fields[i].indexed)
            place_field(&p, r->ticket.v[i].raw);
    }
}

static void record_write(struct buf *out, const struct ticket_record *r)
{
    struct sink s = sink_to_buf(out);
    write_u32(&s, (uint32_t)r->height);
    write_u32(&s, r->position);
    write_hash256(&s, &r->block);
    write_i64(&s, r->burned.v);
    write_bytes(&s, r->ticket.payload.data, r->ticket.payload.len);
}

static bool record_read(struct ticket_record *out, const struct hash256 *txid,
                        struct bytes raw)
{
    struct reader r;
    reader_init(&r, raw.data, raw.len);
    out->txid = *txid;
    out->height = read_i32(&r);
    out->position = read_u32(&r);
    out->block = read_hash256(&r);
    out->burned = amount_of(read_i64(&r));
    if (r.bad)
        return false;
    buf_reset(&out->payload);
    buf_append(&out->payload, r.pos, reader_left(&r));
    return ticket_decode(&out->ticket, buf_view(&out->payload)) == TICKET_OK;
}

void ticket_record_clear(struct ticket_record *r)
{
    buf_clear(&r->payload);
}

/* --- open --- */

/* Below the first block with ticket rules there is no record, and nothing withheld. */
static enum err read_withheld(struct ticket_index *ix, int32_t height, uint64_t *out)
{
    struct buf value = {0};
    struct index_key k = key_withheld(height);
    *out = 0;
    enum err e = db_get(ix->db, key_view(&k), &value);
    if (e == ERR_OK && value.len != 8)
        e = ERR_CORRUPT;
    if (e == ERR_OK)
        *out = get_le64(value.data);
    buf_clear(&value);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* An index that was written before there were counts: once. */
static enum err count_tickets(struct ticket_index *ix)
{
    const uint8_t prefix = 'k';
    struct db_iter *it = db_iter_new(ix->db, NULL, bytes_of(&prefix, 1));
    for (; db_iter_valid(it); db_iter_next(it))
        ix->sums.tickets[db_iter_key(it).data[1]]++;
    return db_iter_free(it);
}

static enum err load_counts(struct ticket_index *ix)
{
    struct buf value = {0};
    struct reader r;
    enum err e = db_get(ix->db, key_view(&key_counts), &value);
    reader_init(&r, value.data, value.len);
    while (e == ERR_OK && reader_left(&r) > 0) {
        uint8_t kind = read_u8(&r);
        ix->sums.tickets[kind] = read_u64(&r);
    }
    if (e == ERR_OK && r.bad)
        e = ERR_CORRUPT;
    buf_clear(&value);
    return e == ERR_NOT_FOUND ? count_tickets(ix) : e;
}

static enum err load_best(struct ticket_index *ix)
{
    struct buf value = {0};
    struct reader r;
    enum err e = db_get(ix->db, key_view(&key_best), &value);
    ix->height = -1;
    if (e == ERR_OK) {
        reader_init(&r, value.data, value.len);
        ix->best = read_hash256(&r);
        ix->height = read_i32(&r);
        e = reader_done(&r) ? read_withheld(ix, ix->height, &ix->sums.withheld)
                            : ERR_CORRUPT;
        if (e == ERR_OK)
            e = load_counts(ix);
    }
    buf_clear(&value);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err ticket_index_open(struct ticket_index **out, const char *datadir,
                           size_t cache_bytes, bool wipe,
                           void (*on_error)(void *ctx, enum err e, const char *msg),
                           void *ctx, char **message)
{
    struct db_options opt = {
        .name = "ticket index",
        .cache_bytes = cache_bytes / 2,
        .write_buffer_bytes = cache_bytes / 4,
        .in_order = true,
        .bloom = true,
        .wipe = wipe,
        .version = INDEX_VERSION,
        .on_error = on_error,
        .ctx = ctx,
    };
    char *dir = path_join(datadir, "indexes"), *path = path_join(dir, "tickets");
    struct ticket_index *ix = xcalloc(1, sizeof(*ix));
    enum err e = fs_mkdirs(dir, 0755);
    *message = NULL;
    pthread_mutex_init(&ix->lock, NULL);
    if (e != ERR_OK)
        *message = xasprintf("Cannot create %s: %s", dir, err_text(e));
    if (e == ERR_OK)
        e = db_open(&ix->db, path, &opt, message);
    if (e == ERR_OK && (e = load_best(ix)) != ERR_OK)
        *message = xasprintf("The ticket index database %s is damaged", path);
    free(dir);
    free(path);
    if (e != ERR_OK)
        ticket_index_close(ix);
    else
        *out = ix;
    return e;
}

void ticket_index_close(struct ticket_index *ix)
{
    if (ix == NULL)
        return;
    db_close(ix->db);
    pthread_mutex_destroy(&ix->lock);
    free(ix);
}

void ticket_index_best(struct ticket_index *ix, struct hash256 *hash, int32_t *height)
{
    pthread_mutex_lock(&ix->lock);
    *hash = ix->best;
    *height = ix->height;
    pthread_mutex_unlock(&ix->lock);
}

struct amount ticket_index_withheld(struct ticket_index *ix)
{
    pthread_mutex_lock(&ix->lock);
    struct amount sum = amount_of((int64_t)ix->sums.withheld);
    pthread_mutex_unlock(&ix->lock);
    return sum;
}

uint64_t ticket_index_count(struct ticket_index *ix, const struct ticket_kind *kind)
{
    pthread_mutex_lock(&ix->lock);
    uint64_t n = ix->sums.tickets[kind->id];
    pthread_mutex_unlock(&ix->lock);
    return n;
}

/* --- following the chain --- */

static void batch_best(struct db_batch *b, const struct hash256 *hash, int32_t height)
{
    struct buf value = {0};
    struct sink s = sink_to_buf(&value);
    write_hash256(&s, hash);
    write_u32(&s, (uint32_t)height);
    db_batch_put(b, key_view(&key_best), buf_view(&value));
    buf_clear(&value);
}

static void batch_counts(struct db_batch *b, const struct index_sums *sums)
{
    struct buf value = {0};
    struct sink s = sink_to_buf(&value);
    for (size_t i = 0; i < KIND_IDS; i++) {
        if (sums->tickets[i] == 0)
            continue;
        write_u8(&s, (uint8_t)i);
        write_u64(&s, sums->tickets[i]);
    }
    db_batch_put(b, key_view(&key_counts), buf_view(&value));
    buf_clear(&value);
}

static enum err write_to(struct ticket_index *ix, struct db_batch *b,
                         const struct hash256 *hash, int32_t height,
                         const struct index_sums *sums, bool sync)
{
    batch_best(b, hash, height);
    if (memcmp(sums->tickets, ix->sums.tickets, sizeof(sums->tickets)) != 0)
        batch_counts(b, sums);
    enum err e = db_write(ix->db, b, sync);
    if (e != ERR_OK)
        return e;
    pthread_mutex_lock(&ix->lock);
    ix->best = *hash;
    ix->height = height;
    ix->sums = *sums;
    pthread_mutex_unlock(&ix->lock);
    return ERR_OK;
}

struct place_writer {
    struct db_batch *batch;
    const struct hash256 *txid;
};

static void put_place(void *ctx, struct bytes key)
{
    struct place_writer *w = ctx;
    db_batch_put(w->batch, key, bytes_of(w->txid->b, 32));
}

static void del_place(void *ctx, struct bytes key)
{
    db_batch_del(((struct place_writer *)ctx)->batch, key);
}

static void index_tx(struct db_batch *batch, struct index_sums *sums,
                     const struct block *b, int32_t height, uint32_t i)
{
    const struct tx *tx = &b->txs[i];
    struct ticket_record r = {
        .height = height, .position = i, .block = b->hash, .txid = tx->txid};
    struct bytes payload;
    uint32_t out;
    if (carrier_find(tx, &out, &payload) != 1 ||
        ticket_decode(&r.ticket, payload) != TICKET_OK)
        return;
    r.burned = tx->out[out].value;
    sums->tickets[r.ticket.kind->id]++;
    struct buf value = {0};
    struct index_key k = key_txid(&tx->txid);
    record_write(&value, &r);
    db_batch_put(batch, key_view(&k), buf_view(&value));
    each_place(&r, put_place, &(struct place_writer){batch, &tx->txid});
    buf_clear(&value);
}

static void batch_withheld(struct db_batch *b, int32_t height, uint64_t sum)
{
    uint8_t value[8];
    struct index_key k = key_withheld(height);
    put_le64(value, sum);
    if (sum > 0)
        db_batch_put(b, key_view(&k), bytes_of(value, sizeof(value)));
}

enum err ticket_index_connect(struct ticket_index *ix, const struct block *b,
                              int32_t height, struct amount withheld)
{
    struct db_batch batch;
    enum err e = ERR_OK;
    struct index_sums sums = ix->sums;
    db_batch_init(&batch);
    sums.withheld += (uint64_t)withheld.v;
    batch_withheld(&batch, height, sums.withheld);
    for (uint32_t i = 1; i < b->n_tx; i++)
        index_tx(&batch, &sums, b, height, i);
    e = write_to(ix, &batch, &b->hash, height, &sums, false);
    db_batch_clear(&batch);
    return e;
}

static bool is_own(const struct db_iter *it)
{
    return db_iter_key(it).len == 9 && db_iter_value(it).len == 32;
}

static enum err drop_ticket(struct ticket_index *ix, struct db_batch *batch,
                            struct index_sums *sums, const struct hash256 *txid)
{
    struct ticket_record r = {0};
    struct index_key k = key_txid(txid);
    enum err e = ticket_index_get(ix, txid, &r);
    if (e == ERR_OK) {
        each_place(&r, del_place, &(struct place_writer){batch, txid});
        db_batch_del(batch, key_view(&k));
        sums->tickets[r.ticket.kind->id]--;
    }
    ticket_record_clear(&r);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err ticket_index_rewind(struct ticket_index *ix, int32_t height,
                             const struct hash256 *hash)
{
    struct db_batch batch;
    struct index_key from = key_heights;
    struct index_sums sums = ix->sums;
    enum err e = read_withheld(ix, height, &sums.withheld);
    db_batch_init(&batch);
    key_place(&from, (uint32_t)(height + 1), 0);
    struct db_iter *it = db_iter_new(ix->db, NULL, key_view(&key_heights));
    for (db_iter_seek(it, key_view(&from)); e == ERR_OK && db_iter_valid(it);
         db_iter_next(it)) {
        struct hash256 txid;
        if (!is_own(it)) {
            e = ERR_CORRUPT;
            break;
        }
        memcpy(txid.b, db_iter_value(it).data, 32);
        e = drop_ticket(ix, &batch, &sums, &txid);
    }
    enum err walk = db_iter_free(it);
    if (e == ERR_OK)
        e = walk;
    if (e == ERR_OK)
        e = write_to(ix, &batch, hash, height, &sums, false);
    db_batch_clear(&batch);
    return e;
}

enum err ticket_index_sync(struct ticket_index *ix)
{
    struct db_batch batch;
    db_batch_init(&batch);
    enum err e = write_to(ix, &batch, &ix->best, ix->height, &ix->sums, true);
    db_batch_clear(&batch);
    return e;
}

/* --- queries --- */

enum err ticket_index_get(struct ticket_index *ix, const struct hash256 *txid,
                          struct ticket_record *out)
{
    struct index_key k = key_txid(txid);
    struct buf raw = {0};
    enum err e = db_get(ix->db, key_view(&k), &raw);
    if (e == ERR_OK && !record_read(out, txid, buf_view(&raw)))
        e = ERR_CORRUPT;
    buf_clear(&raw);
    return e;
}

static struct index_key prefix_of(const struct ticket_query *q)
{
    if (q->field != NULL)
        return key_field(q->kind, q->field, q->value);
    return q->kind != NULL ? key_kind(q->kind) : key_heights;
}

/* The last octets of a place are height and position. */
static bool is_beyond(const struct ticket_query *q, struct bytes key)
{
    uint8_t most[4];
    put_be32(most, (uint32_t)q->max_height);
    return q->max_height > 0 && memcmp(key.data + key.len - 8, most, 4) > 0;
}

enum err ticket_index_find(struct ticket_index *ix, const struct ticket_query *q,
                           bool (*fn)(void *ctx, const struct ticket_record *r),
                           void *ctx)
{
    struct index_key prefix = prefix_of(q), from = prefix;
    struct ticket_record r = {0};
    enum err e = ERR_OK;
    size_t seen = 0;
    bool more = true;
    struct db_iter *it = db_iter_new(ix->db, NULL, key_view(&prefix));
    key_place(&from, q->min_height > 0 ? (uint32_t)q->min_height : 0, 0);
    for (db_iter_seek(it, key_view(&from)); more && db_iter_valid(it);
         db_iter_next(it)) {
        struct hash256 txid;
        if (is_beyond(q, db_iter_key(it)))
            break;
        if (seen++ < q->skip)
            continue;
        if (q->count > 0 && seen > q->skip + q->count)
            break;
        memcpy(txid.b, db_iter_value(it).data, 32);
        e = ticket_index_get(ix, &txid, &r);
        if (e == ERR_NOT_FOUND) { /* left since the walk began */
            e = ERR_OK;
            continue;
        }
        if (e != ERR_OK)
            break;
        more = fn(ctx, &r);
    }
    enum err walk = db_iter_free(it);
    ticket_record_clear(&r);
    return e != ERR_OK ? e : walk;
}
