/* The one door to LevelDB: atomic batches, point reads, prefix iterators, snapshots,
 * and a format version per database. Keys that begin with octet 00 belong to this file.
 *
 * Thread-safe as LevelDB is: any number of readers, writers are serialised. A failure
 * is returned, its text goes to options.on_error (once per failure, from the failing
 * thread). */
#ifndef OCHRE_DB_DB_H
#define OCHRE_DB_DB_H

#include "util/bytes.h"

struct db;
struct db_snapshot;
struct db_iter;

struct db_options {
    const char *name;          /* for messages: "block index" */
    size_t cache_bytes;        /* block cache; 0: LevelDB's 8 MiB */
    size_t write_buffer_bytes; /* memtable (up to two of them live); 0: 4 MiB */
    int max_open_files;        /* 0: 64 */
    size_t max_file_bytes;     /* size of a table file; 0: 2 MiB */
    /* What was not synced is lost from the last write on, never one before another: for
     * markers of progress that go along with what they tell of. */
    bool in_order;
    bool bloom;                /* filter of 10 bits per key: misses cost no read */
    bool wipe;                 /* begin empty (-reindex) */
    bool must_exist;
    uint32_t version; /* format this program writes, from 1 */
    /* Called when the database holds an older format; brings it to `version` (the
     * number itself is written by the caller of migrate). NULL: an older format is
     * refused. */
    enum err (*migrate)(struct db *db, uint32_t from,
                        void *ctx); /* 0: carries no number */
    /* What the user does about a damaged or old database; NULL: "-reindex". */
    const char *way_out;
    void (*on_error)(void *ctx, enum err e, const char *message);
    void *ctx; /* of migrate and on_error */
};

/* Opens or creates. On failure *message (caller frees; never NULL then) names the path,
 * the cause and the way out: ERR_LOCKED: another process has it; ERR_CORRUPT: damaged;
 * ERR_VERSION: written by a newer program, or older and no migration; ERR_IO;
 * ERR_NOT_FOUND: must_exist and it does not. */
NODISCARD enum err db_open(struct db **out, const char *path,
                           const struct db_options *opt, char **message);
void db_close(struct db *db); /* NULL is fine; iterators and snapshots must be gone */
/* Removes a closed database. */
NODISCARD enum err db_destroy(const char *path);
const char *db_path(const struct db *db);

/* Reads. The value replaces the content of *out (which may be NULL to ask for
 * existence). ERR_NOT_FOUND, ERR_CORRUPT or ERR_IO leave *out empty. */
NODISCARD enum err db_get(struct db *db, struct bytes key, struct buf *out);
NODISCARD enum err db_get_at(struct db *db, const struct db_snapshot *snap,
                             struct bytes key, struct buf *out);

struct db_snapshot *db_snapshot_new(struct db *db);
void db_snapshot_free(struct db *db, struct db_snapshot *snap);

/* One write of one key. */
NODISCARD enum err db_put(struct db *db, struct bytes key, struct bytes value,
                          bool sync);
NODISCARD enum err db_del(struct db *db, struct bytes key, bool sync);

/* A batch is applied as a whole or, after a crash, not at all. */
struct db_batch {
    void *wb;     /* owned: leveldb_writebatch_t */
    size_t bytes; /* keys, values and LevelDB's overhead: the size of the write */
    size_t count;
};
void db_batch_init(struct db_batch *b);
void db_batch_clear(struct db_batch *b); /* frees */
void db_batch_reset(struct db_batch *b); /* empties, keeps memory */
void db_batch_put(struct db_batch *b, struct bytes key, struct bytes value);
void db_batch_del(struct db_batch *b, struct bytes key);
/* @sync: survives power loss once this returns. */
NODISCARD enum err db_write(struct db *db, struct db_batch *b, bool sync);

/* Walks all keys that begin with @prefix in octet order, as of the snapshot (NULL: as
 * of now). Keys of this file (octet 00) are not shown when the prefix is empty.
 *
 *   struct db_iter *it = db_iter_new(db, NULL, bytes_of("c", 1));
 *   for (; db_iter_valid(it); db_iter_next(it))
 *       use(db_iter_key(it), db_iter_value(it));
 *   err = db_iter_free(it);
 *
 * Key and value are borrowed until the next step; the key includes the prefix. */
struct db_iter *db_iter_new(struct db *db, const struct db_snapshot *snap,
                            struct bytes prefix);
bool db_iter_valid(const struct db_iter *it);
void db_iter_next(struct db_iter *it);
void db_iter_seek(struct db_iter *it, struct bytes key); /* first key >= key */
void db_iter_seek_last(struct db_iter *it);              /* last key with the prefix */
void db_iter_prev(struct db_iter *it);
struct bytes db_iter_key(const struct db_iter *it);
struct bytes db_iter_value(const struct db_iter *it);
/* ERR_OK, or the failure that ended the walk. */
NODISCARD enum err db_iter_free(struct db_iter *it);

/* Bytes on disk of keys from <= k < to, roughly. */
uint64_t db_approximate_size(struct db *db, struct bytes from, struct bytes to);
/* Returns when everything written so far stands in synced tables. A sync covers only
 * the newest of LevelDB's logs, so many writes without one end with this and then with
 * one write that is synced (and tells whether all went well). */
void db_settle(struct db *db);
/* Rewrites the whole database compactly; long. */
void db_compact(struct db *db);

#endif
