#include "chain/state/tree.h"

#include <stdlib.h>
#include <string.h>

/* --- the cache of pages --- */

static void list_remove(struct tree_list *l, struct page *p)
{
    *(p->prev != NULL ? &p->prev->next : &l->first) = p->next;
    *(p->next != NULL ? &p->next->prev : &l->last) = p->prev;
}

static void list_push(struct tree_list *l, struct page *p)
{
    p->prev = NULL;
    p->next = l->first;
    *(l->first != NULL ? &l->first->prev : &l->last) = p;
    l->first = p;
}

static void attach(struct tree *t, struct page *p)
{
    list_push(p->dirty ? &t->dirty : &t->clean, p);
    *(p->dirty ? &t->dirty_bytes : &t->clean_bytes) += page_memory(p);
}

static void detach(struct tree *t, struct page *p)
{
    list_remove(p->dirty ? &t->dirty : &t->clean, p);
    *(p->dirty ? &t->dirty_bytes : &t->clean_bytes) -= page_memory(p);
}

static void mark_dirty(struct tree *t, struct page *p)
{
    detach(t, p);
    p->dirty = true;
    attach(t, p);
}

static void free_garbage(struct tree *t)
{
    while (t->garbage != NULL) {
        struct page *p = t->garbage;
        t->garbage = p->next;
        free(p);
    }
}

static void page_forget(struct tree *t, struct page *p)
{
    map_del(&t->pages, &p->id);
    detach(t, p);
    free(p);
}

/* Puts a changed page in its place. The old one is kept until the update ends: queued
 * hashes point into it. */
static void page_install(struct tree *t, struct page *take_p)
{
    bool is_new;
    struct page **slot = map_put(&t->pages, &take_p->id, &is_new);
    if (!is_new) {
        detach(t, *slot);
        (*slot)->next = t->garbage;
        t->garbage = *slot;
    }
    *slot = take_p;
    take_p->dirty = true;
    attach(t, take_p);
}

static struct page *page_load(struct tree *t, const struct page_id *id)
{
    uint8_t key[PAGE_KEY_MAX];
    struct buf record = {0};
    struct page *p = NULL;
    enum err e = db_get(t->db, page_key(key, id), &record);
    if (e == ERR_OK) {
        p = page_read(id, buf_view(&record));
        if (p == NULL)
            e = ERR_CORRUPT;
    }
    if (e != ERR_OK && e != ERR_NOT_FOUND && t->err == ERR_OK)
        t->err = e;
    buf_clear(&record);
    return p;
}

/* The page, or NULL when the subtree is empty. */
static struct page *page_find(struct tree *t, const struct page_id *id)
{
    struct page **slot = map_get(&t->pages, id);
    struct page *p = slot != NULL ? *slot : page_load(t, id);
    if (p == NULL)
        return NULL;
    if (slot == NULL)
        *(struct page **)map_put(&t->pages, id, NULL) = p;
    else
        detach(t, p); /* to the front: used last */
    attach(t, p);
    return p->kind == PAGE_DELETED ? NULL : p;
}

/* A child that its parent counts keys in must exist. */
static struct page *page_find_child(struct tree *t, const struct page_id *id)
{
    struct page *p = page_find(t, id);
    if (p == NULL && t->err == ERR_OK)
        t->err = ERR_CORRUPT;
    return p;
}

void tree_init(struct tree *t, struct db *db, size_t limit)
{
    memset(t, 0, sizeof(*t));
    t->db = db;
    t->limit = limit;
    map_init(&t->pages, sizeof(struct page_id), sizeof(struct page *));
    hash_queue_init(&t->queue);
}

void tree_clear(struct tree *t)
{
    const void *key;
    void *value;
    for (size_t i = 0; map_next(&t->pages, &i, &key, &value);)
        free(*(struct page **)value);
    map_clear(&t->pages);
    hash_queue_clear(&t->queue);
}

size_t tree_memory(const struct tree *t)
{
    return t->clean_bytes + t->dirty_bytes + map_memory(&t->pages);
}

void tree_trim(struct tree *t)
{
    while (t->clean.last != NULL && tree_memory(t) > t->limit)
        page_forget(t, t->clean.last);
}

/* --- update --- */

/* What stands above is told of a subtree: its keys, and its hash in the slot it gave.
 */
typedef uint32_t key_count;

static key_count build(struct tree *t, const struct page_id *id, uint8_t *out,
                       const struct tree_leaf *leaves, size_t n);

static int leaf_nibble(const struct tree_leaf *l, const struct page_id *id)
{
    return path_nibble(l->path, id->nibbles);
}

static key_count build_inner(struct tree *t, const struct page_id *id, uint8_t *out,
                             const struct tree_leaf *leaves, size_t n)
{
    struct page *p = page_new_inner(id);
    struct inner *in = page_inner(p);
    for (size_t from = 0, to; from < n; from = to) {
        int nibble = leaf_nibble(&leaves[from], id);
        struct page_id child = page_id_child(id, nibble);
        for (to = from; to < n && leaf_nibble(&leaves[to], id) == nibble; to++)
            ;
        in->count[TREE_FANOUT + nibble] =
            build(t, &child, in->hash[TREE_FANOUT + nibble], leaves + from, to - from);
    }
    inner_update(in, 0xffff, id->nibbles * TREE_STRIDE, out, &t->queue);
    page_install(t, p);
    return in->count[1];
}

/* Makes the pages of a subtree with these n sorted leaves, which may have had other
 * pages only at its very top. */
static key_count build(struct tree *t, const struct page_id *id, uint8_t *out,
                       const struct tree_leaf *leaves, size_t n)
{
    if (n > TREE_LEAF_MAX)
        return build_inner(t, id, out, leaves, n);
    if (n == 0) {
        page_install(t, page_new_deleted(id));
        memset(out, 0, HASH_SIZE);
        return 0;
    }
    struct page *p = page_new_leaves(id, leaves, n);
    leaves_hash(out, p->leaves, n, id->nibbles * TREE_STRIDE, &t->queue);
    page_install(t, p);
    return (key_count)n;
}

/* Sorted leaves with sorted changes applied; returns how many. out has room for both.
 */
static size_t merge(struct tree_leaf *out, const struct tree_leaf *leaves, size_t n,
                    const struct tree_change *changes, size_t n_changes)
{
    size_t i = 0, j = 0, k = 0;
    while (i < n || j < n_changes) {
        int cmp = i == n           ? 1
                  : j == n_changes ? -1
                                   : memcmp(leaves[i].path, changes[j].path, 32);
        if (cmp < 0) {
            out[k++] = leaves[i++];
            continue;
        }
        if (changes[j].present) {
            memcpy(out[k].path, changes[j].path, 32);
            memcpy(out[k++].value, changes[j].value, 32);
        }
        i += cmp == 0;
        j++;
    }
    return k;
}

static key_count update_leaves(struct tree *t, const struct page_id *id, uint8_t *out,
                               const struct page *old,
                               const struct tree_change *changes, size_t n)
{
    size_t n_old = old != NULL ? old->n_leaves : 0;
    struct tree_leaf *leaves = xrealloc_array(NULL, n_old + n, sizeof(*leaves));
    size_t n_new = merge(leaves, old != NULL ? old->leaves : NULL, n_old, changes, n);
    key_count count = build(t, id, out, leaves, n_new);
    free(leaves);
    return count;
}

/* Appends the leaves of all children, which are leaf pages: they hold so few. */
static size_t gather(struct tree *t, struct page *p, struct tree_leaf *out)
{
    struct inner *in = page_inner(p);
    size_t n = 0;
    for (int i = 0; i < TREE_FANOUT; i++) {
        if (in->count[TREE_FANOUT + i] == 0)
            continue;
        struct page_id id = page_id_child(&p->id, i);
        struct page *child = page_find_child(t, &id);
        if (child == NULL || child->kind != PAGE_LEAVES ||
            n + child->n_leaves > TREE_LEAF_MERGE) {
            t->err = t->err != ERR_OK ? t->err : ERR_CORRUPT;
            return n;
        }
        memcpy(out + n, child->leaves, child->n_leaves * sizeof(*out));
        n += child->n_leaves;
        page_install(t, page_new_deleted(&id));
    }
    return n;
}

static key_count update(struct tree *t, const struct page_id *id, uint8_t *out,
                        bool exists, const struct tree_change *changes, size_t n);

static key_count update_inner(struct tree *t, struct page *p, uint8_t *out,
                              const struct tree_change *changes, size_t n)
{
    struct inner *in = page_inner(p);
    struct page_id id = p->id;
    uint32_t changed = 0;
    mark_dirty(t, p);
    for (size_t from = 0, to; from < n; from = to) {
        int nibble = path_nibble(changes[from].path, id.nibbles);
        struct page_id child = page_id_child(&id, nibble);
        for (to = from; to < n && path_nibble(changes[to].path, id.nibbles) == nibble;
             to++)
            ;
        uint32_t *count = &in->count[TREE_FANOUT + nibble];
        *count = update(t, &child, in->hash[TREE_FANOUT + nibble], *count > 0,
                        changes + from, to - from);
        changed |= 1u << nibble;
    }
    inner_update(in, changed, id.nibbles * TREE_STRIDE, out, &t->queue);
    if (in->count[1] <= TREE_LEAF_MERGE) {
        struct tree_leaf leaves[TREE_LEAF_MERGE];
        return build(t, &id, out, leaves, gather(t, p, leaves));
    }
    return in->count[1];
}

static key_count update(struct tree *t, const struct page_id *id, uint8_t *out,
                        bool exists, const struct tree_change *changes, size_t n)
{
    struct page *p = exists ? page_find_child(t, id) : NULL;
    if (t->err != ERR_OK)
        return 0;
    if (p != NULL && p->kind == PAGE_INNER)
        return update_inner(t, p, out, changes, n);
    return update_leaves(t, id, out, p, changes, n);
}

static int compare_changes(const void *a, const void *b)
{
    return memcmp(a, b, 32); /* the path stands first */
}

void tree_update(struct tree *t, struct tree_change *changes, size_t n)
{
    const struct page_id top = {0};
    uint8_t root[32];
    if (n == 0 || t->err != ERR_OK)
        return;
    qsort(changes, n, sizeof(*changes), compare_changes);
    update(t, &top, root, page_find(t, &top) != NULL, changes, n);
    hash_queue_run(&t->queue);
    free_garbage(t);
    struct page *p = page_find(t, &top);
    if (p != NULL && p->kind == PAGE_INNER)
        memcpy(page_inner(p)->hash[1], root, 32);
    tree_trim(t);
}

/* --- reading --- */

/* Hash of sorted leaves at once. */
static void leaves_root(uint8_t out[32], const struct tree_leaf *leaves, size_t n,
                        int depth, struct hash_queue *q)
{
    leaves_hash(out, leaves, n, depth, q);
    hash_queue_run(q);
}

struct hash256 tree_root(struct tree *t)
{
    const struct page_id top = {0};
    struct hash256 root = {{0}};
    struct page *p = page_find(t, &top);
    if (p == NULL)
        return root;
    if (p->kind == PAGE_INNER)
        memcpy(root.b, page_inner(p)->hash[1], 32);
    else
        leaves_root(root.b, p->leaves, p->n_leaves, 0, &t->queue);
    return root;
}

uint64_t tree_count(struct tree *t)
{
    const struct page_id top = {0};
    struct page *p = page_find(t, &top);
    if (p == NULL)
        return 0;
    return p->kind == PAGE_INNER ? page_inner(p)->count[1] : p->n_leaves;
}

static void walk_leaves(struct tree *t, const struct page *p, const uint8_t path[32],
                        struct tree_walk *w)
{
    const struct tree_leaf *leaves = p->leaves;
    size_t n = p->n_leaves;
    while (n > 1) {
        size_t left = leaves_split(leaves, n, w->depth);
        const struct tree_leaf *right = leaves + left;
        bool go_right = path_bit(path, w->depth);
        leaves_root(w->sibling[w->depth], go_right ? leaves : right,
                    go_right ? left : n - left, w->depth + 1, &t->queue);
        leaves = go_right ? right : leaves;
        n = go_right ? n - left : left;
        w->depth++;
    }
    w->has_leaf = n == 1;
    if (n == 1)
        w->leaf = *leaves;
}

/* Steps down inside the page; returns the heap node where the way ends or leaves the
 * page. */
static int walk_inner(struct inner *in, const uint8_t path[32], struct tree_walk *w)
{
    int i = 1;
    while (i < TREE_FANOUT && in->count[i] > 1) {
        i = 2 * i + path_bit(path, w->depth);
        memcpy(w->sibling[w->depth++], in->hash[i ^ 1], HASH_SIZE);
    }
    return i;
}

/* The child of the page in which the only key below heap node i lies. */
static int only_child(const struct inner *in, int i)
{
    while (i < TREE_FANOUT)
        i = in->count[2 * i] > 0 ? 2 * i : 2 * i + 1;
    return i - TREE_FANOUT;
}

void tree_find(struct tree *t, const uint8_t path[32], struct tree_walk *w)
{
    struct page_id id = {0};
    struct page *p = page_find(t, &id);
    w->depth = 0;
    w->has_leaf = false;
    while (p != NULL && p->kind == PAGE_INNER) {
        struct inner *in = page_inner(p);
        int i = walk_inner(in, path, w);
        if (in->count[i] == 0)
            return;
        bool single = in->count[i] == 1;
        id = page_id_child(&id, only_child(in, i));
        p = page_find_child(t, &id);
        if (p != NULL && single && p->kind != PAGE_LEAVES && t->err == ERR_OK)
            t->err = ERR_CORRUPT;
        if (t->err != ERR_OK)
            return;
    }
    if (p != NULL)
        walk_leaves(t, p, path, w);
    tree_trim(t);
}

/* --- flush --- */

void tree_flush_into(struct tree *t, struct db_batch *batch)
{
    struct buf record = {0};
    for (struct page *p = t->dirty.first; p != NULL; p = p->next) {
        uint8_t key[PAGE_KEY_MAX];
        struct bytes k = page_key(key, &p->id);
        if (p->kind == PAGE_DELETED) {
            db_batch_del(batch, k);
            continue;
        }
        buf_reset(&record);
        page_write(&record, p);
        db_batch_put(batch, k, buf_view(&record));
    }
    buf_clear(&record);
}

void tree_flush_done(struct tree *t)
{
    while (t->dirty.first != NULL) {
        struct page *p = t->dirty.first;
        if (p->kind == PAGE_DELETED) {
            page_forget(t, p);
            continue;
        }
        detach(t, p);
        p->dirty = false;
        attach(t, p);
    }
    tree_trim(t);
}
