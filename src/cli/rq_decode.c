/* ochre-rq decode: symbol files to a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/rq_command.h"
#include "util/fs.h"
#include "util/hex.h"
#include "util/mem.h"

static size_t on_list(void *self, uint32_t sbn, uint32_t *esi, size_t max)
{
    struct rqc_job *j = self;
    size_t n;
    const struct rqs_entry *e = rqs_block(&j->dir, sbn, &n);

    n = n < max ? n : max;
    for (size_t i = 0; i < n; i++)
        esi[i] = e[i].id.esi;
    return n;
}

static int on_get(void *self, const struct rq_payload_id *id, uint32_t col, void *buf,
                  size_t n)
{
    struct rqc_job *j = self;
    const struct rqs_entry *e = rqs_find(&j->dir, id);
    char *path;
    bool ok;
    int fd;

    if (!e)
        return 1;
    path = path_join(j->dir.path, e->name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ok = fd >= 0 && rqc_read_at(fd, buf, n, RQS_HEADER + col);
    if (!ok)
        rqc_fail("%s: went away; skipped", path);
    if (fd >= 0)
        close(fd);
    free(path);
    return rqc_stopped() ? -1 : !ok;
}

static int on_write(void *self, uint64_t offset, const void *buf, size_t n)
{
    struct rqc_job *j = self;

    if (rqc_write_at(j->fd, buf, n, offset))
        return 0;
    rqc_fail("%s: %s", j->o->out, strerror(errno));
    return -1;
}

static int decode_symbols(struct rqc_job *j)
{
    struct rq_object_io io = {.list_symbols = on_list,
                              .get_symbol = on_get,
                              .concurrent = true,
                              .write = on_write,
                              .progress = rqc_on_progress,
                              .self = j};
    struct rq_block b = {0};
    struct rqc_engine e;
    uint32_t sbn = 0;
    size_t n;
    int rc;

    if (rqc_engine_open(&e, j->o))
        return 1;
    rqc_bar_start(&j->bar, j->o, "decoding");
    rc = rq_object_decode(e.ctx, &j->oti, (size_t)j->o->memory << 20, &io, &sbn);
    rqc_engine_close(&e);
    if (rc == RQ_NEED_MORE && rq_oti_block(&j->oti, sbn, &b) == RQ_OK) {
        rqs_block(&j->dir, sbn, &n);
        return rqc_fail(
            "%s: the %zu symbols of block %u do not suffice, it has %u source "
            "symbols: add symbol files and try again",
            j->dir.path, n, sbn, b.K);
    }
    return rc < 0 ? rqc_fail_status(j->dir.path, rc) : 0;
}

static int decode_to(struct rqc_job *j, const char *temporary)
{
    uint8_t got[32];
    char *dir = path_dir(j->o->out);
    int rc;

    j->fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (j->fd < 0) {
        free(dir);
        return rqc_fail("%s: %s", temporary, strerror(errno));
    }
    rc = decode_symbols(j);
    if (rc == 0 && !rqc_hash_object(j, j->oti.F, "checking", got))
        rc = rqc_fail("%s: cannot be read back", temporary);
    if (rc == 0 && memcmp(got, j->object, 32) != 0)
        rc = rqc_fail(
            "%s: the symbols are intact but do not make up the object they name "
            "(SHA3-256 differs); nothing was written",
            j->o->out);
    if (rc == 0 && fsync(j->fd) != 0)
        rc = rqc_fail("%s: %s", temporary, strerror(errno));
    close(j->fd);
    if (rc == 0 && rename(temporary, j->o->out) != 0)
        rc = rqc_fail("%s: %s", j->o->out, strerror(errno));
    if (rc == 0 && fs_sync_dir(dir) != ERR_OK)
        rc = rqc_fail("%s: cannot be synced", dir);
    if (rc)
        unlink(temporary);
    free(dir);
    return rc;
}

int rqc_decode(const struct rqc_options *o, const char *path)
{
    struct rqc_job j = {.o = o};
    char *temporary, hex[65];
    int rc;

    if (!rqs_scan(&j.dir, path, o->has_object ? o->object : NULL))
        return 1;
    j.oti = j.dir.oti;
    memcpy(j.object, j.dir.object, 32);
    temporary = xasprintf("%s.tmp-%ld", o->out, (long)getpid());
    rc = decode_to(&j, temporary);
    if (rc == 0)
        printf("%s  %s\n", hex_encode(hex, j.object, 32), o->out);
    free(temporary);
    rqs_dir_clear(&j.dir);
    return rc;
}
