/* A disk that fails, preloaded into the daemon (see framework/disklayer.py).
 *
 * Power cuts: for every file under $OCHRE_CUT_DIR it remembers how to take back each
 * write since the file was last synced. SIGKILL keeps the page cache; taking those
 * writes back makes it a power cut. Journal of a file: $OCHRE_CUT_JOURNAL/<inode>, a
 * list of u64 offset, u64 written length, u64 file size before, u64 saved length, saved
 * bytes and gone as soon as the file is synced. After $OCHRE_CUT_AFTER writes the
 * process kills itself, so a cut can be repeated exactly.
 *
 * Full disk: while the file $OCHRE_FULL_FLAG exists, every write fails with ENOSPC, or,
 * when that file holds a text, every write to a path with this text in it; while
 * $OCHRE_LOW_FLAG exists, statvfs reports 10 MB free. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *cut_dir, *journal, *full_flag, *low_flag;
static long writes_left = -1;

#define REAL(name) real_##name = (__typeof__(real_##name))dlsym(RTLD_NEXT, #name)
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite64)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate64)(int, off_t);
static int (*real_posix_fallocate64)(int, off_t, off_t);
static int (*real_open64)(const char *, int, ...);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_statvfs64)(const char *, struct statvfs64 *);

__attribute__((constructor)) static void start(void)
{
    REAL(write);
    REAL(pwrite64);
    REAL(fsync);
    REAL(fdatasync);
    REAL(ftruncate64);
    REAL(posix_fallocate64);
    REAL(open64);
    REAL(writev);
    REAL(statvfs64);
    cut_dir = getenv("OCHRE_CUT_DIR");
    journal = getenv("OCHRE_CUT_JOURNAL");
    full_flag = getenv("OCHRE_FULL_FLAG");
    low_flag = getenv("OCHRE_LOW_FLAG");
    const char *after = getenv("OCHRE_CUT_AFTER");
    if (after != NULL)
        writes_left = atol(after);
}

static int path_of(int fd, char *path, size_t size)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, size - 1);
    path[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* A regular file under the watched directory that matters after a crash. */
static int watched(int fd, struct stat *st)
{
    char path[4096];
    if (cut_dir == NULL || fstat(fd, st) != 0 || !S_ISREG(st->st_mode) ||
        !path_of(fd, path, sizeof path))
        return 0;
    return strncmp(path, cut_dir, strlen(cut_dir)) == 0 && strstr(path, "debug.log") == NULL &&
           strstr(path, "/LOG") == NULL;
}

static void journal_path(char *out, size_t size, const struct stat *st)
{
    snprintf(out, size, "%s/%lu", journal, (unsigned long)st->st_ino);
}

static int disk_full(int fd)
{
    char which[256], path[4096];
    int flag = full_flag != NULL ? real_open64(full_flag, O_RDONLY | O_CLOEXEC) : -1;
    if (flag < 0)
        return 0;
    ssize_t n = read(flag, which, sizeof which - 1);
    close(flag);
    which[n > 0 ? n : 0] = '\0';
    if (!path_of(fd, path, sizeof path) || strstr(path, which) == NULL)
        return 0;
    errno = ENOSPC;
    return 1;
}

static void remember(int fd, const struct stat *st, uint64_t off, uint64_t len)
{
    if (journal == NULL)
        return;
    uint64_t size = (uint64_t)st->st_size;
    uint64_t saved = off >= size ? 0 : (size - off < len ? size - off : len);
    uint64_t head[4] = {off, len, size, saved};
    char path[4200], *old = malloc(saved + 1);
    journal_path(path, sizeof path, st);
    int in, out = real_open64(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (saved > 0) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        in = real_open64(link, O_RDONLY | O_CLOEXEC);
        if (in < 0 || pread(in, old, saved, (off_t)off) != (ssize_t)saved)
            abort();
        close(in);
    }
    if (out < 0 || real_write(out, head, sizeof head) != (ssize_t)sizeof head ||
        real_write(out, old, saved) != (ssize_t)saved)
        abort();
    close(out);
    free(old);
}

/* A new file may get the inode of a removed one, whose journal is none of its business.
 */
static int open_with(const char *path, int flags, mode_t mode)
{
    struct stat st;
    int fresh = journal != NULL && (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
    pthread_mutex_lock(&lock);
    int fd = real_open64(path, flags, mode);
    if (fd >= 0 && fresh && watched(fd, &st)) {
        char old[4200];
        journal_path(old, sizeof old, &st);
        unlink(old);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE_OF(flags, mode)                                                           \
    do {                                                                               \
        va_list ap;                                                                    \
        va_start(ap, flags);                                                           \
        mode = (flags) & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;             \
        va_end(ap);                                                                    \
    } while (0)

int open64(const char *path, int flags, ...)
{
    mode_t mode;
    MODE_OF(flags, mode);
    return open_with(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    mode_t mode;
    MODE_OF(flags, mode);
    return open_with(path, flags, mode);
}

static void count_down(void)
{
    if (writes_left > 0 && --writes_left == 0)
        kill(getpid(), SIGKILL);
}

ssize_t write(int fd, const void *data, size_t len)
{
    struct stat st;
    if (!watched(fd, &st))
        return real_write(fd, data, len);
    if (disk_full(fd))
        return -1;
    pthread_mutex_lock(&lock);
    fstat(fd, &st);
    int append = fcntl(fd, F_GETFL) & O_APPEND;
    remember(fd, &st, append ? (uint64_t)st.st_size : (uint64_t)lseek(fd, 0, SEEK_CUR), len);
    ssize_t n = real_write(fd, data, len);
    count_down();
    pthread_mutex_unlock(&lock);
    return n;
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
    struct stat st;
    if (!watched(fd, &st))
        return real_writev(fd, v, count);
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        ssize_t n = write(fd, v[i].iov_base, v[i].iov_len);
        if (n < 0)
            return total > 0 ? total : n;
        total += n;
    }
    return total;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t off)
{
    struct stat st;
    if (!watched(fd, &st))
        return real_pwrite64(fd, data, len, off);
    if (disk_full(fd))
        return -1;
    pthread_mutex_lock(&lock);
    fstat(fd, &st);
    remember(fd, &st, (uint64_t)off, len);
    ssize_t n = real_pwrite64(fd, data, len, off);
    count_down();
    pthread_mutex_unlock(&lock);
    return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t off)
{
    return pwrite64(fd, data, len, off);
}

int ftruncate64(int fd, off_t size)
{
    struct stat st;
    if (!watched(fd, &st))
        return real_ftruncate64(fd, size);
    pthread_mutex_lock(&lock);
    fstat(fd, &st);
    uint64_t cut = st.st_size > size ? (uint64_t)(st.st_size - size) : 0;
    remember(fd, &st, (uint64_t)size, cut);
    int rc = real_ftruncate64(fd, size);
    pthread_mutex_unlock(&lock);
    return rc;
}

int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

int posix_fallocate64(int fd, off_t off, off_t len)
{
    struct stat st;
    if (!watched(fd, &st))
        return real_posix_fallocate64(fd, off, len);
    if (disk_full(fd))
        return ENOSPC;
    pthread_mutex_lock(&lock);
    fstat(fd, &st);
    remember(fd, &st, (uint64_t)st.st_size, 0);
    int rc = real_posix_fallocate64(fd, off, len);
    pthread_mutex_unlock(&lock);
    return rc;
}

int posix_fallocate(int fd, off_t off, off_t len)
{
    return posix_fallocate64(fd, off, len);
}

static int sync_with(int fd, int (*real)(int))
{
    struct stat st;
    if (!watched(fd, &st) || journal == NULL)
        return real(fd);
    pthread_mutex_lock(&lock);
    int rc = real(fd);
    if (rc == 0) {
        char path[4200];
        journal_path(path, sizeof path, &st);
        unlink(path);
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

int fsync(int fd)
{
    return sync_with(fd, real_fsync);
}

int fdatasync(int fd)
{
    return sync_with(fd, real_fdatasync);
}

int statvfs64(const char *path, struct statvfs64 *out)
{
    int rc = real_statvfs64(path, out);
    if (rc == 0 && low_flag != NULL && access(low_flag, F_OK) == 0)
        out->f_bavail = out->f_bfree = (10u << 20) / out->f_frsize;
    return rc;
}

/* The same structure on every 64-bit platform. */
int statvfs(const char *path, struct statvfs *out)
{
    return statvfs64(path, (struct statvfs64 *)out);
}
