/* The directories of chain states, across starts and crashes.
 *
 * - chainstate/: validated from genesis on
 * - chainstate_snapshot/: made from a UTXO snapshot, with these marks:
 *   - base_blockhash: 32 octets, the snapshot's block. Written last: without it the
 *     rest is a torso
 *   - validated: the history says the same, so this is the chain state now
 *   - invalid: the history says otherwise
 * - chainstate_snapshot_INVALID/: for whoever looks into what went wrong
 * - chainstate_todelete/: on its way out
 *
 * A directory changes its name only while no database in it is open. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain/validation/internal.h"

#define INVALID_DIR    SNAPSHOT_DIR "_INVALID"
#define DELETE_DIR     CHAINSTATE_DIR "_todelete"
#define BASE_FILE      "base_blockhash"
#define VALIDATED_FILE "validated"
#define INVALID_FILE   "invalid"

static char *dir_of(const struct chainman *cm, const char *name)
{
    return path_join(cm->opt.datadir, name);
}

static bool has_mark(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    bool has = path_exists(path);
    free(path);
    return has;
}

static enum err set_mark(struct chainman *cm, const char *name, const void *data,
                         size_t len)
{
    char *dir = dir_of(cm, SNAPSHOT_DIR);
    char *path = path_join(dir, name);
    enum err e = fs_write_atomic(path, data, len, 0600);
    free(path);
    free(dir);
    return e;
}

static void clear_mark(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    unlink(path);
    free(path);
}

/* The mark goes first: half a directory must not pass for a whole one. */
static enum err remove_dir(const char *dir)
{
    if (!path_is_dir(dir))
        return ERR_OK;
    clear_mark(dir, BASE_FILE);
    enum err e = fs_sync_dir(dir);
    return e == ERR_OK ? fs_remove_tree(dir) : e;
}

static enum err rename_dir(struct chainman *cm, const char *from, const char *to)
{
    if (!path_is_dir(from))
        return ERR_OK;
    return rename(from, to) == 0 ? fs_sync_dir(cm->opt.datadir) : ERR_IO;
}

static enum err set_aside(struct chainman *cm, const char *snapshot)
{
    char *aside = dir_of(cm, INVALID_DIR);
    log_warning(cm->log, "[snapshot] the invalid snapshot chain state is kept in %s",
                aside);
    enum err e = remove_dir(aside);
    if (e == ERR_OK)
        e = rename_dir(cm, snapshot, aside);
    free(aside);
    return e;
}

/* The validated snapshot becomes the chain state; each step may be the last before a
 * crash. */
static enum err take_over(struct chainman *cm, const char *snapshot)
{
    char *chainstate = dir_of(cm, CHAINSTATE_DIR);
    char *out = dir_of(cm, DELETE_DIR);
    log_info(cm->log, "[snapshot] cleaning up unneeded background chainstate");
    enum err e = remove_dir(out);
    if (e == ERR_OK)
        e = rename_dir(cm, chainstate, out);
    if (e == ERR_OK)
        e = rename_dir(cm, snapshot, chainstate);
    free(out);
    free(chainstate);
    return e;
}

/* What a take-over leaves. */
static enum err sweep(struct chainman *cm)
{
    char *chainstate = dir_of(cm, CHAINSTATE_DIR);
    char *out = dir_of(cm, DELETE_DIR);
    clear_mark(chainstate, BASE_FILE);
    clear_mark(chainstate, VALIDATED_FILE);
    enum err e = remove_dir(out);
    free(out);
    free(chainstate);
    return e;
}

static bool read_base(const char *dir, struct hash256 *base)
{
    char *path = path_join(dir, BASE_FILE);
    struct buf b = {0};
    bool ok =
        fs_read_file(path, sizeof(base->b), &b) == ERR_OK && b.len == sizeof(base->b);
    if (ok)
        memcpy(base->b, b.data, b.len);
    buf_clear(&b);
    free(path);
    return ok;
}

static enum err find_base(struct chainman *cm, const char *snapshot, char **error)
{
    struct hash256 base;
    char hex[65];
    if (!read_base(snapshot, &base)) {
        log_warning(cm->log,
                    "[snapshot] %s is incomplete (no base blockhash) and is removed. "
                    "Call loadtxoutset again",
                    snapshot);
        return remove_dir(snapshot);
    }
    cm->snapshot = assumeutxo_at_block(cm->params, &base);
    cm->from_snapshot = true;
    if (cm->snapshot)
        return ERR_OK;
    *error = xasprintf("Assumeutxo data not found for the given blockhash '%s'.",
                       hash256_to_hex(hex, &base));
    return ERR_RANGE;
}

static enum err settle(struct chainman *cm, const char *snapshot, char **error)
{
    if (!path_is_dir(snapshot))
        return sweep(cm);
    if (cm->opt.reindex || cm->opt.reindex_chainstate) {
        log_info(cm->log, "[snapshot] deleting snapshot chainstate due to reindexing");
        return remove_dir(snapshot);
    }
    if (has_mark(snapshot, INVALID_FILE))
        return set_aside(cm, snapshot);
    if (!has_mark(snapshot, VALIDATED_FILE))
        return find_base(cm, snapshot, error);
    enum err e = take_over(cm, snapshot);
    return e == ERR_OK ? sweep(cm) : e;
}

enum err snapshot_dir_settle(struct chainman *cm, char **error)
{
    char *snapshot = dir_of(cm, SNAPSHOT_DIR);
    *error = NULL;
    enum err e = settle(cm, snapshot, error);
    if (e != ERR_OK && *error == NULL)
        *error = xasprintf("Cannot tidy up %s: %s. Check the disk and permissions",
                           snapshot, err_text(e));
    free(snapshot);
    return e;
}

enum err snapshot_dir_complete(struct chainman *cm, const struct hash256 *base)
{
    enum err e = fs_sync_dir(cm->opt.datadir); /* where its name stands */
    return e == ERR_OK ? set_mark(cm, BASE_FILE, base->b, sizeof(base->b)) : e;
}

enum err snapshot_dir_validated(struct chainman *cm)
{
    return set_mark(cm, VALIDATED_FILE, "", 0);
}

enum err snapshot_dir_invalid(struct chainman *cm)
{
    return set_mark(cm, INVALID_FILE, "", 0);
}

void snapshot_dir_remove(struct chainman *cm)
{
    char *dir = dir_of(cm, SNAPSHOT_DIR);
    if (remove_dir(dir) != ERR_OK)
        log_warning(cm->log, "Cannot remove %s; the next start will", dir);
    free(dir);
}

void snapshot_dir_close(struct chainman *cm)
{
    char *dir = dir_of(cm, SNAPSHOT_DIR);
    if (has_mark(dir, INVALID_FILE) && set_aside(cm, dir) != ERR_OK)
        log_warning(cm->log, "Cannot rename %s; the next start will", dir);
    free(dir);
}
