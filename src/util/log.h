/* Log by category and level, in bitcoind's format and with its category names. A
 * `struct logger` is passed through contexts; NULL is a logger that drops everything.
 * The level `broken` means a bug of ours and fails every functional test. Thread-safe.
 */
#ifndef OCHRE_UTIL_LOG_H
#define OCHRE_UTIL_LOG_H

#include "util/err.h"

/* X(ENUM, name): bitcoind's categories plus our own, by name */
#define LOG_CATEGORIES(X)                                                              \
    X(ADDRMAN, "addrman")                                                              \
    X(BENCH, "bench") X(BLOCKSTORAGE, "blockstorage") X(CMPCTBLOCK, "cmpctblock")      \
        X(COINDB, "coindb") X(ESTIMATEFEE, "estimatefee") X(HTTP, "http")              \
            X(I2P, "i2p") X(IPC, "ipc") X(LEVELDB, "leveldb") X(LIBEVENT, "libevent")  \
                X(LOCK, "lock") X(MEMPOOL, "mempool") X(MEMPOOLREJ, "mempoolrej")      \
                    X(NET, "net") X(PROXY, "proxy") X(PRUNE, "prune") X(QT, "qt")      \
                        X(RAND, "rand") X(REINDEX, "reindex") X(RPC, "rpc")            \
                            X(SCAN, "scan") X(SELECTCOINS, "selectcoins")              \
                                X(STATE, "state") X(SUPERNODE, "supernode")            \
                                    X(TICKETS, "tickets") X(TOR, "tor")                \
                                        X(TXPACKAGES, "txpackages")                    \
                                            X(TXRECONCILIATION, "txreconciliation")    \
                                                X(VALIDATION, "validation")            \
                                                    X(WALLETDB, "walletdb")            \
                                                        X(ZMQ, "zmq")

enum log_category {
#define X(e, n) LOG_##e,
    LOG_CATEGORIES(X)
#undef X
        LOG_CATEGORY_COUNT,
    LOG_ALL = LOG_CATEGORY_COUNT, /* unconditional lines, no category prefix */
};

/* "addrman, bench, ..., zmq, all": for help texts */
#define LOG_CATEGORY_NAME_(e, n) n ", "
#define LOG_CATEGORY_NAMES       LOG_CATEGORIES(LOG_CATEGORY_NAME_) "all"

enum log_level {
    LOG_TRACE,
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARNING,
    LOG_ERROR,
    LOG_BROKEN,
};

struct logger;

struct log_options {
    const char *path; /* NULL: no file */
    bool print_to_console;
    bool time_micros;
    bool timestamps;
    bool thread_names;
    bool source_locations;
    bool level_always;
    bool shrink; /* cut a file above 11 MB to its last 10 MB when opened */
    int64_t (*now_us)(void *ctx); /* mockable wall clock; NULL: the system's */
    void *now_ctx;
};

struct logger *logger_new(void); /* keeps lines in memory until logger_open */
NODISCARD enum err logger_open(struct logger *lg, const struct log_options *opt);
void logger_free(struct logger *lg);
void logger_reopen(struct logger *lg); /* SIGHUP */
bool logger_enabled(const struct logger *lg, enum log_category c, enum log_level l);
/* name: a category, "all", "1" ; "none"/"0" is handled by the caller. False: unknown
 * name. */
NODISCARD bool logger_set_category(struct logger *lg, const char *name, bool on);
/* "debug" or "<category>:<level>" */
NODISCARD bool logger_set_level(struct logger *lg, const char *spec);
bool logger_category_on(const struct logger *lg, enum log_category c);
const char *log_category_name(enum log_category c);
const char *log_level_name(enum log_level l);
/* Name of the calling thread, shown with -logthreadnames and by debuggers. */
void log_thread_name(const char *name);

void log_write(struct logger *lg, enum log_category c, enum log_level l,
               const char *file, int line, const char *func, const char *fmt, ...)
    PRINTF_LIKE(7, 8);

/* Arguments are evaluated only when the line will be written. */
#define log_at(lg, c, l, ...)                                                          \
    (logger_enabled(lg, c, l)                                                          \
         ? log_write(lg, c, l, __FILE__, __LINE__, __func__, __VA_ARGS__)              \
         : (void)0)
#define log_trace(lg, c, ...) log_at(lg, c, LOG_TRACE, __VA_ARGS__)
#define log_debug(lg, c, ...) log_at(lg, c, LOG_DEBUG, __VA_ARGS__)
#define log_info(lg, ...)     log_at(lg, LOG_ALL, LOG_INFO, __VA_ARGS__)
#define log_warning(lg, ...)  log_at(lg, LOG_ALL, LOG_WARNING, __VA_ARGS__)
#define log_error(lg, ...)    log_at(lg, LOG_ALL, LOG_ERROR, __VA_ARGS__)
#define log_broken(lg, ...)   log_at(lg, LOG_ALL, LOG_BROKEN, __VA_ARGS__)

#endif
