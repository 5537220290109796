/* SQLite: one connection, held exclusively, with cached statements and nesting
 * transactions. A connection and its statements are used by one thread at a time.
 *
 *     struct sqlite_stmt *q = sqlite_query(db, "SELECT value FROM t WHERE key = ?");
 *     sqlite_bind_text(q, "a");
 *     while (sqlite_row(q))
 *         use(sqlite_int(q, 0));
 *     return sqlite_done(q);
 *
 * Errors of binding and stepping latch in the statement: sqlite_done tells the first
 * one. After a failed write the connection refuses all others (ERR_CLOSED), because
 * its user may have gone on in memory. */
#ifndef OCHRE_DB_SQLITE_H
#define OCHRE_DB_SQLITE_H

#include "util/bytes.h"

struct sqlite;
struct sqlite_stmt;

/* Opens (creates) the file with an exclusive lock, rollback journal, full
 * synchronisation and overwriting of what is deleted. ERR_LOCKED: another process has
 * it. ERR_CORRUPT: no database, or a damaged one. error (caller frees): SQLite's words.
 */
NODISCARD enum err sqlite_open(struct sqlite **out, const char *path, bool create,
                               char **error);
void sqlite_close(struct sqlite *db); /* rolls back what is open; NULL is fine */

/* Numbers in the file's header. */
uint32_t sqlite_application_id(struct sqlite *db);
uint32_t sqlite_user_version(struct sqlite *db);
NODISCARD enum err sqlite_set_header(struct sqlite *db, uint32_t application_id,
                                     uint32_t user_version);
bool sqlite_is_empty(struct sqlite *db); /* there is no table */
/* SQLite's own look at the whole file. ERR_CORRUPT: error (caller frees) says more. */
NODISCARD enum err sqlite_check(struct sqlite *db, char **error);

/* Runs statements that return nothing. */
NODISCARD enum err sqlite_exec(struct sqlite *db, const char *sql);
/* Text of the last failure; valid until the next call. */
const char *sqlite_error(const struct sqlite *db);
/* A write failed: nothing can be written any more. */
bool sqlite_failed(const struct sqlite *db);

/* A ready statement without bindings; it is kept, with a copy of its text. Not to be
 * used twice at the same time: a reader that recurses needs another text. */
struct sqlite_stmt *sqlite_query(struct sqlite *db, const char *sql);
/* Values for the question marks, from left to right. Bytes are borrowed until
 * sqlite_done. */
void sqlite_bind_int(struct sqlite_stmt *q, int64_t v);
void sqlite_bind_bytes(struct sqlite_stmt *q, struct bytes v);
void sqlite_bind_text(struct sqlite_stmt *q, const char *v); /* NULL: null */
void sqlite_bind_textn(struct sqlite_stmt *q, struct bytes v);
void sqlite_bind_null(struct sqlite_stmt *q);
/* The next row; false at the end or after an error. */
bool sqlite_row(struct sqlite_stmt *q);
/* Columns of the row, from 0; what they point to is valid until the next row. */
int64_t sqlite_int(struct sqlite_stmt *q, int column);
struct bytes sqlite_bytes(struct sqlite_stmt *q, int column);
const char *sqlite_text(struct sqlite_stmt *q, int column); /* NULL: null */
bool sqlite_is_null(struct sqlite_stmt *q, int column);
/* For those who do not know what they read. */
enum sql_type {
    SQL_NULL,
    SQL_INT,
    SQL_TEXT,
    SQL_BYTES,
};
enum sql_type sqlite_type(struct sqlite_stmt *q, int column);
int sqlite_columns(struct sqlite_stmt *q);
/* Runs to the end what has not, resets; the first error. */
NODISCARD enum err sqlite_done(struct sqlite_stmt *q);
int64_t sqlite_last_rowid(struct sqlite *db);
int sqlite_changes(struct sqlite *db); /* rows that the last write changed */

/* Nesting: the outermost commit writes; a rollback on any level rolls all back, and the
 * outermost commit then returns ERR_CLOSED. */
void sqlite_begin(struct sqlite *db);
NODISCARD enum err sqlite_commit(struct sqlite *db);
void sqlite_rollback(struct sqlite *db);

NODISCARD enum err sqlite_backup(struct sqlite *db, const char *path);
NODISCARD enum err sqlite_vacuum(struct sqlite *db);
/* Wipes what the connection holds in memory of the file. No statement is in use. */
void sqlite_forget(struct sqlite *db);

#endif
