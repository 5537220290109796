#include <stdlib.h>

#include "chain/validation/internal.h"

/* -- Lists -- */

void block_list_insert(struct block_list *l, size_t at, struct block_index *bi)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->v = xrealloc_array(l->v, l->cap, sizeof(*l->v));
    }
    memmove(&l->v[at + 1], &l->v[at], (l->n - at) * sizeof(*l->v));
    l->v[at] = bi;
    l->n++;
}

void block_list_push(struct block_list *l, struct block_index *bi)
{
    block_list_insert(l, l->n, bi);
}

void block_list_clear(struct block_list *l)
{
    free(l->v);
    *l = (struct block_list){0};
}

/* -- Tree -- */

static struct tree_node *node_of(struct block_index *bi)
{
    return (struct tree_node *)bi;
}

void block_tree_init(struct chainman *cm)
{
    map_init(&cm->by_hash, sizeof(struct hash256), sizeof(struct tree_node *));
    arena_init(&cm->nodes, 1 << 16);
    cm->next_sequence = 2; /* 0: active at the last start, 1: other blocks known then */
    cm->precious_sequence = -1;
}

void block_tree_clear(struct chainman *cm)
{
    map_clear(&cm->by_hash);
    arena_clear(&cm->nodes);
    block_list_clear(&cm->dirty);
}

struct block_index *block_tree_find(const struct chainman *cm,
                                    const struct hash256 *hash)
{
    struct tree_node **n = map_get(&cm->by_hash, hash);
    return n ? &(*n)->bi : NULL;
}

size_t block_tree_size(const struct chainman *cm)
{
    return cm->by_hash.len;
}

void block_tree_each(const struct chainman *cm,
                     bool (*fn)(void *ctx, struct block_index *bi), void *ctx)
{
    const void *key;
    void *value;
    for (size_t i = 0; map_next(&cm->by_hash, &i, &key, &value);)
        if (!fn(ctx, &(*(struct tree_node **)value)->bi))
            return;
}

struct block_index *block_tree_insert(struct chainman *cm, const struct block_header *h,
                                      const struct hash256 *hash,
                                      struct block_index *prev)
{
    bool is_new;
    struct tree_node **n = map_put(&cm->by_hash, hash, &is_new);
    if (!is_new)
        return &(*n)->bi;
    struct tree_node *node = arena_alloc(&cm->nodes, sizeof(*node));
    memset(node, 0, sizeof(*node));
    *n = node;
    block_index_init(&node->bi, h, hash, prev);
    node->bi.file = -1;
    block_tree_better_header(cm, &node->bi);
    return &node->bi;
}

void block_tree_mark_dirty(struct chainman *cm, struct block_index *bi)
{
    struct tree_node *n = node_of(bi);
    if (n->dirty)
        return;
    n->dirty = true;
    block_list_push(&cm->dirty, bi);
}

void block_tree_better_header(struct chainman *cm, struct block_index *bi)
{
    if (bi->status & BLOCK_FAILED_MASK)
        return;
    if (!cm->best_header || u256_cmp(&bi->chain_work, &cm->best_header->chain_work) > 0)
        cm->best_header = bi;
}

static bool consider_header(void *ctx, struct block_index *bi)
{
    block_tree_better_header(ctx, bi);
    return true;
}

void block_tree_find_best_header(struct chainman *cm)
{
    cm->best_header = chain_tip(cm);
    block_tree_each(cm, consider_header, cm);
}

/* -- Data and gaps -- */

void block_tree_wait_for(struct block_index *prev, struct block_index *bi)
{
    struct tree_node *p = node_of(prev), *n = node_of(bi);
    for (struct tree_node *w = p->waiting; w; w = w->next_waiting)
        if (w == n)
            return;
    n->next_waiting = p->waiting;
    p->waiting = n;
}

/* The number at the base of a snapshot is the program's own, until its block comes. */
static void count_txs(struct chainman *cm, struct block_index *bi)
{
    uint64_t n = (bi->prev ? bi->prev->chain_tx : 0) + bi->n_tx;
    if (bi->chain_tx > 0 && bi->chain_tx != n)
        log_warning(cm->log,
                    "Height %d has %llu transactions below it, the snapshot's data say "
                    "%llu",
                    bi->height, (unsigned long long)n,
                    (unsigned long long)bi->chain_tx);
    bi->chain_tx = n;
}

/* The block has all its ancestors' data: counts it, and then what waited for it. */
static void link_chain(struct chainman *cm, struct tree_node *first)
{
    struct tree_node *todo = first;
    first->next_waiting = NULL;
    while (todo) {
        struct tree_node *n = todo;
        todo = n->next_waiting;
        count_txs(cm, &n->bi);
        n->bi.sequence = cm->next_sequence++;
        candidates_consider(cm, &n->bi);
        struct tree_node *w = n->waiting;
        n->waiting = NULL;
        while (w) {
            struct tree_node *next = w->next_waiting;
            w->next_waiting = todo;
            todo = w;
            w = next;
        }
    }
}

void block_tree_have_data(struct chainman *cm, struct block_index *bi, uint32_t n_tx,
                          const struct filepos *pos)
{
    bi->n_tx = n_tx;
    bi->file = pos->file;
    bi->data_pos = pos->pos;
    bi->undo_pos = 0;
    bi->status |= BLOCK_HAVE_DATA | BLOCK_OPT_WITNESS;
    block_index_raise(bi, BLOCK_VALID_TRANSACTIONS);
    block_tree_mark_dirty(cm, bi);
    if (!bi->prev || bi->prev->chain_tx > 0)
        link_chain(cm, node_of(bi));
    else
        block_tree_wait_for(bi->prev, bi);
}

static void worse_invalid(struct chainman *cm, struct block_index *bi)
{
    if (!cm->best_invalid ||
        u256_cmp(&bi->chain_work, &cm->best_invalid->chain_work) > 0)
        cm->best_invalid = bi;
}

void block_tree_link_loaded(struct chainman *cm, struct block_index *bi)
{
    bi->sequence = 1;
    if (bi->n_tx > 0 && (!bi->prev || bi->prev->chain_tx > 0))
        bi->chain_tx = (bi->prev ? bi->prev->chain_tx : 0) + bi->n_tx;
    else if (bi->n_tx > 0 && bi->status & BLOCK_HAVE_DATA)
        block_tree_wait_for(bi->prev, bi);
    if (bi->prev && bi->prev->status & BLOCK_FAILED_MASK &&
        !(bi->status & BLOCK_FAILED_MASK)) {
        bi->status |= BLOCK_FAILED_CHILD;
        block_tree_mark_dirty(cm, bi);
    }
    if (bi->status & BLOCK_FAILED_MASK)
        worse_invalid(cm, bi);
    block_tree_better_header(cm, bi);
}

/* -- Failure -- */

struct descent {
    struct chainman *cm;
    const struct block_index *root;
};

static bool descends(const struct block_index *bi, const struct block_index *root)
{
    return block_index_ancestor(bi, root->height) == root;
}

static bool fail_descendant(void *ctx, struct block_index *bi)
{
    struct descent *d = ctx;
    if (bi != d->root && !(bi->status & BLOCK_FAILED_CHILD) && descends(bi, d->root)) {
        bi->status |= BLOCK_FAILED_CHILD;
        block_tree_mark_dirty(d->cm, bi);
        candidates_forget(d->cm, bi);
        if (bi->status & BLOCK_HAVE_DATA)
            worse_invalid(d->cm, bi);
    }
    return true;
}

void block_tree_fail(struct chainman *cm, struct block_index *bi)
{
    struct descent d = {cm, bi};
    bi->status |= BLOCK_FAILED_VALID;
    block_tree_mark_dirty(cm, bi);
    candidates_forget(cm, bi);
    block_tree_each(cm, fail_descendant, &d);
    worse_invalid(cm, bi);
    if (cm->best_header && descends(cm->best_header, bi))
        block_tree_find_best_header(cm);
}

static void unfail_one(struct chainman *cm, struct block_index *bi)
{
    if (!(bi->status & BLOCK_FAILED_MASK))
        return;
    bi->status &= ~(uint32_t)BLOCK_FAILED_MASK;
    block_tree_mark_dirty(cm, bi);
    if (bi == cm->best_invalid)
        cm->best_invalid = NULL;
    candidates_consider(cm, bi);
}

static bool unfail_descendant(void *ctx, struct block_index *bi)
{
    struct descent *d = ctx;
    if (bi->status & BLOCK_FAILED_MASK && descends(bi, d->root))
        unfail_one(d->cm, bi);
    return true;
}

void block_tree_unfail(struct chainman *cm, struct block_index *bi)
{
    struct descent d = {cm, bi};
    block_tree_each(cm, unfail_descendant, &d);
    for (struct block_index *a = bi; a; a = a->prev)
        unfail_one(cm, a);
    block_tree_find_best_header(cm);
}

struct block_index *best_header(const struct chainman *cm)
{
    return cm->best_header;
}
