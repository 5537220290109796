/* Which transactions to ask whom for: single rules, and random operations against a
 * naive model. */
#include <stdlib.h>

#include "net/txrequest.h"
#include "util/mem.h"
#include "util/rand.h"
#include "util/sink.h"

#include "unit.h"

static struct hash256 hash(uint32_t n)
{
    struct hash256 h = {{0}};
    put_le32(h.b, n);
    return h;
}

static size_t due(struct txrequest *t, int64_t peer, int64_t now)
{
    struct gtxid out[8];
    size_t expired;
    return txrequest_due(t, peer, now, out, 8, &expired);
}

static void one_peer_is_asked_at_a_time(void **state)
{
    struct txrequest *t = txrequest_new();
    struct gtxid id = {hash(1), true};
    (void)state;
    txrequest_announce(t, 1, &id, false, 100);
    txrequest_announce(t, 2, &id, true, 100);
    assert_int_equal(due(t, 2, 99), 0);  /* too early */
    assert_int_equal(due(t, 1, 100), 0); /* a preferred one has it, too */
    assert_int_equal(due(t, 2, 100), 1);
    txrequest_requested(t, 2, &id.hash, 200);
    assert_int_equal(due(t, 1, 150), 0);
    assert_int_equal(txrequest_in_flight(t, 2), 1);
    assert_int_equal(due(t, 1, 200), 1); /* the time of peer 2 is up */
    assert_int_equal(txrequest_in_flight(t, 2), 0);
    txrequest_requested(t, 1, &id.hash, 300);
    txrequest_answered(t, 1, &id.hash); /* notfound */
    assert_int_equal(txrequest_size(t), 0);
    txrequest_free(t);
}

static void delays_give_way_to_those_without(void **state)
{
    struct txrequest *t = txrequest_new();
    struct gtxid id = {hash(1), true};
    (void)state;
    txrequest_announce(t, 1, &id, true, 500);
    txrequest_announce(t, 2, &id, false, 100);
    assert_int_equal(due(t, 2, 100), 1); /* the preferred one is not due yet */
    txrequest_announce(t, 2, &id, false, 0);
    assert_int_equal(txrequest_count(t, 2), 1); /* twice is once */
    assert_int_equal(due(t, 1, 500), 1);        /* now it is, and comes first */
    assert_int_equal(due(t, 2, 500), 0);
    txrequest_free(t);
}

static void what_we_have_and_who_left_is_forgotten(void **state)
{
    struct txrequest *t = txrequest_new();
    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        for (int64_t peer = 0; peer < 3; peer++) {
            struct gtxid id = {hash(i), true};
            txrequest_announce(t, peer, &id, peer == 0, 0);
        }
    struct hash256 h = hash(7);
    txrequest_forget(t, &h);
    assert_int_equal(txrequest_size(t), 297);
    txrequest_drop_peer(t, 1);
    assert_int_equal(txrequest_size(t), 198);
    assert_int_equal(txrequest_count(t, 1), 0);
    assert_int_equal(txrequest_candidates(t, 0), 99);
    struct gtxid out[200];
    size_t expired, n = txrequest_due(t, 0, 1, out, 200, &expired);
    assert_int_equal(n, 99);
    for (size_t i = 1; i < n; i++) /* in the order of announcement */
        assert_true(get_le32(out[i].hash.b) > get_le32(out[i - 1].hash.b));
    txrequest_drop_peer(t, 0);
    txrequest_drop_peer(t, 2);
    assert_int_equal(txrequest_size(t), 0);
    txrequest_free(t);
}

static void each_is_asked_by_the_id_it_announced(void **state)
{
    struct txrequest *t = txrequest_new();
    struct gtxid by_txid = {hash(1), false}, by_wtxid = {hash(1), true}, out;
    size_t expired;
    (void)state;
    txrequest_announce(t, 1, &by_txid, true, 0); /* no witness: both ids are equal */
    txrequest_announce(t, 2, &by_wtxid, false, 0);
    assert_int_equal(txrequest_due(t, 1, 0, &out, 1, &expired), 1);
    assert_false(out.is_wtxid);
    txrequest_drop_peer(t, 1);
    assert_int_equal(txrequest_due(t, 2, 0, &out, 1, &expired), 1);
    assert_true(out.is_wtxid);
    txrequest_free(t);
}

static void time_outs_are_told_once(void **state)
{
    struct txrequest *t = txrequest_new();
    struct gtxid out[4];
    size_t expired;
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct gtxid id = {hash(i), true};
        txrequest_announce(t, 1, &id, true, 0);
        assert_int_equal(txrequest_due(t, 1, 0, out, 4, &expired), 1);
        txrequest_requested(t, 1, &id.hash, 60);
    }
    assert_int_equal(txrequest_due(t, 1, 59, out, 4, &expired), 0);
    assert_int_equal(expired, 0);
    assert_int_equal(txrequest_due(t, 2, 60, out, 4, &expired), 0);
    assert_int_equal(txrequest_due(t, 1, 60, out, 4, &expired), 0);
    assert_int_equal(expired, 3);
    assert_int_equal(txrequest_due(t, 1, 60, out, 4, &expired), 0);
    assert_int_equal(expired, 0);
    assert_int_equal(txrequest_size(t), 0);
    txrequest_free(t);
}

static void nobody_is_first_for_everything(void **state)
{
    struct txrequest *t = txrequest_new();
    size_t first = 0;
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        struct gtxid id = {hash(i), true}, out;
        size_t expired;
        txrequest_announce(t, 1, &id, false, 0);
        txrequest_announce(t, 2, &id, false, 0);
        first += txrequest_due(t, 1, 0, &out, 1, &expired);
        txrequest_forget(t, &id.hash);
    }
    assert_in_range(first, 350, 650);
    txrequest_free(t);
}

/* -- Against a model ------------------------------------------------------------------
 */

#define PEERS 5
#define IDS   12

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

static bool is_candidate(const struct model *m, int64_t peer, uint32_t id)
{
    const struct cell *c = &m->cells[peer][id];
    return c->state == CANDIDATE && c->at <= m->now;
}

/* Once every announcement of an id is done, all are forgotten. */
static void settle(struct model *m, uint32_t id)
{
    bool live = false;
    for (size_t p = 0; p < PEERS; p++)
        live = live || m->cells[p][id].state == CANDIDATE ||
               m->cells[p][id].state == REQUESTED;
    for (size_t p = 0; p < PEERS && !live; p++)
        m->cells[p][id].state = NONE;
}

static void expire(struct model *m)
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
static size_t who_may_be_asked(const struct model *m, uint32_t id, bool may[PEERS])
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
static void compare_due(struct model *m, struct txrequest *t, int owner[IDS])
{
    struct gtxid out[IDS];
    bool may[PEERS];
    for (uint32_t id = 0; id < IDS; id++)
        owner[id] = -1;
    for (int p = 0; p < PEERS; p++) {
        size_t expired, n = txrequest_due(t, p, m->now, out, IDS, &expired);
        uint64_t last = 0;
        assert_int_equal(expired, m->expired[p]);
        m->expired[p] = 0;
        for (size_t i = 0; i < n; i++) {
            uint32_t id = get_le32(out[i].hash.b);
            assert_int_equal(owner[id], -1);
            owner[id] = p;
            assert_true(m->cells[p][id].sequence >= last);
            last = m->cells[p][id].sequence;
        }
    }
    for (uint32_t id = 0; id < IDS; id++) {
        size_t n = who_may_be_asked(m, id, may);
        assert_true(n ? owner[id] >= 0 && may[owner[id]] : owner[id] < 0);
    }
}

static void compare_counts(const struct model *m, const struct txrequest *t)
{
    size_t all = 0;
    for (int p = 0; p < PEERS; p++) {
        size_t n[4] = {0};
        for (uint32_t id = 0; id < IDS; id++)
            n[m->cells[p][id].state]++;
        assert_int_equal(txrequest_candidates(t, p), n[CANDIDATE]);
        assert_int_equal(txrequest_in_flight(t, p), n[REQUESTED]);
        assert_int_equal(txrequest_count(t, p), IDS - n[NONE]);
        all += IDS - n[NONE];
    }
    assert_int_equal(txrequest_size(t), all);
    for (uint32_t id = 0; id < IDS; id++) {
        struct hash256 h = hash(id);
        int64_t peers[PEERS];
        size_t n = txrequest_peers(t, &h, peers, PEERS), live = 0;
        for (size_t p = 0; p < PEERS; p++)
            live += m->cells[p][id].state == CANDIDATE ||
                    m->cells[p][id].state == REQUESTED;
        assert_int_equal(n, live);
    }
}

static void announce(struct model *m, struct txrequest *t, struct rng *rng, int64_t p,
                     uint32_t id)
{
    struct gtxid g = {hash(id), rng_below(rng, 2) != 0};
    bool preferred = rng_below(rng, 3) == 0;
    int64_t at = m->now + (int64_t)rng_below(rng, 6);
    txrequest_announce(t, p, &g, preferred, at);
    if (m->cells[p][id].state == NONE)
        m->cells[p][id] = (struct cell){CANDIDATE, at, preferred, ++m->sequence};
}

static void drop_peer(struct model *m, struct txrequest *t, int64_t p)
{
    txrequest_drop_peer(t, p);
    m->expired[p] = 0;
    for (uint32_t id = 0; id < IDS; id++) {
        m->cells[p][id].state = NONE;
        settle(m, id);
    }
}

static void step(struct model *m, struct txrequest *t, struct rng *rng)
{
    int64_t p = (int64_t)rng_below(rng, PEERS);
    uint32_t id = (uint32_t)rng_below(rng, IDS);
    struct hash256 h = hash(id);
    int owner[IDS];
    uint64_t op = rng_below(rng, 100);
    if (op < 50) {
        announce(m, t, rng, p, id);
    } else if (op < 75) {
        m->now += (int64_t)rng_below(rng, 3);
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

static void behaves_like_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct txrequest *t = txrequest_new();
        struct model m = {.now = 100};
        struct rng rng;
        rng_seed(&rng, seed);
        for (int i = 0; i < 2000; i++) {
            step(&m, t, &rng);
            txrequest_check(t);
            compare_counts(&m, t);
        }
        txrequest_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_peer_is_asked_at_a_time),
        cmocka_unit_test(delays_give_way_to_those_without),
        cmocka_unit_test(what_we_have_and_who_left_is_forgotten),
        cmocka_unit_test(each_is_asked_by_the_id_it_announced),
        cmocka_unit_test(time_outs_are_told_once),
        cmocka_unit_test(nobody_is_first_for_everything),
        cmocka_unit_test(behaves_like_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
