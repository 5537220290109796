/* A naive model of what to ask whom for: it keeps a table of peers and ids and looks at
 * all of it every time. */
#ifndef OCHRE_TEST_TXREQUEST_MODEL_H
#define OCHRE_TEST_TXREQUEST_MODEL_H

#include "net/txrequest.h"
#include "source.h"
#include "util/sink.h"

#define PEERS 5
#define IDS   12

static inline struct hash256 model_hash(uint32_t n)
{
    struct hash256 h = {{0}};
    put_le32(h.b, n);
    return h;
}

/* One peer's announcement of one id; the model looks at all of them every time. */
struct cell {
    enum { NONE, CANDIDATE, REQUESTED, DONE } state;
    int64_t at;
    bool preferred;
    uint64_t sequence;
};

struct model {
    struct cell cells[PEERS][IDS];
    int64_t now;
    uint64_t sequence;
    size_t expired[PEERS];
};

static inline bool is_candidate(const struct model *m, int64_t peer, uint32_t id)
{
    const struct cell *c = &m->cells[peer][id];
    return c->state == CANDIDATE && c->at <= m->now;
}

/* Once every announcement of an id is done, all are forgotten. */
static inline void settle(struct model *m, uint32_t id)
{
    bool live = false;
    for (size_t p = 0; p < PEERS; p++)
        live = live || m->cells[p][id].state == CANDIDATE ||
               m->cells[p][id].state == REQUESTED;
    for (size_t p = 0; p < PEERS && !live; p++)
        m->cells[p][id].state = NONE;
}

static inline void expire(struct model *m)
{
    for (uint32_t id = 0; id < IDS; id++) {
        for (size_t p = 0; p < PEERS; p++) {
            struct cell *c = &m->cells[p][id];
            if (c->state != REQUESTED || c->at > m->now)
                continue;
            c->state = DONE;
            m->expired[p]++;
        }
        settle(m, id);
    }
}

/* Who may be asked for it: none while somebody is, else the preferred ones first. */
static inline size_t who_may_be_asked(const struct model *m, uint32_t id,
                                      bool may[PEERS])
{
    bool preferred = false, asked = false;
    size_t n = 0;
    for (size_t p = 0; p < PEERS; p++) {
        asked = asked || m->cells[p][id].state == REQUESTED;
        preferred =
            preferred || (is_candidate(m, (int64_t)p, id) && m->cells[p][id].preferred);
    }
    for (size_t p = 0; p < PEERS; p++) {
        may[p] = !asked && is_candidate(m, (int64_t)p, id) &&
                 m->cells[p][id].preferred == preferred;
        n += may[p];
    }
    return n;
}

/* What is due, of all peers: each id of one peer that may be asked, in its order. */
static inline void compare_due(struct model *m, struct txrequest *t, int owner[IDS])
{
    struct gtxid out[IDS];
    bool may[PEERS];
    for (uint32_t id = 0; id < IDS; id++)
        owner[id] = -1;
    for (int p = 0; p < PEERS; p++) {
        size_t expired, n = txrequest_due(t, p, m->now, out, IDS, &expired);
        uint64_t last = 0;
        ASSERT(expired == m->expired[p]);
        m->expired[p] = 0;
        for (size_t i = 0; i < n; i++) {
            uint32_t id = get_le32(out[i].hash.b);
            ASSERT(owner[id] == -1);
            owner[id] = p;
            ASSERT(m->cells[p][id].sequence >= last);
            last = m->cells[p][id].sequence;
        }
    }
    for (uint32_t id = 0; id < IDS; id++) {
        size_t n = who_may_be_asked(m, id, may);
        ASSERT(n ? owner[id] >= 0 && may[owner[id]] : owner[id] < 0);
    }
}

static inline void model_compare(const struct model *m, const struct txrequest *t)
{
    size_t all = 0;
    txrequest_check(t);
    for (int p = 0; p < PEERS; p++) {
        size_t n[4] = {0};
        for (uint32_t id = 0; id < IDS; id++)
            n[m->cells[p][id].state]++;
        ASSERT(txrequest_candidates(t, p) == n[CANDIDATE]);
        ASSERT(txrequest_in_flight(t, p) == n[REQUESTED]);
        ASSERT(txrequest_count(t, p) == (IDS - n[NONE]));
        all += IDS - n[NONE];
    }
    ASSERT(txrequest_size(t) == all);
    for (uint32_t id = 0; id < IDS; id++) {
        struct hash256 h = model_hash(id);
        int64_t peers[PEERS];
        size_t n = txrequest_peers(t, &h, peers, PEERS), live = 0;
        for (size_t p = 0; p < PEERS; p++)
            live += m->cells[p][id].state == CANDIDATE ||
                    m->cells[p][id].state == REQUESTED;
        ASSERT(n == live);
    }
}

static inline void announce(struct model *m, struct txrequest *t, struct source *src,
                            int64_t p, uint32_t id)
{
    struct gtxid g = {model_hash(id), pick(src, 2) != 0};
    bool preferred = pick(src, 3) == 0;
    int64_t at = m->now + (int64_t)pick(src, 6);
    txrequest_announce(t, p, &g, preferred, at);
    if (m->cells[p][id].state == NONE)
        m->cells[p][id] = (struct cell){CANDIDATE, at, preferred, ++m->sequence};
}

static inline void drop_peer(struct model *m, struct txrequest *t, int64_t p)
{
    txrequest_drop_peer(t, p);
    m->expired[p] = 0;
    for (uint32_t id = 0; id < IDS; id++) {
        m->cells[p][id].state = NONE;
        settle(m, id);
    }
}

static inline void model_step(struct model *m, struct txrequest *t, struct source *src)
{
    int64_t p = (int64_t)pick(src, PEERS);
    uint32_t id = (uint32_t)pick(src, IDS);
    struct hash256 h = model_hash(id);
    int owner[IDS];
    uint64_t op = pick(src, 100);
    if (op < 50) {
        announce(m, t, src, p, id);
    } else if (op < 75) {
        m->now += (int64_t)pick(src, 3);
        expire(m);
        compare_due(m, t, owner);
        if (owner[id] >= 0) {
            txrequest_requested(t, owner[id], &h, m->now + 5);
            m->cells[owner[id]][id].state = REQUESTED;
            m->cells[owner[id]][id].at = m->now + 5;
        }
    } else if (op < 90) {
        txrequest_answered(t, p, &h);
        if (m->cells[p][id].state != NONE)
            m->cells[p][id].state = DONE;
        settle(m, id);
    } else if (op < 97) {
        txrequest_forget(t, &h);
        for (size_t i = 0; i < PEERS; i++)
            m->cells[i][id].state = NONE;
    } else {
        drop_peer(m, t, p);
    }
}

#endif
