#include <stdlib.h>

#include "chain/validation/internal.h"

/* -- Lists -- */

static void block_list_insert(struct block_list *l, size_t at, struct block_index *bi)
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
    block_list_clear(&cm->active);
    block_list_clear(&cm->candidates);
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

static bool may_be_tip(const struct chainman *cm, const struct block_index *bi)
{
    const struct block_index *tip = chain_tip(cm);
    return bi->chain_tx > 0 && block_index_is_valid(bi, BLOCK_VALID_TRANSACTIONS) &&
           (!tip || !block_better(tip, bi));
}

/* The block has all its ancestors' data: counts it, and then what waited for it. */
static void link_chain(struct chainman *cm, struct tree_node *first)
{
    struct tree_node *todo = first;
    first->next_waiting = NULL;
    while (todo) {
        struct tree_node *n = todo;
        todo = n->next_waiting;
        n->bi.chain_tx = (n->bi.prev ? n->bi.prev->chain_tx : 0) + n->bi.n_tx;
        n->bi.sequence = cm->next_sequence++;
        if (may_be_tip(cm, &n->bi))
            candidates_add(cm, &n->bi);
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
        candidates_remove(d->cm, bi);
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
    candidates_remove(cm, bi);
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
    if (may_be_tip(cm, bi))
        candidates_add(cm, bi);
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

/* -- Candidates -- */

bool block_better(const struct block_index *a, const struct block_index *b)
{
    int c = u256_cmp(&a->chain_work, &b->chain_work);
    if (c != 0)
        return c > 0;
    if (a->sequence != b->sequence)
        return a->sequence < b->sequence;
    /* Both from disk: files hold blocks in the order in which they came. */
    if (a->file != b->file)
        return a->file < b->file;
    if (a->data_pos != b->data_pos)
        return a->data_pos < b->data_pos;
    return memcmp(a->hash.b, b->hash.b, 32) < 0;
}

/* First place whose block is not worse than @bi. */
static size_t candidates_place(const struct chainman *cm, const struct block_index *bi)
{
    const struct block_list *l = &cm->candidates;
    size_t lo = 0, hi = l->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (block_better(bi, l->v[mid]))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void candidates_add(struct chainman *cm, struct block_index *bi)
{
    size_t i = candidates_place(cm, bi);
    if (i == cm->candidates.n || cm->candidates.v[i] != bi)
        block_list_insert(&cm->candidates, i, bi);
}

static void candidates_cut(struct chainman *cm, size_t at, size_t n)
{
    struct block_list *l = &cm->candidates;
    memmove(&l->v[at], &l->v[at + n], (l->n - at - n) * sizeof(*l->v));
    l->n -= n;
}

void candidates_remove(struct chainman *cm, struct block_index *bi)
{
    size_t i = candidates_place(cm, bi);
    if (i < cm->candidates.n && cm->candidates.v[i] == bi)
        candidates_cut(cm, i, 1);
}

void candidates_prune(struct chainman *cm)
{
    size_t worse = candidates_place(cm, chain_tip(cm));
    if (worse > 0)
        candidates_cut(cm, 0, worse);
}

static bool refill_one(void *ctx, struct block_index *bi)
{
    if (may_be_tip(ctx, bi))
        candidates_add(ctx, bi);
    return true;
}

void candidates_refill(struct chainman *cm)
{
    block_tree_each(cm, refill_one, cm);
}

/* -- Active chain -- */

void active_set_tip(struct chainman *cm, struct block_index *bi)
{
    struct block_list *l = &cm->active;
    while (l->n <= (size_t)bi->height)
        block_list_push(l, NULL);
    l->n = (size_t)bi->height + 1;
    for (; bi && l->v[bi->height] != bi; bi = bi->prev)
        l->v[bi->height] = bi;
}

struct block_index *chain_tip(const struct chainman *cm)
{
    return cm->active.n > 0 ? cm->active.v[cm->active.n - 1] : NULL;
}

int32_t chain_height(const struct chainman *cm)
{
    return (int32_t)cm->active.n - 1;
}

struct block_index *chain_at(const struct chainman *cm, int32_t height)
{
    return height >= 0 && (size_t)height < cm->active.n ? cm->active.v[height] : NULL;
}

bool chain_contains(const struct chainman *cm, const struct block_index *bi)
{
    return chain_at(cm, bi->height) == bi;
}

struct block_index *chain_fork_point(const struct chainman *cm,
                                     const struct block_index *bi)
{
    int32_t height = chain_height(cm);
    if (bi->height > height)
        bi = block_index_ancestor(bi, height);
    while (bi && !chain_contains(cm, bi))
        bi = bi->prev;
    return (struct block_index *)bi;
}

struct block_index *chain_next(const struct chainman *cm, const struct block_index *bi)
{
    return chain_contains(cm, bi) ? chain_at(cm, bi->height + 1) : NULL;
}

struct block_index *best_header(const struct chainman *cm)
{
    return cm->best_header;
}
