#include "chain/prim/tx.h"

#include <stdlib.h>

#include "chain/prim/tx_place.h"
#include "crypto/sha256.h"
#include "util/mem.h"

/* No vector on the wire may claim more elements or bytes than this (32 MiB). */
#define MAX_VECTOR 0x02000000u

#define OUTPOINT_SIZE 36

static void skip_inputs(struct reader *r, uint64_t n)
{
    for (uint64_t i = 0; i < n && !r->bad; i++) {
        read_bytes(r, OUTPOINT_SIZE);
        read_var(r, MAX_VECTOR);
        read_bytes(r, 4);
    }
}

static void skip_outputs(struct reader *r, uint64_t n)
{
    for (uint64_t i = 0; i < n && !r->bad; i++) {
        read_bytes(r, 8);
        read_var(r, MAX_VECTOR);
    }
}

static uint64_t skip_witness(struct reader *r)
{
    uint64_t n = read_varint(r, MAX_VECTOR);
    for (uint64_t i = 0; i < n && !r->bad; i++)
        read_var(r, MAX_VECTOR);
    return n;
}

/* BIP 144: an input count of zero is the marker of the extended format; a flag of zero
 * after it means an empty output list, as in the old format. */
static uint64_t read_input_count(struct reader *r, bool allow_witness, bool *extended,
                                 bool *empty)
{
    uint64_t n = read_varint(r, MAX_VECTOR);
    if (n != 0 || !allow_witness)
        return n;
    uint8_t flags = read_u8(r);
    if (flags == 0) {
        *empty = true;
        return 0;
    }
    if (flags != 1)
        reader_fail(r);
    *extended = true;
    return read_varint(r, MAX_VECTOR);
}

bool tx_measure(struct reader *r, bool allow_witness, size_t *memory)
{
    bool empty = false, extended = false;
    uint64_t n_out = 0, n_items = 0;

    read_bytes(r, 4);
    uint64_t n_in = read_input_count(r, allow_witness, &extended, &empty);
    skip_inputs(r, n_in);
    if (!empty) {
        n_out = read_varint(r, MAX_VECTOR);
        skip_outputs(r, n_out);
    }
    for (uint64_t i = 0; extended && i < n_in && !r->bad; i++)
        n_items += skip_witness(r);
    if (extended && n_items == 0) /* a superfluous witness record */
        reader_fail(r);
    read_bytes(r, 4);
    if (!r->bad)
        *memory += n_in * sizeof(struct txin) + n_out * sizeof(struct txout) +
                   n_items * sizeof(struct bytes);
    return !r->bad;
}

static void place_inputs(struct tx *tx, struct reader *r)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct txin *in = &tx->in[i];
        in->prevout = outpoint_read(r);
        in->script_sig = read_var(r, MAX_VECTOR);
        in->sequence = read_u32(r);
        in->witness = NULL;
        in->n_witness = 0;
    }
}

static void place_outputs(struct tx *tx, struct reader *r)
{
    for (uint32_t i = 0; i < tx->n_out; i++) {
        tx->out[i].value = amount_of(read_i64(r));
        tx->out[i].script = read_var(r, MAX_VECTOR);
    }
}

static struct bytes *place_witness(struct tx *tx, struct reader *r, struct bytes *items)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct txin *in = &tx->in[i];
        in->n_witness = (uint32_t)read_varint(r, MAX_VECTOR);
        in->witness = in->n_witness ? items : NULL;
        for (uint32_t k = 0; k < in->n_witness; k++)
            *items++ = read_var(r, MAX_VECTOR);
    }
    return items;
}

void *tx_place(struct tx *tx, struct reader *r, bool allow_witness, void *memory)
{
    const uint8_t *start = r->pos;
    bool empty = false, extended = false;

    tx->version = read_i32(r);
    tx->n_in = (uint32_t)read_input_count(r, allow_witness, &extended, &empty);
    tx->in = memory;
    place_inputs(tx, r);
    tx->n_out = empty ? 0 : (uint32_t)read_varint(r, MAX_VECTOR);
    tx->out = (struct txout *)(tx->in + tx->n_in);
    place_outputs(tx, r);
    size_t body = (size_t)(r->pos - start);
    struct bytes *items = (struct bytes *)(tx->out + tx->n_out);
    if (extended)
        items = place_witness(tx, r, items);
    tx->locktime = read_u32(r);
    ASSERT(!r->bad); /* it was measured */

    tx->has_witness = extended;
    tx->raw = bytes_of(start, (size_t)(r->pos - start));
    tx->total_size = (uint32_t)tx->raw.len;
    tx->base_size = (uint32_t)(body + 4 - (extended ? 2 : 0));
    return items;
}

/* The three stretches of raw that make up the form without witness. */
static void put_base(const struct tx *tx, struct sink *s)
{
    const uint8_t *raw = tx->raw.data;
    if (!tx->has_witness) {
        write_bytes(s, raw, tx->raw.len);
        return;
    }
    write_bytes(s, raw, 4);
    write_bytes(s, raw + 6, tx->base_size - 8);
    write_bytes(s, raw + tx->raw.len - 4, 4);
}

void tx_compute_ids(struct tx *tx)
{
    if (!tx->has_witness) {
        sha256d(tx->txid.b, tx->raw.data, tx->raw.len);
        tx->wtxid = tx->txid;
        return;
    }
    struct sha256 h;
    sha256_init(&h);
    struct sink s = sha256_sink(&h);
    put_base(tx, &s);
    sha256d_final(&h, tx->txid.b);
    sha256d(tx->wtxid.b, tx->raw.data, tx->raw.len);
}

/* One allocation: the struct, its arrays, then the bytes. Refs and ids are not set. */
static struct tx *tx_alloc(struct bytes raw, size_t arrays, bool allow_witness)
{
    struct reader r;
    struct tx *tx = xmalloc(sizeof(*tx) + arrays + raw.len);
    uint8_t *copy = (uint8_t *)(tx + 1) + arrays;
    memcpy(copy, raw.data, raw.len);
    reader_init(&r, copy, raw.len);
    tx_place(tx, &r, allow_witness, tx + 1);
    atomic_init(&tx->refs, 1);
    return tx;
}

struct tx *tx_read(struct reader *r, bool allow_witness)
{
    size_t arrays = 0;
    const uint8_t *start = r->pos;
    if (!tx_measure(r, allow_witness, &arrays))
        return NULL;
    struct bytes raw = bytes_of(start, (size_t)(r->pos - start));
    struct tx *tx = tx_alloc(raw, arrays, allow_witness);
    tx_compute_ids(tx);
    return tx;
}

struct tx *tx_from_bytes(const void *raw, size_t len, bool allow_witness)
{
    struct reader r;
    size_t arrays = 0;
    reader_init(&r, raw, len);
    if (!tx_measure(&r, allow_witness, &arrays) || !reader_done(&r))
        return NULL;
    struct tx *tx = tx_alloc(bytes_of(raw, len), arrays, allow_witness);
    tx_compute_ids(tx);
    return tx;
}

/* A copy of its own of a transaction that lives inside a block. */
static struct tx *tx_copy(const struct tx *tx)
{
    struct reader r;
    size_t arrays = 0;
    reader_init(&r, tx->raw.data, tx->raw.len);
    bool ok = tx_measure(&r, true, &arrays); /* as it was read */
    ASSERT(ok && reader_done(&r));
    struct tx *copy = tx_alloc(tx->raw, arrays, true);
    copy->txid = tx->txid;
    copy->wtxid = tx->wtxid;
    return copy;
}

struct tx *tx_ref(const struct tx *tx)
{
    struct tx *t = (struct tx *)tx;
    if (atomic_load_explicit(&t->refs, memory_order_relaxed) == 0)
        return tx_copy(tx);
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void tx_unref(struct tx *tx)
{
    if (tx == NULL)
        return;
    int before = atomic_fetch_sub_explicit(&tx->refs, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before == 1)
        free(tx);
}

void tx_write(const struct tx *tx, struct sink *s, bool with_witness)
{
    if (with_witness)
        write_bytes(s, tx->raw.data, tx->raw.len);
    else
        put_base(tx, s);
}

bool tx_is_coinbase(const struct tx *tx)
{
    return tx->n_in == 1 && outpoint_is_null(&tx->in[0].prevout);
}

struct amount tx_value_out(const struct tx *tx)
{
    struct amount sum = amount_of(0);
    for (uint32_t i = 0; i < tx->n_out; i++)
        sum.v += tx->out[i].value.v;
    return sum;
}

bool outpoint_is_null(const struct outpoint *o)
{
    return o->n == UINT32_MAX && hash256_is_zero(&o->txid);
}

void outpoint_write(struct sink *s, const struct outpoint *o)
{
    write_hash256(s, &o->txid);
    write_u32(s, o->n);
}

struct outpoint outpoint_read(struct reader *r)
{
    struct outpoint o;
    o.txid = read_hash256(r);
    o.n = read_u32(r);
    return o;
}
