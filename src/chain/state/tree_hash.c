#include "chain/state/tree_hash.h"

#include <string.h>

#include "crypto/hash.h"

#define MESSAGE_SIZE 65
#define TAG_LEAF     0
#define TAG_NODE     1
#define TAG_COPY                                                                       \
    2 /* a node with one key below is that key's leaf: no hash of its own */
#define BATCH 64

struct hash_job {
    struct hash_job *next;
    const uint8_t *left, *right;
    uint8_t *out;
    uint8_t tag;
};

void hash_queue_init(struct hash_queue *q)
{
    memset(q, 0, sizeof(*q));
    arena_init(&q->mem, 64 * 1024);
}

void hash_queue_clear(struct hash_queue *q)
{
    arena_clear(&q->mem);
}

uint8_t *hash_queue_slot(struct hash_queue *q)
{
    return arena_alloc(&q->mem, HASH_SIZE);
}

static void add(struct hash_queue *q, int level, uint8_t tag, uint8_t *out,
                const uint8_t *left, const uint8_t *right)
{
    struct hash_job *j = arena_alloc(&q->mem, sizeof(*j));
    *j = (struct hash_job){q->level[level], left, right, out, tag};
    q->level[level] = j;
    if (level > q->deepest)
        q->deepest = level;
}

void hash_queue_leaf(struct hash_queue *q, uint8_t *out, const uint8_t *path,
                     const uint8_t *value_hash)
{
    add(q, TREE_DEPTH, TAG_LEAF, out, path, value_hash);
}

void hash_queue_node(struct hash_queue *q, int depth, uint8_t *out, const uint8_t *left,
                     const uint8_t *right)
{
    add(q, depth, TAG_NODE, out, left, right);
}

void hash_queue_copy(struct hash_queue *q, int depth, uint8_t *out, const uint8_t *from)
{
    add(q, depth, TAG_COPY, out, from, NULL);
}

static void put_message(uint8_t msg[MESSAGE_SIZE], uint8_t tag, const uint8_t *left,
                        const uint8_t *right)
{
    msg[0] = tag;
    memcpy(msg + 1, left, HASH_SIZE);
    memcpy(msg + 1 + HASH_SIZE, right, HASH_SIZE);
}

/* Jobs of one level do not depend on each other. */
static void run_level(const struct hash_job *j)
{
    uint8_t in[BATCH * MESSAGE_SIZE], out[BATCH * HASH_SIZE];
    uint8_t *to[BATCH];
    while (j != NULL) {
        size_t n = 0;
        for (; j != NULL && n < BATCH; j = j->next) {
            if (j->tag == TAG_COPY) {
                memcpy(j->out, j->left, HASH_SIZE);
                continue;
            }
            put_message(in + n * MESSAGE_SIZE, j->tag, j->left, j->right);
            to[n++] = j->out;
        }
        sha3_256_many(out, in, MESSAGE_SIZE, n);
        for (size_t i = 0; i < n; i++)
            memcpy(to[i], out + i * HASH_SIZE, HASH_SIZE);
    }
}

void hash_queue_run(struct hash_queue *q)
{
    for (int level = q->deepest; level >= 0; level--) {
        run_level(q->level[level]);
        q->level[level] = NULL;
    }
    q->deepest = 0;
    arena_reset(&q->mem);
}

void tree_leaf_hash(uint8_t out[32], const uint8_t path[32],
                    const uint8_t value_hash[32])
{
    uint8_t msg[MESSAGE_SIZE];
    put_message(msg, TAG_LEAF, path, value_hash);
    sha3_256(out, msg, sizeof(msg));
}

void tree_node_hash(uint8_t out[32], const uint8_t left[32], const uint8_t right[32])
{
    uint8_t msg[MESSAGE_SIZE];
    put_message(msg, TAG_NODE, left, right);
    sha3_256(out, msg, sizeof(msg));
}
