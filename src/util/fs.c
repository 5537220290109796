#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/mem.h"

char *path_join(const char *dir, const char *name)
{
    size_t n = strlen(dir);
    if (name[0] == '/' || n == 0)
        return xstrdup(name);
    return xasprintf("%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
}

char *path_dir(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return xstrdup(".");
    if (slash == path)
        return xstrdup("/");
    return xasprintf("%.*s", (int)(slash - path), path);
}

bool path_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool path_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum err err_of_errno(void)
{
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    default:
        return ERR_IO;
    }
}

enum err fs_mkdirs(const char *path, int mode)
{
    char *p = xstrdup(path);
    enum err e = ERR_OK;
    for (char *at = p + 1; e == ERR_OK; at++) {
        char c = *at;
        if (c != '/' && c != 0)
            continue;
        *at = 0;
        if (mkdir(p, (mode_t)mode) != 0 && !path_is_dir(p))
            e = ERR_IO;
        *at = c;
        if (c == 0)
            break;
    }
    free(p);
    return e;
}

static enum err read_all(int fd, size_t max, struct buf *out)
{
    size_t start = out->len;
    for (;;) {
        uint8_t chunk[65536];
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            return ERR_OK;
        if ((size_t)n > max - (out->len - start))
            return ERR_FULL;
        buf_append(out, chunk, (size_t)n);
    }
}

enum err fs_read_file(const char *path, size_t max, struct buf *out)
{
    size_t start = out->len;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_of_errno();
    enum err e = read_all(fd, max, out);
    close(fd);
    if (e != ERR_OK)
        out->len = start;
    return e;
}

enum err fs_write_all(int fd, const void *data, size_t len)
{
    const uint8_t *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_of_errno();
        p += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

enum err fs_sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_of_errno();
    enum err e = fsync(fd) == 0 ? ERR_OK : err_of_errno();
    close(fd);
    return e;
}

static enum err write_synced(const char *path, const void *data, size_t len, int mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return err_of_errno();
    enum err e = fs_write_all(fd, data, len);
    if (e == ERR_OK && fsync(fd) != 0)
        e = err_of_errno();
    if (close(fd) != 0 && e == ERR_OK)
        e = err_of_errno();
    return e;
}

enum err fs_write_atomic(const char *path, const void *data, size_t len, int mode)
{
    char *tmp = xasprintf("%s.tmp-%ld", path, (long)getpid());
    char *dir = path_dir(path);
    enum err e = write_synced(tmp, data, len, mode);
    if (e == ERR_OK && rename(tmp, path) != 0)
        e = err_of_errno();
    if (e == ERR_OK)
        e = fs_sync_dir(dir);
    else
        unlink(tmp);
    free(tmp);
    free(dir);
    return e;
}

static int remove_entry(const char *path, const struct stat *st, int type,
                        struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

enum err fs_remove_tree(const char *path)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return ERR_OK;
    return ERR_IO;
}

enum err fs_lock(const char *path, int *fd_out)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_of_errno();
    if (fcntl(fd, F_SETLK, &whole) != 0) {
        enum err e = errno == EACCES || errno == EAGAIN ? ERR_LOCKED : ERR_IO;
        close(fd);
        return e;
    }
    *fd_out = fd;
    return ERR_OK;
}

void fs_unlock(int fd)
{
    close(fd);
}

enum err fs_free_bytes(const char *path, uint64_t *out)
{
    struct statvfs st;
    if (statvfs(path, &st) != 0)
        return err_of_errno();
    *out = (uint64_t)st.f_bavail * st.f_frsize;
    return ERR_OK;
}
