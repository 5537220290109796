#include "db/sqlite.h"

#include <malloc.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/secret.h"
#include "util/mem.h"

struct sqlite_stmt {
    struct sqlite *db;
    sqlite3_stmt *stmt; /* owned; NULL: it could not be prepared */
    char *sql;          /* owned */
    int next_bind;
    int state; /* the last result of stepping; SQLITE_OK: not begun */
    enum err first_error;
    struct sqlite_stmt *next;
};

struct sqlite {
    sqlite3 *handle;            /* owned */
    struct sqlite_stmt *cached; /* owned; list */
    unsigned depth;             /* of begin */
    bool rolled_back;           /* some level of the open transaction was */
    bool failed;
    char *error; /* owned; of the failure that made it so */
};

static enum err err_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ERR_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_LOCKED;
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
        return ERR_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_CONSTRAINT:
        return ERR_EXISTS;
    default:
        return ERR_IO;
    }
}

/* A constraint tells the caller something; all else ends the writing. */
static enum err failed(struct sqlite *db, int code)
{
    enum err e = err_of(code);
    if (e == ERR_OK || e == ERR_EXISTS)
        return e;
    if (!db->failed)
        db->error = xstrdup(sqlite3_errmsg(db->handle));
    db->failed = true;
    return e;
}

/* -- Memory. Rows may hold secrets: what SQLite frees is wiped. */

static void *mem_alloc(int n)
{
    return malloc((size_t)n);
}

static void mem_free(void *p)
{
    if (p != NULL)
        secret_wipe(p, malloc_usable_size(p));
    free(p);
}

static int mem_size(void *p)
{
    return p != NULL ? (int)malloc_usable_size(p) : 0;
}

static void *mem_realloc(void *p, int n)
{
    void *to = malloc((size_t)n);
    if (to == NULL)
        return NULL;
    memcpy(to, p, (size_t)(mem_size(p) < n ? mem_size(p) : n));
    mem_free(p);
    return to;
}

static int mem_round_up(int n)
{
    return (n + 7) / 8 * 8;
}

static int mem_init(void *arg UNUSED)
{
    return SQLITE_OK;
}

static void mem_shutdown(void *arg UNUSED)
{
}

static const sqlite3_mem_methods wiping = {
    mem_alloc,    mem_free, mem_realloc,  mem_size,
    mem_round_up, mem_init, mem_shutdown, NULL,
};

/* No pools of SQLite's own: memory goes back, and is wiped, piece by piece. */
static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MALLOC, &wiping);
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* -- Opening */

/* TRUNCATE: no change of the directory takes part in a commit. The lock is taken by
 * the first transaction and kept by locking_mode. */
static const char settings[] =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = TRUNCATE;"
    "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA secure_delete = ON;"
    "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; BEGIN EXCLUSIVE; COMMIT;";

enum err sqlite_open(struct sqlite **out, const char *path, bool create, char **error)
{
    static pthread_once_t configured = PTHREAD_ONCE_INIT;
    pthread_once(&configured, configure);
    struct sqlite *db = xcalloc(1, sizeof(*db));
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (code == SQLITE_OK) {
        sqlite3_extended_result_codes(db->handle, 1);
        code = sqlite3_exec(db->handle, settings, NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) {
        *out = db;
        return ERR_OK;
    }
    *error = xstrdup(db->handle != NULL ? sqlite3_errmsg(db->handle) : "out of memory");
    sqlite_close(db);
    return err_of(code);
}

static void forget_statements(struct sqlite *db)
{
    while (db->cached != NULL) {
        struct sqlite_stmt *q = db->cached;
        db->cached = q->next;
        sqlite3_finalize(q->stmt);
        free(q->sql);
        free(q);
    }
}

void sqlite_close(struct sqlite *db)
{
    if (db == NULL)
        return;
    forget_statements(db);
    sqlite3_close(db->handle);
    free(db->error);
    free(db);
}

enum err sqlite_exec(struct sqlite *db, const char *sql)
{
    if (db->failed)
        return ERR_CLOSED;
    return failed(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

const char *sqlite_error(const struct sqlite *db)
{
    return db->error != NULL ? db->error : sqlite3_errmsg(db->handle);
}

bool sqlite_failed(const struct sqlite *db)
{
    return db->failed;
}

/* -- Header and check */

static uint32_t header_int(struct sqlite *db, const char *sql)
{
    struct sqlite_stmt *q = sqlite_query(db, sql);
    uint32_t v = sqlite_row(q) ? (uint32_t)sqlite_int(q, 0) : 0;
    return sqlite_done(q) == ERR_OK ? v : 0;
}

uint32_t sqlite_application_id(struct sqlite *db)
{
    return header_int(db, "PRAGMA application_id");
}

uint32_t sqlite_user_version(struct sqlite *db)
{
    return header_int(db, "PRAGMA user_version");
}

bool sqlite_is_empty(struct sqlite *db)
{
    return header_int(db, "SELECT count(*) FROM sqlite_schema") == 0;
}

enum err sqlite_set_header(struct sqlite *db, uint32_t application_id,
                           uint32_t user_version)
{
    char sql[96];
    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
             (int32_t)application_id, (int32_t)user_version);
    return sqlite_exec(db, sql);
}

enum err sqlite_check(struct sqlite *db, char **error)
{
    struct sqlite_stmt *q = sqlite_query(db, "PRAGMA integrity_check(1)");
    char *said = NULL;
    if (sqlite_row(q) && strcmp(sqlite_text(q, 0), "ok") != 0)
        said = xstrdup(sqlite_text(q, 0));
    enum err e = sqlite_done(q);
    if (e == ERR_OK && said == NULL)
        return ERR_OK;
    *error = said != NULL ? said : xstrdup(sqlite_error(db));
    return ERR_CORRUPT;
}

/* -- Statements */

static struct sqlite_stmt *prepare(struct sqlite *db, const char *sql)
{
    struct sqlite_stmt *q = xcalloc(1, sizeof(*q));
    *q = (struct sqlite_stmt){.db = db, .sql = xstrdup(sql), .next = db->cached};
    int code =
        sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &q->stmt, 0);
    q->first_error = failed(db, code);
    return db->cached = q;
}

struct sqlite_stmt *sqlite_query(struct sqlite *db, const char *sql)
{
    struct sqlite_stmt *q = db->cached;
    while (q != NULL && strcmp(q->sql, sql) != 0)
        q = q->next;
    if (q == NULL)
        q = prepare(db, sql);
    ASSERT(q->state == SQLITE_OK); /* else it is in use */
    q->next_bind = 1;
    return q;
}

static void bound(struct sqlite_stmt *q, int code)
{
    if (q->first_error == ERR_OK)
        q->first_error = failed(q->db, code);
}

void sqlite_bind_int(struct sqlite_stmt *q, int64_t v)
{
    bound(q, sqlite3_bind_int64(q->stmt, q->next_bind++, v));
}

void sqlite_bind_bytes(struct sqlite_stmt *q, struct bytes v)
{
    const void *data = v.data != NULL ? v.data : (const void *)"";
    bound(q, sqlite3_bind_blob64(q->stmt, q->next_bind++, data, v.len, SQLITE_STATIC));
}

void sqlite_bind_text(struct sqlite_stmt *q, const char *v)
{
    bound(q, sqlite3_bind_text(q->stmt, q->next_bind++, v, -1, SQLITE_STATIC));
}

void sqlite_bind_textn(struct sqlite_stmt *q, struct bytes v)
{
    const char *text = v.data != NULL ? (const char *)v.data : "";
    bound(q, sqlite3_bind_text64(q->stmt, q->next_bind++, text, v.len, SQLITE_STATIC,
                                 SQLITE_UTF8));
}

void sqlite_bind_null(struct sqlite_stmt *q)
{
    bound(q, sqlite3_bind_null(q->stmt, q->next_bind++));
}

bool sqlite_row(struct sqlite_stmt *q)
{
    if (q->first_error != ERR_OK || q->state == SQLITE_DONE)
        return false;
    if (q->db->failed && !sqlite3_stmt_readonly(q->stmt)) {
        q->first_error = ERR_CLOSED;
        return false;
    }
    q->state = sqlite3_step(q->stmt);
    if (q->state != SQLITE_ROW && q->state != SQLITE_DONE)
        q->first_error = failed(q->db, q->state);
    return q->state == SQLITE_ROW;
}

int64_t sqlite_int(struct sqlite_stmt *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

struct bytes sqlite_bytes(struct sqlite_stmt *q, int column)
{
    const void *data = sqlite3_column_blob(q->stmt, column);
    return bytes_of(data, (size_t)sqlite3_column_bytes(q->stmt, column));
}

const char *sqlite_text(struct sqlite_stmt *q, int column)
{
    return (const char *)sqlite3_column_text(q->stmt, column);
}

bool sqlite_is_null(struct sqlite_stmt *q, int column)
{
    return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

enum sql_type sqlite_type(struct sqlite_stmt *q, int column)
{
    switch (sqlite3_column_type(q->stmt, column)) {
    case SQLITE_NULL:
        return SQL_NULL;
    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
        return SQL_INT;
    case SQLITE_TEXT:
        return SQL_TEXT;
    default:
        return SQL_BYTES;
    }
}

int sqlite_columns(struct sqlite_stmt *q)
{
    return sqlite3_column_count(q->stmt);
}

enum err sqlite_done(struct sqlite_stmt *q)
{
    if (q->state == SQLITE_OK)
        (void)sqlite_row(q);
    enum err e = q->first_error;
    q->state = SQLITE_OK;
    if (q->stmt == NULL)
        return e;
    sqlite3_reset(q->stmt);
    sqlite3_clear_bindings(q->stmt);
    q->first_error = ERR_OK;
    return e;
}

int64_t sqlite_last_rowid(struct sqlite *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int sqlite_changes(struct sqlite *db)
{
    return sqlite3_changes(db->handle);
}

/* -- Transactions */

void sqlite_begin(struct sqlite *db)
{
    if (db->depth++ > 0)
        return;
    db->rolled_back = sqlite_exec(db, "BEGIN IMMEDIATE") != ERR_OK;
}

static enum err end(struct sqlite *db)
{
    if (db->failed || db->rolled_back) {
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
        return ERR_CLOSED;
    }
    enum err e = sqlite_exec(db, "COMMIT");
    if (e != ERR_OK)
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return e;
}

enum err sqlite_commit(struct sqlite *db)
{
    ASSERT(db->depth > 0);
    if (--db->depth > 0)
        return db->failed || db->rolled_back ? ERR_CLOSED : ERR_OK;
    return end(db);
}

void sqlite_rollback(struct sqlite *db)
{
    ASSERT(db->depth > 0);
    db->rolled_back = true;
    if (--db->depth == 0)
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* -- Copies */

enum err sqlite_backup(struct sqlite *db, const char *path)
{
    sqlite3 *to = NULL;
    int code = sqlite3_open(path, &to);
    sqlite3_backup *b =
        code == SQLITE_OK ? sqlite3_backup_init(to, "main", db->handle, "main") : NULL;
    if (b != NULL) {
        sqlite3_backup_step(b, -1);
        code = sqlite3_backup_finish(b);
    } else if (code == SQLITE_OK) {
        code = sqlite3_errcode(to);
    }
    sqlite3_close(to);
    return err_of(code);
}

enum err sqlite_vacuum(struct sqlite *db)
{
    return sqlite_exec(db, "VACUUM");
}

void sqlite_forget(struct sqlite *db)
{
    forget_statements(db);
    sqlite3_db_release_memory(db->handle);
}
