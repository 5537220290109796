/* Positions become scripts: derived on the worker pool, kept in the file, indexed. */
#include <stdlib.h>

#include "util/mem.h"
#include "util/pool.h"
#include "util/sink.h"
#include "wallet/script_chunk.h"
#include "wallet/spkman_impl.h"

#define PIECE 250  /* positions of one job and one row */
#define WAVE  2000 /* pieces that are in memory at a time */

/* Some positions of one descriptor. */
struct piece {
    const struct wallet_desc *d;
    uint32_t begin, end;
    struct buf chunk; /* owned */
};

struct wave {
    struct spkman *m;
    struct piece *items; /* owned */
    size_t n;
};

/* What does not depend on the position stands in the first piece already. */
static bool cache_is_written(const struct wallet_desc *d, uint32_t begin)
{
    return d->cache.children.len == 0 && begin != d->range_start;
}

static enum err write_cache(struct spkman *m, const struct wallet_desc *d,
                            uint32_t begin, uint32_t end)
{
    struct buf data = {0};
    struct sink to = sink_to_buf(&data);
    enum err e = ERR_OK;
    descriptor_cache_write(&d->cache, d->desc, &to, begin, end);
    if (data.len > 0) {
        struct sqlite_stmt *q =
            sqlite_query(spkman_db(m), "INSERT OR REPLACE INTO descriptor_cache"
                                       " (descriptor, first, data) VALUES (?, ?, ?)");
        sqlite_bind_int(q, d->row);
        sqlite_bind_int(q, begin);
        sqlite_bind_bytes(q, buf_view(&data));
        e = sqlite_done(q);
    }
    buf_clear(&data);
    return e;
}

bool derive_prepare(struct spkman *m, struct wallet_desc *d, uint32_t begin,
                    uint32_t end, const struct keystore *keys, enum err *e)
{
    *e = ERR_OK;
    if (!descriptor_cache_fill(&d->cache, d->desc, keys, begin, end))
        return false;
    if (!cache_is_written(d, begin))
        *e = write_cache(m, d, begin, end);
    return *e == ERR_OK;
}

static bool derive_piece(void *arg, size_t i)
{
    struct wave *v = arg;
    struct piece *p = &v->items[i];
    struct script_list scripts;
    for (uint32_t pos = p->begin; pos < p->end; pos++) {
        if (!descriptor_expand_cached(p->d->desc, spkman_params(v->m), pos, NULL,
                                      &p->d->cache, &scripts, NULL))
            return false;
        script_chunk_append(&p->chunk, &scripts);
        script_list_clear(&scripts);
    }
    return true;
}

struct index_ctx {
    struct spkman *m;
    uint32_t desc;
};

static bool index_one(void *arg, uint32_t pos, struct bytes script)
{
    struct index_ctx *c = arg;
    index_script(c->m, c->desc, pos, script);
    return true;
}

static enum err keep_piece(struct spkman *m, const struct piece *p)
{
    struct sqlite_stmt *q = sqlite_query(
        spkman_db(m), "INSERT INTO script (descriptor, first, data) VALUES (?, ?, ?)");
    sqlite_bind_int(q, p->d->row);
    sqlite_bind_int(q, p->begin);
    sqlite_bind_bytes(q, buf_view(&p->chunk));
    enum err e = sqlite_done(q);
    struct index_ctx c = {m, desc_number(m, p->d)};
    if (e == ERR_OK && !script_chunk_each(buf_view(&p->chunk), p->begin, index_one, &c))
        e = ERR_CORRUPT;
    return e;
}

/* Derives and keeps what has gathered; empties the wave. */
static enum err run(struct wave *v)
{
    struct pool *workers = v->m->w->opt->workers;
    enum err e = ERR_OK;
    bool ok = true;
    if (workers != NULL && v->n > 1) {
        ok = pool_for(workers, v->n, 1, derive_piece, v);
    } else {
        for (size_t i = 0; ok && i < v->n; i++)
            ok = derive_piece(v, i);
    }
    if (!ok)
        e = ERR_RANGE;
    for (size_t i = 0; i < v->n; i++) {
        if (e == ERR_OK)
            e = keep_piece(v->m, &v->items[i]);
        buf_clear(&v->items[i].chunk);
    }
    v->n = 0;
    return e;
}

static enum err add(struct wave *v, const struct derive_range *r)
{
    enum err e = ERR_OK;
    for (uint32_t at = r->begin; e == ERR_OK && at < r->end;) {
        uint32_t end = r->end - at > PIECE ? at + PIECE : r->end;
        v->items[v->n++] = (struct piece){.d = r->d, .begin = at, .end = end};
        at = end;
        if (v->n == WAVE)
            e = run(v);
    }
    return e;
}

static size_t positions(const struct derive_range *r, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += r[i].end - r[i].begin;
    return sum;
}

enum err derive_ranges(struct spkman *m, const struct derive_range *r, size_t n)
{
    struct wave v = {.m = m, .items = xcalloc(WAVE, sizeof(*v.items))};
    enum err e = ERR_OK;
    map_reserve(&m->scripts, m->scripts.len + positions(r, n));
    for (size_t i = 0; e == ERR_OK && i < n; i++)
        e = add(&v, &r[i]);
    if (e == ERR_OK)
        e = run(&v);
    free(v.items);
    return e;
}
