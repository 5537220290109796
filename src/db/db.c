#include "db/db.h"

#include <errno.h>
#include <leveldb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/mem.h"
#include "util/sink.h"

/* What LevelDB's write batch adds: a header, then tag and lengths of each entry. */
#define BATCH_HEADER 12
#define BATCH_ENTRY  8

static const char version_key[] = "\0version";
#define VERSION_KEY bytes_of(version_key, sizeof(version_key) - 1)

struct db {
    leveldb_t *ldb; /* all owned */
    leveldb_options_t *options;
    leveldb_cache_t *cache;
    leveldb_filterpolicy_t *filter;
    leveldb_readoptions_t *read, *walk;
    leveldb_writeoptions_t *write, *write_sync;
    char *path;
    char *name;
    void (*on_error)(void *ctx, enum err e, const char *message);
    void *ctx;
    size_t settle_bytes;      /* 0: never */
    _Atomic size_t unsettled; /* octets written since */
};

struct db_snapshot {
    const leveldb_snapshot_t *snap;
    leveldb_readoptions_t *read; /* owned */
};

struct db_iter {
    leveldb_iterator_t *it; /* owned */
    struct db *db;
    struct buf prefix;
};

/* --- errors --- */

static bool begins(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* LevelDB's C interface tells kinds of failure apart only by the words it begins with.
 */
static enum err classify(const char *text)
{
    if (begins(text, "NotFound"))
        return ERR_NOT_FOUND;
    if (begins(text, "Corruption") || strstr(text, "missing files") != NULL)
        return ERR_CORRUPT;
    if (strstr(text, "/LOCK:") != NULL)
        return ERR_LOCKED;
    if (strstr(text, "No space left") != NULL)
        return ERR_FULL;
    return ERR_IO;
}

/* Reports and frees LevelDB's message; NULL is success. */
static enum err finish(const struct db *db, char *take_text)
{
    if (take_text == NULL)
        return ERR_OK;
    enum err e = classify(take_text);
    if (db->on_error != NULL && e != ERR_NOT_FOUND) {
        char *message = xasprintf("%s database %s: %s", db->name, db->path, take_text);
        db->on_error(db->ctx, e, message);
        free(message);
    }
    leveldb_free(take_text);
    return e;
}

/* --- open and close --- */

static void set_options(struct db *db, const struct db_options *opt)
{
    leveldb_options_t *o = db->options = leveldb_options_create();
    size_t write_buffer = opt->write_buffer_bytes;
    if (opt->in_order) {
        db->settle_bytes = write_buffer != 0 ? write_buffer : 4u << 20;
        write_buffer = 4 * db->settle_bytes; /* it is settled before that is full */
    }
    leveldb_options_set_create_if_missing(o, !opt->must_exist);
    leveldb_options_set_paranoid_checks(o, 1);
    leveldb_options_set_compression(o, leveldb_no_compression);
    leveldb_options_set_max_open_files(o,
                                       opt->max_open_files ? opt->max_open_files : 64);
    if (write_buffer != 0)
        leveldb_options_set_write_buffer_size(o, write_buffer);
    if (opt->max_file_bytes != 0)
        leveldb_options_set_max_file_size(o, opt->max_file_bytes);
    if (opt->cache_bytes != 0) {
        db->cache = leveldb_cache_create_lru(opt->cache_bytes);
        leveldb_options_set_cache(o, db->cache);
    }
    if (opt->bloom) {
        db->filter = leveldb_filterpolicy_create_bloom(10);
        leveldb_options_set_filter_policy(o, db->filter);
    }
    db->read = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(db->read, 1);
    /* A walk over everything must not push the useful blocks out of the cache. */
    db->walk = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(db->walk, 1);
    leveldb_readoptions_set_fill_cache(db->walk, 0);
    db->write = leveldb_writeoptions_create();
    db->write_sync = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(db->write_sync, 1);
}

static const char *way_out(const struct db_options *opt)
{
    return opt->way_out != NULL ? opt->way_out : "-reindex";
}

static char *open_message(const struct db *db, const struct db_options *opt, enum err e,
                          const char *text)
{
    switch (e) {
    case ERR_LOCKED:
        return xasprintf("Cannot open the %s database %s: another process has it open",
                         db->name, db->path);
    case ERR_CORRUPT:
        return xasprintf(
            "Error opening %s database: %s is damaged (%s). Restart with %s to rebuild "
            "it",
            db->name, db->path, text, way_out(opt));
    case ERR_NOT_FOUND:
        return xasprintf("The %s database %s does not exist", db->name, db->path);
    default:
        return xasprintf("Cannot open the %s database %s: %s", db->name, db->path,
                         text);
    }
}

static bool exists(const char *path)
{
    char *current = xasprintf("%s/CURRENT", path);
    bool yes = access(current, F_OK) == 0;
    free(current);
    return yes;
}

/* Renamed before it is destroyed: a kill in between must not leave half a database. */
static void wipe(struct db *db, char **text)
{
    char *old = xasprintf("%s.old", db->path);
    leveldb_destroy_db(db->options, old, text); /* left over by such a kill */
    bool destroy = *text == NULL && rename(db->path, old) == 0;
    if (destroy)
        leveldb_destroy_db(db->options, old, text);
    else if (*text == NULL && errno != ENOENT)
        leveldb_destroy_db(db->options, db->path, text);
    free(old);
}

static enum err open_leveldb(struct db *db, const struct db_options *opt,
                             char **message)
{
    char *text = NULL;
    enum err e = ERR_OK;
    if (opt->must_exist && !exists(db->path))
        e = ERR_NOT_FOUND;
    if (e == ERR_OK && opt->wipe)
        wipe(db, &text);
    if (e == ERR_OK && text == NULL)
        db->ldb = leveldb_open(db->options, db->path, &text);
    if (text != NULL)
        e = classify(text);
    if (e != ERR_OK)
        *message = open_message(db, opt, e, text);
    leveldb_free(text);
    return e;
}

static bool is_empty(struct db *db)
{
    leveldb_iterator_t *it = leveldb_create_iterator(db->ldb, db->walk);
    leveldb_iter_seek_to_first(it);
    bool empty = !leveldb_iter_valid(it);
    leveldb_iter_destroy(it);
    return empty;
}

static enum err write_version(struct db *db, uint32_t version)
{
    uint8_t value[4];
    put_le32(value, version);
    return db_put(db, VERSION_KEY, bytes_of(value, 4), true);
}

/* 0 for a database that carries none. */
static enum err read_version(struct db *db, uint32_t *version)
{
    struct buf value = {0};
    enum err e = db_get(db, VERSION_KEY, &value);
    *version = value.len == 4 ? get_le32(value.data) : 0;
    if (e == ERR_OK && value.len != 4)
        e = ERR_CORRUPT;
    buf_clear(&value);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err migrate(struct db *db, const struct db_options *opt, uint32_t from,
                        char **message)
{
    enum err e = opt->migrate(db, from, opt->ctx);
    if (e == ERR_OK)
        e = write_version(db, opt->version);
    if (e != ERR_OK)
        *message = xasprintf(
            "Cannot bring the %s database %s from format %u to %u: %s. "
            "Restart with %s to rebuild it",
            db->name, db->path, from, opt->version, err_text(e), way_out(opt));
    return e;
}

static enum err check_version(struct db *db, const struct db_options *opt,
                              char **message)
{
    uint32_t found;
    enum err e = read_version(db, &found);
    if (e == ERR_OK && found == 0 && is_empty(db)) {
        e = write_version(db, opt->version);
        found = opt->version;
    }
    if (e != ERR_OK) {
        *message = open_message(db, opt, e, err_text(e));
        return e;
    }
    if (found == opt->version)
        return ERR_OK;
    if (found > opt->version) {
        *message =
            xasprintf("The %s database %s has format %u, written by a newer version "
                      "of this program, which knows up to %u. Use that version, or "
                      "restart with %s to rebuild it",
                      db->name, db->path, found, opt->version, way_out(opt));
        return ERR_VERSION;
    }
    if (opt->migrate != NULL)
        return migrate(db, opt, found, message);
    *message =
        xasprintf("The %s database %s has the old format %u (now %u). Restart with %s "
                  "to rebuild it",
                  db->name, db->path, found, opt->version, way_out(opt));
    return ERR_VERSION;
}

enum err db_open(struct db **out, const char *path, const struct db_options *opt,
                 char **message)
{
    struct db *db = xcalloc(1, sizeof(*db));
    ASSERT(opt->version > 0);
    *message = NULL;
    db->path = xstrdup(path);
    db->name = xstrdup(opt->name);
    db->on_error = opt->on_error;
    db->ctx = opt->ctx;
    set_options(db, opt);
    enum err e = open_leveldb(db, opt, message);
    if (e == ERR_OK)
        e = check_version(db, opt, message);
    if (e != ERR_OK) {
        db_close(db);
        return e;
    }
    *out = db;
    return ERR_OK;
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    if (db->ldb != NULL)
        leveldb_close(db->ldb);
    leveldb_readoptions_destroy(db->read);
    leveldb_readoptions_destroy(db->walk);
    leveldb_writeoptions_destroy(db->write);
    leveldb_writeoptions_destroy(db->write_sync);
    leveldb_options_destroy(db->options);
    if (db->cache != NULL)
        leveldb_cache_destroy(db->cache);
    if (db->filter != NULL)
        leveldb_filterpolicy_destroy(db->filter);
    free(db->path);
    free(db->name);
    free(db);
}

enum err db_destroy(const char *path)
{
    char *text = NULL;
    leveldb_options_t *o = leveldb_options_create();
    leveldb_destroy_db(o, path, &text);
    leveldb_options_destroy(o);
    enum err e = text != NULL ? classify(text) : ERR_OK;
    leveldb_free(text);
    return e;
}

const char *db_path(const struct db *db)
{
    return db->path;
}

/* --- single keys --- */

static const char *chars(struct bytes b)
{
    return b.len > 0 ? (const char *)b.data : "";
}

static enum err get(struct db *db, const leveldb_readoptions_t *opt, struct bytes key,
                    struct buf *out)
{
    char *text = NULL;
    size_t len = 0;
    char *value = leveldb_get(db->ldb, opt, chars(key), key.len, &len, &text);
    if (out != NULL) {
        buf_reset(out);
        if (value != NULL)
            buf_append(out, value, len);
    }
    bool found = value != NULL;
    leveldb_free(value);
    if (text != NULL)
        return finish(db, text);
    return found ? ERR_OK : ERR_NOT_FOUND;
}

enum err db_get(struct db *db, struct bytes key, struct buf *out)
{
    return get(db, db->read, key, out);
}

enum err db_get_at(struct db *db, const struct db_snapshot *snap, struct bytes key,
                   struct buf *out)
{
    return get(db, snap != NULL ? snap->read : db->read, key, out);
}

static const leveldb_writeoptions_t *write_options(const struct db *db, bool sync)
{
    return sync ? db->write_sync : db->write;
}

enum err db_put(struct db *db, struct bytes key, struct bytes value, bool sync)
{
    char *text = NULL;
    leveldb_put(db->ldb, write_options(db, sync), chars(key), key.len, chars(value),
                value.len, &text);
    return finish(db, text);
}

enum err db_del(struct db *db, struct bytes key, bool sync)
{
    char *text = NULL;
    leveldb_delete(db->ldb, write_options(db, sync), chars(key), key.len, &text);
    return finish(db, text);
}

struct db_snapshot *db_snapshot_new(struct db *db)
{
    struct db_snapshot *s = xmalloc(sizeof(*s));
    s->snap = leveldb_create_snapshot(db->ldb);
    s->read = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(s->read, 1);
    leveldb_readoptions_set_fill_cache(s->read, 0);
    leveldb_readoptions_set_snapshot(s->read, s->snap);
    return s;
}

void db_snapshot_free(struct db *db, struct db_snapshot *snap)
{
    if (snap == NULL)
        return;
    leveldb_readoptions_destroy(snap->read);
    leveldb_release_snapshot(db->ldb, snap->snap);
    free(snap);
}

/* --- batches --- */

void db_batch_init(struct db_batch *b)
{
    b->wb = leveldb_writebatch_create();
    b->bytes = BATCH_HEADER;
    b->count = 0;
}

void db_batch_clear(struct db_batch *b)
{
    if (b->wb != NULL)
        leveldb_writebatch_destroy(b->wb);
    memset(b, 0, sizeof(*b));
}

void db_batch_reset(struct db_batch *b)
{
    leveldb_writebatch_clear(b->wb);
    b->bytes = BATCH_HEADER;
    b->count = 0;
}

void db_batch_put(struct db_batch *b, struct bytes key, struct bytes value)
{
    leveldb_writebatch_put(b->wb, chars(key), key.len, chars(value), value.len);
    b->bytes += BATCH_ENTRY + key.len + value.len;
    b->count++;
}

void db_batch_del(struct db_batch *b, struct bytes key)
{
    leveldb_writebatch_delete(b->wb, chars(key), key.len);
    b->bytes += BATCH_ENTRY + key.len;
    b->count++;
}

/* LevelDB begins a new log when its memory is full, and no sync covers the old one
 * before its table is written: until then the end of the old one could be lost while
 * the new one is kept. So it never gets that far. */
static void settle_in_time(struct db *db, size_t written)
{
    size_t sum = atomic_fetch_add(&db->unsettled, written) + written;
    if (sum < db->settle_bytes)
        return;
    atomic_store(&db->unsettled, 0);
    db_settle(db);
}

enum err db_write(struct db *db, struct db_batch *b, bool sync)
{
    char *text = NULL;
    leveldb_write(db->ldb, write_options(db, sync), b->wb, &text);
    enum err e = finish(db, text);
    if (e == ERR_OK && db->settle_bytes > 0)
        settle_in_time(db, b->bytes);
    return e;
}

/* --- iterators --- */

static bool has_prefix(const struct db_iter *it, struct bytes key)
{
    return key.len >= it->prefix.len &&
           (it->prefix.len == 0 ||
            memcmp(key.data, it->prefix.data, it->prefix.len) == 0);
}

static struct bytes raw_key(const struct db_iter *it)
{
    size_t len;
    const char *key = leveldb_iter_key(it->it, &len);
    return bytes_of(key, len);
}

static void seek(struct db_iter *it, struct bytes key)
{
    leveldb_iter_seek(it->it, chars(key), key.len);
}

struct db_iter *db_iter_new(struct db *db, const struct db_snapshot *snap,
                            struct bytes prefix)
{
    struct db_iter *it = xcalloc(1, sizeof(*it));
    it->db = db;
    it->it = leveldb_create_iterator(db->ldb, snap != NULL ? snap->read : db->walk);
    buf_append(&it->prefix, prefix.data, prefix.len);
    db_iter_seek(it, prefix);
    return it;
}

bool db_iter_valid(const struct db_iter *it)
{
    return leveldb_iter_valid(it->it) && has_prefix(it, raw_key(it)) &&
           (it->prefix.len > 0 || raw_key(it).len == 0 || raw_key(it).data[0] != 0);
}

void db_iter_next(struct db_iter *it)
{
    leveldb_iter_next(it->it);
}

void db_iter_prev(struct db_iter *it)
{
    leveldb_iter_prev(it->it);
}

void db_iter_seek(struct db_iter *it, struct bytes key)
{
    if (it->prefix.len == 0 && (key.len == 0 || key.data[0] == 0))
        key = bytes_of("\x01", 1); /* beyond this file's own keys */
    else if (bytes_compare(key, buf_view(&it->prefix)) < 0)
        key = buf_view(&it->prefix);
    seek(it, key);
}

/* The lowest key above all that begin with prefix; false when there is none. */
static bool prefix_end(struct buf *out, struct bytes prefix)
{
    size_t len = prefix.len;
    while (len > 0 && prefix.data[len - 1] == 0xff)
        len--;
    if (len == 0)
        return false;
    buf_append(out, prefix.data, len);
    out->data[len - 1]++;
    return true;
}

void db_iter_seek_last(struct db_iter *it)
{
    struct buf end = {0};
    bool bounded = prefix_end(&end, buf_view(&it->prefix));
    if (bounded)
        seek(it, buf_view(&end));
    if (bounded && leveldb_iter_valid(it->it))
        leveldb_iter_prev(it->it);
    else
        leveldb_iter_seek_to_last(it->it);
    buf_clear(&end);
}

struct bytes db_iter_key(const struct db_iter *it)
{
    return raw_key(it);
}

struct bytes db_iter_value(const struct db_iter *it)
{
    size_t len;
    const char *value = leveldb_iter_value(it->it, &len);
    return bytes_of(value, len);
}

enum err db_iter_free(struct db_iter *it)
{
    char *text = NULL;
    if (it == NULL)
        return ERR_OK;
    leveldb_iter_get_error(it->it, &text);
    leveldb_iter_destroy(it->it);
    enum err e = finish(it->db, text);
    buf_clear(&it->prefix);
    free(it);
    return e;
}

uint64_t db_approximate_size(struct db *db, struct bytes from, struct bytes to)
{
    const char *start = chars(from), *limit = chars(to);
    uint64_t size = 0;
    leveldb_approximate_sizes(db->ldb, 1, &start, &from.len, &limit, &to.len, &size);
    return size;
}

/* LevelDB writes out what is in memory before it looks at the range. */
void db_settle(struct db *db)
{
    static const char nothing[] = "\0\0";
    leveldb_compact_range(db->ldb, nothing, 1, nothing, 2);
}

void db_compact(struct db *db)
{
    leveldb_compact_range(db->ldb, NULL, 0, NULL, 0);
}
