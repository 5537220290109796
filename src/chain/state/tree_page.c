#include "chain/state/tree_page.h"

#include <stdlib.h>
#include <string.h>

#include "chain/state/state.h"
#include "util/reader.h"
#include "util/sink.h"

#define RECORD_LEAVES 1
#define RECORD_INNER  2

static struct page *page_alloc(const struct page_id *id, enum page_kind kind,
                               size_t body)
{
    struct page *p = xmalloc(sizeof(*p) + body);
    memset(p, 0, sizeof(*p));
    p->id = *id;
    p->kind = (uint8_t)kind;
    return p;
}

struct page *page_new_leaves(const struct page_id *id, const struct tree_leaf *leaves,
                             size_t n)
{
    struct page *p = page_alloc(id, PAGE_LEAVES, n * sizeof(*leaves));
    ASSERT(n <= TREE_LEAF_MAX);
    p->n_leaves = (uint8_t)n;
    memcpy(p->leaves, leaves, n * sizeof(*leaves));
    return p;
}

struct page *page_new_inner(const struct page_id *id)
{
    struct page *p = page_alloc(id, PAGE_INNER, sizeof(struct inner));
    memset(page_inner(p), 0, sizeof(struct inner));
    return p;
}

struct page *page_new_deleted(const struct page_id *id)
{
    return page_alloc(id, PAGE_DELETED, 0);
}

size_t page_memory(const struct page *p)
{
    size_t body = p->kind == PAGE_INNER ? sizeof(struct inner)
                                        : p->n_leaves * sizeof(struct tree_leaf);
    return sizeof(*p) + body + 16; /* and the allocator's own */
}

struct page_id page_id_child(const struct page_id *id, int nibble)
{
    struct page_id child = *id;
    int shift = child.nibbles % 2 == 0 ? 4 : 0;
    child.prefix[child.nibbles / 2] |= (uint8_t)(nibble << shift);
    child.nibbles++;
    return child;
}

struct page_id page_id_of(const uint8_t path[32], int nibbles)
{
    struct page_id id = {.nibbles = (uint8_t)nibbles};
    memcpy(id.prefix, path, (size_t)(nibbles + 1) / 2);
    if (nibbles % 2 == 1)
        id.prefix[nibbles / 2] &= 0xf0;
    return id;
}

struct bytes page_key(uint8_t out[PAGE_KEY_MAX], const struct page_id *id)
{
    size_t n = ((size_t)id->nibbles + 1) / 2;
    out[0] = STATE_DB_NODE;
    out[1] = id->nibbles;
    memcpy(out + 2, id->prefix, n);
    return bytes_of(out, 2 + n);
}

static void write_inner(struct sink *s, const struct inner *in)
{
    uint16_t bitmap = 0;
    for (int i = 0; i < TREE_FANOUT; i++)
        if (in->count[TREE_FANOUT + i] > 0)
            bitmap |= (uint16_t)(1 << i);
    write_u16(s, bitmap);
    for (int i = TREE_FANOUT; i < 2 * TREE_FANOUT; i++)
        if (in->count[i] > 0) {
            write_u32(s, in->count[i]);
            write_bytes(s, in->hash[i], HASH_SIZE);
        }
}

void page_write(struct buf *out, struct page *p)
{
    struct sink s = sink_to_buf(out);
    if (p->kind == PAGE_INNER) {
        write_u8(&s, RECORD_INNER);
        write_inner(&s, page_inner(p));
        return;
    }
    write_u8(&s, RECORD_LEAVES);
    write_u8(&s, p->n_leaves);
    write_bytes(&s, p->leaves, p->n_leaves * sizeof(struct tree_leaf));
}

static void rehash(struct inner *in, int depth)
{
    struct hash_queue q;
    hash_queue_init(&q);
    inner_update(in, 0xffff, depth, in->hash[1], &q);
    hash_queue_run(&q);
    hash_queue_clear(&q);
}

static struct page *read_inner(const struct page_id *id, struct reader *r)
{
    struct page *p = page_new_inner(id);
    struct inner *in = page_inner(p);
    uint16_t bitmap = read_u16(r);
    for (int i = 0; i < TREE_FANOUT; i++)
        if (bitmap >> i & 1) {
            in->count[TREE_FANOUT + i] = read_u32(r);
            read_copy(r, in->hash[TREE_FANOUT + i], HASH_SIZE);
        }
    rehash(in, id->nibbles * TREE_STRIDE);
    return p;
}

static struct page *read_leaves(const struct page_id *id, struct reader *r)
{
    struct tree_leaf leaves[TREE_LEAF_MAX];
    size_t n = read_u8(r);
    if (n == 0 || n > TREE_LEAF_MAX) {
        reader_fail(r);
        return NULL;
    }
    read_copy(r, leaves, n * sizeof(*leaves));
    return page_new_leaves(id, leaves, n);
}

struct page *page_read(const struct page_id *id, struct bytes record)
{
    struct reader r;
    struct page *p = NULL;
    reader_init(&r, record.data, record.len);
    uint8_t kind = read_u8(&r);
    if (kind == RECORD_INNER)
        p = read_inner(id, &r);
    else if (kind == RECORD_LEAVES)
        p = read_leaves(id, &r);
    if (p != NULL && !reader_done(&r)) {
        free(p);
        p = NULL;
    }
    return p;
}

/* Heap node i, at a depth of the whole tree. */
static void inner_node(struct inner *in, int i, int depth, uint8_t *out,
                       struct hash_queue *q)
{
    const uint8_t *left = in->hash[2 * i], *right = in->hash[2 * i + 1];
    uint32_t a = in->count[2 * i], b = in->count[2 * i + 1];
    in->count[i] = a + b;
    if (a + b == 0)
        memset(out, 0, HASH_SIZE);
    else if (a + b == 1)
        hash_queue_copy(q, depth, out, a == 1 ? left : right);
    else
        hash_queue_node(q, depth, out, left, right);
}

void inner_update(struct inner *in, uint32_t changed, int depth, uint8_t *out,
                  struct hash_queue *q)
{
    uint32_t mask = changed << TREE_FANOUT; /* of heap nodes */
    for (int level = TREE_STRIDE - 1; level >= 0; level--)
        for (int i = 1 << level; i < 2 << level; i++)
            if (mask >> 2 * i & 3) {
                mask |= 1u << i;
                inner_node(in, i, depth + level, i == 1 ? out : in->hash[i], q);
            }
}

size_t leaves_split(const struct tree_leaf *leaves, size_t n, int depth)
{
    size_t left = 0;
    while (left < n && path_bit(leaves[left].path, depth) == 0)
        left++;
    return left;
}

void leaves_hash(uint8_t *out, const struct tree_leaf *leaves, size_t n, int depth,
                 struct hash_queue *q)
{
    if (n == 0) {
        memset(out, 0, HASH_SIZE);
    } else if (n == 1) {
        hash_queue_leaf(q, out, leaves->path, leaves->value);
    } else {
        size_t left = leaves_split(leaves, n, depth);
        uint8_t *l = hash_queue_slot(q), *r = hash_queue_slot(q);
        leaves_hash(l, leaves, left, depth + 1, q);
        leaves_hash(r, leaves + left, n - left, depth + 1, q);
        hash_queue_node(q, depth, out, l, r);
    }
}
