/* One block off what coins and ticket state stand at. */
#include "chain/validation/internal.h"

bool undo_outputs(struct chainstate *cs, const struct tx *tx, uint32_t height)
{
    bool clean = true;
    struct outpoint o = {.txid = tx->txid};
    for (o.n = 0; o.n < tx->n_out; o.n++) {
        struct coin c;
        if (script_is_unspendable(tx->out[o.n].script))
            continue;
        if (!coins_fetch(cs->coins, &o, &c) || c.height != height ||
            c.value.v != tx->out[o.n].value.v || c.coinbase != tx_is_coinbase(tx) ||
            !bytes_equal(c.script, tx->out[o.n].script))
            clean = false;
        coins_spend(cs->coins, &o, NULL, NULL);
    }
    return clean;
}

bool undo_inputs(struct chainstate *cs, const struct tx *tx, const struct tx_undo *u)
{
    bool clean = true;
    for (uint32_t i = u->n; i-- > 0;) {
        const struct outpoint *o = &tx->in[i].prevout;
        if (coins_have(cs->coins, o))
            clean = false;
        coins_add(cs->coins, o, &u->coins[i], true);
    }
    return clean;
}

static enum disconnect_result undo_coins(struct chainstate *cs, const struct block *b,
                                         const struct block_index *bi,
                                         const struct block_undo *u)
{
    bool clean = true;
    for (uint32_t i = b->n_tx; i-- > 0;) {
        clean &= undo_outputs(cs, &b->txs[i], (uint32_t)bi->height);
        if (i > 0)
            clean &= undo_inputs(cs, &b->txs[i], &u->txs[i - 1]);
    }
    return clean ? DISCONNECT_OK : DISCONNECT_UNCLEAN;
}

static bool undo_state(struct chainstate *cs, struct bytes undo)
{
    if (undo.len == 0)
        return true;
    struct state_txn *t = state_begin(cs->state);
    if (!state_undo_apply(t, undo)) {
        state_discard(t);
        return false;
    }
    tell_state_changes(cs, t, NULL);
    state_commit(t);
    return true;
}

static enum disconnect_result disconnect(struct chainstate *cs, const struct block *b,
                                         const struct block_index *bi, bool with_state)
{
    struct chainman *cm = cs->cm;
    struct arena mem;
    struct block_undo u;
    enum disconnect_result result = DISCONNECT_FAILED;
    arena_init(&mem, 256 << 10);
    enum err e = chainman_read_undo(cm, &u, bi, &mem);
    if (e != ERR_OK)
        log_error(cm->log, "Undo data of block %d: %s", bi->height, err_text(e));
    else if (!block_undo_fits(&u, b) || (with_state && !undo_state(cs, u.state)))
        log_error(cm->log, "Block and undo data of height %d do not fit", bi->height);
    else
        result = undo_coins(cs, b, bi, &u);
    arena_clear(&mem);
    return result;
}

enum disconnect_result block_disconnect(struct chainstate *cs, const struct block *b,
                                        const struct block_index *bi)
{
    enum disconnect_result result = disconnect(cs, b, bi, true);
    if (result != DISCONNECT_FAILED)
        coins_set_best_block(cs->coins, &bi->prev->hash);
    return result;
}

enum disconnect_result block_disconnect_coins(struct chainstate *cs,
                                              const struct block *b,
                                              const struct block_index *bi)
{
    return disconnect(cs, b, bi, false);
}
