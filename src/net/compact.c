#include "net/compact.h"

#include <stdlib.h>

#include "chain/mempool/mempool.h"
#include "chain/prim/merkle.h"
#include "crypto/hash.h"
#include "crypto/sha256.h"
#include "util/map.h"
#include "util/mem.h"

#define MIN_TX_WEIGHT 240
#define MAX_BLOCK_TXS (MAX_BLOCK_WEIGHT / MIN_TX_WEIGHT)
#define MAX_INDEX     65535

/* -- Messages ------------------------------------------------------------- */

static uint64_t read_u48(struct reader *r)
{
    uint64_t low = read_u32(r);
    return low | (uint64_t)read_u16(r) << 32;
}

static void write_u48(struct sink *s, uint64_t v)
{
    write_u32(s, (uint32_t)v);
    write_u16(s, (uint16_t)(v >> 32));
}

/* Ascending indexes travel as the distance to the one before, less one. */
static uint32_t read_index(struct reader *r, uint64_t *next)
{
    uint64_t at = *next + read_varint(r, MAX_INDEX);
    if (at > MAX_INDEX)
        reader_fail(r);
    *next = at + 1;
    return (uint32_t)at;
}

static void write_index(struct sink *s, uint32_t at, uint64_t *next)
{
    write_varint(s, at - *next);
    *next = (uint64_t)at + 1;
}

struct msg_cmpctblock msg_cmpctblock_read(struct reader *r)
{
    struct msg_cmpctblock m = {.header = header_read(r)};
    m.nonce = read_u64(r);
    uint64_t n = read_varint(r, MAX_BLOCK_SERIALIZED_SIZE), next = 0;
    if (n > reader_left(r) / SHORT_ID_SIZE) {
        reader_fail(r);
        return m;
    }
    m.short_ids = xcalloc((size_t)n + 1, sizeof(*m.short_ids));
    for (; m.n_short_ids < n; m.n_short_ids++)
        m.short_ids[m.n_short_ids] = read_u48(r);
    n = read_varint(r, MAX_BLOCK_TXS);
    for (; !r->bad && m.n_prefilled < n; m.n_prefilled++) {
        m.prefilled =
            xrealloc_array(m.prefilled, m.n_prefilled + 1, sizeof(*m.prefilled));
        struct prefilled_tx *p = &m.prefilled[m.n_prefilled];
        p->index = read_index(r, &next);
        p->tx = tx_read(r, true);
    }
    return m;
}

void msg_cmpctblock_write(struct sink *s, const struct msg_cmpctblock *m)
{
    uint64_t next = 0;
    header_write(s, &m->header);
    write_u64(s, m->nonce);
    write_varint(s, m->n_short_ids);
    for (size_t i = 0; i < m->n_short_ids; i++)
        write_u48(s, m->short_ids[i]);
    write_varint(s, m->n_prefilled);
    for (size_t i = 0; i < m->n_prefilled; i++) {
        write_index(s, m->prefilled[i].index, &next);
        tx_write(m->prefilled[i].tx, s, true);
    }
}

void msg_cmpctblock_clear(struct msg_cmpctblock *m)
{
    for (size_t i = 0; i < m->n_prefilled; i++)
        tx_unref(m->prefilled[i].tx);
    free(m->prefilled);
    free(m->short_ids);
    *m = (struct msg_cmpctblock){0};
}

struct msg_getblocktxn msg_getblocktxn_read(struct reader *r)
{
    struct msg_getblocktxn m = {.hash = read_hash256(r)};
    uint64_t n = read_varint(r, MAX_BLOCK_SERIALIZED_SIZE), next = 0;
    if (n > reader_left(r)) {
        reader_fail(r);
        return m;
    }
    m.indexes = xcalloc((size_t)n + 1, sizeof(*m.indexes));
    for (; !r->bad && m.n < n; m.n++)
        m.indexes[m.n] = read_index(r, &next);
    return m;
}

void msg_getblocktxn_write(struct sink *s, const struct msg_getblocktxn *m)
{
    uint64_t next = 0;
    write_hash256(s, &m->hash);
    write_varint(s, m->n);
    for (size_t i = 0; i < m->n; i++)
        write_index(s, m->indexes[i], &next);
}

void msg_getblocktxn_clear(struct msg_getblocktxn *m)
{
    free(m->indexes);
    *m = (struct msg_getblocktxn){0};
}

struct msg_blocktxn msg_blocktxn_read(struct reader *r)
{
    struct msg_blocktxn m = {.hash = read_hash256(r)};
    uint64_t n = read_varint(r, MAX_BLOCK_TXS);
    m.txs = xcalloc((size_t)n + 1, sizeof(*m.txs));
    for (; !r->bad && m.n < n; m.n++)
        m.txs[m.n] = tx_read(r, true);
    return m;
}

void msg_blocktxn_write(struct sink *s, const struct msg_blocktxn *m)
{
    write_hash256(s, &m->hash);
    write_varint(s, m->n);
    for (size_t i = 0; i < m->n; i++)
        tx_write(m->txs[i], s, true);
}

void msg_blocktxn_clear(struct msg_blocktxn *m)
{
    for (size_t i = 0; i < m->n; i++)
        tx_unref(m->txs[i]);
    free(m->txs);
    *m = (struct msg_blocktxn){0};
}

/* -- Short ids ------------------------------------------------------------ */

struct short_key {
    uint64_t k0, k1;
};

static struct short_key short_key_of(const struct block_header *h, uint64_t nonce)
{
    struct sha256 sha;
    uint8_t hash[32];
    sha256_init(&sha);
    struct sink s = sha256_sink(&sha);
    header_write(&s, h);
    write_u64(&s, nonce);
    sha256_final(&sha, hash);
    return (struct short_key){get_le64(hash), get_le64(hash + 8)};
}

static uint64_t short_id(const struct short_key *k, const struct hash256 *wtxid)
{
    return siphash_32(k->k0, k->k1, wtxid->b) & UINT64_C(0xffffffffffff);
}

void compact_write_block(struct sink *s, const struct block *b, uint64_t nonce)
{
    struct short_key key = short_key_of(&b->header, nonce);
    header_write(s, &b->header);
    write_u64(s, nonce);
    write_varint(s, b->n_tx - 1);
    for (uint32_t i = 1; i < b->n_tx; i++)
        write_u48(s, short_id(&key, &b->txs[i].wtxid));
    write_varint(s, 1);
    write_varint(s, 0);
    tx_write(&b->txs[0], s, true);
}

/* -- Reconstruction ------------------------------------------------------- */

struct rebuild {
    struct compact_partial *p;
    struct map positions; /* short id -> uint32 place in the block */
    struct short_key key;
    size_t *counter; /* of the source that is being searched */
    size_t n_found;
    uint8_t *taken; /* per place: 1 found, 2 found twice with different transactions */
};

static bool prefilled_places_ok(const struct msg_cmpctblock *m)
{
    size_t total = m->n_short_ids + m->n_prefilled;
    if (!total || total > MAX_BLOCK_TXS)
        return false;
    for (size_t i = 0; i < m->n_prefilled; i++)
        if (m->prefilled[i].index > m->n_short_ids + i)
            return false;
    return true;
}

static void place_prefilled(struct compact_partial *p, const struct msg_cmpctblock *m)
{
    for (size_t i = 0; i < m->n_prefilled; i++)
        p->txs[m->prefilled[i].index] = tx_ref(m->prefilled[i].tx);
    p->n_prefilled = m->n_prefilled;
}

/* False: two places have the same short id. */
static bool map_short_ids(struct rebuild *rb, const struct msg_cmpctblock *m)
{
    uint32_t at = 0;
    map_reserve(&rb->positions, m->n_short_ids);
    for (size_t i = 0; i < m->n_short_ids; i++, at++) {
        bool is_new;
        while (rb->p->txs[at])
            at++;
        uint32_t *place = map_put(&rb->positions, &m->short_ids[i], &is_new);
        if (!is_new)
            return false;
        *place = at;
    }
    return true;
}

static void offer(struct rebuild *rb, struct tx *tx)
{
    uint64_t id = short_id(&rb->key, &tx->wtxid);
    const uint32_t *place = map_get(&rb->positions, &id);
    if (!place || rb->taken[*place] == 2)
        return;
    struct tx **slot = &rb->p->txs[*place];
    if (!rb->taken[*place]) {
        *slot = tx_ref(tx);
        rb->taken[*place] = 1;
        ++*rb->counter;
        rb->n_found++;
        return;
    }
    if (hash256_equal(&(*slot)->wtxid, &tx->wtxid))
        return;
    /* Two candidates: neither can be trusted, so it will be asked for. */
    tx_unref(*slot);
    *slot = NULL;
    rb->taken[*place] = 2;
    --*rb->counter;
    rb->n_found--;
}

/* Then the search may end: that a second transaction has one of the short ids, too, is
 * so unlikely that fetching the whole block is good enough. */
static bool found_all(const struct rebuild *rb)
{
    return rb->n_found == rb->positions.len;
}

static bool offer_entry(void *ctx, const struct mempool_entry *e)
{
    struct rebuild *rb = ctx;
    offer(rb, e->tx);
    return !found_all(rb);
}

enum compact_result compact_partial_new(struct compact_partial **out,
                                        const struct msg_cmpctblock *m,
                                        const struct mempool *mp,
                                        struct tx *const *extra, size_t n_extra)
{
    if (!prefilled_places_ok(m))
        return COMPACT_INVALID;
    struct compact_partial *p = xcalloc(1, sizeof(*p));
    struct rebuild rb = {.p = p, .key = short_key_of(&m->header, m->nonce)};
    enum compact_result result = COMPACT_FAILED;
    p->header = m->header;
    p->n = m->n_short_ids + m->n_prefilled;
    p->txs = xcalloc(p->n, sizeof(*p->txs));
    rb.taken = xcalloc(p->n, 1);
    map_init(&rb.positions, sizeof(uint64_t), sizeof(uint32_t));
    place_prefilled(p, m);
    if (map_short_ids(&rb, m)) {
        rb.counter = &p->n_mempool;
        if (mp)
            mempool_each(mp, offer_entry, &rb);
        rb.counter = &p->n_extra;
        for (size_t i = 0; i < n_extra && !found_all(&rb); i++)
            offer(&rb, extra[i]);
        result = COMPACT_OK;
    }
    for (size_t i = 0; i < p->n; i++)
        p->n_missing += !p->txs[i];
    map_clear(&rb.positions);
    free(rb.taken);
    if (result == COMPACT_OK)
        *out = p;
    else
        compact_partial_free(p);
    return result;
}

void compact_partial_free(struct compact_partial *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        tx_unref(p->txs[i]);
    free(p->txs);
    free(p);
}

enum compact_result compact_partial_fill(struct compact_partial *p,
                                         struct tx *const *missing, size_t n,
                                         struct block **out)
{
    size_t used = 0;
    bool mutated;
    if (n != p->n_missing || p->spent)
        return COMPACT_INVALID;
    p->spent = true;
    for (size_t i = 0; i < p->n; i++)
        if (!p->txs[i])
            p->txs[i] = tx_ref(missing[used++]);
    p->n_missing = 0;
    struct block *b =
        block_assemble(&p->header, (const struct tx *const *)p->txs, (uint32_t)p->n);
    if (!b)
        return COMPACT_FAILED;
    struct hash256 root = block_merkle_root(b, &mutated);
    if (mutated || !hash256_equal(&root, &b->header.merkle_root)) {
        block_unref(b);
        return COMPACT_FAILED;
    }
    *out = b;
    return COMPACT_OK;
}
