/* Any text: parses, is written compactly, and that parses to the same text again. */
#include "fuzz.h"

#include "util/json.h"

static bool rewrite(struct buf *out, const void *text, size_t len, int indent)
{
    struct arena a;
    struct json *v;
    struct json_writer w;
    arena_init(&a, 4096);
    bool ok = json_parse(&v, &a, text, len, NULL);
    if (ok) {
        int64_t i;
        uint64_t u;
        double d;
        (void)!json_to_i64(v, &i);
        (void)!json_to_u64(v, &u);
        (void)!json_to_double(v, &d);
        json_writer_init(&w, out, indent);
        json_value(&w, json_dup(&a, v));
    }
    arena_clear(&a);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once = {0}, twice = {0}, pretty = {0};
    if (rewrite(&once, data, size, 0)) {
        ASSERT(rewrite(&pretty, once.data, once.len, 2));
        ASSERT(rewrite(&twice, pretty.data, pretty.len, 0));
        ASSERT(bytes_equal(buf_view(&once), buf_view(&twice)));
    }
    buf_clear(&once);
    buf_clear(&twice);
    buf_clear(&pretty);
    return 0;
}
