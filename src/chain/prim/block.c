#include "chain/prim/block.h"

#include <stdlib.h>

#include "chain/prim/tx_place.h"
#include "crypto/sha256.h"
#include "util/mem.h"

/* Smallest transaction there can be: version, two counts, locktime. */
#define MIN_TX_SIZE 10

struct block_header header_read(struct reader *r)
{
    struct block_header h;
    h.version = read_i32(r);
    h.prev = read_hash256(r);
    h.merkle_root = read_hash256(r);
    h.time = read_u32(r);
    h.bits = read_u32(r);
    h.nonce = read_u32(r);
    return h;
}

void header_write(struct sink *s, const struct block_header *h)
{
    write_u32(s, (uint32_t)h->version);
    write_hash256(s, &h->prev);
    write_hash256(s, &h->merkle_root);
    write_u32(s, h->time);
    write_u32(s, h->bits);
    write_u32(s, h->nonce);
}

struct hash256 header_hash(const struct block_header *h)
{
    uint8_t raw[BLOCK_HEADER_SIZE];
    struct hash256 hash;
    put_le32(raw, (uint32_t)h->version);
    memcpy(raw + 4, h->prev.b, 32);
    memcpy(raw + 36, h->merkle_root.b, 32);
    put_le32(raw + 68, h->time);
    put_le32(raw + 72, h->bits);
    put_le32(raw + 76, h->nonce);
    sha256d(hash.b, raw, sizeof(raw));
    return hash;
}

/* Measures all transactions without allocating: the memory a malformed block makes us
 * take is bounded by its own bytes. */
static bool measure(struct reader *r, uint64_t *n_tx, size_t *arrays)
{
    *n_tx = read_varint(r, reader_left(r) / MIN_TX_SIZE);
    *arrays = 0;
    for (uint64_t i = 0; i < *n_tx; i++) {
        if (!tx_measure(r, true, arrays))
            return false;
    }
    return reader_done(r);
}

/* @known (may be NULL): the same transactions, whose ids need not be computed again. */
static void place_txs(struct block *b, struct reader *r, const struct tx *const *known)
{
    void *memory = b->txs + b->n_tx;
    read_varint(r, UINT32_MAX);
    b->base_size = (uint32_t)(BLOCK_HEADER_SIZE + varint_size(b->n_tx));
    for (uint32_t i = 0; i < b->n_tx; i++) {
        struct tx *tx = &b->txs[i];
        memory = tx_place(tx, r, true, memory);
        atomic_init(&tx->refs, 0);
        if (known) {
            tx->txid = known[i]->txid;
            tx->wtxid = known[i]->wtxid;
        } else {
            tx_compute_ids(tx);
        }
        b->base_size += tx->base_size;
    }
}

static struct block *read_block(struct buf *take, const struct tx *const *known)
{
    struct reader r;
    uint64_t n_tx;
    size_t arrays;

    reader_init(&r, take->data, take->len);
    struct block_header header = header_read(&r);
    if (r.bad || !measure(&r, &n_tx, &arrays)) {
        buf_clear(take);
        return NULL;
    }
    struct block *b = xmalloc(sizeof(*b) + n_tx * sizeof(struct tx) + arrays);
    atomic_init(&b->refs, 1);
    atomic_init(&b->checked, false);
    atomic_init(&b->checked_witness, false);
    b->header = header;
    b->hash = header_hash(&header);
    b->n_tx = (uint32_t)n_tx;
    b->txs = (struct tx *)(b + 1);
    b->raw.data = buf_take(take, &b->raw.len);
    reader_init(&r, b->raw.data, b->raw.len);
    read_bytes(&r, BLOCK_HEADER_SIZE);
    place_txs(b, &r, known);
    return b;
}

struct block *block_from_buf(struct buf *take)
{
    return read_block(take, NULL);
}

struct block *block_from_bytes(const void *raw, size_t len)
{
    struct buf copy = {0};
    buf_append(&copy, raw, len);
    return block_from_buf(&copy);
}

struct block *block_ref(const struct block *b)
{
    struct block *mine = (struct block *)b;
    atomic_fetch_add_explicit(&mine->refs, 1, memory_order_relaxed);
    return mine;
}

void block_unref(struct block *b)
{
    if (b == NULL)
        return;
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1) {
        free((void *)b->raw.data);
        free(b);
    }
}

void block_write(const struct block *b, struct sink *s, bool with_witness)
{
    if (with_witness) {
        write_bytes(s, b->raw.data, b->raw.len);
        return;
    }
    write_bytes(s, b->raw.data, BLOCK_HEADER_SIZE);
    write_varint(s, b->n_tx);
    for (uint32_t i = 0; i < b->n_tx; i++)
        tx_write(&b->txs[i], s, false);
}

struct block *block_assemble(const struct block_header *h, const struct tx *const *txs,
                             uint32_t n)
{
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    header_write(&s, h);
    write_varint(&s, n);
    for (uint32_t i = 0; i < n; i++)
        tx_write(txs[i], &s, true);
    return read_block(&raw, txs);
}
