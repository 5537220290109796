/* The UTXO set as a whole. */
#include "chain/validation/internal.h"

struct utxo_walk {
    struct chainman *cm;
    struct chainstate *cs;
    struct db_snapshot *snapshot;
    const struct block_index *tip;
};

enum err coins_db_each(struct db *db, const struct db_snapshot *snapshot, coin_fn *fn,
                       void *ctx)
{
    uint8_t prefix = COINS_DB_COIN;
    enum err bad = ERR_OK;
    struct db_iter *it = db_iter_new(db, snapshot, bytes_of(&prefix, 1));
    for (bool more = true; more && db_iter_valid(it); db_iter_next(it)) {
        uint8_t scratch[COIN_SCRATCH];
        struct outpoint o;
        struct coin c;
        struct reader r;
        struct bytes value = db_iter_value(it);
        reader_init(&r, value.data, value.len);
        if (!coin_key_read(&o, db_iter_key(it)) || !coin_read(&c, &r, scratch)) {
            bad = ERR_CORRUPT;
            break;
        }
        more = fn(ctx, &o, &c);
    }
    enum err e = db_iter_free(it);
    return e != ERR_OK ? e : bad;
}

static void begin_walk(void *arg)
{
    struct utxo_walk *w = arg;
    struct chainman *cm = w->cm;
    if (!flush_chain(cm, FLUSH_ALWAYS))
        return;
    w->cs = cm->active;
    w->tip = chain_tip(cm);
    w->snapshot = db_snapshot_new(w->cs->db);
}

enum err chainman_utxo_walk(struct chainman *cm,
                            bool (*fn)(void *ctx, const struct outpoint *o,
                                       const struct coin *c),
                            void *ctx, const struct block_index **tip)
{
    struct utxo_walk w = {.cm = cm};
    enum err e = chainman_call(cm, begin_walk, &w);
    if (e != ERR_OK)
        return e;
    if (!w.snapshot)
        return ERR_IO;
    if (tip)
        *tip = w.tip;
    e = coins_db_each(w.cs->db, w.snapshot, fn, ctx);
    db_snapshot_free(w.cs->db, w.snapshot);
    return e;
}

uint64_t chainman_utxo_disk_size(struct chainman *cm)
{
    uint8_t from = COINS_DB_COIN, to = COINS_DB_COIN + 1;
    chainman_read_lock(cm);
    uint64_t size =
        db_approximate_size(cm->active->db, bytes_of(&from, 1), bytes_of(&to, 1));
    chainman_read_unlock(cm);
    return size;
}
