/* A wallet's stored transactions: whatever the columns hold, what is accepted is
 * written and read as the same. */
#include "fuzz.h"

#include <stdlib.h>

#include "util/reader.h"
#include "wallet/tx_row.h"

static struct bytes column(struct reader *r)
{
    return read_var(r, 1000000);
}

/* A text must end. */
static char *text(struct reader *r)
{
    struct bytes b = column(r);
    char *s = calloc(b.len + 1, 1);
    ASSERT(s != NULL);
    if (b.len > 0)
        memcpy(s, b.data, b.len);
    if (s[0] != '\0')
        return s;
    free(s);
    return NULL;
}

static void row_read(struct tx_row *row, struct reader *r)
{
    row->place = read_i64(r);
    row->state = (int8_t)read_u8(r);
    row->height = read_i64(r);
    row->block_index = read_i64(r);
    row->received = read_i64(r);
    row->smart = read_i64(r);
    row->block = column(r);
    row->replaces = column(r);
    row->replaced_by = column(r);
    row->tx = column(r);
}

static void clear(struct wallet_tx *wtx)
{
    tx_unref(wtx->tx);
    free(wtx->comment);
    free(wtx->comment_to);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void same(const struct wallet_tx *a, const struct wallet_tx *b)
{
    ASSERT(a->state == b->state && a->order == b->order && a->index == b->index);
    ASSERT(chain_point_equal(&a->block, &b->block));
    ASSERT(a->time_received == b->time_received && a->time_smart == b->time_smart);
    ASSERT(hash256_equal(&a->replaces, &b->replaces));
    ASSERT(hash256_equal(&a->replaced_by, &b->replaced_by));
    ASSERT(hash256_equal(&a->tx->wtxid, &b->tx->wtxid));
    ASSERT(same_text(a->comment, b->comment));
    ASSERT(same_text(a->comment_to, b->comment_to));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wallet_tx wtx = {0}, again = {0};
    struct tx_row row = {0}, out;
    struct reader r;
    reader_init(&r, data, size);
    row_read(&row, &r);
    char *comment = text(&r), *to = text(&r);
    row.comment = comment;
    row.comment_to = to;
    if (tx_row_decode(&row, &wtx)) {
        tx_row_encode(&out, &wtx);
        ASSERT(tx_row_decode(&out, &again));
        same(&wtx, &again);
        clear(&again);
        clear(&wtx);
    }
    free(comment);
    free(to);
    return 0;
}
