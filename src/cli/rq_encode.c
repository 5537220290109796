/* ochre-rq encode: a file to symbol files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/rq_command.h"
#include "util/fs.h"
#include "util/hex.h"
#include "util/mem.h"

#define NOT_EMPTY "is not empty: remove it or choose another --out"

static int on_read(void *self, uint64_t offset, void *buf, size_t n)
{
    struct rqc_job *j = self;

    if (rqc_read_at(j->fd, buf, n, offset))
        return rqc_stopped() ? -1 : 0;
    rqc_fail("the file cannot be read to its end");
    return -1;
}

/* The symbol is complete: its header can be written. */
static bool finish_symbol(struct rqc_job *j, int fd, const struct rq_payload_id *id,
                          const uint8_t *symbol)
{
    struct rqs_header h = {.oti = j->oti, .id = *id};
    uint8_t header[RQS_HEADER];

    memcpy(h.object, j->object, 32);
    rqs_put(header, &h, symbol);
    return rqc_write_at(fd, header, sizeof(header), 0);
}

static int on_put(void *self, const struct rq_payload_id *id, uint32_t col,
                  const void *buf, size_t n)
{
    struct rqc_job *j = self;
    char name[RQS_NAME];
    char *path;
    uint8_t *whole = NULL;
    bool ok;
    int fd;

    rqs_name(name, id);
    path = path_join(j->path, name);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    ok = fd >= 0 && rqc_write_at(fd, buf, n, RQS_HEADER + col);
    if (ok && n == j->oti.T) {
        ok = finish_symbol(j, fd, id, buf);
    } else if (ok && col + n == j->oti.T) {
        whole = xmalloc(j->oti.T);
        ok = rqc_read_at(fd, whole, j->oti.T, RQS_HEADER) &&
             finish_symbol(j, fd, id, whole);
    }
    if (fd >= 0 && close(fd) != 0)
        ok = false;
    if (!ok)
        rqc_fail("%s: %s", path, strerror(errno));
    free(whole);
    free(path);
    return ok && !rqc_stopped() ? 0 : -1;
}

static int choose_parameters(struct rqc_job *j, uint64_t size)
{
    const struct rqc_options *o = j->o;
    uint64_t symbols;
    int rc;

    j->oti = (struct rq_oti){.F = size,
                             .T = o->symbol_size ? o->symbol_size : 50000,
                             .Z = o->blocks,
                             .N = o->sub_blocks,
                             .Al = o->align};
    symbols = (size + j->oti.T - 1) / j->oti.T;
    if (!o->blocks)
        j->oti.Z = (uint32_t)((symbols + RQ_K_MAX - 1) / RQ_K_MAX);
    rc = rq_oti_check(&j->oti);
    if (rc == RQ_ERR_Z && !o->blocks)
        return rqc_fail("the file needs more than %d source blocks: use larger symbols",
                        RQ_Z_MAX);
    return rc < 0 ? rqc_fail("%s", rq_strerror(rc)) : 0;
}

static uint32_t choose_repair(const struct rqc_job *j)
{
    struct rq_block b;

    if (j->o->has_repair)
        return j->o->repair;
    if (rq_oti_block(&j->oti, 0, &b) != RQ_OK)
        return 0;
    return (b.K + 9) / 10;
}

/* The directory appears under its name when all is in it. */
static int publish(const char *temporary, const char *dir)
{
    int fd = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && syncfs(fd) == 0;

    if (fd >= 0)
        close(fd);
    if (!ok || rename(temporary, dir) != 0)
        return rqc_fail("%s: %s", dir,
                        errno == EEXIST || errno == ENOTEMPTY ? NOT_EMPTY
                                                              : strerror(errno));
    return 0;
}

static int encode_symbols(struct rqc_job *j, const char *file, uint32_t repair)
{
    struct rq_object_io io = {
        .read = on_read, .put_symbol = on_put, .progress = rqc_on_progress, .self = j};
    struct rqc_engine e;
    int rc;

    if (rqc_engine_open(&e, j->o))
        return 1;
    rqc_bar_start(&j->bar, j->o, "encoding");
    rc = rq_object_encode(e.ctx, &j->oti, repair, !j->o->no_source,
                          (size_t)j->o->memory << 20, &io);
    rqc_engine_close(&e);
    return rc < 0 ? rqc_fail_status(file, rc) : 0;
}

static int check_source(const struct stat *st, const char *file)
{
    if (!S_ISREG(st->st_mode))
        return rqc_fail("%s: not a regular file", file);
    if (st->st_size == 0)
        return rqc_fail("%s: is empty; there is nothing to encode", file);
    return 0;
}

/* Said before the work is done; publish() finds what comes meanwhile. */
static int check_target(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    bool empty = true;

    while (d && (e = readdir(d)) != NULL)
        empty = empty && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0);
    if (d)
        closedir(d);
    return empty ? 0 : rqc_fail("%s: " NOT_EMPTY, dir);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* All of it into the directory @temporary, which then gets its name. */
static int encode_into(struct rqc_job *j, const char *file, const struct stat *before,
                       const char *temporary, uint32_t repair)
{
    struct stat after;
    int rc;

    if (mkdir(temporary, 0777) != 0)
        return rqc_fail("%s: %s", temporary, strerror(errno));
    j->path = temporary;
    rc = encode_symbols(j, file, repair);
    if (rc == 0 && (fstat(j->fd, &after) != 0 || !same_file(before, &after)))
        rc = rqc_fail("%s: changed while it was read", file);
    if (rc == 0)
        rc = publish(temporary, j->o->out);
    if (rc)
        (void)!fs_remove_tree(temporary);
    return rc;
}

static int encode_file(struct rqc_job *j, const char *file)
{
    struct stat before;
    uint32_t repair;
    char *temporary;
    int rc;

    if (fstat(j->fd, &before) != 0)
        return rqc_fail("%s: %s", file, strerror(errno));
    if (check_source(&before, file) || check_target(j->o->out) ||
        choose_parameters(j, (uint64_t)before.st_size))
        return 1;
    repair = choose_repair(j);
    if (j->o->no_source && repair == 0)
        return rqc_fail("--no-source needs --repair");
    if (!rqc_hash_object(j, j->oti.F, "hashing ", j->object))
        return rqc_fail("%s: cannot be read to its end", file);
    temporary = xasprintf("%s.tmp-%ld", j->o->out, (long)getpid());
    rc = encode_into(j, file, &before, temporary, repair);
    free(temporary);
    return rc;
}

int rqc_encode(const struct rqc_options *o, const char *file)
{
    struct rqc_job j = {.o = o, .fd = open(file, O_RDONLY | O_CLOEXEC)};
    char hex[65];
    int rc;

    if (j.fd < 0)
        return rqc_fail("%s: %s", file, strerror(errno));
    rc = encode_file(&j, file);
    close(j.fd);
    if (rc == 0)
        printf("%s  %s\n", hex_encode(hex, j.object, 32), file);
    return rc;
}
