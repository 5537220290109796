/* Files: paths, locks, atomic replacement, free space. */
#ifndef OCHRE_UTIL_FS_H
#define OCHRE_UTIL_FS_H

#include <stdio.h>

#include "util/bytes.h"

/* Paths: the caller frees. An absolute @name stands for itself. */
char *path_join(const char *dir, const char *name);
char *path_dir(const char *path); /* what holds it: "a" of "a/b", "." of "b" */
bool path_exists(const char *path);
bool path_is_dir(const char *path);
NODISCARD enum err fs_mkdirs(const char *path, int mode); /* existing is fine */
/* Appends. ERR_FULL: larger than @max. */
NODISCARD enum err fs_read_file(const char *path, size_t max, struct buf *out);
/* Writes path.tmp-<pid>, syncs it, renames it over path, syncs the directory: after a
 * crash the old or the new content is there, never a mixture. */
NODISCARD enum err fs_write_atomic(const char *path, const void *data, size_t len,
                                   int mode);
/* All of it, however many write(2) calls that takes. */
NODISCARD enum err fs_write_all(int fd, const void *data, size_t len);
NODISCARD enum err fs_sync_dir(const char *dir);
NODISCARD enum err fs_remove_tree(const char *path);
/* Creates the file if need be and takes an exclusive, non-blocking lock held until
 * fs_unlock or exit. ERR_LOCKED when another process has it. */
NODISCARD enum err fs_lock(const char *path, int *fd_out);
void fs_unlock(int fd);
NODISCARD enum err fs_free_bytes(const char *path, uint64_t *out);

#endif
