#include "chain/store/blockfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/sha256.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"

#define BLOCK_CHUNK     (16u << 20)
#define UNDO_CHUNK      (1u << 20)
#define SMALL_FILE_MAX  (64u << 10)
#define SMALL_CHUNK     (16u << 10)
#define CHECKSUM_SIZE   32
#define MAX_UNDO_RECORD (256u << 20)

struct file_entry {
    struct block_file_info info;
    bool sync_blk, sync_rev; /* written since the last sync */
};

struct block_files {
    struct block_files_options opt;
    char *dir;                /* owned */
    pthread_mutex_t mutex;    /* guards what follows */
    struct file_entry *files; /* owned */
    int32_t n_files;
    uint32_t split;    /* 0: all blocks are of one kind */
    int32_t cursor[2]; /* when split: where blocks of a kind go, -1: to a new file */
};

/* -- Files -- */

char *block_file_path(const struct block_files *bf, int32_t file, bool undo)
{
    return xasprintf("%s/%s%05d.dat", bf->dir, undo ? "rev" : "blk", file);
}

static int open_file(const struct block_files *bf, int32_t file, bool undo, int flags)
{
    char *path = block_file_path(bf, file, undo);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0 && !(errno == ENOENT && !(flags & O_CREAT)))
        log_error(bf->opt.log, "Unable to open file %s: %s", path, strerror(errno));
    free(path);
    return fd;
}

static enum err err_of_errno(void)
{
    return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
}

static enum err write_all(int fd, const void *data, size_t len, uint64_t pos)
{
    const uint8_t *p = data;
    while (len > 0) {
        ssize_t n = pwrite(fd, p, len, (off_t)pos);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_of_errno();
        p += n;
        pos += (uint64_t)n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

/* ERR_CORRUPT when the file ends first. */
static enum err read_all(const struct block_files *bf, int fd, void *out, size_t len,
                         uint64_t pos)
{
    uint8_t *p = out;
    for (size_t have = 0; have < len;) {
        ssize_t n = pread(fd, p + have, len - have, (off_t)(pos + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            return ERR_CORRUPT;
        have += (size_t)n;
    }
    block_xor_apply(&bf->opt.key, out, len, pos);
    return ERR_OK;
}

static enum err close_written(int fd, enum err e)
{
    if (close(fd) != 0 && e == ERR_OK)
        e = err_of_errno();
    return e;
}

/* -- Life cycle and file table -- */

enum err block_files_open(struct block_files **out,
                          const struct block_files_options *opt)
{
    enum err e = fs_mkdirs(opt->dir, 0700);
    if (e != ERR_OK)
        return e;
    struct block_files *bf = xcalloc(1, sizeof(*bf));
    bf->opt = *opt;
    bf->dir = xstrdup(opt->dir);
    bf->opt.dir = bf->dir;
    pthread_mutex_init(&bf->mutex, NULL);
    *out = bf;
    return ERR_OK;
}

void block_files_close(struct block_files *bf)
{
    if (!bf)
        return;
    pthread_mutex_destroy(&bf->mutex);
    free(bf->files);
    free(bf->dir);
    free(bf);
}

/* The entry of a file, made when the table is shorter. */
static struct file_entry *entry_at(struct block_files *bf, int32_t file)
{
    ASSERT(file >= 0);
    if (file >= bf->n_files) {
        size_t n = (size_t)file + 1;
        bf->files = xrealloc_array(bf->files, n, sizeof(*bf->files));
        memset(bf->files + bf->n_files, 0,
               (n - (size_t)bf->n_files) * sizeof(*bf->files));
        bf->n_files = file + 1;
    }
    return &bf->files[file];
}

static void lock(struct block_files *bf)
{
    pthread_mutex_lock(&bf->mutex);
}

static void unlock(struct block_files *bf)
{
    pthread_mutex_unlock(&bf->mutex);
}

int32_t block_files_count(struct block_files *bf)
{
    lock(bf);
    int32_t n = bf->n_files;
    unlock(bf);
    return n;
}

struct block_file_info block_files_info(struct block_files *bf, int32_t file)
{
    struct block_file_info info = {0};
    lock(bf);
    if (file >= 0 && file < bf->n_files)
        info = bf->files[file].info;
    unlock(bf);
    return info;
}

void block_files_restore(struct block_files *bf, int32_t file,
                         const struct block_file_info *info)
{
    lock(bf);
    entry_at(bf, file)->info = *info;
    unlock(bf);
}

void block_files_clean(struct block_files *bf, int32_t file)
{
    lock(bf);
    entry_at(bf, file)->info.dirty = false;
    unlock(bf);
}

const struct block_xor *block_files_key(const struct block_files *bf)
{
    return &bf->opt.key;
}

bool block_files_exist(const struct block_files *bf, int32_t file)
{
    char *path = block_file_path(bf, file, false);
    bool there = path_exists(path);
    free(path);
    return there;
}

uint64_t block_files_disk_usage(struct block_files *bf)
{
    uint64_t sum = 0;
    lock(bf);
    for (int32_t i = 0; i < bf->n_files; i++)
        sum += (uint64_t)bf->files[i].info.size + bf->files[i].info.undo_size;
    unlock(bf);
    return sum;
}

static void info_add_block(struct block_file_info *info, uint32_t height, uint64_t time)
{
    if (info->n_blocks == 0 || height < info->height_first)
        info->height_first = height;
    if (info->n_blocks == 0 || time < info->time_first)
        info->time_first = time;
    if (height > info->height_last)
        info->height_last = height;
    if (time > info->time_last)
        info->time_last = time;
    info->n_blocks++;
    info->dirty = true;
}

/* -- Writing -- */

static uint32_t chunk_of(const struct block_files *bf, bool undo)
{
    if (bf->opt.small_files)
        return SMALL_CHUNK;
    return undo ? UNDO_CHUNK : BLOCK_CHUNK;
}

static enum err check_free_space(const struct block_files *bf, uint64_t more)
{
    uint64_t have;
    if (bf->opt.min_free_bytes == 0 || fs_free_bytes(bf->dir, &have) != ERR_OK)
        return ERR_OK;
    return have < bf->opt.min_free_bytes + more ? ERR_FULL : ERR_OK;
}

/* Makes room for a write of [pos, end): when it begins a new chunk, the file grows
 * by whole chunks, so that its blocks lie together on the disk. */
static enum err grow(const struct block_files *bf, int fd, bool undo, uint32_t pos,
                     uint32_t end)
{
    uint64_t chunk = chunk_of(bf, undo);
    uint64_t have = ((uint64_t)pos + chunk - 1) / chunk * chunk;
    uint64_t want = ((uint64_t)end + chunk - 1) / chunk * chunk;
    if (want <= have)
        return ERR_OK;
    enum err e = check_free_space(bf, want - pos);
    if (e != ERR_OK)
        return e;
    int rc = posix_fallocate(fd, (off_t)pos, (off_t)(want - pos));
    if (rc == ENOSPC || rc == EDQUOT)
        return ERR_FULL;
    return ERR_OK; /* a file system that cannot preallocate still can write */
}

static void put_head(uint8_t head[BLOCK_RECORD_HEAD], const struct block_files *bf,
                     size_t size)
{
    memcpy(head, bf->opt.magic, 4);
    put_le32(head + 4, (uint32_t)size);
}

/* Writes the pieces one after the other from pos on, as one. */
static enum err write_record(const struct block_files *bf, int32_t file, bool undo,
                             uint32_t pos, const struct bytes *pieces, size_t n)
{
    struct buf record = {0};
    int fd = open_file(bf, file, undo, O_RDWR | O_CREAT);
    if (fd < 0)
        return err_of_errno();
    for (size_t i = 0; i < n; i++)
        buf_append(&record, pieces[i].data, pieces[i].len);
    block_xor_apply(&bf->opt.key, record.data, record.len, pos);
    enum err e = grow(bf, fd, undo, pos, pos + (uint32_t)record.len);
    if (e == ERR_OK)
        e = write_all(fd, record.data, record.len, pos);
    buf_clear(&record);
    return close_written(fd, e);
}

static enum err sync_file(const struct block_files *bf, int32_t file, bool undo)
{
    int fd = open_file(bf, file, undo, O_RDWR);
    if (fd < 0)
        return errno == ENOENT ? ERR_OK : ERR_IO;
    enum err e = fdatasync(fd) == 0 ? ERR_OK : err_of_errno();
    return close_written(fd, e);
}

/* A finished file gives back what was preallocated. */
static void truncate_file(const struct block_files *bf, int32_t file, bool undo,
                          uint32_t size)
{
    char *path = block_file_path(bf, file, undo);
    if (truncate(path, (off_t)size) != 0 && errno != ENOENT)
        log_warning(bf->opt.log, "Cannot truncate %s: %s", path, strerror(errno));
    free(path);
}

static uint32_t file_max(const struct block_files *bf)
{
    return bf->opt.small_files ? SMALL_FILE_MAX : BLOCK_FILE_MAX;
}

static void finish_file(struct block_files *bf, int32_t file)
{
    struct block_file_info info = block_files_info(bf, file);
    truncate_file(bf, file, false, info.size);
    truncate_file(bf, file, true, info.undo_size);
}

/* Which cursor a block of this height belongs to. */
static int kind_of(const struct block_files *bf, uint32_t height)
{
    return bf->split > 0 && height > bf->split;
}

static int32_t current_file(const struct block_files *bf, int kind)
{
    return bf->split > 0 ? bf->cursor[kind] : bf->n_files - 1;
}

void block_files_split(struct block_files *bf, uint32_t height)
{
    int32_t left[2] = {-1, -1};
    lock(bf);
    if (bf->split > 0 && height == 0)
        memcpy(left, bf->cursor, sizeof(left));
    bf->split = height;
    bf->cursor[0] = bf->cursor[1] = -1;
    for (int32_t i = 0; i < bf->n_files; i++)
        if (bf->files[i].info.size > 0)
            bf->cursor[kind_of(bf, bf->files[i].info.height_last)] = i;
    int32_t last = bf->n_files - 1;
    unlock(bf);
    for (size_t i = 0; i < ARRAY_LEN(left); i++)
        if (left[i] >= 0 && left[i] < last)
            finish_file(bf, left[i]);
}

bool block_files_growing(struct block_files *bf, int32_t file)
{
    lock(bf);
    bool growing = file == current_file(bf, 0) || file == current_file(bf, 1);
    unlock(bf);
    return growing;
}

/* The file that takes a record of @need octets for a block of this height: the current
 * one unless it is full. */
static int32_t choose_file(struct block_files *bf, uint32_t need, uint32_t height)
{
    lock(bf);
    int kind = kind_of(bf, height);
    int32_t file = current_file(bf, kind), next = file;
    uint32_t size = file >= 0 ? bf->files[file].info.size : 0;
    bool full = size > 0 && (uint64_t)size + need > file_max(bf);
    if (full || file < 0)
        next = bf->n_files;
    entry_at(bf, next);
    bf->cursor[kind] = next;
    unlock(bf);
    if (full)
        finish_file(bf, file);
    return next;
}

enum err block_files_write(struct block_files *bf, struct filepos *out,
                           const struct block *b, uint32_t height)
{
    uint8_t head[BLOCK_RECORD_HEAD];
    put_head(head, bf, b->raw.len);
    uint32_t need = BLOCK_RECORD_HEAD + (uint32_t)b->raw.len;
    int32_t file = choose_file(bf, need, height);
    uint32_t pos = block_files_info(bf, file).size;
    struct bytes pieces[] = {bytes_of(head, sizeof(head)), b->raw};
    enum err e = write_record(bf, file, false, pos, pieces, ARRAY_LEN(pieces));
    if (e != ERR_OK)
        return e;
    lock(bf);
    struct file_entry *f = entry_at(bf, file);
    f->info.size = pos + need;
    f->sync_blk = true;
    info_add_block(&f->info, height, b->header.time);
    unlock(bf);
    *out = (struct filepos){file, pos + BLOCK_RECORD_HEAD};
    return ERR_OK;
}

void block_files_found(struct block_files *bf, const struct filepos *pos, uint32_t size,
                       uint32_t height, uint32_t time)
{
    lock(bf);
    struct block_file_info *info = &entry_at(bf, pos->file)->info;
    if (pos->pos + size > info->size)
        info->size = pos->pos + size;
    info_add_block(info, height, time);
    unlock(bf);
}

static void undo_checksum(uint8_t out[CHECKSUM_SIZE], const struct hash256 *parent,
                          struct bytes undo)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_update(&h, parent->b, sizeof(parent->b));
    sha256_update(&h, undo.data, undo.len);
    sha256d_final(&h, out);
}

enum err undo_files_write(struct block_files *bf, struct filepos *out, int32_t file,
                          const struct hash256 *parent, struct bytes undo)
{
    uint8_t head[BLOCK_RECORD_HEAD], sum[CHECKSUM_SIZE];
    put_head(head, bf, undo.len);
    undo_checksum(sum, parent, undo);
    uint32_t pos = block_files_info(bf, file).undo_size;
    struct bytes pieces[] = {
        bytes_of(head, sizeof(head)),
        undo,
        bytes_of(sum, sizeof(sum)),
    };
    enum err e = write_record(bf, file, true, pos, pieces, ARRAY_LEN(pieces));
    if (e != ERR_OK)
        return e;
    lock(bf);
    struct file_entry *f = entry_at(bf, file);
    f->info.undo_size = pos + (uint32_t)(BLOCK_RECORD_HEAD + undo.len + CHECKSUM_SIZE);
    f->info.dirty = true;
    f->sync_rev = true;
    unlock(bf);
    *out = (struct filepos){file, pos + BLOCK_RECORD_HEAD};
    return ERR_OK;
}

enum err block_files_sync(struct block_files *bf)
{
    enum err e = ERR_OK;
    for (int32_t i = 0; i < bf->n_files && e == ERR_OK; i++) {
        struct file_entry *f = &bf->files[i];
        bool any = f->sync_blk || f->sync_rev;
        if (f->sync_blk)
            e = sync_file(bf, i, false);
        if (f->sync_rev && e == ERR_OK)
            e = sync_file(bf, i, true);
        if (any && e == ERR_OK) {
            f->sync_blk = f->sync_rev = false;
            e = fs_sync_dir(bf->dir);
        }
    }
    return e;
}

/* -- Reading -- */

/* Checks the record's head and reads size + tail octets behind it. */
static enum err read_record(struct block_files *bf, bool undo,
                            const struct filepos *pos, uint32_t max, uint32_t tail,
                            struct buf *out)
{
    uint8_t head[BLOCK_RECORD_HEAD];
    buf_reset(out);
    if (pos->file < 0 || pos->pos < BLOCK_RECORD_HEAD)
        return ERR_NOT_FOUND;
    int fd = open_file(bf, pos->file, undo, O_RDONLY);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    enum err e = read_all(bf, fd, head, sizeof(head), pos->pos - BLOCK_RECORD_HEAD);
    uint32_t size = get_le32(head + 4);
    if (e == ERR_OK && (memcmp(head, bf->opt.magic, 4) != 0 || size > max))
        e = ERR_CORRUPT;
    if (e == ERR_OK)
        e = read_all(bf, fd, buf_extend(out, (size_t)size + tail), (size_t)size + tail,
                     pos->pos);
    close(fd);
    if (e != ERR_OK)
        buf_reset(out);
    return e;
}

enum err block_files_read_raw(struct block_files *bf, struct buf *out,
                              const struct filepos *pos)
{
    return read_record(bf, false, pos, MAX_BLOCK_SERIALIZED_SIZE, 0, out);
}

enum err block_files_read(struct block_files *bf, struct block **out,
                          const struct filepos *pos)
{
    struct buf raw = {0};
    enum err e = block_files_read_raw(bf, &raw, pos);
    if (e == ERR_OK) {
        struct block *b = block_from_buf(&raw);
        if (b)
            *out = b;
        else
            e = ERR_CORRUPT;
    }
    buf_clear(&raw);
    return e;
}

enum err undo_files_read(struct block_files *bf, struct buf *out,
                         const struct filepos *pos, const struct hash256 *parent)
{
    enum err e = read_record(bf, true, pos, MAX_UNDO_RECORD, CHECKSUM_SIZE, out);
    if (e != ERR_OK)
        return e;
    uint8_t sum[CHECKSUM_SIZE];
    out->len -= CHECKSUM_SIZE;
    undo_checksum(sum, parent, buf_view(out));
    if (memcmp(sum, out->data + out->len, CHECKSUM_SIZE) == 0)
        return ERR_OK;
    buf_reset(out);
    return ERR_CORRUPT;
}

/* -- Pruning -- */

static void remove_file(const struct block_files *bf, int32_t file, bool undo)
{
    char *path = block_file_path(bf, file, undo);
    if (unlink(path) != 0 && errno != ENOENT)
        log_warning(bf->opt.log, "Cannot remove %s: %s", path, strerror(errno));
    free(path);
}

void block_files_remove(struct block_files *bf, int32_t file)
{
    remove_file(bf, file, false);
    remove_file(bf, file, true);
}

void block_files_forget(struct block_files *bf, int32_t file)
{
    lock(bf);
    struct file_entry *f = entry_at(bf, file);
    memset(f, 0, sizeof(*f));
    f->info.dirty = true;
    unlock(bf);
}

/* Number of a block or undo file; -1 when the name is no such file's. */
static int32_t file_number(const char *name)
{
    int n, end = 0;
    if (sscanf(name, "blk%5d.dat%n", &n, &end) != 1 &&
        sscanf(name, "rev%5d.dat%n", &n, &end) != 1)
        return -1;
    return end > 0 && name[end] == '\0' ? n : -1;
}

void block_files_remove_from(struct block_files *bf, int32_t first)
{
    DIR *dir = opendir(bf->dir);
    if (!dir)
        return;
    for (struct dirent *d; (d = readdir(dir)) != NULL;)
        if (file_number(d->d_name) >= first)
            block_files_remove(bf, file_number(d->d_name));
    closedir(dir);
}
