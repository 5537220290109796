#include "wallet/script_chunk.h"

#include "util/reader.h"
#include "util/sink.h"

void script_chunk_append(struct buf *chunk, const struct script_list *scripts)
{
    struct sink to = sink_to_buf(chunk);
    ASSERT(scripts->n <= UINT8_MAX);
    write_u8(&to, (uint8_t)scripts->n);
    for (size_t i = 0; i < scripts->n; i++)
        write_var(&to, buf_view(&scripts->items[i]));
}

bool script_chunk_each(struct bytes chunk, uint32_t first,
                       bool (*fn)(void *ctx, uint32_t pos, struct bytes script),
                       void *ctx)
{
    struct reader r;
    reader_init(&r, chunk.data, chunk.len);
    for (uint32_t pos = first; !r.bad && reader_left(&r) > 0; pos++) {
        for (uint8_t n = read_u8(&r); n > 0 && !r.bad; n--) {
            struct bytes script = read_var(&r, MAX_SCRIPT_SIZE);
            if (!r.bad && !fn(ctx, pos, script))
                return true;
        }
    }
    return reader_done(&r);
}
