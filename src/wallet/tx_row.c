#include "wallet/tx_row.h"

#include <stdlib.h>

#include "util/mem.h"
#include "wallet/store.h"

/* As stored. What was in the mempool must be offered to it anew after a restart. */
enum row_state {
    ROW_INACTIVE,
    ROW_CONFIRMED,
    ROW_CONFLICTED,
    ROW_ABANDONED,
};

static enum row_state row_state_of(enum wtx_state s)
{
    switch (s) {
    case WTX_CONFIRMED:
        return ROW_CONFIRMED;
    case WTX_CONFLICTED:
        return ROW_CONFLICTED;
    case WTX_ABANDONED:
        return ROW_ABANDONED;
    case WTX_MEMPOOL:
    case WTX_INACTIVE:
        return ROW_INACTIVE;
    }
    return ROW_INACTIVE;
}

static bool has_block(enum wtx_state s)
{
    return s == WTX_CONFIRMED || s == WTX_CONFLICTED;
}

/* -- Reading -- */

static bool decode_hash(struct hash256 *out, struct bytes b)
{
    if (b.len == 0)
        return true;
    if (b.len != sizeof(out->b))
        return false;
    memcpy(out->b, b.data, sizeof(out->b));
    return true;
}

static bool decode_block(const struct tx_row *row, struct wallet_tx *out)
{
    out->block = CHAIN_POINT_NONE;
    if (!has_block(out->state))
        return true;
    bool in_range = row->height >= 0 && row->height <= INT32_MAX &&
                    row->block_index >= 0 && row->block_index <= INT32_MAX;
    if (!in_range || row->block.len != sizeof(out->block.hash.b))
        return false;
    out->block.height = (int32_t)row->height;
    out->index = (int32_t)row->block_index;
    return decode_hash(&out->block.hash, row->block);
}

static bool decode_state(const struct tx_row *row, struct wallet_tx *out)
{
    static const enum wtx_state states[] = {
        [ROW_INACTIVE] = WTX_INACTIVE,
        [ROW_CONFIRMED] = WTX_CONFIRMED,
        [ROW_CONFLICTED] = WTX_CONFLICTED,
        [ROW_ABANDONED] = WTX_ABANDONED,
    };
    if (row->state < 0 || row->state >= (int64_t)ARRAY_LEN(states))
        return false;
    out->state = states[row->state];
    return decode_block(row, out);
}

static char *text_or_null(const char *s)
{
    return s != NULL ? xstrdup(s) : NULL;
}

bool tx_row_decode(const struct tx_row *row, struct wallet_tx *out)
{
    if (!decode_state(row, out) || !decode_hash(&out->replaces, row->replaces) ||
        !decode_hash(&out->replaced_by, row->replaced_by) || row->place < 0)
        return false;
    out->tx = tx_from_bytes(row->tx.data, row->tx.len, true);
    if (out->tx == NULL)
        return false;
    out->order = row->place;
    out->time_received = row->received;
    out->time_smart = row->smart;
    out->comment = text_or_null(row->comment);
    out->comment_to = text_or_null(row->comment_to);
    return true;
}

/* -- Writing -- */

static struct bytes hash_or_none(const struct hash256 *h)
{
    return hash256_is_zero(h) ? bytes_of(NULL, 0) : bytes_of(h->b, sizeof(h->b));
}

void tx_row_encode(struct tx_row *out, const struct wallet_tx *wtx)
{
    *out = (struct tx_row){
        .place = wtx->order,
        .tx = wtx->tx->raw,
        .state = row_state_of(wtx->state),
        .height = -1,
        .block_index = -1,
        .received = wtx->time_received,
        .smart = wtx->time_smart,
        .comment = wtx->comment,
        .comment_to = wtx->comment_to,
        .replaces = hash_or_none(&wtx->replaces),
        .replaced_by = hash_or_none(&wtx->replaced_by),
    };
    if (!has_block(wtx->state))
        return;
    out->block = bytes_of(wtx->block.hash.b, sizeof(wtx->block.hash.b));
    out->height = wtx->block.height;
    out->block_index = wtx->index;
}

static void bind_bytes_or_null(struct sqlite_stmt *q, struct bytes b)
{
    if (b.len == 0)
        sqlite_bind_null(q);
    else
        sqlite_bind_bytes(q, b);
}

static void bind_place_in_chain(struct sqlite_stmt *q, const struct tx_row *row)
{
    sqlite_bind_int(q, row->state);
    bind_bytes_or_null(q, row->block);
    if (row->height < 0) {
        sqlite_bind_null(q);
        sqlite_bind_null(q);
    } else {
        sqlite_bind_int(q, row->height);
        sqlite_bind_int(q, row->block_index);
    }
}

enum err tx_row_put(struct store *s, const struct wallet_tx *wtx)
{
    struct tx_row row;
    struct sqlite_stmt *q = sqlite_query(
        store_db(s), "INSERT OR REPLACE INTO transactions (place, tx, state, block, "
                     "height, block_index, received, smart, comment, comment_to, "
                     "replaces, replaced_by) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
    tx_row_encode(&row, wtx);
    sqlite_bind_int(q, row.place);
    sqlite_bind_bytes(q, row.tx);
    bind_place_in_chain(q, &row);
    sqlite_bind_int(q, row.received);
    sqlite_bind_int(q, row.smart);
    sqlite_bind_text(q, row.comment);
    sqlite_bind_text(q, row.comment_to);
    bind_bytes_or_null(q, row.replaces);
    bind_bytes_or_null(q, row.replaced_by);
    return sqlite_done(q);
}

enum err tx_row_put_state(struct store *s, const struct wallet_tx *wtx)
{
    struct tx_row row;
    struct sqlite_stmt *q = sqlite_query(
        store_db(s), "UPDATE transactions SET state = ?, block = ?, height = ?, "
                     "block_index = ? WHERE place = ?");
    tx_row_encode(&row, wtx);
    bind_place_in_chain(q, &row);
    sqlite_bind_int(q, row.place);
    return sqlite_done(q);
}

enum err tx_row_del(struct store *s, const struct wallet_tx *wtx)
{
    struct sqlite_stmt *q =
        sqlite_query(store_db(s), "DELETE FROM transactions WHERE place = ?");
    sqlite_bind_int(q, wtx->order);
    return sqlite_done(q);
}

/* A null integer reads as 0, which no state without a block looks at. */
static struct tx_row row_from_columns(struct sqlite_stmt *q)
{
    return (struct tx_row){
        .place = sqlite_int(q, 0),
        .tx = sqlite_bytes(q, 1),
        .state = sqlite_int(q, 2),
        .block = sqlite_bytes(q, 3),
        .height = sqlite_int(q, 4),
        .block_index = sqlite_int(q, 5),
        .received = sqlite_int(q, 6),
        .smart = sqlite_int(q, 7),
        .comment = sqlite_text(q, 8),
        .comment_to = sqlite_text(q, 9),
        .replaces = sqlite_bytes(q, 10),
        .replaced_by = sqlite_bytes(q, 11),
    };
}

enum err tx_rows_each(struct store *s, bool (*fn)(void *ctx, const struct tx_row *row),
                      void *ctx)
{
    bool go_on = true;
    struct sqlite_stmt *q = sqlite_query(
        store_db(s), "SELECT place, tx, state, block, height, block_index, received, "
                     "smart, comment, comment_to, replaces, replaced_by "
                     "FROM transactions ORDER BY place");
    while (go_on && sqlite_row(q)) {
        struct tx_row row = row_from_columns(q);
        go_on = fn(ctx, &row);
    }
    enum err e = sqlite_done(q);
    return e == ERR_OK && !go_on ? ERR_CORRUPT : e;
}
