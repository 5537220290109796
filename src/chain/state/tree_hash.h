/* The hashes of a tree update, collected first and then computed level by level from
 * the deepest up, so that many can be worked side by side. */
#ifndef OCHRE_CHAIN_STATE_TREE_HASH_H
#define OCHRE_CHAIN_STATE_TREE_HASH_H

#include "util/mem.h"

#define TREE_DEPTH 256 /* bits of a path */
#define HASH_SIZE  32

struct hash_job;

struct hash_queue {
    struct arena mem;
    struct hash_job
        *level[TREE_DEPTH + 1]; /* jobs by depth of the node; the last: leaves */
    int deepest;
};

void hash_queue_init(struct hash_queue *q);
void hash_queue_clear(struct hash_queue *q);
/* 32 octets that live until clear. */
uint8_t *hash_queue_slot(struct hash_queue *q);
/* The arguments are read, and out written, when the queue runs; they must stay where
 * they are. */
void hash_queue_leaf(struct hash_queue *q, uint8_t *out, const uint8_t *path,
                     const uint8_t *value_hash);
void hash_queue_node(struct hash_queue *q, int depth, uint8_t *out, const uint8_t *left,
                     const uint8_t *right);
void hash_queue_copy(struct hash_queue *q, int depth, uint8_t *out,
                     const uint8_t *from);
void hash_queue_run(struct hash_queue *q); /* the queue is empty after */

/* One at a time. */
void tree_leaf_hash(uint8_t out[32], const uint8_t path[32],
                    const uint8_t value_hash[32]);
void tree_node_hash(uint8_t out[32], const uint8_t left[32], const uint8_t right[32]);

static inline int path_bit(const uint8_t *path, int depth)
{
    return path[depth / 8] >> (7 - depth % 8) & 1;
}

static inline int path_nibble(const uint8_t *path, int n)
{
    return n % 2 == 0 ? path[n / 2] >> 4 : path[n / 2] & 15;
}

#endif
