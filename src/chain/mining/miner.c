#include "chain/mining/miner.h"

#include <stdlib.h>

#include "chain/script/script.h"
#include "util/clock.h"

struct miner {
    struct chainman *cm;
    struct mempool *mp;
    struct miner_options opt;
    struct block_template *current; /* owned reference; validation thread only */
    int64_t current_time;           /* unix seconds when it was made */
    _Atomic uint32_t updates;
    _Atomic int64_t last_weight; /* 0: no template yet */
    _Atomic int64_t last_n_txs;
};

struct miner *miner_new(struct chainman *cm, struct mempool *mp,
                        const struct miner_options *opt)
{
    struct miner *m = xcalloc(1, sizeof(*m));
    m->cm = cm;
    m->mp = mp;
    m->opt = *opt;
    return m;
}

void miner_free(struct miner *m)
{
    if (!m)
        return;
    block_template_unref(m->current);
    free(m);
}

const struct miner_options *miner_get_options(const struct miner *m)
{
    return &m->opt;
}

static struct block_template *remember(struct miner *m, struct block_template *t)
{
    if (t) {
        m->last_n_txs = t->n_txs;
        m->last_weight = t->weight;
    }
    return t;
}

struct block_template *miner_create(struct miner *m, struct bytes payout_script,
                                    struct reject *rej)
{
    return remember(m, block_template_new(m->cm, m->mp, &m->opt, payout_script, rej));
}

struct block_template *miner_create_with(struct miner *m, struct bytes payout_script,
                                         const struct tx *const *txs, size_t n,
                                         struct reject *rej)
{
    return remember(m, block_template_with(m->cm, &m->opt, payout_script, txs, n, rej));
}

#define TEMPLATE_LIFE 5 /* seconds, while only the pool changes */

static bool is_stale(const struct miner *m)
{
    if (!m->current || m->current->prev != chain_tip(m->cm))
        return true;
    return mempool_updates(m->mp) != m->updates &&
           clock_now(m->opt.clock) - m->current_time > TEMPLATE_LIFE;
}

struct block_template *miner_current(struct miner *m, struct reject *rej)
{
    static const uint8_t anyone[] = {OP_TRUE};
    if (is_stale(m)) {
        block_template_unref(m->current);
        m->updates = mempool_updates(m->mp);
        m->current_time = clock_now(m->opt.clock);
        m->current = miner_create(m, bytes_of(anyone, sizeof(anyone)), rej);
    }
    return m->current ? block_template_ref(m->current) : NULL;
}

uint32_t miner_updates(const struct miner *m)
{
    return m->updates;
}

bool miner_last(const struct miner *m, int64_t *weight, int64_t *n_txs)
{
    *weight = m->last_weight;
    *n_txs = m->last_n_txs;
    return *weight != 0;
}
