/* Proofs of the commitment, see doc/spec/state.md:
 *
 *   0  1   kind: 0 the way ends in the empty subtree, 1 in the key itself, 2 in another
 *          key
 *   1  2   n: steps from the root, 0..256
 *   3  ..  bitmap of ceil(n / 8) octets: step i has a sibling (bit 7 - i mod 8 of octet
 *          i / 8); spare bits 0
 *   ..     32 octets per sibling, from the root down
 *   ..     kind 1: var value; kind 2: the other key's path and SHA3(value), 64 octets
 */
#include "chain/state/proof.h"

#include "crypto/hash.h"
#include "util/reader.h"

enum proof_kind {
    PROOF_EMPTY,
    PROOF_KEY,
    PROOF_OTHER_KEY,
};

static bool is_zero(const uint8_t hash[32])
{
    static const uint8_t zero[32];
    return memcmp(hash, zero, 32) == 0;
}

static enum proof_kind kind_of(const struct tree_walk *w, const uint8_t path[32])
{
    if (!w->has_leaf)
        return PROOF_EMPTY;
    return memcmp(w->leaf.path, path, 32) == 0 ? PROOF_KEY : PROOF_OTHER_KEY;
}

void proof_write(struct sink *s, const struct tree_walk *w, const uint8_t path[32],
                 struct bytes value)
{
    uint8_t bitmap[TREE_DEPTH / 8] = {0};
    enum proof_kind kind = kind_of(w, path);
    for (int i = 0; i < w->depth; i++)
        if (!is_zero(w->sibling[i]))
            bitmap[i / 8] |= (uint8_t)(0x80 >> i % 8);
    write_u8(s, (uint8_t)kind);
    write_u16(s, (uint16_t)w->depth);
    write_bytes(s, bitmap, (size_t)(w->depth + 7) / 8);
    for (int i = 0; i < w->depth; i++)
        if (!is_zero(w->sibling[i]))
            write_bytes(s, w->sibling[i], HASH_SIZE);
    if (kind == PROOF_KEY)
        write_var(s, value);
    if (kind == PROOF_OTHER_KEY)
        write_bytes(s, &w->leaf, sizeof(w->leaf));
}

static void read_siblings(struct reader *r, struct tree_walk *w)
{
    uint8_t bitmap[TREE_DEPTH / 8] = {0};
    w->depth = read_u16(r);
    if (w->depth > TREE_DEPTH) {
        reader_fail(r);
        w->depth = 0;
    }
    read_copy(r, bitmap, (size_t)(w->depth + 7) / 8);
    if (w->depth % 8 != 0 && (bitmap[w->depth / 8] & (0xff >> w->depth % 8)) != 0)
        reader_fail(r);
    for (int i = 0; i < w->depth; i++) {
        memset(w->sibling[i], 0, HASH_SIZE);
        if (!(bitmap[i / 8] & 0x80 >> i % 8))
            continue;
        read_copy(r, w->sibling[i], HASH_SIZE);
        if (is_zero(w->sibling[i]))
            reader_fail(r); /* one way to write each proof */
    }
}

static bool same_way(const uint8_t *a, const uint8_t *b, int depth)
{
    int octets = depth / 8, bits = depth % 8;
    return memcmp(a, b, (size_t)octets) == 0 &&
           (bits == 0 || (a[octets] ^ b[octets]) >> (8 - bits) == 0);
}

/* The leaf that the way ends in; false when the proof is not one for this path. */
static bool read_end(struct reader *r, uint8_t kind, struct tree_walk *w,
                     const uint8_t path[32], struct bytes *value)
{
    w->has_leaf = kind != PROOF_EMPTY;
    if (kind == PROOF_KEY) {
        *value = read_var(r, STATE_MAX_VALUE);
        memcpy(w->leaf.path, path, 32);
        sha3_256(w->leaf.value, value->data, value->len);
    } else if (kind == PROOF_OTHER_KEY) {
        read_copy(r, &w->leaf, sizeof(w->leaf));
        return memcmp(w->leaf.path, path, 32) != 0 &&
               same_way(w->leaf.path, path, w->depth);
    }
    return kind <= PROOF_OTHER_KEY;
}

bool proof_read(struct tree_walk *w, const uint8_t path[32], struct bytes proof,
                bool *present, struct bytes *value)
{
    struct reader r;
    reader_init(&r, proof.data, proof.len);
    uint8_t kind = read_u8(&r);
    *value = bytes_of(NULL, 0);
    *present = kind == PROOF_KEY;
    read_siblings(&r, w);
    return read_end(&r, kind, w, path, value) && reader_done(&r);
}

void proof_root(uint8_t out[32], const struct tree_walk *w, const uint8_t path[32])
{
    memset(out, 0, HASH_SIZE);
    if (w->has_leaf)
        tree_leaf_hash(out, w->leaf.path, w->leaf.value);
    for (int i = w->depth - 1; i >= 0; i--) {
        if (path_bit(path, i))
            tree_node_hash(out, w->sibling[i], out);
        else
            tree_node_hash(out, out, w->sibling[i]);
    }
}

bool state_proof_verify(const struct hash256 *root, struct bytes key,
                        struct bytes proof, bool *present, struct bytes *value)
{
    struct tree_walk w;
    uint8_t path[32], computed[32];
    sha3_256(path, key.data, key.len);
    if (!proof_read(&w, path, proof, present, value))
        return false;
    proof_root(computed, &w, path);
    return memcmp(computed, root->b, 32) == 0;
}
