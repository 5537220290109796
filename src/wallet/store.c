#include "wallet/store.h"

#include <stdlib.h>

#include "util/fs.h"
#include "util/mem.h"
#include "wallet/schema.h"

struct store {
    struct sqlite *db; /* owned */
    char *path;        /* owned */
    const struct chain_params *params;
};

/* -- Opening */

/* The magic as its bytes read from left to right, like bitcoind's. */
static uint32_t application_id(const struct chain_params *p)
{
    return (uint32_t)p->magic[0] << 24 | (uint32_t)p->magic[1] << 16 |
           (uint32_t)p->magic[2] << 8 | p->magic[3];
}

static bool open_failed(const char *path, enum err why, char *said,
                        struct wallet_error *e)
{
    switch (why) {
    case ERR_LOCKED:
        wallet_fail(e, WALLET_FAILED,
                    "SQLiteDatabase: Unable to obtain an exclusive lock on the "
                    "database, is it being used by another instance of Ochre? (%s)",
                    path);
        break;
    case ERR_CORRUPT:
        wallet_fail(e, WALLET_FAILED,
                    "Wallet file %s is damaged or no wallet (%s). Restore a backup, or "
                    "try ochre-wallet salvage.",
                    path, said);
        break;
    default:
        wallet_fail(e, WALLET_FAILED, "SQLiteDatabase: Failed to open database %s: %s",
                    path, said);
    }
    free(said);
    return false;
}

/* Tables of version @version become those of today; inside a transaction. */
static bool migrate(struct store *s, uint32_t version, struct wallet_error *e)
{
    enum err r = schema_migrate(s->db, version);
    if (r == ERR_OK)
        r = sqlite_set_header(s->db, application_id(s->params), schema_version);
    return r == ERR_OK ||
           wallet_fail(e, WALLET_FAILED, "Wallet file %s could not be written: %s",
                       s->path, sqlite_error(s->db));
}

/* A file without tables is what a creation left that was cut off. */
static bool begin_creation(struct store *s, struct wallet_error *e)
{
    if (!sqlite_is_empty(s->db))
        return wallet_fail(e, WALLET_ALREADY_EXISTS,
                           "Failed to create database path '%s'. Database already "
                           "exists.",
                           s->path);
    store_begin(s);
    if (migrate(s, 0, e))
        return true;
    store_rollback(s);
    return false;
}

static bool written(const struct store *s, enum err result, struct wallet_error *e)
{
    return result == ERR_OK ||
           wallet_fail(e, WALLET_FAILED, "Wallet file %s could not be written: %s",
                       s->path, sqlite_error(s->db));
}

static bool update(struct store *s, uint32_t version, struct wallet_error *e)
{
    if (version == schema_version)
        return true;
    store_begin(s);
    bool ok = migrate(s, version, e);
    return written(s, store_end(s, ok ? ERR_OK : ERR_CLOSED), e);
}

static bool check_network(struct store *s, struct wallet_error *e)
{
    uint32_t is = sqlite_application_id(s->db), want = application_id(s->params);
    return is == want ||
           wallet_fail(e, WALLET_FAILED,
                       "SQLiteDatabase: Unexpected application id. Expected %u, got "
                       "%u: %s is no wallet of this network.",
                       want, is, s->path);
}

static bool check_version(const struct store *s, uint32_t version,
                          struct wallet_error *e)
{
    if (version == 0)
        return wallet_fail(e, WALLET_FAILED,
                           "%s was not written by Ochre. To take over a wallet of "
                           "another program, import its descriptors.",
                           s->path);
    return version <= schema_version ||
           wallet_fail(e, WALLET_FAILED,
                       "%s: Wallet requires newer version of Ochre (file version %u, "
                       "known is %u)",
                       s->path, version, schema_version);
}

static bool check_existing(struct store *s, bool any_network, struct wallet_error *e)
{
    char *said = NULL;
    if (sqlite_check(s->db, &said) != ERR_OK)
        return open_failed(s->path, ERR_CORRUPT, said, e);
    if (sqlite_is_empty(s->db))
        return wallet_fail(
            e, WALLET_FAILED,
            "%s is empty: the creation of the wallet was cut off. Create "
            "it again.",
            s->path);
    uint32_t version = sqlite_user_version(s->db);
    return (any_network || check_network(s, e)) && check_version(s, version, e) &&
           update(s, version, e);
}

bool store_open(struct store **out, const char *path, enum store_open how,
                const struct chain_params *params, unsigned flags,
                struct wallet_error *e)
{
    char *said = NULL;
    bool create = how == STORE_CREATE;
    struct store *s = xcalloc(1, sizeof(*s));
    *s = (struct store){.path = xstrdup(path), .params = params};
    enum err r = sqlite_open(&s->db, path, create, &said);
    bool ok = r == ERR_OK || open_failed(path, r, said, e);
    if (ok && flags & STORE_UNSAFE_SYNC)
        ok = written(s, sqlite_exec(s->db, "PRAGMA synchronous = OFF"), e);
    ok = ok && (create ? begin_creation(s, e)
                       : check_existing(s, flags & STORE_ANY_NETWORK, e));
    if (ok)
        *out = s;
    else
        store_close(s);
    return ok;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    sqlite_close(s->db);
    free(s->path);
    free(s);
}

struct sqlite *store_db(struct store *s)
{
    return s->db;
}

const char *store_path(const struct store *s)
{
    return s->path;
}

/* -- Batches */

void store_begin(struct store *s)
{
    sqlite_begin(s->db);
}

enum err store_commit(struct store *s)
{
    return sqlite_commit(s->db);
}

void store_rollback(struct store *s)
{
    sqlite_rollback(s->db);
}

enum err store_end(struct store *s, enum err result)
{
    if (result == ERR_OK)
        return store_commit(s);
    store_rollback(s);
    return result;
}

const char *store_error(const struct store *s)
{
    return sqlite_error(s->db);
}

/* -- Values */

static struct sqlite_stmt *put_query(struct store *s, const char *key)
{
    struct sqlite_stmt *q =
        sqlite_query(s->db, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)");
    sqlite_bind_text(q, key);
    return q;
}

static struct sqlite_stmt *get_query(struct store *s, const char *key)
{
    struct sqlite_stmt *q = sqlite_query(s->db, "SELECT value FROM meta WHERE key = ?");
    sqlite_bind_text(q, key);
    return q;
}

enum err store_put(struct store *s, const char *key, struct bytes value)
{
    struct sqlite_stmt *q = put_query(s, key);
    sqlite_bind_bytes(q, value);
    return sqlite_done(q);
}

enum err store_put_int(struct store *s, const char *key, int64_t value)
{
    struct sqlite_stmt *q = put_query(s, key);
    sqlite_bind_int(q, value);
    return sqlite_done(q);
}

enum err store_get(struct store *s, const char *key, struct buf *out)
{
    struct sqlite_stmt *q = get_query(s, key);
    bool found = sqlite_row(q);
    if (found) {
        struct bytes v = sqlite_bytes(q, 0);
        buf_append(out, v.data, v.len);
    }
    enum err e = sqlite_done(q);
    return e != ERR_OK ? e : found ? ERR_OK : ERR_NOT_FOUND;
}

enum err store_get_int(struct store *s, const char *key, int64_t *out)
{
    struct sqlite_stmt *q = get_query(s, key);
    bool found = sqlite_row(q);
    if (found)
        *out = sqlite_int(q, 0);
    enum err e = sqlite_done(q);
    return e != ERR_OK ? e : found ? ERR_OK : ERR_NOT_FOUND;
}

enum err store_del(struct store *s, const char *key)
{
    struct sqlite_stmt *q = sqlite_query(s->db, "DELETE FROM meta WHERE key = ?");
    sqlite_bind_text(q, key);
    return sqlite_done(q);
}

/* -- The file */

enum err store_backup(struct store *s, const char *path)
{
    return sqlite_backup(s->db, path);
}

enum err store_compact(struct store *s)
{
    enum err e = sqlite_vacuum(s->db);
    sqlite_forget(s->db);
    return e;
}
