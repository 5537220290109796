/* The commitment as a compact sparse Merkle tree (doc/spec/state.md) over pages in the
 * chain state database. Not thread-safe; the state locks around it.
 *
 * Clean pages are a cache with a bound; changed pages stay until a flush has written
 * them. */
#ifndef OCHRE_CHAIN_STATE_TREE_H
#define OCHRE_CHAIN_STATE_TREE_H

#include "chain/state/tree_page.h"
#include "db/db.h"
#include "util/map.h"

struct tree_list {
    struct page *first, *last; /* most and least recently used */
};

struct tree {
    struct db *db;
    struct map pages; /* page_id -> struct page *, owned */
    struct tree_list clean, dirty;
    struct page *garbage; /* replaced in this update; its hashes may still be read */
    size_t clean_bytes, dirty_bytes, limit;
    struct hash_queue queue;
    enum err err; /* latched */
};

/* A key whose value changed to the one with this hash, or that was deleted. */
struct tree_change {
    uint8_t path[32];
    uint8_t value[32];
    bool present;
};

void tree_init(struct tree *t, struct db *db, size_t limit);
void tree_clear(struct tree *t);
/* Sorts the changes, of which no two may have the same path, and applies them. */
void tree_update(struct tree *t, struct tree_change *changes, size_t n);
struct hash256 tree_root(struct tree *t);
uint64_t tree_count(struct tree *t); /* keys */
size_t tree_memory(const struct tree *t);

void tree_flush_into(struct tree *t, struct db_batch *batch);
void tree_flush_done(struct tree *t);
void tree_trim(struct tree *t); /* evicts clean pages down to the limit */

/* The way down to a path: what ends it, and the sibling of each step. */
struct tree_walk {
    int depth;     /* of the end: number of siblings */
    bool has_leaf; /* the end is the subtree of one key, not the empty one */
    struct tree_leaf leaf;
    uint8_t sibling[TREE_DEPTH][HASH_SIZE]; /* from the root down */
};
void tree_find(struct tree *t, const uint8_t path[32], struct tree_walk *out);

#endif
