/* Coins and undo data as they stand on disk: what is read, and written, reads as the
 * same. */
#include "fuzz.h"

#include "chain/store/undo.h"

static void same_coin(const struct coin *a, const struct coin *b)
{
    ASSERT(a->value.v == b->value.v && a->height == b->height);
    ASSERT(a->coinbase == b->coinbase && a->marks == b->marks);
    ASSERT(bytes_equal(a->script, b->script));
}

static void check_coin(struct bytes in)
{
    struct coin c, again;
    uint8_t scratch[COIN_SCRATCH], scratch2[COIN_SCRATCH];
    struct buf out = {0};
    struct sink s = sink_to_buf(&out);
    struct reader r;
    reader_init(&r, in.data, in.len);
    if (!coin_read(&c, &r, scratch))
        return;
    coin_write(&s, &c);
    reader_init(&r, out.data, out.len);
    ASSERT(coin_read(&again, &r, scratch2) && reader_done(&r));
    same_coin(&c, &again);
    buf_clear(&out);
}

static void check_undo(struct bytes in)
{
    struct arena mem;
    struct block_undo u, again;
    struct buf out = {0};
    struct sink s = sink_to_buf(&out);
    struct reader r;
    arena_init(&mem, 0);
    reader_init(&r, in.data, in.len);
    if (block_undo_read(&u, &r, &mem)) {
        block_undo_write(&s, &u);
        reader_init(&r, out.data, out.len);
        ASSERT(block_undo_read(&again, &r, &mem));
        ASSERT(u.n_tx == again.n_tx && bytes_equal(u.state, again.state));
        for (uint32_t i = 0; i < u.n_tx; i++) {
            ASSERT(u.txs[i].n == again.txs[i].n);
            for (uint32_t k = 0; k < u.txs[i].n; k++)
                same_coin(&u.txs[i].coins[k], &again.txs[i].coins[k]);
        }
    }
    buf_clear(&out);
    arena_clear(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_coin(bytes_of(data, size));
    check_undo(bytes_of(data, size));
    return 0;
}
