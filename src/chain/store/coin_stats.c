#include "chain/store/coin_stats.h"

#include "chain/store/utxo_hash.h"
#include "util/map.h"
#include "util/pool.h"

#define MAX_SLICES       16
#define MIN_TXS_IN_SLICE 64

uint64_t coin_bogosize(struct bytes script)
{
    return 32 + 4 + 4 + 8 + 2 + script.len;
}

void coin_stats_init(struct coin_stats *s)
{
    *s = (struct coin_stats){0};
    muhash_init(&s->set);
}

/* Some transactions of a block and what they change. Differences of the set wrap. */
struct slice {
    uint64_t txouts, bogosize;
    uint64_t prevouts, new_outputs;
    int64_t coinbase, lost_scripts;
    struct muhash set;
    struct buf scratch;
};

struct work {
    const struct block *b;
    const struct block_undo *undo;
    uint32_t height;
    struct map passing; /* outpoints that the block both makes and spends */
    uint32_t txs_in_slice;
    struct slice slices[MAX_SLICES];
};

/* A coin made and spent within the block would be multiplied in and divided out. */
static bool is_passing(const struct work *w, const struct outpoint *o)
{
    return w->passing.len > 0 && map_get(&w->passing, o) != NULL;
}

static void find_passing(struct work *w)
{
    map_init(&w->passing, sizeof(struct outpoint), 0);
    for (uint32_t i = 0; i < w->undo->n_tx; i++) {
        const struct tx_undo *u = &w->undo->txs[i];
        for (uint32_t k = 0; k < u->n; k++)
            if (u->coins[k].height == w->height)
                map_put(&w->passing, &w->b->txs[i + 1].in[k].prevout, NULL);
    }
}

static struct bytes hashed(struct slice *s, const struct outpoint *o,
                           const struct coin *c)
{
    buf_reset(&s->scratch);
    utxo_octets(&s->scratch, o, c);
    return buf_view(&s->scratch);
}

static void add_output(const struct work *w, struct slice *s, const struct outpoint *o,
                       const struct coin *c)
{
    if (script_is_unspendable(c->script)) {
        s->lost_scripts += c->value.v;
        return;
    }
    if (c->coinbase)
        s->coinbase += c->value.v;
    else
        s->new_outputs += (uint64_t)c->value.v;
    s->txouts++;
    s->bogosize += coin_bogosize(c->script);
    if (is_passing(w, o))
        return;
    struct bytes data = hashed(s, o, c);
    muhash_insert(&s->set, data.data, data.len);
}

static void remove_input(const struct work *w, struct slice *s,
                         const struct outpoint *o, const struct coin *c)
{
    s->prevouts += (uint64_t)c->value.v;
    s->txouts--;
    s->bogosize -= coin_bogosize(c->script);
    if (c->height == w->height)
        return;
    struct bytes data = hashed(s, o, c);
    muhash_remove(&s->set, data.data, data.len);
}

static void add_tx(const struct work *w, struct slice *s, uint32_t i)
{
    const struct tx *tx = &w->b->txs[i];
    struct outpoint o = {.txid = tx->txid};
    for (o.n = 0; o.n < tx->n_out; o.n++) {
        struct coin c = {.value = tx->out[o.n].value,
                         .height = w->height,
                         .coinbase = i == 0,
                         .script = tx->out[o.n].script};
        add_output(w, s, &o, &c);
    }
    for (uint32_t k = 0; i > 0 && k < tx->n_in; k++)
        remove_input(w, s, &tx->in[k].prevout, &w->undo->txs[i - 1].coins[k]);
}

static bool run_slice(void *ctx, size_t n)
{
    struct work *w = ctx;
    struct slice *s = &w->slices[n];
    uint32_t from = (uint32_t)n * w->txs_in_slice, to = from + w->txs_in_slice;
    muhash_init(&s->set);
    for (uint32_t i = from; i < to && i < w->b->n_tx; i++)
        add_tx(w, s, i);
    buf_clear(&s->scratch);
    return true;
}

static void merge(struct coin_stats *s, const struct slice *part)
{
    s->txouts += part->txouts;
    s->bogosize += part->bogosize;
    s->prevouts += part->prevouts;
    s->new_outputs += part->new_outputs;
    s->coinbase += part->coinbase;
    s->lost_scripts += part->lost_scripts;
    muhash_combine(&s->set, &part->set);
}

/* What the coinbase left comes out as the rest. */
static void close_sums(struct coin_stats *s, struct amount subsidy)
{
    uint64_t made = s->new_outputs + (uint64_t)s->coinbase;
    uint64_t left = s->prevouts + (uint64_t)subsidy.v - made -
                    (uint64_t)s->lost_scripts - (uint64_t)s->lost_genesis;
    s->lost_unclaimed = (int64_t)left;
    s->total += (int64_t)(made - s->prevouts);
    s->unspendable += s->lost_genesis + s->lost_scripts + s->lost_unclaimed;
}

static void begin_block(struct coin_stats *s)
{
    s->prevouts = s->new_outputs = 0;
    s->coinbase = s->lost_genesis = s->lost_scripts = s->lost_unclaimed = 0;
}

bool coin_stats_add_block(struct coin_stats *s, const struct block *b,
                          const struct block_undo *undo, uint32_t height,
                          struct amount subsidy, struct pool *workers)
{
    begin_block(s);
    if (!undo) {
        s->lost_genesis = tx_value_out(&b->txs[0]).v;
        close_sums(s, amount_of(s->lost_genesis));
        return true;
    }
    if (!block_undo_fits(undo, b))
        return false;
    struct work w = {.b = b, .undo = undo, .height = height};
    w.txs_in_slice = (b->n_tx + MAX_SLICES - 1) / MAX_SLICES;
    if (w.txs_in_slice < MIN_TXS_IN_SLICE)
        w.txs_in_slice = MIN_TXS_IN_SLICE;
    size_t n = (b->n_tx + w.txs_in_slice - 1) / w.txs_in_slice;
    find_passing(&w);
    pool_for(workers, n, 1, run_slice, &w);
    for (size_t i = 0; i < n; i++)
        merge(s, &w.slices[i]);
    map_clear(&w.passing);
    muhash_settle(&s->set);
    close_sums(s, subsidy);
    return true;
}
