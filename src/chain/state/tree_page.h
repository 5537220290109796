/* Pages of the commitment tree: the unit that is cached and stored. A page stands at a
 * depth that is a multiple of four bits and is found by the path down to there.
 *
 *   record key    0  1  'n'
 *                 1  1  nibbles of the path
 *                 2  .. ceil(nibbles / 2) octets of it, a last half octet in the
 *                       upper bits
 *
 *   leaf page     0  1  01            at most TREE_LEAF_MAX keys below: all of them
 *                 1  1  n
 *                 2  n x 64           path, SHA3(value); by path
 *
 *   inner page    0  1  02            more keys: the sixteen subtrees four bits
 *                                     further down,
 *                 1  2  bitmap        of which those with keys follow
 *                 3  n x 36           u32 keys below, hash of the subtree
 */
#ifndef OCHRE_CHAIN_STATE_TREE_PAGE_H
#define OCHRE_CHAIN_STATE_TREE_PAGE_H

#include "chain/state/tree_hash.h"
#include "util/bytes.h"

#define TREE_LEAF_MAX   32
#define TREE_LEAF_MERGE 16 /* an inner page with no more keys becomes a leaf page */
#define TREE_FANOUT     16
#define TREE_STRIDE     4
#define PAGE_KEY_MAX    34

struct tree_leaf {
    uint8_t path[32];
    uint8_t value[32]; /* SHA3 of the value */
};

struct page_id {
    uint8_t nibbles;
    uint8_t prefix[32]; /* zeros behind the nibbles */
};

enum page_kind {
    PAGE_LEAVES,
    PAGE_INNER,
    PAGE_DELETED, /* a record to be deleted by the next flush */
};

/* The sixteen subtrees stand at 16..31 of a heap whose node 1 is the page itself; the
 * hash of node 1 is kept by the page above (in this page only where it is the root of
 * the tree). */
struct inner {
    uint32_t count[2 * TREE_FANOUT]; /* keys below */
    uint8_t hash[2 * TREE_FANOUT][HASH_SIZE];
};

struct page {
    struct page *prev, *next; /* in the cache's list */
    struct page_id id;
    uint8_t kind;
    uint8_t n_leaves;
    bool dirty;
    _Alignas(8) struct tree_leaf leaves[]; /* or struct inner */
};

struct page *page_new_leaves(const struct page_id *id, const struct tree_leaf *leaves,
                             size_t n);
struct page *page_new_inner(const struct page_id *id);
struct page *page_new_deleted(const struct page_id *id);
size_t page_memory(const struct page *p);

static inline struct inner *page_inner(struct page *p)
{
    return (struct inner *)p->leaves;
}

struct page_id page_id_child(const struct page_id *id, int nibble);
/* Of the page at `nibbles` on the way to path. */
struct page_id page_id_of(const uint8_t path[32], int nibbles);
struct bytes page_key(uint8_t out[PAGE_KEY_MAX], const struct page_id *id);
void page_write(struct buf *out, struct page *p);
/* NULL: malformed. Inner hashes are recomputed. */
struct page *page_read(const struct page_id *id, struct bytes record);

/* Sums the counts on the way from the children in the mask to node 1, and queues their
 * hashes; that of node 1 goes to out. */
void inner_update(struct inner *in, uint32_t changed, int depth, uint8_t *out,
                  struct hash_queue *q);
/* Queues the root hash of n sorted leaves that agree in their first `depth` bits. */
void leaves_hash(uint8_t *out, const struct tree_leaf *leaves, size_t n, int depth,
                 struct hash_queue *q);
/* How many of the leaves have 0 as their next bit. */
size_t leaves_split(const struct tree_leaf *leaves, size_t n, int depth);

#endif
