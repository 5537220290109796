#include "util/err.h"

#include <stdio.h>
#include <stdlib.h>

const char *err_text(enum err e)
{
    switch (e) {
    case ERR_OK:
        return "no error";
    case ERR_IO:
        return "input/output error";
    case ERR_CORRUPT:
        return "data is corrupt";
    case ERR_NOT_FOUND:
        return "not found";
    case ERR_EXISTS:
        return "already exists";
    case ERR_FULL:
        return "no space left";
    case ERR_LOCKED:
        return "in use by another process";
    case ERR_VERSION:
        return "written by a newer version";
    case ERR_RANGE:
        return "value out of range";
    case ERR_SYNTAX:
        return "syntax error";
    case ERR_AUTH:
        return "authentication failed";
    case ERR_TIMEOUT:
        return "timed out";
    case ERR_CLOSED:
        return "closed";
    case ERR_UNSUPPORTED:
        return "not supported";
    }
    return "unknown error";
}

void assert_failed(const char *file, int line, const char *expr)
{
    fprintf(stderr, "%s:%d: internal error: %s\n", file, line, expr);
    abort();
}
