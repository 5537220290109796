/* Lines are formatted by the caller and written under one lock. Until logger_open they
 * are kept in memory, so nothing said during start-up is lost. */
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/bytes.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/mem.h"

#define SHRINK_ABOVE (11 * 1000 * 1000)
#define SHRINK_TO    (10 * 1000 * 1000)
#define EARLY_LIMIT  (1000 * 1000) /* of lines kept before logger_open */
#define LEVEL_UNSET  255

struct logger {
    _Atomic uint64_t on;                                /* bit per category: -debug */
    _Atomic uint8_t level;                              /* -loglevel=<level> */
    _Atomic uint8_t category_level[LOG_CATEGORY_COUNT]; /* or LEVEL_UNSET */
    pthread_mutex_t lock;
    struct log_options opt; /* path owned */
    bool open;
    int fd;
    struct buf early;
    _Atomic bool reopen;
};

static const char *const category_names[] = {
#define X(e, n) n,
    LOG_CATEGORIES(X)
#undef X
};

static const char *const level_names[] = {"trace",   "debug", "info",
                                          "warning", "error", "broken"};

static _Thread_local char thread_name[16];

struct logger *logger_new(void)
{
    struct logger *lg = xcalloc(1, sizeof(*lg));
    pthread_mutex_init(&lg->lock, NULL);
    lg->fd = -1;
    lg->level = LOG_DEBUG;
    for (size_t i = 0; i < LOG_CATEGORY_COUNT; i++)
        lg->category_level[i] = LEVEL_UNSET;
    lg->opt.timestamps = true;
    return lg;
}

/* Cuts the file to its last SHRINK_TO bytes, beginning at a whole line. */
static void shrink(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || st.st_size <= SHRINK_ABOVE)
        return;
    FILE *f = fopen(path, "re");
    if (!f)
        return;
    struct buf tail = {0};
    bool ok = fseeko(f, st.st_size - SHRINK_TO, SEEK_SET) == 0;
    if (ok)
        tail.len = fread(buf_extend(&tail, SHRINK_TO), 1, SHRINK_TO, f);
    fclose(f);
    const uint8_t *line = ok && tail.len ? memchr(tail.data, '\n', tail.len) : NULL;
    if (line) {
        size_t skip = (size_t)(line + 1 - tail.data);
        if (fs_write_atomic(path, tail.data + skip, tail.len - skip, 0600) != ERR_OK)
            fprintf(stderr, "%s: cannot shrink: %s\n", path, strerror(errno));
    }
    buf_clear(&tail);
}

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void emit(struct logger *lg, const void *data, size_t len)
{
    if (lg->opt.print_to_console && fs_write_all(STDOUT_FILENO, data, len) != ERR_OK)
        lg->opt.print_to_console = false; /* nobody reads it any more */
    if (lg->fd >= 0 && fs_write_all(lg->fd, data, len) != ERR_OK) {
        /* A full disk must not stop the log for good; the node's own watch acts on it.
         */
    }
}

enum err logger_open(struct logger *lg, const struct log_options *opt)
{
    enum err e = ERR_OK;
    pthread_mutex_lock(&lg->lock);
    lg->opt = *opt;
    lg->opt.path = opt->path ? xstrdup(opt->path) : NULL;
    if (opt->path) {
        if (opt->shrink)
            shrink(opt->path);
        lg->fd = open_file(opt->path);
        if (lg->fd < 0)
            e = ERR_IO;
    }
    if (e == ERR_OK) {
        lg->open = true;
        emit(lg, lg->early.data, lg->early.len);
        buf_clear(&lg->early);
    }
    pthread_mutex_unlock(&lg->lock);
    return e;
}

void logger_free(struct logger *lg)
{
    if (!lg)
        return;
    if (lg->fd >= 0)
        close(lg->fd);
    free((char *)lg->opt.path);
    buf_clear(&lg->early);
    pthread_mutex_destroy(&lg->lock);
    free(lg);
}

void logger_reopen(struct logger *lg)
{
    atomic_store(&lg->reopen, true);
}

static void reopen_now(struct logger *lg)
{
    int fd = lg->opt.path ? open_file(lg->opt.path) : -1;
    if (fd < 0)
        return;
    close(lg->fd);
    lg->fd = fd;
}

const char *log_category_name(enum log_category c)
{
    return c < LOG_CATEGORY_COUNT ? category_names[c] : "all";
}

const char *log_level_name(enum log_level l)
{
    return level_names[l];
}

static uint64_t bit(enum log_category c)
{
    return UINT64_C(1) << c;
}

bool logger_category_on(const struct logger *lg, enum log_category c)
{
    return lg && (c >= LOG_CATEGORY_COUNT || (atomic_load(&lg->on) & bit(c)));
}

bool logger_enabled(const struct logger *lg, enum log_category c, enum log_level l)
{
    if (!lg)
        return false;
    if (l >= LOG_INFO || c >= LOG_CATEGORY_COUNT)
        return true;
    if (!logger_category_on(lg, c))
        return false;
    uint8_t least = atomic_load(&lg->category_level[c]);
    return l >= (least == LEVEL_UNSET ? atomic_load(&lg->level) : least);
}

static bool find_category(const char *name, enum log_category *out)
{
    for (size_t i = 0; i < LOG_CATEGORY_COUNT; i++) {
        if (strcmp(name, category_names[i]) == 0) {
            *out = (enum log_category)i;
            return true;
        }
    }
    return false;
}

bool logger_set_category(struct logger *lg, const char *name, bool on)
{
    enum log_category c;
    uint64_t mask;
    if (strcmp(name, "all") == 0 || strcmp(name, "1") == 0 || name[0] == 0)
        mask = bit(LOG_CATEGORY_COUNT) - 1;
    else if (find_category(name, &c))
        mask = bit(c);
    else
        return false;
    if (on)
        atomic_fetch_or(&lg->on, mask);
    else
        atomic_fetch_and(&lg->on, ~mask);
    return true;
}

static bool find_level(const char *name, uint8_t *out)
{
    for (uint8_t l = LOG_TRACE; l <= LOG_INFO; l++) { /* what a user may ask for */
        if (strcmp(name, level_names[l]) == 0) {
            *out = l;
            return true;
        }
    }
    return false;
}

bool logger_set_level(struct logger *lg, const char *spec)
{
    const char *colon = strchr(spec, ':');
    char name[32];
    enum log_category c;
    uint8_t l;
    if (!find_level(colon ? colon + 1 : spec, &l))
        return false;
    if (!colon) {
        atomic_store(&lg->level, l);
        return true;
    }
    size_t n = (size_t)(colon - spec);
    if (n >= sizeof(name))
        return false;
    memcpy(name, spec, n);
    name[n] = 0;
    if (!find_category(name, &c))
        return false;
    atomic_store(&lg->category_level[c], l);
    return true;
}

void log_thread_name(const char *name)
{
    snprintf(thread_name, sizeof(thread_name), "%s", name);
    char sys[16]; /* what ps and debuggers show: the program's initial and the name */
    snprintf(sys, sizeof(sys), "o-%s", name);
    prctl(PR_SET_NAME, sys);
}

static void put_time(struct logger *lg, struct buf *out)
{
    struct timespec ts;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &ts);
    int64_t real_us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
    int64_t now_us = lg->opt.now_us ? lg->opt.now_us(lg->opt.now_ctx) : real_us;
    bool mocked = now_us - real_us > 2000000 || real_us - now_us > 2000000;
    clock_format_utc(text, real_us / 1000000);
    if (lg->opt.time_micros && text[0])
        buf_printf(out, "%.19s.%06dZ", text, (int)(real_us % 1000000));
    else
        buf_append_str(out, text);
    if (mocked)
        buf_printf(out, " (mocktime: %s)", clock_format_utc(text, now_us / 1000000));
    buf_append_byte(out, ' ');
}

/* "[net] ", "[net:trace] ", "[error] ": no category implies info, a category debug. */
static void put_category(struct logger *lg, struct buf *out, enum log_category c,
                         enum log_level l)
{
    bool always = lg->opt.level_always;
    bool has_category = always || c < LOG_CATEGORY_COUNT;
    if (!has_category && l == LOG_INFO)
        return;
    bool with_level = always || !has_category || l != LOG_DEBUG;
    buf_printf(out, "[%s%s%s] ", has_category ? log_category_name(c) : "",
               has_category && with_level ? ":" : "", with_level ? level_names[l] : "");
}

/* Text that came from outside must not forge lines: control characters are shown as
 * \xNN. */
static void put_clean(struct buf *out, const char *s, size_t len)
{
    while (len > 0 && s[len - 1] == '\n')
        len--;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)s[i];
        if ((c >= 0x20 && c != 0x7f) || c == '\n')
            buf_append_byte(out, c);
        else
            buf_printf(out, "\\x%02x", c);
    }
    buf_append_byte(out, '\n');
}

static void put_prefix(struct logger *lg, struct buf *line, enum log_category c,
                       enum log_level l, const char *file, int at, const char *func)
{
    if (lg->opt.timestamps)
        put_time(lg, line);
    if (lg->opt.thread_names)
        buf_printf(line, "[%s] ", thread_name[0] ? thread_name : "unknown");
    if (lg->opt.source_locations)
        buf_printf(line, "[%s:%d] [%s] ", file, at, func);
    put_category(lg, line, c, l);
}

void log_write(struct logger *lg, enum log_category c, enum log_level l,
               const char *file, int line, const char *func, const char *fmt, ...)
{
    struct buf text = {0}, out = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    put_prefix(lg, &out, c, l, file, line, func);
    put_clean(&out, (const char *)text.data, text.len);
    pthread_mutex_lock(&lg->lock);
    if (lg->open) {
        if (atomic_exchange(&lg->reopen, false))
            reopen_now(lg);
        emit(lg, out.data, out.len);
    } else if (lg->early.len < EARLY_LIMIT) {
        buf_append(&lg->early, out.data, out.len);
    }
    pthread_mutex_unlock(&lg->lock);
    buf_clear(&text);
    buf_clear(&out);
}
