/* What the indexes along the chain have in common: a database, and the block it stands
 * at under key 'B'.
 *
 * Entries are written with each block, where the index stands only now and then, once
 * the block index on disk knows that block: after a crash the index goes on from there
 * and writes the entries above once more. Entries of another branch may replace those
 * of the block that it stands at on disk, so before them goes a note that it stands
 * where the branches part. */
#ifndef OCHRE_CHAIN_STORE_INDEX_DB_H
#define OCHRE_CHAIN_STORE_INDEX_DB_H

#include <pthread.h>

#include "db/db.h"

struct logger;

struct index_db {
    const char *name; /* "transaction index" */
    struct db *db;    /* owned */
    struct logger *log;
    pthread_mutex_t mutex;
    struct hash256 best;  /* guarded by mutex */
    struct hash256 saved; /* as on disk; the indexing thread's */
    bool rewound;         /* `saved` left the chain; its entries must not be trusted */
};

/* On failure *error is a sentence (caller frees) and index_db_close is due all the
 * same. */
NODISCARD enum err index_db_open(struct index_db *i, const char *name, const char *dir,
                                 uint32_t version, size_t cache_bytes, bool wipe,
                                 struct logger *log, char **error);
void index_db_close(struct index_db *i);
/* Zero for an empty one. Thread-safe. */
struct hash256 index_db_best(struct index_db *i);
uint64_t index_db_bytes(struct index_db *i); /* on disk, roughly */
/* Writes a block's entries; the index stands at @best then. */
NODISCARD enum err index_db_advance(struct index_db *i, struct db_batch *batch,
                                    const struct hash256 *best);
/* The index goes on from an earlier block (a reorganisation). */
void index_db_rewind(struct index_db *i, const struct hash256 *best);
/* Notes on disk where the index stands. */
NODISCARD enum err index_db_save(struct index_db *i);

#endif
