/* Two-pass sync of headers: what an honest peer may do, and what no peer can. */
#include <stdlib.h>

#include "chain/rules/pow.h"
#include "net/presync.h"
#include "util/mem.h"
#include "util/rand.h"

#include "unit.h"

#define BATCH 2000

/* A chain on top of genesis, as long as its case wants it. */
struct chain {
    struct chain_params params;
    struct block_index start;
    struct block_header *h; /* owned */
    size_t n;
    struct u256 *work; /* owned; of all up to each header */
    int64_t end_time;
};

static const struct {
    enum personality personality;
    const char *name;
} networks[] = {
    {BITCOIN, "regtest"}, /* every target as the one before */
    {OCHRE, "main"},   /* targets follow the clock */
    {OCHRE, "test"},   /* and late blocks are easy */
};

static void chain_extend(struct chain *c, size_t from, uint32_t salt)
{
    struct pow_tip tip = pow_tip_of(&c->start);
    struct hash256 prev = c->start.hash;
    struct u256 work = c->start.chain_work;
    for (size_t i = 0; i < c->n; i++) {
        if (i >= from) {
            int64_t time = tip.time + 1 +
                           (int64_t)(rand_u64() % (2 * (uint64_t)c->params.spacing));
            if (rand_u64() % 100 == 0)
                time += 30 * 60;
            c->h[i] = (struct block_header){.version = 4, .prev = prev, .nonce = salt};
            c->h[i].time = (uint32_t)time;
            c->h[i].bits = pow_tip_next_bits(&tip, time, &c->params);
        }
        tip = pow_tip_add(&tip, &c->h[i]);
        prev = header_hash(&c->h[i]);
        work = u256_add(work, work_of_bits(c->h[i].bits));
        c->work[i] = work;
    }
    c->end_time = tip.time;
}

static void chain_init(struct chain *c, size_t network, size_t n)
{
    *c = (struct chain){.n = n};
    assert_true(chain_params_get(&c->params, networks[network].personality,
                                 networks[network].name));
    block_index_init(&c->start, &c->params.genesis, &c->params.genesis_hash, NULL);
    c->h = xcalloc(n, sizeof(*c->h));
    c->work = xcalloc(n, sizeof(*c->work));
    chain_extend(c, 0, 1);
}

static void chain_clear(struct chain *c)
{
    free(c->h);
    free(c->work);
}

static struct presync *begin(const struct chain *c, size_t enough)
{
    return presync_new(&c->params, &c->start, &c->work[enough], c->end_time);
}

struct outcome {
    size_t ready; /* headers that were handed on */
    bool refused; /* what was sent does not belong to the sync */
    size_t memory;
};

/* Sends the chain once, in whole messages, as long as more is asked for. */
static struct outcome feed(struct presync *ps, const struct chain *c)
{
    struct outcome o = {0};
    bool first = presync_height(ps) >= 0, go_on = true;
    for (size_t at = 0; at < c->n && go_on && first == (presync_height(ps) >= 0);
         at += BATCH) {
        size_t n = c->n - at < BATCH ? c->n - at : BATCH;
        struct presync_result r = presync_take(ps, c->h + at, n, n == BATCH);
        for (size_t i = 0; i < r.n_ready; i++) {
            struct hash256 is = header_hash(&r.ready[i]);
            struct hash256 should = header_hash(&c->h[o.ready++]);
            assert_true(hash256_equal(&is, &should));
        }
        free(r.ready);
        go_on = r.go_on;
        o.refused = !r.counted_on;
        if (presync_memory(ps) > o.memory)
            o.memory = presync_memory(ps);
    }
    return o;
}

/* A message's worth above the buffer, and a bit for 624 headers. */
static size_t memory_limit(size_t n)
{
    return (PRESYNC_BUFFER + 2 * BATCH) * 48 + n / PRESYNC_PERIOD + 4096;
}

static void honest_chains_are_taken(void **state)
{
    (void)state;
    for (size_t round = 0; round < 12; round++) {
        struct chain c;
        chain_init(&c, round % ARRAY_LEN(networks), BATCH + 1 + rand_u64() % 40000);
        size_t enough = BATCH + rand_u64() % (c.n - BATCH);
        struct presync *ps = begin(&c, enough);
        struct outcome o = feed(ps, &c);
        assert_false(o.refused);
        assert_int_equal(o.ready, 0); /* nothing is believed at the first look */
        assert_int_equal(presync_height(ps), -1);
        assert_true(o.memory < memory_limit(c.n) - PRESYNC_BUFFER * 48);
        o = feed(ps, &c);
        assert_false(o.refused);
        assert_true(o.ready > enough); /* all that was there when it had enough */
        assert_true(o.memory < memory_limit(c.n));
        presync_free(ps);
        chain_clear(&c);
    }
}

/* From some header on the second pass shows another chain. */
static void a_changed_chain_is_refused(void **state)
{
    (void)state;
    for (size_t round = 0; round < 12; round++) {
        struct chain c;
        chain_init(&c, round % ARRAY_LEN(networks), 24 * BATCH);
        size_t changed = rand_u64() % (4 * BATCH);
        struct presync *ps = begin(&c, 20 * BATCH);
        assert_false(feed(ps, &c).refused);
        chain_extend(&c, changed, 2);
        struct outcome o = feed(ps, &c);
        assert_true(o.refused);
        assert_true(o.ready <= changed);
        presync_free(ps);
        chain_clear(&c);
    }
}

static void targets_are_checked_in_both_passes(void **state)
{
    (void)state;
    for (size_t round = 0; round < 12; round++) {
        struct chain c;
        bool second = round % 2;
        chain_init(&c, round % ARRAY_LEN(networks), 2 * BATCH);
        struct presync *ps = begin(&c, c.n - 1);
        if (second)
            assert_false(feed(ps, &c).refused);
        size_t bad = rand_u64() % BATCH;
        c.h[bad].bits--; /* a little more work than it may claim */
        for (size_t i = bad + 1; i < c.n; i++)
            c.h[i].prev = header_hash(&c.h[i - 1]);
        struct outcome o = feed(ps, &c);
        assert_true(o.refused);
        assert_int_equal(o.ready, 0);
        presync_free(ps);
        chain_clear(&c);
    }
}

static void gaps_are_refused(void **state)
{
    struct chain c;
    (void)state;
    chain_init(&c, 0, 3 * BATCH);
    struct presync *ps = begin(&c, c.n - 1);
    struct presync_result r = presync_take(ps, c.h, BATCH, true);
    assert_true(r.counted_on && r.go_on);
    struct hash256 last = header_hash(&c.h[BATCH - 1]), next = presync_next(ps);
    assert_true(hash256_equal(&next, &last));
    assert_int_equal(presync_height(ps), BATCH);
    r = presync_take(ps, c.h + BATCH + 1, BATCH, true);
    assert_false(r.counted_on || r.go_on);
    presync_free(ps);
    chain_clear(&c);
}

/* A message that is not full is the chain's end. */
static void chains_that_end_too_early(void **state)
{
    struct chain c;
    (void)state;
    chain_init(&c, 0, 2 * BATCH);
    struct presync *ps = begin(&c, c.n - 1);
    struct presync_result r = presync_take(ps, c.h, 10, false);
    assert_true(r.counted_on && !r.go_on && !r.n_ready);
    presync_free(ps);
    ps = begin(&c, c.n - 1);
    assert_false(feed(ps, &c).refused);
    r = presync_take(ps, c.h, 10, false);
    assert_true(r.counted_on && !r.go_on && !r.n_ready);
    presync_free(ps);
    chain_clear(&c);
}

/* Six blocks a second are the most that the rule of the median time allows. */
static void chains_longer_than_time_allows(void **state)
{
    struct chain c;
    (void)state;
    chain_init(&c, 0, 10 * BATCH);
    int64_t before = block_index_mtp(&c.start) - MAX_FUTURE_BLOCK_TIME;
    for (int64_t seconds = -1; seconds < 3000; seconds += 500) {
        struct presync *ps =
            presync_new(&c.params, &c.start, &c.work[c.n - 1], before + seconds);
        struct outcome o = feed(ps, &c);
        assert_true(o.refused);
        int64_t most = (seconds < 0 ? 0 : seconds) * 6 + 2 * PRESYNC_PERIOD;
        assert_true(presync_height(ps) <= most);
        presync_free(ps);
    }
    chain_clear(&c);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_chains_are_taken),
        cmocka_unit_test(a_changed_chain_is_refused),
        cmocka_unit_test(targets_are_checked_in_both_passes),
        cmocka_unit_test(gaps_are_refused),
        cmocka_unit_test(chains_that_end_too_early),
        cmocka_unit_test(chains_longer_than_time_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
