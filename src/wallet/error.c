#include "wallet/error.h"

#include <stdarg.h>
#include <stdlib.h>

#include "util/bytes.h"

bool wallet_fail(struct wallet_error *e, enum wallet_code code, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    if (e == NULL || e->text != NULL)
        return false;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    e->code = code;
    e->text = (char *)buf_take(&text, NULL);
    return false;
}

void wallet_error_clear(struct wallet_error *e)
{
    free(e->text);
    *e = (struct wallet_error){0};
}
