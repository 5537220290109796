#include "net/bloom.h"

#include <stdlib.h>

#include "chain/prim/merkle.h"
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

/* -- merkleblock ---------------------------------------------------------------------------------- */

/* A partial Merkle tree: walked from the root, one bit per node says whether a match lies below;
 * where none does, or at a leaf, the node's hash is written. */
struct partial_tree {
    struct hash256 *level[33]; /* owned: hashes of each height of the tree */
    bool *match[33];           /* owned */
    size_t width[33];
    unsigned height;
    struct buf bits;           /* one octet each */
    struct buf hashes;
};

static void build_levels(struct partial_tree *t)
{
    for (unsigned h = 0; t->width[h] > 1; h++) {
        size_t n = t->width[h + 1] = (t->width[h] + 1) / 2;
        t->level[h + 1] = xcalloc(n, sizeof(struct hash256));
        t->match[h + 1] = xcalloc(n, sizeof(bool));
        for (size_t i = 0; i < n; i++) {
            size_t left = 2 * i, right = left + 1 < t->width[h] ? left + 1 : left;
            struct hash256 pair[2] = {t->level[h][left], t->level[h][right]};
            t->level[h + 1][i] = merkle_root(pair, 2, NULL);
            t->match[h + 1][i] = t->match[h][left] || t->match[h][right];
        }
        t->height = h + 1;
    }
}

static void walk_tree(struct partial_tree *t, unsigned h, size_t at)
{
    buf_append_byte(&t->bits, t->match[h][at]);
    if (h == 0 || !t->match[h][at]) {
        buf_append(&t->hashes, t->level[h][at].b, 32);
        return;
    }
    walk_tree(t, h - 1, 2 * at);
    if (2 * at + 1 < t->width[h - 1])
        walk_tree(t, h - 1, 2 * at + 1);
}

void merkleblock_write(struct sink *s, const struct block *b, struct bloom *filter,
                       uint32_t **matched, size_t *n)
{
    struct partial_tree t = {.width[0] = b->n_tx};
    t.level[0] = xcalloc(b->n_tx, sizeof(struct hash256));
    t.match[0] = xcalloc(b->n_tx, sizeof(bool));
    *matched = xcalloc(b->n_tx, sizeof(**matched));
    *n = 0;
    for (uint32_t i = 0; i < b->n_tx; i++) {
        t.level[0][i] = b->txs[i].txid;
        t.match[0][i] = bloom_match_tx(filter, &b->txs[i]);
        if (t.match[0][i])
            (*matched)[(*n)++] = i;
    }
    build_levels(&t);
    walk_tree(&t, t.height, 0);
    header_write(s, &b->header);
    write_u32(s, b->n_tx);
    write_varint(s, t.hashes.len / 32);
    write_bytes(s, t.hashes.data, t.hashes.len);
    write_varint(s, (t.bits.len + 7) / 8);
    for (size_t i = 0; i < t.bits.len; i += 8) {
        uint8_t octet = 0;
        for (size_t k = 0; k < 8 && i + k < t.bits.len; k++)
            octet |= (uint8_t)(t.bits.data[i + k] << k);
        write_u8(s, octet);
    }
    for (unsigned h = 0; h <= t.height; h++) {
        free(t.level[h]);
        free(t.match[h]);
    }
    buf_clear(&t.bits);
    buf_clear(&t.hashes);
}
