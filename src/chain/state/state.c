#include "chain/state/state.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "chain/state/overlay.h"
#include "chain/state/proof.h"
#include "chain/state/tree.h"
#include "crypto/hash.h"
#include "util/mem.h"
#include "util/reader.h"
#include "util/sink.h"

struct state {
    struct db *db;
    struct overlay unsaved; /* changed under the chain's exclusive lock */
    struct {
        void (*changed)(void *ctx, struct bytes key, const struct bytes *value);
        void *ctx;
        uint8_t first;
    } watch;
    pthread_mutex_t
        lock; /* of all below: readers of one state may ask for proofs at once */
    struct tree tree;
    struct buf
        pending; /* paths in unsaved that the tree may not know yet, 32 octets each */
    _Atomic int err;
};

struct state_txn {
    struct state *state;
    struct state_txn *parent; /* NULL: the state itself */
    struct overlay changes;
    struct overlay
        seen; /* outermost only: what was read below it, for the undo record */
};

/* --- the state --- */

struct state *state_new(struct db *db, size_t cache_bytes)
{
    struct state *s = xcalloc(1, sizeof(*s));
    s->db = db;
    overlay_init(&s->unsaved);
    pthread_mutex_init(&s->lock, NULL);
    tree_init(&s->tree, db, cache_bytes);
    return s;
}

void state_free(struct state *s)
{
    if (s == NULL)
        return;
    tree_clear(&s->tree);
    overlay_clear(&s->unsaved);
    pthread_mutex_destroy(&s->lock);
    buf_clear(&s->pending);
    free(s);
}

static void latch(struct state *s, enum err e)
{
    int none = ERR_OK;
    if (e != ERR_OK)
        atomic_compare_exchange_strong(&s->err, &none, e);
}

enum err state_error(const struct state *s)
{
    return (enum err)atomic_load(&s->err);
}

/* A proof may be changing the tree; the lock is no part of what a state is. */
static pthread_mutex_t *lock_tree(const struct state *s)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&s->lock;
    pthread_mutex_lock(lock);
    return lock;
}

size_t state_memory(const struct state *s)
{
    pthread_mutex_t *lock = lock_tree(s);
    size_t n = overlay_memory(&s->unsaved) + tree_memory(&s->tree);
    pthread_mutex_unlock(lock);
    return n;
}

size_t state_dirty_memory(const struct state *s)
{
    pthread_mutex_t *lock = lock_tree(s);
    size_t n = overlay_memory(&s->unsaved) + s->tree.dirty_bytes;
    pthread_mutex_unlock(lock);
    return n;
}

size_t state_cache_limit(const struct state *s)
{
    pthread_mutex_t *lock = lock_tree(s);
    size_t n = s->tree.limit;
    pthread_mutex_unlock(lock);
    return n;
}

void state_set_cache_limit(struct state *s, size_t cache_bytes)
{
    pthread_mutex_lock(&s->lock);
    s->tree.limit = cache_bytes;
    tree_trim(&s->tree);
    pthread_mutex_unlock(&s->lock);
}

static void db_key(struct buf *out, struct bytes key)
{
    buf_append_byte(out, STATE_DB_VALUE);
    buf_append(out, key.data, key.len);
}

static bool read_db(struct state *s, struct bytes key, struct buf *value)
{
    struct buf k = {0};
    db_key(&k, key);
    enum err e = db_get(s->db, buf_view(&k), value);
    buf_clear(&k);
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        latch(s, e);
    return e == ERR_OK;
}

static bool read_entry(const struct state_entry *e, struct buf *value)
{
    if (value != NULL && e->present)
        buf_append(value, entry_value(e).data, e->value_len);
    return e->present;
}

/* The value below all transactions. */
static bool read_base(struct state *s, const uint8_t path[32], struct bytes key,
                      struct buf *value)
{
    const struct state_entry *e = overlay_find(&s->unsaved, path);
    return e != NULL ? read_entry(e, value) : read_db(s, key, value);
}

/* --- the tree, under s->lock --- */

static void change_of(struct tree_change *c, const struct state_entry *e)
{
    memcpy(c->path, e->path, 32);
    c->present = e->present;
    if (e->present)
        sha3_256(c->value, entry_value(e).data, e->value_len);
}

/* A path stands in pending once for every commit that changed it; the entry counts
 * once. */
static void update_tree(struct state *s)
{
    size_t n = 0, n_pending = s->pending.len / 32;
    if (n_pending == 0)
        return;
    struct tree_change *changes = xrealloc_array(NULL, n_pending, sizeof(*changes));
    for (size_t i = 0; i < n_pending; i++) {
        struct state_entry *e = overlay_find(&s->unsaved, s->pending.data + 32 * i);
        if (e->in_tree)
            continue;
        change_of(&changes[n++], e);
        e->in_tree = true;
    }
    tree_update(&s->tree, changes, n);
    buf_reset(&s->pending);
    free(changes);
    latch(s, s->tree.err);
}

struct hash256 state_root(struct state *s)
{
    pthread_mutex_lock(&s->lock);
    update_tree(s);
    struct hash256 root = tree_root(&s->tree);
    latch(s, s->tree.err);
    pthread_mutex_unlock(&s->lock);
    return root;
}

/* --- transactions --- */

static struct state_txn *txn_new(struct state *s, struct state_txn *parent)
{
    struct state_txn *t = xcalloc(1, sizeof(*t));
    t->state = s;
    t->parent = parent;
    overlay_init(&t->changes);
    overlay_init(&t->seen);
    return t;
}

struct state_txn *state_begin(struct state *s)
{
    return txn_new(s, NULL);
}

struct state_txn *state_begin_nested(struct state_txn *parent)
{
    return txn_new(parent->state, parent);
}

struct state *state_of(const struct state_txn *t)
{
    return t->state;
}

bool state_txn_changed(const struct state_txn *t)
{
    return t->changes.entries.len > 0;
}

/* The entry below an outermost txn, read from the database once. */
static const struct state_entry *see(struct state_txn *t, const uint8_t path[32],
                                     struct bytes key)
{
    const struct state_entry *e = overlay_find(&t->seen, path);
    if (e != NULL)
        return e;
    struct buf mem = {0};
    bool present = read_base(t->state, path, key, &mem);
    struct bytes value = buf_view(&mem);
    overlay_set(&t->seen, path, key, present ? &value : NULL);
    buf_clear(&mem);
    return overlay_find(&t->seen, path);
}

bool state_get(struct state_txn *t, struct bytes key, struct buf *value)
{
    uint8_t path[32];
    if (value != NULL)
        buf_reset(value);
    sha3_256(path, key.data, key.len);
    for (;; t = t->parent) {
        const struct state_entry *e = overlay_find(&t->changes, path);
        if (e == NULL && t->parent == NULL)
            e = see(t, path, key);
        if (e != NULL)
            return read_entry(e, value);
    }
}

static void set(struct state_txn *t, struct bytes key, const struct bytes *value)
{
    uint8_t path[32];
    ASSERT(key.len > 0 && key.len <= STATE_MAX_KEY &&
           (value == NULL || value->len <= STATE_MAX_VALUE));
    sha3_256(path, key.data, key.len);
    overlay_set(&t->changes, path, key, value);
}

void state_put(struct state_txn *t, struct bytes key, struct bytes value)
{
    set(t, key, &value);
}

void state_del(struct state_txn *t, struct bytes key)
{
    set(t, key, NULL);
}

void state_discard(struct state_txn *take_t)
{
    if (take_t == NULL)
        return;
    overlay_clear(&take_t->changes);
    overlay_clear(&take_t->seen);
    free(take_t);
}

static void tell_change(const struct state_entry *e,
                        void (*fn)(void *ctx, struct bytes key,
                                   const struct bytes *value),
                        void *ctx)
{
    struct bytes value = entry_value(e);
    fn(ctx, entry_key(e), e->present ? &value : NULL);
}

void state_watch(struct state *s, uint8_t first,
                 void (*changed)(void *ctx, struct bytes key,
                                 const struct bytes *value),
                 void *ctx)
{
    s->watch.changed = changed;
    s->watch.ctx = ctx;
    s->watch.first = first;
}

static void tell_watcher(const struct state *s, const struct overlay *changes)
{
    const void *path;
    void *value;
    if (s->watch.changed == NULL)
        return;
    for (size_t i = 0; map_next(&changes->entries, &i, &path, &value);) {
        const struct state_entry *e = *(struct state_entry **)value;
        if (e->octets[0] == s->watch.first)
            tell_change(e, s->watch.changed, s->watch.ctx);
    }
}

static void remember_pending(struct state *s, const struct overlay *changes)
{
    const void *path;
    void *value;
    for (size_t i = 0; map_next(&changes->entries, &i, &path, &value);)
        buf_append(&s->pending, path, 32);
}

void state_commit(struct state_txn *take_t)
{
    struct state *s = take_t->state;
    if (take_t->parent != NULL) {
        overlay_absorb(&take_t->parent->changes, &take_t->changes);
    } else {
        tell_watcher(s, &take_t->changes);
        pthread_mutex_lock(&s->lock);
        remember_pending(s, &take_t->changes);
        overlay_absorb(&s->unsaved, &take_t->changes);
        pthread_mutex_unlock(&s->lock);
    }
    state_discard(take_t);
}

/* --- undo --- */

/* One entry's old value, unless the change left it as it was. */
static bool write_undo(struct sink *out, struct state_txn *t,
                       const struct state_entry *e)
{
    const struct state_entry *old = see(t, e->path, entry_key(e));
    if (old->present == e->present && bytes_equal(entry_value(old), entry_value(e)))
        return false;
    write_var(out, entry_key(e));
    write_u8(out, old->present);
    if (old->present)
        write_var(out, entry_value(old));
    return true;
}

void state_txn_undo(struct state_txn *t, struct buf *out)
{
    struct buf body = {0};
    struct sink s = sink_to_buf(&body), all = sink_to_buf(out);
    uint64_t n = 0;
    ASSERT(t->parent == NULL);
    struct state_entry **entries = overlay_sorted(&t->changes);
    for (size_t i = 0; i < t->changes.entries.len; i++)
        n += write_undo(&s, t, entries[i]);
    if (n > 0) {
        write_varint(&all, n);
        write_bytes(&all, body.data, body.len);
    }
    free(entries);
    buf_clear(&body);
}

bool state_undo_apply(struct state_txn *t, struct bytes undo)
{
    struct reader r;
    if (undo.len == 0)
        return true;
    reader_init(&r, undo.data, undo.len);
    for (uint64_t n = read_varint(&r, UINT32_MAX); n > 0 && !r.bad; n--) {
        struct bytes key = read_var(&r, STATE_MAX_KEY), value;
        uint8_t existed = read_u8(&r);
        if (existed > 1 || key.len == 0)
            reader_fail(&r);
        if (existed)
            value = read_var(&r, STATE_MAX_VALUE);
        if (!r.bad)
            set(t, key, existed ? &value : NULL);
    }
    return reader_done(&r);
}

/* --- walking --- */

/* Changes of all layers with the prefix; an upper layer hides a lower one's. */
static void collect(struct overlay *out, const struct overlay *changes,
                    struct bytes prefix)
{
    const void *path;
    void *value;
    for (size_t i = 0; map_next(&changes->entries, &i, &path, &value);) {
        const struct state_entry *e = *(struct state_entry **)value;
        struct bytes key = entry_key(e), v = entry_value(e);
        if (key.len >= prefix.len &&
            bytes_equal(bytes_of(key.data, prefix.len), prefix) &&
            overlay_find(out, e->path) == NULL)
            overlay_set(out, e->path, key, e->present ? &v : NULL);
    }
}

void state_each_change(struct state_txn *t, struct bytes prefix,
                       void (*fn)(void *ctx, struct bytes key,
                                  const struct bytes *value),
                       void *ctx)
{
    struct overlay changes;
    const void *path;
    void *value;
    overlay_init(&changes);
    for (; t != NULL; t = t->parent)
        collect(&changes, &t->changes, prefix);
    for (size_t i = 0; map_next(&changes.entries, &i, &path, &value);)
        tell_change(*(struct state_entry **)value, fn, ctx);
    overlay_clear(&changes);
}

static void each_name(const struct overlay *o,
                      void (*fn)(void *ctx, const uint8_t name[32]), void *ctx)
{
    const void *path;
    void *value;
    for (size_t i = 0; map_next(&o->entries, &i, &path, &value);)
        fn(ctx, path);
}

void state_each_changed(const struct state_txn *t,
                        void (*fn)(void *ctx, const uint8_t name[32]), void *ctx)
{
    each_name(&t->changes, fn, ctx);
}

void state_each_read(const struct state_txn *t,
                     void (*fn)(void *ctx, const uint8_t name[32]), void *ctx)
{
    each_name(&t->seen, fn, ctx);
}

static int by_key(const void *a, const void *b)
{
    return bytes_compare(entry_key(*(struct state_entry *const *)a),
                         entry_key(*(struct state_entry *const *)b));
}

static struct bytes iter_key(const struct db_iter *it)
{
    struct bytes k = db_iter_key(it);
    return bytes_of(k.data + 1, k.len - 1);
}

/* Merges the changes, sorted by key, into the walk over the database. */
static void walk(struct db_iter *it, struct state_entry *const *entries, size_t n,
                 bool (*fn)(void *ctx, struct bytes key, struct bytes value), void *ctx)
{
    bool more = true;
    for (size_t i = 0; more && (i < n || db_iter_valid(it));) {
        int cmp = i == n ? -1
                  : db_iter_valid(it)
                      ? bytes_compare(iter_key(it), entry_key(entries[i]))
                      : 1;
        if (cmp < 0)
            more = fn(ctx, iter_key(it), db_iter_value(it));
        else if (entries[i]->present)
            more = fn(ctx, entry_key(entries[i]), entry_value(entries[i]));
        i += cmp >= 0;
        if (cmp <= 0)
            db_iter_next(it);
    }
}

void state_each(struct state_txn *t, struct bytes prefix,
                bool (*fn)(void *ctx, struct bytes key, struct bytes value), void *ctx)
{
    struct state *s = t->state;
    struct overlay changes;
    struct buf k = {0};
    overlay_init(&changes);
    for (; t != NULL; t = t->parent)
        collect(&changes, &t->changes, prefix);
    collect(&changes, &s->unsaved, prefix);
    struct state_entry **entries = overlay_sorted(&changes);
    qsort(entries, changes.entries.len, sizeof(struct state_entry *), by_key);
    db_key(&k, prefix);
    struct db_iter *it = db_iter_new(s->db, NULL, buf_view(&k));
    walk(it, entries, changes.entries.len, fn, ctx);
    latch(s, db_iter_free(it));
    buf_clear(&k);
    free(entries);
    overlay_clear(&changes);
}

/* --- flush --- */

void state_flush_into(struct state *s, struct db_batch *batch)
{
    const void *path;
    void *value;
    struct buf k = {0};
    pthread_mutex_lock(&s->lock);
    update_tree(s);
    for (size_t i = 0; map_next(&s->unsaved.entries, &i, &path, &value);) {
        const struct state_entry *e = *(struct state_entry **)value;
        buf_reset(&k);
        db_key(&k, entry_key(e));
        if (e->present)
            db_batch_put(batch, buf_view(&k), entry_value(e));
        else
            db_batch_del(batch, buf_view(&k));
    }
    tree_flush_into(&s->tree, batch);
    pthread_mutex_unlock(&s->lock);
    buf_clear(&k);
}

void state_flush_done(struct state *s)
{
    pthread_mutex_lock(&s->lock);
    overlay_clear(&s->unsaved);
    tree_flush_done(&s->tree);
    pthread_mutex_unlock(&s->lock);
}

/* --- proofs --- */

/* The tree with the changes of a txn in it, for the time of one call. */
struct excursion {
    struct overlay changes; /* of all layers */
    struct tree_change *there, *back;
    size_t n;
};

static void excursion_begin(struct excursion *x, struct state_txn *t)
{
    struct state *s = t->state;
    struct buf old = {0};
    update_tree(s);
    overlay_init(&x->changes);
    for (; t != NULL; t = t->parent)
        collect(&x->changes, &t->changes, bytes_of(NULL, 0));
    struct state_entry **entries = overlay_sorted(&x->changes);
    x->n = x->changes.entries.len;
    x->there = xcalloc(x->n, sizeof(*x->there));
    x->back = xcalloc(x->n, sizeof(*x->back));
    for (size_t i = 0; i < x->n; i++) {
        change_of(&x->there[i], entries[i]);
        memcpy(x->back[i].path, entries[i]->path, 32);
        buf_reset(&old);
        x->back[i].present =
            read_base(s, entries[i]->path, entry_key(entries[i]), &old);
        sha3_256(x->back[i].value, old.data, old.len);
    }
    tree_update(&s->tree, x->there, x->n);
    free(entries);
    buf_clear(&old);
}

static void excursion_end(struct excursion *x, struct state *s)
{
    tree_update(&s->tree, x->back, x->n);
    latch(s, s->tree.err);
    free(x->there);
    free(x->back);
    overlay_clear(&x->changes);
}

bool state_prove(struct state_txn *t, struct bytes key, struct buf *proof)
{
    struct state *s = t->state;
    struct excursion x;
    struct tree_walk w;
    struct sink out = sink_to_buf(proof);
    struct buf value = {0};
    uint8_t path[32];
    sha3_256(path, key.data, key.len);
    state_get(t, key, &value);
    pthread_mutex_lock(&s->lock);
    excursion_begin(&x, t);
    tree_find(&s->tree, path, &w);
    excursion_end(&x, s);
    pthread_mutex_unlock(&s->lock);
    proof_write(&out, &w, path, buf_view(&value));
    buf_clear(&value);
    return state_error(s) == ERR_OK;
}

struct hash256 state_txn_root(struct state_txn *t)
{
    struct state *s = t->state;
    struct excursion x;
    pthread_mutex_lock(&s->lock);
    excursion_begin(&x, t);
    struct hash256 root = tree_root(&s->tree);
    excursion_end(&x, s);
    pthread_mutex_unlock(&s->lock);
    return root;
}

/* --- check --- */

static bool add_leaf(void *ctx, struct bytes key, struct bytes value)
{
    struct tree_leaf l;
    sha3_256(l.path, key.data, key.len);
    sha3_256(l.value, value.data, value.len);
    buf_append(ctx, &l, sizeof(l));
    return true;
}

static int compare_leaves(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

bool state_check(struct state *s)
{
    struct buf leaves = {0};
    struct hash_queue q;
    struct hash256 root, kept = state_root(s);
    struct state_txn *t = state_begin(s);
    state_each(t, bytes_of(NULL, 0), add_leaf, &leaves);
    state_discard(t);
    size_t n = leaves.len / sizeof(struct tree_leaf);
    hash_queue_init(&q);
    if (n > 0)
        qsort(leaves.data, n, sizeof(struct tree_leaf), compare_leaves);
    leaves_hash(root.b, (const struct tree_leaf *)leaves.data, n, 0, &q);
    hash_queue_run(&q);
    hash_queue_clear(&q);
    buf_clear(&leaves);
    return hash256_equal(&root, &kept) && state_error(s) == ERR_OK;
}
