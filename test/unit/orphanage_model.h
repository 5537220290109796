/* A naive model of the orphanage: a list of who has what, looked through every time. */
#ifndef OCHRE_TEST_ORPHANAGE_MODEL_H
#define OCHRE_TEST_ORPHANAGE_MODEL_H

#include <stdlib.h>

#include "net/orphanage.h"
#include "source.h"
#include "util/mem.h"

static inline struct hash256 hash(uint32_t n)
{
    struct hash256 h = {{0}};
    put_le32(h.b, n);
    return h;
}

/* Spends these outputs, has @n_out of its own, and @pad bytes more in the first. */
static inline struct tx *make_tx(const struct outpoint *ins, size_t n_in, size_t n_out,
                                 size_t pad)
{
    struct mtx m;
    uint8_t *script = xcalloc(pad + 1, 1);
    mtx_init(&m);
    for (size_t i = 0; i < n_in; i++)
        mtx_add_in(&m, &ins[i], SEQUENCE_FINAL);
    for (size_t i = 0; i < n_out; i++)
        mtx_add_out(&m, amount_of(1000), bytes_of(script, i ? 1 : pad + 1));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    free(script);
    return tx;
}

#define PEERS     4
#define PARENTS   6
#define TXS       60
#define MODEL_MAX 12

struct model {
    struct tx *parents[PARENTS], *txs[TXS];
    /* Who has what, in the order it came; looked through every time. */
    struct {
        int64_t peer;
        size_t x;
    } held[PEERS * TXS];
    size_t n_held;
    int64_t expires[TXS];
    bool work[TXS];
    int64_t now;
};

static inline bool holds(const struct model *m, int64_t peer, size_t x)
{
    for (size_t i = 0; i < m->n_held; i++)
        if (m->held[i].x == x && (peer < 0 || m->held[i].peer == peer))
            return true;
    return false;
}

static inline void remove_at(struct model *m, size_t i)
{
    size_t x = m->held[i].x;
    memmove(&m->held[i], &m->held[i + 1], (--m->n_held - i) * sizeof(m->held[0]));
    if (!holds(m, -1, x))
        m->work[x] = false;
}

/* Of one peer or of all, of one transaction or of all: -1 and SIZE_MAX. */
static inline void forget(struct model *m, int64_t peer, size_t x)
{
    for (size_t i = m->n_held; i > 0; i--)
        if ((peer < 0 || m->held[i - 1].peer == peer) &&
            (x == SIZE_MAX || m->held[i - 1].x == x))
            remove_at(m, i - 1);
}

struct sums {
    int64_t n, weight, peers;
    int64_t peer_n[PEERS], peer_weight[PEERS];
};

static inline struct sums sum_up(const struct model *m)
{
    struct sums s = {0};
    for (size_t i = 0; i < m->n_held; i++) {
        int64_t p = m->held[i].peer;
        s.peers += s.peer_n[p]++ == 0;
        s.peer_weight[p] += tx_weight(m->txs[m->held[i].x]);
    }
    for (size_t x = 0; x < TXS; x++)
        if (holds(m, -1, x)) {
            s.n++;
            s.weight += tx_weight(m->txs[x]);
        }
    return s;
}

static inline void limit(struct model *m)
{
    struct sums s;
    while ((s = sum_up(m)).n > MODEL_MAX ||
           s.weight > s.peers * ORPHANAGE_PEER_WEIGHT) {
        const int64_t *by = s.n > MODEL_MAX ? s.peer_n : s.peer_weight;
        int64_t worst = 0;
        for (int64_t p = 1; p < PEERS; p++)
            if (by[p] >= by[worst])
                worst = p;
        size_t i = 0;
        while (m->held[i].peer != worst)
            i++;
        /* Nobody gives up what is within its share. */
        ASSERT(s.n > MODEL_MAX ? by[worst] * s.peers > MODEL_MAX
                               : by[worst] > ORPHANAGE_PEER_WEIGHT);
        remove_at(m, i);
    }
}

static inline void expire(struct model *m)
{
    for (size_t x = 0; x < TXS; x++)
        if (m->expires[x] <= m->now)
            forget(m, -1, x);
    limit(m);
}

static inline bool spends_any(const struct tx *a, const struct tx *b)
{
    for (uint32_t i = 0; i < a->n_in; i++)
        for (uint32_t k = 0; k < b->n_in; k++)
            if (outpoint_equal(&a->in[i].prevout, &b->in[k].prevout))
                return true;
    return false;
}

static inline void mark_children(struct model *m, const struct tx *parent)
{
    for (size_t x = 0; x < TXS; x++)
        for (uint32_t i = 0; i < m->txs[x]->n_in; i++)
            if (hash256_equal(&m->txs[x]->in[i].prevout.txid, &parent->txid) &&
                holds(m, -1, x))
                m->work[x] = true;
}

static inline void add(struct model *m, struct orphanage *o, int64_t peer, size_t x)
{
    expire(m);
    bool is_new = !holds(m, -1, x);
    ASSERT(orphanage_add(o, m->txs[x], peer, m->now) == is_new);
    if (holds(m, peer, x))
        return;
    if (is_new)
        m->expires[x] = m->now + 20 * 60;
    m->held[m->n_held].peer = peer;
    m->held[m->n_held++].x = x;
    if (is_new)
        limit(m);
}

static inline void connect_block(struct model *m, struct orphanage *o,
                                 const struct tx *tx)
{
    orphanage_block(o, tx, 1);
    for (size_t x = 0; x < TXS; x++)
        if (spends_any(m->txs[x], tx))
            forget(m, -1, x);
    limit(m);
    mark_children(m, tx);
}

/* Any holder may have been chosen; a lone one must have. */
static inline void take_work(struct model *m, struct orphanage *o, int64_t peer)
{
    struct tx *tx = orphanage_next(o, peer);
    for (size_t x = 0; x < TXS; x++) {
        if (tx == m->txs[x]) {
            ASSERT(m->work[x] && holds(m, peer, x));
            m->work[x] = false;
        }
        bool others = false;
        for (int64_t p = 0; p < PEERS; p++)
            others = others || (p != peer && holds(m, p, x));
        ASSERT(tx || !m->work[x] || !holds(m, peer, x) || others);
    }
    tx_unref(tx);
}

static inline void model_step(struct model *m, struct orphanage *o, struct source *src)
{
    int64_t peer = (int64_t)pick(src, PEERS);
    size_t x = pick(src, TXS);
    const struct tx *parent = m->parents[pick(src, PARENTS)];
    uint64_t op = pick(src, 100);
    if (op < 55) {
        add(m, o, peer, x);
    } else if (op < 65) {
        orphanage_add_children(o, parent);
        mark_children(m, parent);
    } else if (op < 80) {
        take_work(m, o, peer);
    } else if (op < 88) {
        ASSERT(orphanage_erase(o, &m->txs[x]->wtxid) == holds(m, -1, x));
        forget(m, -1, x);
        limit(m);
    } else if (op < 92) {
        connect_block(m, o, pick(src, 2) ? parent : m->txs[x]);
    } else if (op < 96) {
        orphanage_drop_peer(o, peer);
        forget(m, peer, SIZE_MAX);
        limit(m);
    } else {
        m->now += (int64_t)pick(src, 600);
        orphanage_expire(o, m->now);
        expire(m);
    }
}

static inline void model_compare(const struct model *m, const struct orphanage *o)
{
    struct sums s = sum_up(m);
    int64_t peers[PEERS];
    orphanage_check(o);
    ASSERT(orphanage_size(o) == (size_t)s.n);
    ASSERT(orphanage_weight(o) == s.weight);
    for (int64_t p = 0; p < PEERS; p++) {
        ASSERT(orphanage_peer_size(o, p) == (size_t)s.peer_n[p]);
        ASSERT(orphanage_peer_weight(o, p) == s.peer_weight[p]);
        for (size_t x = 0; x < TXS; x++)
            ASSERT(orphanage_has_from(o, &m->txs[x]->wtxid, p) == holds(m, p, x));
    }
    for (size_t x = 0; x < TXS; x++)
        ASSERT((orphanage_peers(o, &m->txs[x]->wtxid, peers, PEERS) > 0) ==
               holds(m, -1, x));
}

/* Parents of three outputs, transactions that spend one to three of them; some heavy.
 */
static inline void model_init(struct model *m, struct source *src)
{
    for (uint32_t i = 0; i < PARENTS; i++) {
        struct outpoint root = {hash(i), 0};
        m->parents[i] = make_tx(&root, 1, 3, 0);
    }
    for (uint32_t x = 0; x < TXS; x++) {
        struct outpoint ins[4] = {{hash(1000 + x), 0}};
        size_t n = 1 + pick(src, 3);
        for (size_t i = 1; i <= n; i++)
            ins[i] = (struct outpoint){m->parents[pick(src, PARENTS)]->txid,
                                       (uint32_t)pick(src, 3)};
        m->txs[x] = make_tx(ins, n + 1, 1, pick(src, 8) ? 0 : 80000);
    }
}

static inline void model_clear(struct model *m)
{
    for (size_t i = 0; i < PARENTS; i++)
        tx_unref(m->parents[i]);
    for (size_t i = 0; i < TXS; i++)
        tx_unref(m->txs[i]);
}

#endif
