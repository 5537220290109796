#include "chain/validation/snapshot.h"

#include "chain/store/utxo_file.h"
#include "chain/store/utxo_hash.h"
#include "chain/validation/internal.h"

struct dump {
    struct chainman *cm;
    struct block_index *at;
    bool (*go_on)(void *ctx);
    void *ctx;
    struct snapshot_written *out;
    /* what is dumped */
    struct chainstate *cs;
    struct db_snapshot *view;
    enum err err;
    /* writing */
    struct utxo_writer *writer;
    struct utxo_hash hash;
    uint64_t n;
};

/* -- Going there -- */

static bool can_undo(const struct chainman *cm, const struct block_index *down_to)
{
    const struct block_index *base = cm->active->base;
    if (!chain_contains(cm, down_to) || (base && down_to->height < base->height))
        return false;
    for (const struct block_index *bi = chain_tip(cm); bi != down_to; bi = bi->prev)
        if (!(bi->status & BLOCK_HAVE_DATA) || !(bi->status & BLOCK_HAVE_UNDO))
            return false;
    return true;
}

static bool roll_back(struct dump *d)
{
    struct chainman *cm = d->cm;
    unsigned n = 0;
    while (chain_tip(cm) != d->at)
        if (chainman_stopping(cm) || !d->go_on(d->ctx) ||
            !tip_disconnect(cm->active, ++n <= 10))
            return false;
    return true;
}

static void roll_on(struct chainman *cm)
{
    chainman_write_lock(cm);
    candidates_refill(cm->active);
    chainman_write_unlock(cm);
    settle_mempool(cm, true);
    chainman_activate_best(cm);
}

static void take_view(struct dump *d)
{
    struct chainman *cm = d->cm;
    if (!flush_chain(cm, FLUSH_ALWAYS))
        return;
    d->cs = cm->active;
    d->out->base = d->at;
    d->out->state_root = state_root(d->cs->state);
    d->view = db_snapshot_new(d->cs->db);
    d->err = ERR_OK;
}

static void go_there(void *arg)
{
    struct dump *d = arg;
    const struct block_index *start = chain_tip(d->cm);
    d->err = ERR_NOT_FOUND;
    if (!can_undo(d->cm, d->at))
        return;
    d->err = ERR_CLOSED;
    if (roll_back(d))
        take_view(d);
    if (chain_tip(d->cm) != start)
        roll_on(d->cm);
}

/* -- Writing -- */

static bool stays(struct dump *d)
{
    return (++d->n & 0x3ff) != 0 || (d->go_on(d->ctx) && !chainman_stopping(d->cm));
}

static bool dump_coin(void *ctx, const struct outpoint *o, const struct coin *c)
{
    struct dump *d = ctx;
    utxo_writer_coin(d->writer, o, c);
    utxo_hash_add(&d->hash, o, c);
    if (!stays(d))
        d->err = ERR_CLOSED;
    return d->err == ERR_OK;
}

static enum err dump_state(struct dump *d)
{
    uint8_t prefix = STATE_DB_VALUE;
    struct db_iter *it = db_iter_new(d->cs->db, d->view, bytes_of(&prefix, 1));
    for (; db_iter_valid(it) && d->err == ERR_OK; db_iter_next(it)) {
        struct bytes key = db_iter_key(it);
        utxo_writer_entry(d->writer, bytes_of(key.data + 1, key.len - 1),
                          db_iter_value(it));
        if (!stays(d))
            d->err = ERR_CLOSED;
    }
    utxo_writer_end_entries(d->writer);
    return db_iter_free(it);
}

static void write_all(struct dump *d, FILE *f)
{
    const struct chain_params *p = d->cm->params;
    struct utxo_file_header h = {.base = d->at->hash};
    memcpy(h.magic, p->magic, sizeof(h.magic));
    d->writer = utxo_writer_new(f, &h);
    utxo_hash_init(&d->hash);
    enum err e = coins_db_each(d->cs->db, d->view, dump_coin, d);
    if (e == ERR_OK && d->err == ERR_OK && p->tickets_height != TICKETS_NEVER)
        e = dump_state(d);
    utxo_hash_final(&d->hash, &d->out->txoutset);
    enum err written = utxo_writer_finish(d->writer, &d->out->n_coins);
    if (d->err == ERR_OK)
        d->err = e != ERR_OK ? e : written;
}

enum err snapshot_dump(struct chainman *cm, FILE *f, const struct block_index *at,
                       bool (*go_on)(void *ctx), void *ctx,
                       struct snapshot_written *out)
{
    struct dump d = {.cm = cm,
                     .at = (struct block_index *)at,
                     .go_on = go_on,
                     .ctx = ctx,
                     .out = out};
    enum err e = chainman_call(cm, go_there, &d);
    if (e != ERR_OK || d.view == NULL)
        return e != ERR_OK ? e : d.err;
    write_all(&d, f);
    db_snapshot_free(d.cs->db, d.view);
    return d.err;
}
