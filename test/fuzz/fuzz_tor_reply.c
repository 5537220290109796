/* What Tor's control port may answer: replies stay bounded, and values of quoted text
 * survive being quoted again. */
#include "fuzz.h"

#include <stdlib.h>

#include "net/tor_reply.h"
#include "util/mem.h"

static void quote(struct buf *out, const struct buf *value)
{
    buf_append_str(out, "Key=\"");
    for (size_t i = 0; i < value->len; i++)
        buf_printf(out, "\\%03o", value->data[i]);
    buf_append_str(out, "\"");
}

static void check_values(const char *line)
{
    struct buf value = {0}, again = {0}, text = {0};
    const char *arguments = tor_arguments(line, "AUTH");
    if (tor_value(&value, arguments ? arguments : line, "Key")) {
        quote(&text, &value);
        ASSERT(tor_value(&again, buf_cstr(&text), "Key"));
        ASSERT(bytes_equal(buf_view(&value), buf_view(&again)));
    } else {
        ASSERT(value.len == 0);
    }
    buf_clear(&value);
    buf_clear(&again);
    buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf in = {0};
    struct tor_reply r = {0};
    buf_append(&in, data, size);
    char *text = xstrdup(buf_cstr(&in)), *rest = text, *line;
    while ((line = strsep(&rest, "\n"))) {
        check_values(line);
        enum tor_progress p = tor_reply_add(&r, line);
        ASSERT(r.n <= TOR_MAX_REPLY && (p != TOR_WHOLE || r.n > 0));
        if (p != TOR_MORE)
            tor_reply_clear(&r);
    }
    tor_reply_clear(&r);
    free(text);
    buf_clear(&in);
    return 0;
}
