/* Results of calls that can fail because of the environment, and the two macros that
 * every file may use: NODISCARD and ASSERT. */
#ifndef OCHRE_UTIL_ERR_H
#define OCHRE_UTIL_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODISCARD              __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED                 __attribute__((unused))

/* 0 or negative. A broken *rule* is not an err: see chain/rules/reject.h. */
enum err {
    ERR_OK = 0,
    ERR_IO = -1,      /* a read, write or sync failed; errno tells more */
    ERR_CORRUPT = -2, /* bytes on disk or wire are not what they must be */
    ERR_NOT_FOUND = -3,
    ERR_EXISTS = -4,
    ERR_FULL = -5,    /* disk full, table full, size limit reached */
    ERR_LOCKED = -6,  /* another process or caller holds it */
    ERR_VERSION = -7, /* written by a newer version of this program */
    ERR_RANGE = -8,   /* a value is outside what the call accepts */
    ERR_SYNTAX = -9,  /* text that cannot be parsed */
    ERR_AUTH = -10,   /* wrong key, passphrase or authentication tag */
    ERR_TIMEOUT = -11,
    ERR_CLOSED = -12, /* the other side or the object is shut down */
    ERR_UNSUPPORTED = -13,
};

/* A short lower-case English phrase, static storage. */
const char *err_text(enum err e);

/* For a caller's bug; always on. Prints file, line and expression, then aborts. */
#define ASSERT(x) ((x) ? (void)0 : assert_failed(__FILE__, __LINE__, #x))
void assert_failed(const char *file, int line, const char *expr)
    __attribute__((noreturn, cold));

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
