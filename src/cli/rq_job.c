#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/rq_command.h"
#include "crypto/hash.h"
#include "util/mem.h"

int rqc_fail(const char *format, ...)
{
    va_list args;

    if (rqc_stopped()) /* that is why */
        return 1;
    flockfile(stderr); /* symbols are read by several threads */
    fputs("ochre-rq: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    funlockfile(stderr);
    return 1;
}

int rqc_fail_status(const char *path, int status)
{
    return status == RQ_ERR_IO ? 1 : rqc_fail("%s: %s", path, rq_strerror(status));
}

/* ---- Signals ---- */

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    stopped = number;
}

void rqc_catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &act, NULL);
}

int rqc_stopped(void)
{
    return stopped;
}

/* ---- Progress ---- */

void rqc_bar_start(struct rqc_bar *b, const struct rqc_options *o, const char *what)
{
    *b = (struct rqc_bar){
        .on = !o->quiet && isatty(STDERR_FILENO), .what = what, .drawn = -1};
    clock_gettime(CLOCK_MONOTONIC, &b->start);
}

void rqc_bar_draw(struct rqc_bar *b, uint64_t done, uint64_t total)
{
    static const char full[] = "########################################";
    int percent = (int)(done * 100 / total), n = percent * 40 / 100;
    struct timespec now;
    double seconds;

    if (!b->on || percent == b->drawn)
        return;
    b->drawn = percent;
    clock_gettime(CLOCK_MONOTONIC, &now);
    seconds = (double)(now.tv_sec - b->start.tv_sec) +
              (double)(now.tv_nsec - b->start.tv_nsec) * 1e-9;
    fprintf(stderr, "\r%s [%.*s%*s] %3d %%  %.0f MB/s ", b->what, n, full, 40 - n, "",
            percent, seconds > 0 ? (double)done / seconds / 1e6 : 0);
    if (done == total)
        fputc('\n', stderr);
}

int rqc_on_progress(void *self, uint64_t done, uint64_t total)
{
    struct rqc_job *j = self;

    rqc_bar_draw(&j->bar, done, total);
    return rqc_stopped() ? -1 : 0;
}

/* ---- Files ---- */

bool rqc_read_at(int fd, void *buf, size_t n, uint64_t at)
{
    uint8_t *p = buf;

    while (n > 0) {
        ssize_t got = pread(fd, p, n, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        at += (size_t)got;
        n -= (size_t)got;
    }
    return true;
}

bool rqc_write_at(int fd, const void *buf, size_t n, uint64_t at)
{
    const uint8_t *p = buf;

    while (n > 0) {
        ssize_t put = pwrite(fd, p, n, (off_t)at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        p += put;
        at += (size_t)put;
        n -= (size_t)put;
    }
    return true;
}

bool rqc_hash_object(struct rqc_job *j, uint64_t n, const char *what, uint8_t out[32])
{
    enum { PIECE = 1 << 20 };
    uint8_t *buf = xmalloc(PIECE);
    struct sha3 h;
    bool ok = true;

    sha3_init(&h);
    rqc_bar_start(&j->bar, j->o, what);
    for (uint64_t at = 0; at < n && ok && !rqc_stopped();) {
        size_t len = n - at < PIECE ? (size_t)(n - at) : PIECE;

        ok = rqc_read_at(j->fd, buf, len, at);
        sha3_update(&h, buf, len);
        at += len;
        rqc_bar_draw(&j->bar, at, n);
    }
    sha3_final(&h, out);
    free(buf);
    return ok && !rqc_stopped();
}

/* ---- Codec ---- */

static unsigned thread_count(const struct rqc_options *o)
{
    long n = o->threads ? (long)o->threads : sysconf(_SC_NPROCESSORS_ONLN);

    return n > 0 ? (unsigned)n : 1;
}

int rqc_engine_open(struct rqc_engine *e, const struct rqc_options *o)
{
    struct rq_config config = {.kernel = o->kernel};
    int rc;

    *e = (struct rqc_engine){.pool = rq_pool_new(thread_count(o))};
    if (!e->pool)
        return rqc_fail("no memory for threads; try --threads 1");
    config.workers = rq_pool_workers(e->pool);
    rc = rq_ctx_new(&e->ctx, &config);
    if (rc == RQ_OK)
        return 0;
    rq_pool_free(e->pool);
    return rqc_fail("%s", rq_strerror(rc));
}

void rqc_engine_close(struct rqc_engine *e)
{
    rq_ctx_free(e->ctx);
    rq_pool_free(e->pool);
}
