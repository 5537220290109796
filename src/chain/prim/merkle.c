#include "chain/prim/merkle.h"

#include <stdlib.h>

#include "crypto/sha256.h"
#include "util/mem.h"

static bool has_equal_pair(const struct hash256 *level, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        if (hash256_equal(&level[i], &level[i + 1]))
            return true;
    }
    return false;
}

static struct hash256 hash_pair(const struct hash256 *left, const struct hash256 *right)
{
    struct hash256 pair[2] = {*left, *right};
    sha256d_64(pair[0].b, pair[0].b, 1);
    return pair[0];
}

/* Hashes one level into the next, in place; an odd last node is paired with itself. */
static size_t next_level(struct hash256 *level, size_t n)
{
    struct hash256 last = level[n - 1];
    sha256d_64(level[0].b, level[0].b, n / 2);
    if (n % 2)
        level[n / 2] = hash_pair(&last, &last);
    return (n + 1) / 2;
}

struct hash256 merkle_root(struct hash256 *leaves, size_t n, bool *mutated)
{
    bool equal = false;
    while (n > 1) {
        if (mutated != NULL)
            equal = equal || has_equal_pair(leaves, n);
        n = next_level(leaves, n);
    }
    if (mutated != NULL)
        *mutated = equal;
    return n == 0 ? (struct hash256){{0}} : leaves[0];
}

struct hash256 block_merkle_root(const struct block *b, bool *mutated)
{
    struct hash256 *leaves = xcalloc(b->n_tx + 1, sizeof(*leaves));
    for (uint32_t i = 0; i < b->n_tx; i++)
        leaves[i] = b->txs[i].txid;
    struct hash256 root = merkle_root(leaves, b->n_tx, mutated);
    free(leaves);
    return root;
}

struct hash256 block_witness_root(const struct block *b)
{
    struct hash256 *leaves = xcalloc(b->n_tx + 1, sizeof(*leaves));
    for (uint32_t i = 1; i < b->n_tx; i++)
        leaves[i] = b->txs[i].wtxid;
    struct hash256 root = merkle_root(leaves, b->n_tx, NULL);
    free(leaves);
    return root;
}

size_t merkle_branch(struct hash256 *out, const struct hash256 *leaves, size_t n,
                     size_t position)
{
    size_t count = 0;
    struct hash256 *level = xcalloc(n + 1, sizeof(*level));
    memcpy(level, leaves, n * sizeof(*level));
    while (n > 1) {
        size_t sibling = position ^ 1;
        out[count++] = level[sibling < n ? sibling : n - 1];
        n = next_level(level, n);
        position /= 2;
    }
    free(level);
    return count;
}

struct hash256 merkle_root_from_branch(const struct hash256 *leaf,
                                       const struct hash256 *branch, size_t n,
                                       size_t position)
{
    struct hash256 h = *leaf;
    for (size_t i = 0; i < n; i++, position /= 2)
        h = position & 1 ? hash_pair(&branch[i], &h) : hash_pair(&h, &branch[i]);
    return h;
}
