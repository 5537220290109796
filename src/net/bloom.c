#include "net/bloom.h"

#include <stdlib.h>

#include "chain/prim/merkleblock.h"
#include "chain/script/script.h"
#include "chain/script/solver.h"
#include "crypto/hash.h"
#include "util/mem.h"

struct bloom *bloom_read(struct reader *r)
{
    struct bytes data = read_var(r, MAX_BLOCK_SERIALIZED_SIZE);
    uint32_t n_hashes = read_u32(r), tweak = read_u32(r);
    uint8_t flags = read_u8(r);
    if (r->bad)
        return NULL;
    struct bloom *b = xcalloc(1, sizeof(*b));
    b->data = xmalloc(data.len + 1);
    if (data.len)
        memcpy(b->data, data.data, data.len);
    b->len = data.len;
    b->n_hashes = n_hashes;
    b->tweak = tweak;
    b->flags = flags;
    return b;
}

void bloom_write(struct sink *s, const struct bloom *b)
{
    write_var(s, bytes_of(b->data, b->len));
    write_u32(s, b->n_hashes);
    write_u32(s, b->tweak);
    write_u8(s, b->flags);
}

void bloom_free(struct bloom *b)
{
    if (!b)
        return;
    free(b->data);
    free(b);
}

bool bloom_within_limits(const struct bloom *b)
{
    return b->len <= BLOOM_MAX_BYTES && b->n_hashes <= BLOOM_MAX_HASHES;
}

static size_t bit_of(const struct bloom *b, uint32_t i, struct bytes item)
{
    uint32_t seed = i * 0xfba4c795u + b->tweak;
    return murmur3(seed, item.data, item.len) % (b->len * 8);
}

void bloom_insert(struct bloom *b, struct bytes item)
{
    for (uint32_t i = 0; b->len && i < b->n_hashes; i++) {
        size_t bit = bit_of(b, i, item);
        b->data[bit / 8] |= (uint8_t)(1 << bit % 8);
    }
}

bool bloom_contains(const struct bloom *b, struct bytes item)
{
    for (uint32_t i = 0; b->len && i < b->n_hashes; i++) {
        size_t bit = bit_of(b, i, item);
        if (!(b->data[bit / 8] >> bit % 8 & 1))
            return false;
    }
    return true; /* also the empty filter, which matches everything */
}

static size_t outpoint_bytes(uint8_t out[36], const struct hash256 *txid, uint32_t n)
{
    memcpy(out, txid->b, 32);
    put_le32(out + 32, n);
    return 36;
}

static bool contains_push(const struct bloom *b, struct bytes script)
{
    struct script_op op;
    size_t pos = 0;
    while (pos < script.len && script_next(script, &pos, &op))
        if (op.data.len && bloom_contains(b, op.data))
            return true;
    return false;
}

static void add_output(struct bloom *b, const struct tx *tx, uint32_t n)
{
    uint8_t key[36];
    enum bloom_update update = b->flags & BLOOM_UPDATE_MASK;
    if (update == BLOOM_UPDATE_P2PUBKEY_ONLY) {
        enum script_type kind = script_type_of(tx->out[n].script);
        if (kind != SCRIPT_PUBKEY && kind != SCRIPT_MULTISIG)
            return;
    } else if (update != BLOOM_UPDATE_ALL) {
        return;
    }
    bloom_insert(b, bytes_of(key, outpoint_bytes(key, &tx->txid, n)));
}

bool bloom_match_tx(struct bloom *b, const struct tx *tx)
{
    uint8_t key[36];
    bool hit = bloom_contains(b, bytes_of(tx->txid.b, 32));
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (contains_push(b, tx->out[i].script)) {
            hit = true;
            add_output(b, tx, i);
        }
    for (uint32_t i = 0; i < tx->n_in && !hit; i++) {
        const struct outpoint *o = &tx->in[i].prevout;
        hit = bloom_contains(b, bytes_of(key, outpoint_bytes(key, &o->txid, o->n))) ||
              contains_push(b, tx->in[i].script_sig);
    }
    return hit;
}

void bloom_write_merkleblock(struct sink *s, const struct block *b,
                             struct bloom *filter, uint32_t **matched, size_t *n)
{
    struct merkleblock m;
    bool *match = xcalloc(b->n_tx, sizeof(*match));
    *matched = xcalloc(b->n_tx, sizeof(**matched));
    *n = 0;
    for (uint32_t i = 0; i < b->n_tx; i++) {
        match[i] = bloom_match_tx(filter, &b->txs[i]);
        if (match[i])
            (*matched)[(*n)++] = i;
    }
    merkleblock_build(&m, b, match);
    merkleblock_write(s, &m);
    merkleblock_clear(&m);
    free(match);
}
