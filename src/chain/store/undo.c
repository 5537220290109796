#include "chain/store/undo.h"

void block_undo_write(struct sink *s, const struct block_undo *u)
{
    write_varint(s, u->n_tx);
    for (uint32_t i = 0; i < u->n_tx; i++) {
        write_varint(s, u->txs[i].n);
        for (uint32_t k = 0; k < u->txs[i].n; k++)
            coin_write(s, &u->txs[i].coins[k]);
    }
    write_var(s, u->state);
}

static void coins_read(struct tx_undo *tu, struct reader *r, struct arena *mem)
{
    /* A coin takes three octets at least: what cannot be there is not allocated. */
    tu->n = (uint32_t)read_varint(r, reader_left(r) / 3);
    tu->coins = arena_alloc(mem, tu->n * sizeof(*tu->coins));
    for (uint32_t i = 0; i < tu->n && !r->bad; i++) {
        uint8_t scratch[COIN_SCRATCH];
        struct coin *c = &tu->coins[i];
        if (!coin_read(c, r, scratch)) {
            reader_fail(r);
            return;
        }
        c->script.data = arena_dup(mem, c->script.data, c->script.len);
    }
}

bool block_undo_read(struct block_undo *out, struct reader *r, struct arena *mem)
{
    out->n_tx = (uint32_t)read_varint(r, reader_left(r));
    out->txs = arena_alloc(mem, out->n_tx * sizeof(*out->txs));
    for (uint32_t i = 0; i < out->n_tx && !r->bad; i++)
        coins_read(&out->txs[i], r, mem);
    struct bytes state = read_var(r, MAX_UNDO_SIZE);
    if (!reader_done(r))
        return false;
    out->state = bytes_of(arena_dup(mem, state.data, state.len), state.len);
    return true;
}

bool block_undo_fits(const struct block_undo *u, const struct block *b)
{
    if (u->n_tx + 1 != b->n_tx)
        return false;
    for (uint32_t i = 0; i < u->n_tx; i++)
        if (u->txs[i].n != b->txs[i + 1].n_in)
            return false;
    return true;
}
