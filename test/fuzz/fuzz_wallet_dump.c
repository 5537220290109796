/* Any line as a row of a wallet dump: what is accepted is written as the same line, but
 * for the case of hex digits. */
#include "fuzz.h"

#include <stdlib.h>

#include "util/mem.h"
#include "wallet/dump_row.h"
#include "wallet/script_chunk.h"

static bool ignore(void *ctx, uint32_t pos, struct bytes script)
{
    (void)ctx, (void)pos, (void)script;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dump_row row;
    struct buf memory = {0}, text = {0};
    char *line = xmemdup(data, size);
    if (dump_row_read(&row, &memory, line, size)) {
        dump_row_write(&text, &row);
        ASSERT(text.len == size && strncasecmp((char *)text.data, line, size) == 0);
    }
    (void)!script_chunk_each(bytes_of(data, size), 0, ignore, NULL);
    buf_clear(&memory);
    buf_clear(&text);
    free(line);
    return 0;
}
