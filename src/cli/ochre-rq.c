/* ochre-rq: splits files into RaptorQ symbols and puts them together again. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/rq_bench.h"
#include "cli/rq_files.h"
#include "crypto/hash.h"
#include "util/fs.h"
#include "util/hex.h"
#include "util/mem.h"

static const char usage[] =
    "ochre-rq splits files into RaptorQ symbols (RFC 6330) and restores them.\n"
    "\n"
    "  ochre-rq encode FILE --out DIR [--symbol-size T] [--repair N] [--no-source]\n"
    "                  [--blocks Z] [--sub-blocks N] [--align AL]\n"
    "      Writes one file for each symbol into DIR, which must be new or empty.\n"
    "      --symbol-size  octets of a symbol, 1 to 65535 (default 50000)\n"
    "      --repair       repair symbols of every source block (default: a tenth)\n"
    "      --no-source    repair symbols only\n"
    "      --blocks       source blocks (default: as few as possible)\n"
    "      --sub-blocks   sub-blocks of a block (default 1)\n"
    "      --align        alignment of sub-symbols (default 1)\n"
    "  ochre-rq decode DIR --out FILE [--object SHA3]\n"
    "      Restores the object of which most symbols are in DIR, or the named one.\n"
    "      Damaged and foreign files are named and skipped. FILE appears only when "
    "its\n"
    "      SHA3-256 is right.\n"
    "  ochre-rq inspect FILE|DIR\n"
    "      Shows what a symbol file holds, or which blocks of a directory can be "
    "decoded.\n"
    "  ochre-rq bench [--symbols K] [--symbol-size T] [--kernel NAME] [--seconds S]\n"
    "      Measures this computer (defaults: 1000, 1280, the best, 0.5).\n"
    "\n"
    "  --threads N     threads to use (default: all processors)\n"
    "  --memory MIB    memory for the blocks being worked on (default 256)\n"
    "  --quiet         no progress bar\n"
    "  --help, --version\n";

struct options {
    const char *out;
    uint32_t symbol_size, repair, blocks, sub_blocks, align, threads, memory, symbols;
    bool has_repair, no_source, quiet, has_object;
    uint8_t object[32];
    const char *kernel;
    double seconds;
};

static int PRINTF_LIKE(1, 2) fail(const char *format, ...)
{
    va_list args;

    flockfile(stderr); /* symbols are read by several threads */
    fputs("ochre-rq: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    funlockfile(stderr);
    return 1;
}

/* ---- Progress ---- */

struct bar {
    bool on;
    const char *what;
    struct timespec start;
    int drawn; /* per cent */
};

static void bar_start(struct bar *b, const struct options *o, const char *what)
{
    *b = (struct bar){
        .on = !o->quiet && isatty(STDERR_FILENO), .what = what, .drawn = -1};
    clock_gettime(CLOCK_MONOTONIC, &b->start);
}

static void bar_draw(struct bar *b, uint64_t done, uint64_t total)
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

/* ---- Both directions ---- */

struct job {
    const struct options *o;
    struct bar bar;
    int fd; /* the object */
    struct rq_oti oti;
    uint8_t object[32];
    const char *path; /* of the symbol files */
    struct rqs_dir dir;
};

static int on_progress(void *self, uint64_t done, uint64_t total)
{
    struct job *j = self;

    bar_draw(&j->bar, done, total);
    return 0;
}

static bool read_at(int fd, void *buf, size_t n, uint64_t at)
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

static bool write_at(int fd, const void *buf, size_t n, uint64_t at)
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

static bool hash_object(struct job *j, uint64_t n, const char *what, uint8_t out[32])
{
    enum { PIECE = 1 << 20 };
    uint8_t *buf = xmalloc(PIECE);
    struct sha3 h;
    bool ok = true;

    sha3_init(&h);
    bar_start(&j->bar, j->o, what);
    for (uint64_t at = 0; at < n && ok;) {
        size_t len = n - at < PIECE ? (size_t)(n - at) : PIECE;

        ok = read_at(j->fd, buf, len, at);
        sha3_update(&h, buf, len);
        at += len;
        bar_draw(&j->bar, at, n);
    }
    sha3_final(&h, out);
    free(buf);
    return ok;
}

static unsigned thread_count(const struct options *o)
{
    long n = o->threads ? (long)o->threads : sysconf(_SC_NPROCESSORS_ONLN);

    return n > 0 ? (unsigned)n : 1;
}

struct engine {
    struct rq_pool *pool;
    struct rq_ctx *ctx;
};

static int engine_open(struct engine *e, const struct options *o)
{
    struct rq_config config = {.kernel = o->kernel};
    int rc;

    *e = (struct engine){.pool = rq_pool_new(thread_count(o))};
    if (!e->pool)
        return fail("no memory for threads; try --threads 1");
    config.workers = rq_pool_workers(e->pool);
    rc = rq_ctx_new(&e->ctx, &config);
    if (rc == RQ_OK)
        return 0;
    rq_pool_free(e->pool);
    return fail("%s", rq_strerror(rc));
}

static void engine_close(struct engine *e)
{
    rq_ctx_free(e->ctx);
    rq_pool_free(e->pool);
}

/* ---- encode ---- */

static int on_read(void *self, uint64_t offset, void *buf, size_t n)
{
    struct job *j = self;

    return read_at(j->fd, buf, n, offset) ? 0 : -1;
}

/* The symbol is complete: its header can be written. */
static bool finish_symbol(struct job *j, int fd, const struct rq_payload_id *id,
                          const uint8_t *symbol)
{
    struct rqs_header h = {.oti = j->oti, .id = *id};
    uint8_t header[RQS_HEADER];

    memcpy(h.object, j->object, 32);
    rqs_put(header, &h, symbol);
    return write_at(fd, header, sizeof(header), 0);
}

static int on_put(void *self, const struct rq_payload_id *id, uint32_t col,
                  const void *buf, size_t n)
{
    struct job *j = self;
    char name[RQS_NAME];
    char *path;
    uint8_t *whole = NULL;
    bool ok;
    int fd;

    rqs_name(name, id);
    path = path_join(j->path, name);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    ok = fd >= 0 && write_at(fd, buf, n, RQS_HEADER + col);
    if (ok && n == j->oti.T) {
        ok = finish_symbol(j, fd, id, buf);
    } else if (ok && col + n == j->oti.T) {
        whole = xmalloc(j->oti.T);
        ok =
            read_at(fd, whole, j->oti.T, RQS_HEADER) && finish_symbol(j, fd, id, whole);
    }
    if (fd >= 0 && close(fd) != 0)
        ok = false;
    if (!ok)
        fail("%s: %s", path, strerror(errno));
    free(whole);
    free(path);
    return ok ? 0 : -1;
}

static int choose_parameters(struct job *j, uint64_t size)
{
    const struct options *o = j->o;
    uint64_t symbols;
    int rc;

    j->oti = (struct rq_oti){.F = size,
                             .T = o->symbol_size,
                             .Z = o->blocks,
                             .N = o->sub_blocks,
                             .Al = o->align};
    symbols = o->symbol_size ? (size + o->symbol_size - 1) / o->symbol_size : 0;
    if (!o->blocks)
        j->oti.Z = (uint32_t)((symbols + RQ_K_MAX - 1) / RQ_K_MAX);
    rc = rq_oti_check(&j->oti);
    if (rc == RQ_ERR_Z && !o->blocks)
        return fail("the file needs more than %d source blocks: use larger symbols",
                    RQ_Z_MAX);
    return rc < 0 ? fail("%s", rq_strerror(rc)) : 0;
}

static uint32_t choose_repair(const struct job *j)
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
        return fail("%s: %s", dir,
                    errno == EEXIST || errno == ENOTEMPTY
                        ? "is not empty: remove it or choose another --out"
                        : strerror(errno));
    return 0;
}

static int encode_symbols(struct job *j, const char *file, uint32_t repair)
{
    struct rq_object_io io = {
        .read = on_read, .put_symbol = on_put, .progress = on_progress, .self = j};
    struct engine e;
    int rc;

    if (engine_open(&e, j->o))
        return 1;
    bar_start(&j->bar, j->o, "encoding");
    rc = rq_object_encode(e.ctx, &j->oti, repair, !j->o->no_source,
                          (size_t)j->o->memory << 20, &io);
    engine_close(&e);
    return rc < 0 ? fail("%s: %s", file, rq_strerror(rc)) : 0;
}

static int encode_file(struct job *j, const char *file)
{
    char *temporary = xasprintf("%s.tmp-%ld", j->o->out, (long)getpid());
    struct stat before, after;
    uint32_t repair;
    int rc = 1;

    if (fstat(j->fd, &before) != 0 || !S_ISREG(before.st_mode)) {
        fail("%s: not a regular file", file);
        goto out;
    }
    if (before.st_size == 0) {
        fail("%s: is empty; there is nothing to encode", file);
        goto out;
    }
    if (choose_parameters(j, (uint64_t)before.st_size))
        goto out;
    repair = choose_repair(j);
    if (j->o->no_source && repair == 0) {
        fail("--no-source needs --repair");
        goto out;
    }
    if (!hash_object(j, j->oti.F, "hashing ", j->object)) {
        fail("%s: cannot be read to its end", file);
        goto out;
    }
    if (mkdir(temporary, 0777) != 0) {
        fail("%s: %s", temporary, strerror(errno));
        goto out;
    }
    j->path = temporary;
    rc = encode_symbols(j, file, repair);
    if (rc == 0 && (fstat(j->fd, &after) != 0 || before.st_size != after.st_size ||
                    before.st_mtim.tv_sec != after.st_mtim.tv_sec ||
                    before.st_mtim.tv_nsec != after.st_mtim.tv_nsec))
        rc = fail("%s: changed while it was read", file);
    if (rc == 0)
        rc = publish(temporary, j->o->out);
    if (rc)
        (void)!fs_remove_tree(temporary);
out:
    free(temporary);
    return rc;
}

static int cmd_encode(const struct options *o, const char *file)
{
    struct job j = {.o = o, .fd = open(file, O_RDONLY | O_CLOEXEC)};
    char hex[65];
    int rc;

    if (j.fd < 0)
        return fail("%s: %s", file, strerror(errno));
    rc = encode_file(&j, file);
    close(j.fd);
    if (rc == 0)
        printf("%s  %s\n", hex_encode(hex, j.object, 32), file);
    return rc;
}

/* ---- decode ---- */

static size_t on_list(void *self, uint32_t sbn, uint32_t *esi, size_t max)
{
    struct job *j = self;
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
    struct job *j = self;
    const struct rqs_entry *e = rqs_find(&j->dir, id);
    char *path;
    bool ok;
    int fd;

    if (!e)
        return 1;
    path = path_join(j->dir.path, e->name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ok = fd >= 0 && read_at(fd, buf, n, RQS_HEADER + col);
    if (!ok)
        fail("%s: went away; skipped", path);
    if (fd >= 0)
        close(fd);
    free(path);
    return ok ? 0 : 1;
}

static int on_write(void *self, uint64_t offset, const void *buf, size_t n)
{
    struct job *j = self;

    if (write_at(j->fd, buf, n, offset))
        return 0;
    fail("%s: %s", j->o->out, strerror(errno));
    return -1;
}

static int decode_symbols(struct job *j)
{
    struct rq_object_io io = {.list_symbols = on_list,
                              .get_symbol = on_get,
                              .concurrent = true,
                              .write = on_write,
                              .progress = on_progress,
                              .self = j};
    struct rq_block b = {0};
    struct engine e;
    uint32_t sbn = 0;
    size_t n;
    int rc;

    if (engine_open(&e, j->o))
        return 1;
    bar_start(&j->bar, j->o, "decoding");
    rc = rq_object_decode(e.ctx, &j->oti, (size_t)j->o->memory << 20, &io, &sbn);
    engine_close(&e);
    if (rc == RQ_NEED_MORE && rq_oti_block(&j->oti, sbn, &b) == RQ_OK) {
        rqs_block(&j->dir, sbn, &n);
        return fail("%s: the %zu symbols of block %u do not suffice, it has %u source "
                    "symbols: add symbol files and try again",
                    j->dir.path, n, sbn, b.K);
    }
    return rc < 0 ? fail("%s: %s", j->dir.path, rq_strerror(rc)) : 0;
}

static int decode_to(struct job *j, const char *temporary)
{
    uint8_t got[32];
    char *dir = path_dir(j->o->out);
    int rc;

    j->fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (j->fd < 0) {
        free(dir);
        return fail("%s: %s", temporary, strerror(errno));
    }
    rc = decode_symbols(j);
    if (rc == 0 &&
        (!hash_object(j, j->oti.F, "checking", got) || memcmp(got, j->object, 32) != 0))
        rc = fail("%s: the symbols are intact but do not make up the object they name "
                  "(SHA3-256 differs); nothing was written",
                  j->o->out);
    if (rc == 0 && fsync(j->fd) != 0)
        rc = fail("%s: %s", temporary, strerror(errno));
    close(j->fd);
    if (rc == 0 && rename(temporary, j->o->out) != 0)
        rc = fail("%s: %s", j->o->out, strerror(errno));
    if (rc == 0 && fs_sync_dir(dir) != ERR_OK)
        rc = fail("%s: cannot be synced", dir);
    if (rc)
        unlink(temporary);
    free(dir);
    return rc;
}

static int cmd_decode(const struct options *o, const char *path)
{
    struct job j = {.o = o};
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

/* ---- inspect ---- */

static void show_object(const struct rq_oti *oti, const uint8_t object[32])
{
    uint8_t octets[RQ_OTI_SIZE];
    char hex[65];

    rq_oti_put(octets, oti);
    printf("object      %s\n", hex_encode(hex, object, 32));
    printf("length      %" PRIu64 "\n", oti->F);
    printf("symbol size %u\n", oti->T);
    printf("blocks      %u, sub-blocks %u, alignment %u\n", oti->Z, oti->N, oti->Al);
    printf("OTI         %s\n", hex_encode(hex, octets, sizeof(octets)));
}

static int inspect_file(const char *path)
{
    struct buf octets = {0};
    struct rqs_header h;
    struct rq_block b;
    const char *why = "cannot be read, or is too large for a symbol file";

    if (fs_read_file(path, RQS_HEADER + RQ_T_MAX, &octets) == ERR_OK)
        why = rqs_get(&h, octets.data, octets.len);
    buf_clear(&octets);
    if (why)
        return fail("%s: %s", path, why);
    if (rq_oti_block(&h.oti, h.id.sbn, &b) != RQ_OK)
        return fail("%s: damaged", path);
    show_object(&h.oti, h.object);
    printf("symbol      block %u, id %u (%s), intact\n", h.id.sbn, h.id.esi,
           h.id.esi < b.K ? "source" : "repair");
    return 0;
}

/* Can the symbols of a block decode it? Ids decide that, so one octet each will do. */
static bool decodable(struct rq_ctx *ctx, const struct rqs_entry *e, size_t n,
                      uint32_t K)
{
    struct rq_shape shape = {K, 1, 1, 1};
    uint8_t *dst = xmalloc(K), zero = 0;
    struct rq_dec *dec = NULL;
    int rc = rq_dec_new(ctx, &dec);

    if (rc == RQ_OK)
        rc = rq_dec_open(dec, &shape, dst, K, (uint32_t)(n ? n : 1));
    for (size_t i = 0; i < n && rc >= 0 && rc != RQ_DECODED; i++)
        rc = rq_dec_add(dec, e[i].id.esi, &zero);
    if (rc >= 0)
        rc = rq_dec_check(dec);
    rq_dec_free(dec);
    free(dst);
    return rc == RQ_OK;
}

static int inspect_dir(const struct options *o, const char *path)
{
    struct rqs_dir dir;
    struct rq_ctx *ctx;
    bool all = true;

    if (!rqs_scan(&dir, path, o->has_object ? o->object : NULL))
        return 1;
    if (rq_ctx_new(&ctx, NULL) != RQ_OK) {
        rqs_dir_clear(&dir);
        return fail("out of memory");
    }
    show_object(&dir.oti, dir.object);
    printf("files       %zu intact, %zu damaged, %zu foreign, %zu copies\n", dir.n,
           dir.damaged, dir.foreign, dir.copies);
    for (uint32_t sbn = 0; sbn < dir.oti.Z; sbn++) {
        size_t n, sources = 0;
        const struct rqs_entry *e = rqs_block(&dir, sbn, &n);
        struct rq_block b = {0};
        bool ok;

        if (rq_oti_block(&dir.oti, sbn, &b) != RQ_OK)
            break;
        while (sources < n && e[sources].id.esi < b.K)
            sources++;
        ok = decodable(ctx, e, n, b.K);
        all = all && ok;
        printf("block %-5u %u source symbols: %zu of them and %zu repair symbols here, "
               "%s\n",
               sbn, b.K, sources, n - sources, ok ? "decodable" : "NOT decodable");
    }
    rq_ctx_free(ctx);
    rqs_dir_clear(&dir);
    return all ? 0 : 1;
}

static int cmd_inspect(const struct options *o, const char *path)
{
    return path_is_dir(path) ? inspect_dir(o, path) : inspect_file(path);
}

/* ---- bench ---- */

static int cmd_bench(const struct options *o)
{
    uint32_t T = o->symbol_size;
    double copy, xored;
    struct rq_bench b = {{0}, 0, 0};
    char cpu[128];
    int rc = rq_bench_run(&b, o->symbols, T, o->kernel, o->seconds);

    if (rc != RQ_OK)
        return fail("%s", rq_strerror(rc));
    rq_bench_cpu(cpu, sizeof(cpu));
    rq_bench_memory((uint64_t)64 << 20, &copy, &xored);
    printf("%s, kernel %s, one thread\n", cpu,
           o->kernel ? o->kernel : rq_kernel_name(0));
    printf("memcpy %.1f GB/s, XOR %.1f GB/s over 64 MiB\n", copy, xored);
    printf("K = %u, T = %u, best runs:\n", o->symbols, T);
    for (int i = 0; i < RQ_BENCH_CASES; i++)
        printf("  %-32s %8.0f MB/s\n", rq_bench_names[i], b.mbps[i]);
    printf("  %-32s %8.4f ms\n", "plan alone", b.plan_ms);
    printf("  %-32s %8.2f\n", "XOR equivalents per symbol", b.xors);
    return 0;
}

/* ---- Command line ---- */

enum option_id {
    OPT_OUT = 256,
    OPT_SYMBOL_SIZE,
    OPT_REPAIR,
    OPT_NO_SOURCE,
    OPT_BLOCKS,
    OPT_SUB_BLOCKS,
    OPT_ALIGN,
    OPT_OBJECT,
    OPT_SYMBOLS,
    OPT_KERNEL,
    OPT_SECONDS,
    OPT_THREADS,
    OPT_MEMORY,
    OPT_QUIET,
    OPT_HELP,
    OPT_VERSION
};

static const struct option long_options[] = {
    {"out", required_argument, NULL, OPT_OUT},
    {"symbol-size", required_argument, NULL, OPT_SYMBOL_SIZE},
    {"repair", required_argument, NULL, OPT_REPAIR},
    {"no-source", no_argument, NULL, OPT_NO_SOURCE},
    {"blocks", required_argument, NULL, OPT_BLOCKS},
    {"sub-blocks", required_argument, NULL, OPT_SUB_BLOCKS},
    {"align", required_argument, NULL, OPT_ALIGN},
    {"object", required_argument, NULL, OPT_OBJECT},
    {"symbols", required_argument, NULL, OPT_SYMBOLS},
    {"kernel", required_argument, NULL, OPT_KERNEL},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"memory", required_argument, NULL, OPT_MEMORY},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static bool parse_number(uint32_t *out, const char *text, uint32_t max)
{
    char *end;
    unsigned long v;

    errno = 0;
    v = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || v > max)
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool parse_option(struct options *o, int id, const char *text)
{
    switch ((enum option_id)id) {
    case OPT_OUT:
        o->out = text;
        return true;
    case OPT_SYMBOL_SIZE:
        return parse_number(&o->symbol_size, text, RQ_T_MAX);
    case OPT_REPAIR:
        o->has_repair = true;
        return parse_number(&o->repair, text, RQ_ESI_MAX);
    case OPT_NO_SOURCE:
        return o->no_source = true;
    case OPT_BLOCKS:
        return parse_number(&o->blocks, text, RQ_Z_MAX);
    case OPT_SUB_BLOCKS:
        return parse_number(&o->sub_blocks, text, RQ_N_MAX);
    case OPT_ALIGN:
        return parse_number(&o->align, text, 255);
    case OPT_OBJECT:
        o->has_object = hex_decode_fixed(o->object, 32, text, strlen(text));
        return o->has_object;
    case OPT_SYMBOLS:
        return parse_number(&o->symbols, text, RQ_K_MAX);
    case OPT_KERNEL:
        o->kernel = text;
        return true;
    case OPT_SECONDS:
        o->seconds = strtod(text, NULL);
        return o->seconds > 0 && o->seconds < 3600;
    case OPT_THREADS:
        return parse_number(&o->threads, text, 1024);
    case OPT_MEMORY:
        return parse_number(&o->memory, text, 1 << 20) && o->memory > 0;
    case OPT_QUIET:
        return o->quiet = true;
    case OPT_HELP:
    case OPT_VERSION:
        break;
    }
    return false;
}

/* 0: go on with the command; otherwise the exit code plus one. */
static int parse(struct options *o, int argc, char **argv)
{
    int id;

    while ((id = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (id == 'h' || id == OPT_HELP) {
            fputs(usage, stdout);
            return 1;
        }
        if (id == OPT_VERSION) {
            puts("ochre-rq " PACKAGE_VERSION);
            return 1;
        }
        if (id == '?') {
            fputs("Try ochre-rq --help.\n", stderr);
            return 3;
        }
        if (!parse_option(o, id, optarg)) {
            fail("--%s: %s is out of range; see ochre-rq --help",
                 long_options[id - OPT_OUT].name, optarg);
            return 3;
        }
    }
    return 0;
}

struct command {
    const char *name, *operand; /* NULL: takes none */
    bool needs_out;
    int (*run)(const struct options *o, const char *operand);
};

static int run_bench(const struct options *o, const char *operand)
{
    (void)operand;
    return cmd_bench(o);
}

static const struct command commands[] = {
    {"encode", "FILE", true, cmd_encode},
    {"decode", "DIR", true, cmd_decode},
    {"inspect", "FILE or DIR", false, cmd_inspect},
    {"bench", NULL, false, run_bench},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    struct options o = {
        .sub_blocks = 1, .align = 1, .memory = 256, .symbols = 1000, .seconds = 0.5};
    const struct command *c;
    int rc = parse(&o, argc, argv), operands;

    if (rc)
        return rc - 1;
    c = optind < argc ? find_command(argv[optind]) : NULL;
    if (!c) {
        if (optind < argc)
            fail("%s: no such command; see ochre-rq --help", argv[optind]);
        else
            fputs(usage, stderr);
        return 2;
    }
    operands = argc - optind - 1;
    if (operands != (c->operand ? 1 : 0)) {
        fail("%s takes %s", c->name, c->operand ? c->operand : "no operand");
        return 2;
    }
    if (c->needs_out && !o.out) {
        fail("%s needs --out", c->name);
        return 2;
    }
    if (!o.symbol_size)
        o.symbol_size = c->run == run_bench ? 1280 : 50000;
    return c->run(&o, c->operand ? argv[optind + 1] : NULL);
}
