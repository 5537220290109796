#include <stdlib.h>

#include "crypto/hash.h"
#include "util/mem.h"
#include "util/rand.h"
#include "util/reader.h"
#include "wallet/script_chunk.h"
#include "wallet/spkman_impl.h"

struct spkman *spkman_new(struct wallet *w)
{
    struct spkman *m = xcalloc(1, sizeof(*m));
    m->w = w;
    map_init(&m->by_id, sizeof(struct hash256), sizeof(uint32_t));
    map_init(&m->scripts, sizeof(uint64_t), sizeof(struct script_place));
    map_init(&m->extra, sizeof(struct extra_key), sizeof(uint32_t));
    map_init(&m->private, sizeof(struct hash160), sizeof(uint8_t));
    rand_bytes(m->sip, sizeof(m->sip));
    return m;
}

void spkman_free(struct spkman *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->n; i++)
        wallet_desc_free(m->items[i]);
    free(m->items);
    map_clear(&m->by_id);
    map_clear(&m->scripts);
    map_clear(&m->extra);
    map_clear(&m->private);
    free(m);
}

size_t spkman_count(const struct spkman *m)
{
    return m->n;
}

const struct wallet_desc *spkman_at(const struct spkman *m, size_t i)
{
    return m->items[i];
}

const struct wallet_desc *spkman_active(const struct spkman *m, enum output_type type,
                                        bool internal)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->items[i]->active[internal] && m->items[i]->type == type)
            return m->items[i];
    return NULL;
}

const struct wallet_desc *spkman_find_desc(const struct spkman *m,
                                           const struct hash256 *id)
{
    const uint32_t *at = map_get(&m->by_id, id);
    return at != NULL ? m->items[*at] : NULL;
}

uint32_t desc_number(const struct spkman *m, const struct wallet_desc *d)
{
    const uint32_t *at = map_get(&m->by_id, &d->id);
    ASSERT(at != NULL);
    return *at;
}

/* -- The index of scripts */

uint64_t script_digest(const struct spkman *m, struct bytes script)
{
    return siphash(m->sip[0], m->sip[1], script.data, script.len);
}

void index_script(struct spkman *m, uint32_t desc, uint32_t pos, struct bytes script)
{
    uint64_t digest = script_digest(m, script);
    bool is_new;
    struct script_place *at = map_put(&m->scripts, &digest, &is_new);
    if (is_new) {
        *at = (struct script_place){desc, pos};
    } else if (at->desc != desc) {
        const struct extra_key k = {digest, desc};
        uint32_t *extra = map_put(&m->extra, &k, &is_new);
        if (is_new)
            *extra = pos;
    }
}

bool spkman_find(const struct spkman *m, struct bytes script, struct spk_place *out)
{
    uint64_t digest = script_digest(m, script);
    const struct script_place *at = map_get(&m->scripts, &digest);
    if (at != NULL && out != NULL)
        *out = (struct spk_place){m->items[at->desc], at->pos};
    return at != NULL;
}

size_t spkman_find_all(const struct spkman *m, struct bytes script,
                       struct spk_place *out, size_t max)
{
    size_t n = 0;
    if (max == 0 || !spkman_find(m, script, &out[n++]))
        return 0;
    struct extra_key k = {.digest = script_digest(m, script)};
    for (; m->extra.len > 0 && k.desc < m->n && n < max; k.desc++) {
        const uint32_t *pos = map_get(&m->extra, &k);
        if (pos != NULL)
            out[n++] = (struct spk_place){m->items[k.desc], *pos};
    }
    return n;
}

uint64_t spkman_generation(const struct spkman *m)
{
    return m->scripts.len + m->extra.len;
}

size_t spkman_n_scripts(const struct spkman *m)
{
    return m->scripts.len;
}

/* -- Reading the file */

struct each_ctx {
    bool (*fn)(void *ctx, struct bytes script);
    void *ctx;
    bool stopped;
};

static bool each_one(void *arg, uint32_t pos UNUSED, struct bytes script)
{
    struct each_ctx *c = arg;
    c->stopped = !c->fn(c->ctx, script);
    return !c->stopped;
}

enum err spkman_each_script(struct spkman *m,
                            bool (*fn)(void *ctx, struct bytes script), void *ctx)
{
    struct each_ctx c = {.fn = fn, .ctx = ctx};
    struct sqlite_stmt *q = sqlite_query(spkman_db(m), "SELECT data FROM script");
    bool ok = true;
    while (ok && !c.stopped && sqlite_row(q))
        ok = script_chunk_each(sqlite_bytes(q, 0), 0, each_one, &c);
    enum err e = sqlite_done(q);
    return ok ? e : ERR_CORRUPT;
}

struct load_ctx {
    struct spkman *m;
    uint32_t *found; /* positions of each descriptor */
    uint32_t desc;
    int64_t last;
};

static bool load_script(void *arg, uint32_t pos, struct bytes script)
{
    struct load_ctx *c = arg;
    c->found[c->desc] += pos != c->last;
    c->last = pos;
    index_script(c->m, c->desc, pos, script);
    return true;
}

/* How many scripts there will be, roughly: so that the index grows once. */
static size_t expected_scripts(const struct spkman *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->items[i]->range_end - m->items[i]->range_start;
    return n;
}

static enum err read_scripts(struct spkman *m, uint32_t *found)
{
    struct sqlite_stmt *q =
        sqlite_query(spkman_db(m), "SELECT d.id, s.first, s.data FROM script s"
                                   " JOIN descriptor d ON d.row = s.descriptor"
                                   " ORDER BY s.descriptor, s.first");
    bool ok = true;
    map_reserve(&m->scripts, expected_scripts(m));
    while (ok && sqlite_row(q)) {
        const uint32_t *at = map_get(&m->by_id, sqlite_bytes(q, 0).data);
        struct load_ctx c = {m, found, at != NULL ? *at : 0, -1};
        ok = at != NULL &&
             script_chunk_each(sqlite_bytes(q, 2), (uint32_t)sqlite_int(q, 1),
                               load_script, &c);
    }
    enum err e = sqlite_done(q);
    return ok ? e : ERR_CORRUPT;
}

/* A salvaged file may lack some scripts of a descriptor: then all of it is derived
 * again. */
static enum err derive_again(struct spkman *m, struct wallet_desc *d)
{
    struct keystore keys;
    struct sqlite_stmt *q =
        sqlite_query(spkman_db(m), "DELETE FROM script WHERE descriptor = ?");
    sqlite_bind_int(q, d->row);
    enum err e = sqlite_done(q);
    keystore_init(&keys);
    (void)!spkman_private_keys(m, d, &keys);
    if (e == ERR_OK && !derive_prepare(m, d, d->range_start, d->range_end, &keys, &e) &&
        e == ERR_OK)
        e = ERR_CORRUPT;
    keystore_clear(&keys);
    const struct derive_range all = {d, d->range_start, d->range_end};
    return e == ERR_OK ? derive_ranges(m, &all, 1) : e;
}

static enum err load_scripts(struct spkman *m)
{
    uint32_t *found = xcalloc(m->n + 1, sizeof(*found));
    enum err e = read_scripts(m, found);
    store_begin(m->w->store);
    for (size_t i = 0; e == ERR_OK && i < m->n; i++) {
        struct wallet_desc *d = m->items[i];
        if (found[i] < d->range_end - d->range_start)
            e = derive_again(m, d);
    }
    free(found);
    return store_end(m->w->store, e);
}

static struct wallet_desc *read_row(struct spkman *m, struct sqlite_stmt *q)
{
    struct descriptor_list list;
    char *error = NULL;
    if (!descriptor_parse(&list, spkman_params(m), NULL, sqlite_text(q, 1), true,
                          &error)) {
        free(error);
        return NULL;
    }
    struct wallet_desc *d = wallet_desc_new(m, list.items[0]);
    free(list.items);
    d->row = sqlite_int(q, 0);
    d->created = sqlite_int(q, 2);
    d->range_start = (uint32_t)sqlite_int(q, 3);
    d->range_end = (uint32_t)sqlite_int(q, 4);
    d->next_index = (uint32_t)sqlite_int(q, 5);
    d->active[0] = sqlite_int(q, 6) != 0;
    d->active[1] = sqlite_int(q, 7) != 0;
    d->internal = sqlite_int(q, 8) != 0;
    return d;
}

static bool load_descriptors(struct spkman *m, struct wallet_error *e)
{
    struct sqlite_stmt *q = sqlite_query(
        spkman_db(m), "SELECT row, text, created, range_start, range_end, next_index,"
                      " receives, changes, internal FROM descriptor ORDER BY row");
    bool ok = true;
    while (ok && sqlite_row(q)) {
        struct wallet_desc *d = read_row(m, q);
        ok = d != NULL;
        if (ok)
            desc_add(m, d);
        else
            wallet_fail(e, WALLET_FAILED,
                        "Unrecognized descriptor found. Loading wallet %s\n\nThe "
                        "wallet might have been created on a newer version.\nPlease "
                        "try running the latest software version.\n",
                        m->w->path);
    }
    return sqlite_done(q) == ERR_OK && ok;
}

static enum err load_caches(struct spkman *m)
{
    struct sqlite_stmt *q =
        sqlite_query(spkman_db(m), "SELECT d.id, c.data FROM descriptor_cache c"
                                   " JOIN descriptor d ON d.row = c.descriptor");
    bool ok = true;
    while (ok && sqlite_row(q)) {
        const uint32_t *at = map_get(&m->by_id, sqlite_bytes(q, 0).data);
        struct bytes data = sqlite_bytes(q, 1);
        struct reader r;
        reader_init(&r, data.data, data.len);
        ok = at != NULL &&
             descriptor_cache_read(&m->items[*at]->cache, m->items[*at]->desc, &r) &&
             reader_done(&r);
    }
    enum err e = sqlite_done(q);
    return ok ? e : ERR_CORRUPT;
}

bool spkman_load(struct spkman *m, struct wallet_error *e)
{
    if (!load_descriptors(m, e))
        return wallet_fail(e, WALLET_FAILED,
                           "Error reading %s! All keys read "
                           "correctly, but descriptors are damaged.",
                           m->w->path);
    if (private_keys_load(m) != ERR_OK || load_caches(m) != ERR_OK ||
        load_scripts(m) != ERR_OK)
        return wallet_fail(e, WALLET_FAILED,
                           "Error loading %s: Wallet corrupted. Restore a backup, or "
                           "try ochre-wallet salvage.",
                           m->w->path);
    for (size_t i = 0; i < m->n; i++)
        desc_look_for_private(m, m->items[i]);
    return true;
}
