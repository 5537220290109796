/* The block index on disk (blocks/index): every known header, where its data stands,
 * and the table of block files.
 *
 * 'b' hash       base128 height, status, transactions; base128 file when data or undo
 * is there, base128 data position when data is, base128 undo position when undo is;
 * header, 80 octets 'f' u32be n    base128 blocks, size, undo size, first and last
 * height, first and last time 'F' name       u8: a flag is set */
#ifndef OCHRE_CHAIN_STORE_BLOCK_DB_H
#define OCHRE_CHAIN_STORE_BLOCK_DB_H

#include "chain/rules/block_index.h"
#include "chain/store/blockfile.h"
#include "db/db.h"

/* Flags */
#define BLOCK_DB_REINDEXING "reindexing"
#define BLOCK_DB_PRUNED     "prunedblockfiles"

struct block_db;

/* @wipe begins with an empty index (-reindex). On failure *error (caller frees) says
 * why. */
NODISCARD enum err block_db_open(struct block_db **out, const char *dir,
                                 size_t cache_bytes, bool wipe, struct logger *log,
                                 char **error);
struct db *block_db_database(struct block_db *bdb); /* below it */
void block_db_close(struct block_db *bdb);

/* One header as it was saved. */
struct block_record {
    struct hash256 hash;
    struct block_header header;
    int32_t height;
    uint32_t status, n_tx;
    int32_t file;
    uint32_t data_pos, undo_pos;
};
/* Every header, in no order; fn returns false to stop. ERR_CORRUPT for records that are
 * malformed or do not have the hash they stand under. */
NODISCARD enum err block_db_load(struct block_db *bdb,
                                 bool (*fn)(void *ctx, const struct block_record *rec),
                                 void *ctx);
/* Fills the table of @bf. */
NODISCARD enum err block_db_load_files(struct block_db *bdb, struct block_files *bf);
/* One synced batch: the entries and every changed row of the file table. */
NODISCARD enum err block_db_save(struct block_db *bdb,
                                 struct block_index *const *entries, size_t n,
                                 struct block_files *bf);

bool block_db_flag(struct block_db *bdb, const char *name);
NODISCARD enum err block_db_set_flag(struct block_db *bdb, const char *name, bool on);

#endif
