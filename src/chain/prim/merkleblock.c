#include "chain/prim/merkleblock.h"

#include <stdlib.h>

#include "crypto/sha256.h"
#include "util/mem.h"

/* No transaction weighs less; so no block holds more than this. */
#define MIN_TX_WEIGHT 240
#define MAX_BLOCK_TXS (MAX_BLOCK_WEIGHT / MIN_TX_WEIGHT)

static uint32_t width_at(uint32_t n_tx, unsigned height)
{
    return (uint32_t)(((uint64_t)n_tx + (1u << height) - 1) >> height);
}

static unsigned tree_height(uint32_t n_tx)
{
    unsigned height = 0;
    while (width_at(n_tx, height) > 1)
        height++;
    return height;
}

static struct hash256 join(const struct hash256 *left, const struct hash256 *right)
{
    struct hash256 pair[2] = {*left, *right};
    sha256d_64(pair[0].b, pair[0].b, 1);
    return pair[0];
}

/* -- Building -- */

/* All nodes of the tree, level by level, with what is below them. */
struct tree {
    struct hash256 *hash[33]; /* owned; of each level, leaves first */
    bool *match[33];          /* owned */
    uint32_t n_tx;
    unsigned height;
};

static void tree_level(struct tree *t, unsigned level)
{
    uint32_t below = width_at(t->n_tx, level - 1), width = width_at(t->n_tx, level);
    t->hash[level] = xcalloc(width, sizeof(struct hash256));
    t->match[level] = xcalloc(width, sizeof(bool));
    for (uint32_t i = 0; i < width; i++) {
        uint32_t left = 2 * i, right = left + 1 < below ? left + 1 : left;
        t->hash[level][i] = join(&t->hash[level - 1][left], &t->hash[level - 1][right]);
        t->match[level][i] = t->match[level - 1][left] || t->match[level - 1][right];
    }
}

static void tree_init(struct tree *t, const struct block *b, const bool *match)
{
    t->n_tx = b->n_tx;
    t->height = tree_height(b->n_tx);
    t->hash[0] = xcalloc(b->n_tx + 1, sizeof(struct hash256));
    t->match[0] = xcalloc(b->n_tx + 1, sizeof(bool));
    for (uint32_t i = 0; i < b->n_tx; i++) {
        t->hash[0][i] = b->txs[i].txid;
        t->match[0][i] = match[i];
    }
    for (unsigned level = 1; level <= t->height; level++)
        tree_level(t, level);
}

static void tree_clear(struct tree *t)
{
    for (unsigned level = 0; level <= t->height; level++) {
        free(t->hash[level]);
        free(t->match[level]);
    }
}

static void put_bit(struct merkleblock *m, bool bit)
{
    m->bits[m->n_bits / 8] |= (uint8_t)(bit << (m->n_bits % 8));
    m->n_bits++;
}

/* Depth first: a subtree without match, and a leaf, is its hash. */
static void visit(struct merkleblock *m, const struct tree *t, unsigned level,
                  uint32_t pos)
{
    bool match = t->match[level][pos];
    put_bit(m, match);
    if (level == 0 || !match) {
        m->hashes[m->n_hashes++] = t->hash[level][pos];
        return;
    }
    visit(m, t, level - 1, 2 * pos);
    if (2 * pos + 1 < width_at(t->n_tx, level - 1))
        visit(m, t, level - 1, 2 * pos + 1);
}

void merkleblock_build(struct merkleblock *m, const struct block *b, const bool *match)
{
    struct tree t;
    size_t nodes = 2 * (size_t)b->n_tx + 33;
    *m = (struct merkleblock){.header = b->header, .n_tx = b->n_tx};
    m->hashes = xcalloc(nodes, sizeof(*m->hashes));
    m->bits = xcalloc(nodes / 8 + 1, 1);
    tree_init(&t, b, match);
    visit(m, &t, t.height, 0);
    tree_clear(&t);
}

void merkleblock_clear(struct merkleblock *m)
{
    free(m->hashes);
    free(m->bits);
    *m = (struct merkleblock){0};
}

/* -- Bytes -- */

void merkleblock_write(struct sink *s, const struct merkleblock *m)
{
    header_write(s, &m->header);
    write_u32(s, m->n_tx);
    write_varint(s, m->n_hashes);
    write_bytes(s, m->hashes, m->n_hashes * sizeof(*m->hashes));
    write_var(s, bytes_of(m->bits, (m->n_bits + 7) / 8));
}

bool merkleblock_read(struct merkleblock *m, struct reader *r)
{
    *m = (struct merkleblock){0};
    m->header = header_read(r);
    m->n_tx = read_u32(r);
    m->n_hashes = read_varint(r, MAX_BLOCK_TXS);
    const uint8_t *hashes = read_bytes(r, m->n_hashes * sizeof(*m->hashes));
    struct bytes bits = read_var(r, MAX_BLOCK_TXS);
    if (r->bad) {
        *m = (struct merkleblock){0};
        return false;
    }
    m->hashes = xcalloc(m->n_hashes + 1, sizeof(*m->hashes));
    memcpy(m->hashes, hashes, m->n_hashes * sizeof(*m->hashes));
    m->bits = xcalloc(bits.len + 1, 1);
    if (bits.len > 0)
        memcpy(m->bits, bits.data, bits.len);
    m->n_bits = bits.len * 8;
    return true;
}

/* -- Checking -- */

struct extraction {
    const struct merkleblock *m;
    size_t bits_used, hashes_used;
    bool bad;
    struct hash256 *matches;
    uint32_t *places; /* of the matches in the block */
    size_t n_matches;
};

static struct hash256 extract(struct extraction *e, unsigned level, uint32_t pos)
{
    static const struct hash256 none;
    const struct merkleblock *m = e->m;
    if (e->bits_used >= m->n_bits) {
        e->bad = true;
        return none;
    }
    bool match = m->bits[e->bits_used / 8] >> (e->bits_used % 8) & 1;
    e->bits_used++;
    if (level == 0 || !match) {
        if (e->hashes_used >= m->n_hashes) {
            e->bad = true;
            return none;
        }
        const struct hash256 *h = &m->hashes[e->hashes_used++];
        if (level == 0 && match) {
            e->places[e->n_matches] = pos;
            e->matches[e->n_matches++] = *h;
        }
        return *h;
    }
    struct hash256 left = extract(e, level - 1, 2 * pos);
    if (2 * pos + 1 >= width_at(m->n_tx, level - 1))
        return join(&left, &left);
    struct hash256 right = extract(e, level - 1, 2 * pos + 1);
    if (hash256_equal(&left, &right)) /* a repeated subtree hides where the tree ends */
        e->bad = true;
    return join(&left, &right);
}

static bool sizes_make_sense(const struct merkleblock *m)
{
    return m->n_tx > 0 && m->n_tx <= MAX_BLOCK_TXS && m->n_hashes <= m->n_tx &&
           m->n_bits >= m->n_hashes;
}

/* The caller frees matches and places either way. */
static bool extract_all(struct extraction *e, const struct merkleblock *m)
{
    *e = (struct extraction){.m = m};
    if (!sizes_make_sense(m))
        return false;
    e->matches = xcalloc(m->n_hashes + 1, sizeof(*e->matches));
    e->places = xcalloc(m->n_hashes + 1, sizeof(*e->places));
    struct hash256 root = extract(e, tree_height(m->n_tx), 0);
    return !e->bad && (e->bits_used + 7) / 8 == (m->n_bits + 7) / 8 &&
           e->hashes_used == m->n_hashes &&
           hash256_equal(&root, &m->header.merkle_root);
}

bool merkleblock_extract(const struct merkleblock *m, struct hash256 **matches,
                         size_t *n)
{
    struct extraction e;
    bool fits = extract_all(&e, m);
    if (!fits)
        free(e.matches);
    free(e.places);
    *matches = fits ? e.matches : NULL;
    *n = fits ? e.n_matches : 0;
    return fits;
}

bool merkleblock_place(const struct merkleblock *m, const struct hash256 *txid,
                       uint32_t *place)
{
    struct extraction e;
    bool found = false;
    if (extract_all(&e, m))
        for (size_t i = 0; i < e.n_matches && !found; i++) {
            found = hash256_equal(&e.matches[i], txid);
            *place = e.places[i];
        }
    free(e.matches);
    free(e.places);
    return found;
}
