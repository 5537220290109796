/* Block and undo files: blocks/blkNNNNN.dat and revNNNNN.dat in Bitcoin Core's format.
 *
 *   blk record            rev record
 *   0  4  network magic   0  4     network magic
 *   4  4  size, LE        4  4     size, LE
 *   8  .. block           8  size  undo (see undo.h)
 *                         .. 32    checksum: SHA256d(hash of the parent block, undo)
 *
 * A position names the octet after the 8-octet head. A file ends at 128 MiB. Files grow
 * in chunks of zeros (16 MiB, undo 1 MiB), and whatever lies behind the length that the
 * block index remembers is a torn tail, which the next write covers.
 *
 * On disk all of it is XORed with a key, see block_xor.h.
 *
 * Writing: the validation thread only. Reading: any thread. */
#ifndef OCHRE_CHAIN_STORE_BLOCKFILE_H
#define OCHRE_CHAIN_STORE_BLOCKFILE_H

#include "chain/prim/block.h"
#include "chain/store/block_xor.h"

#define BLOCK_FILE_MAX    (128u << 20)
#define BLOCK_RECORD_HEAD 8
#define MAX_BLOCK_FILES   99999 /* five digits in the name */

struct logger;

struct filepos {
    int32_t file; /* -1: none */
    uint32_t pos;
};
#define FILEPOS_NONE ((struct filepos){-1, 0})

/* What the block index remembers of one pair of files. */
struct block_file_info {
    uint32_t n_blocks;
    uint32_t size;      /* octets used in blk */
    uint32_t undo_size; /* octets used in rev */
    uint32_t height_first, height_last;
    uint64_t time_first, time_last;
    bool dirty; /* changed since last saved */
};

struct block_files_options {
    const char *dir; /* created when absent */
    uint8_t magic[4];
    struct block_xor key;
    bool small_files;        /* 64 KiB files and 16 KiB chunks, for tests of pruning */
    uint64_t min_free_bytes; /* ERR_FULL below this; 0: no check */
    struct logger *log;
};

struct block_files;

NODISCARD enum err block_files_open(struct block_files **out,
                                    const struct block_files_options *opt);
void block_files_close(struct block_files *bf); /* does not sync */

/* File table, as loaded from and saved to the block index. */
int32_t block_files_count(struct block_files *bf); /* last file + 1 */
/* All zero for a file that is not there. */
struct block_file_info block_files_info(struct block_files *bf, int32_t file);
void block_files_restore(struct block_files *bf, int32_t file,
                         const struct block_file_info *info);
void block_files_clean(struct block_files *bf,
                       int32_t file); /* saved: not dirty any more */
bool block_files_exist(const struct block_files *bf, int32_t file);
uint64_t block_files_disk_usage(struct block_files *bf);

/* From now on blocks up to @height go to other files than those above it, so that the
 * one kind can be pruned while the other must stay: for the time in which the history
 * below a UTXO snapshot is fetched. 0: into one file again. Where either kind goes on
 * follows from the table, which must be loaded; nothing of this is stored. */
void block_files_split(struct block_files *bf, uint32_t height);
/* Whether the next block may go there. */
bool block_files_growing(struct block_files *bf, int32_t file);

NODISCARD enum err block_files_write(struct block_files *bf, struct filepos *out,
                                     const struct block *b, uint32_t height);
/* Accounts for a block that is already there (-reindex). */
void block_files_found(struct block_files *bf, const struct filepos *pos, uint32_t size,
                       uint32_t height, uint32_t time);
/* Undo of a block goes to the rev file of the same number as its blk file. */
NODISCARD enum err undo_files_write(struct block_files *bf, struct filepos *out,
                                    int32_t file, const struct hash256 *parent,
                                    struct bytes undo);
/* Syncs whatever was written since the last call. */
NODISCARD enum err block_files_sync(struct block_files *bf);

/* *out is one reference, or the raw block; checks magic and that it parses, not its
 * hash. */
NODISCARD enum err block_files_read(struct block_files *bf, struct block **out,
                                    const struct filepos *pos);
NODISCARD enum err block_files_read_raw(struct block_files *bf, struct buf *out,
                                        const struct filepos *pos);
/* ERR_CORRUPT when the checksum does not fit. */
NODISCARD enum err undo_files_read(struct block_files *bf, struct buf *out,
                                   const struct filepos *pos,
                                   const struct hash256 *parent);

/* Pruning: first forget what a pair of files held, save the block index, then remove
 * them. */
void block_files_forget(struct block_files *bf, int32_t file);
void block_files_remove(struct block_files *bf, int32_t file);
/* Every file whose number is at least @first. */
void block_files_remove_from(struct block_files *bf, int32_t first);

/* Walks any file of records, ours or a bootstrap.dat, passing over whatever is no
 * record. fn gets the raw octets, borrowed, and the position of the block. */
enum scan_step {
    SCAN_NEXT, /* go on behind this record */
    SCAN_SKIP, /* it was none: search on right behind its magic */
    SCAN_STOP,
};
NODISCARD enum err block_file_scan(const char *path, const uint8_t magic[4],
                                   const struct block_xor *key,
                                   enum scan_step (*fn)(void *ctx, struct bytes raw,
                                                        uint64_t pos),
                                   void *ctx);
const struct block_xor *block_files_key(const struct block_files *bf);
char *block_file_path(const struct block_files *bf, int32_t file,
                      bool undo); /* caller frees */

#endif
