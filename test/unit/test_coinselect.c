#include "unit.h"

#include "wallet/coinselect_parts.h"

/* -- Groups made by hand -- */

static struct sel_group group_of(int64_t amount, int64_t waste, int64_t weight)
{
    return (struct sel_group){
        .amount = amount, .waste = waste, .weight = weight, .n = 1};
}

static size_t groups_of(struct sel_group *out, const int64_t *amounts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = group_of(amounts[i], 10, 272);
    return n;
}

struct sums {
    int64_t amount, waste, weight;
};

static struct sums sums_of(const struct sel_pick *p, const struct sel_group *groups)
{
    struct sums s = {0};
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(p->v[i], p->v[j]);
        s.amount += groups[p->v[i]].amount;
        s.waste += groups[p->v[i]].waste;
        s.weight += groups[p->v[i]].weight;
    }
    return s;
}

static struct sums sums_of_subset(uint32_t subset, const struct sel_group *groups,
                                  size_t n)
{
    struct sums s = {0};
    for (size_t i = 0; i < n; i++) {
        if ((subset >> i & 1) == 0)
            continue;
        s.amount += groups[i].amount;
        s.waste += groups[i].waste;
        s.weight += groups[i].weight;
    }
    return s;
}

static void random_groups(struct sel_group *out, size_t n, struct rng *rng, bool dear)
{
    for (size_t i = 0; i < n; i++) {
        int64_t weight = 230 + (int64_t)rng_below(rng, 4) * 40;
        out[i] = group_of(1 + (int64_t)rng_below(rng, 30),
                          dear ? weight / 10 : -weight / 10, weight);
    }
}

#define HEAVY INT64_C(400000)

/* -- Branch and bound -- */

static void bnb_finds_sums_without_change(void **state)
{
    static const int64_t amounts[] = {1, 2, 3, 4};
    static const struct {
        int64_t target, cost_of_change, max_weight;
        enum sel_status status;
        size_t n;
        int64_t amount;
    } cases[] = {
        {1, 0, HEAVY, SEL_FOUND, 1, 1}, {4, 0, HEAVY, SEL_FOUND, 1, 4},
        {5, 0, HEAVY, SEL_FOUND, 2, 5}, {10, 0, HEAVY, SEL_FOUND, 4, 10},
        {11, 0, HEAVY, SEL_NONE, 0, 0}, {10, 0, 3 * 272, SEL_TOO_HEAVY, 0, 0},
    };
    struct sel_group g[4];
    (void)state;
    groups_of(g, amounts, 4);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sel_pick p = {0};
        assert_int_equal(cases[i].status,
                         sel_bnb(&p, g, 4, cases[i].target, cases[i].cost_of_change,
                                 cases[i].max_weight));
        assert_int_equal(cases[i].n, p.n);
        assert_int_equal(cases[i].amount, sums_of(&p, g).amount);
        sel_pick_clear(&p);
    }
}

static void bnb_takes_an_excess_up_to_the_cost_of_change(void **state)
{
    static const int64_t amounts[] = {50, 110};
    struct sel_group g[2];
    struct sel_pick p = {0};
    (void)state;
    groups_of(g, amounts, 2);
    assert_int_equal(SEL_NONE, sel_bnb(&p, g, 2, 100, 9, HEAVY));
    assert_int_equal(SEL_FOUND, sel_bnb(&p, g, 2, 100, 10, HEAVY));
    sel_pick_clear(&p);
}

static void bnb_finds_nothing_in_an_empty_pool(void **state)
{
    struct sel_group g[1] = {0};
    struct sel_pick p = {0};
    (void)state;
    assert_int_equal(SEL_NONE, sel_bnb(&p, g, 0, 1, 10, HEAVY));
    assert_int_equal(0, p.n);
}

static void bnb_is_not_held_up_by_coins_that_are_alike(void **state)
{
    struct sel_group g[100];
    struct sel_pick p = {0};
    (void)state;
    for (size_t i = 0; i < 98; i++)
        g[i] = group_of(1000000, 10, 272);
    g[98] = group_of(700, 10, 272);
    g[99] = group_of(77, 10, 272);
    assert_int_equal(SEL_FOUND, sel_bnb(&p, g, 100, 20000777, 0, HEAVY));
    assert_int_equal(22, p.n);
    sel_pick_clear(&p);
}

/* Against all subsets: nothing wastes less. */
static void bnb_wastes_least(void **state)
{
    enum { N = 11 };
    struct sel_group g[N];
    struct rng rng;
    (void)state;
    rng_seed(&rng, 1);
    for (int round = 0; round < 400; round++) {
        bool dear = round % 2 == 0;
        int64_t target = 1 + (int64_t)rng_below(&rng, 120);
        int64_t cost = (int64_t)rng_below(&rng, 6);
        int64_t max_weight = 272 * (2 + (int64_t)rng_below(&rng, N));
        int64_t best = INT64_MAX;
        struct sel_pick p = {0};
        random_groups(g, N, &rng, dear);
        for (uint32_t subset = 1; subset < 1u << N; subset++) {
            struct sums s = sums_of_subset(subset, g, N);
            if (s.amount < target || s.amount > target + cost || s.weight > max_weight)
                continue;
            if (s.waste + s.amount - target < best)
                best = s.waste + s.amount - target;
        }
        enum sel_status status = sel_bnb(&p, g, N, target, cost, max_weight);
        assert_int_equal(status == SEL_FOUND, best != INT64_MAX);
        if (status == SEL_FOUND) {
            struct sums s = sums_of(&p, g);
            assert_int_equal(best, s.waste + s.amount - target);
            assert_true(s.weight <= max_weight);
        }
        sel_pick_clear(&p);
    }
}

/* -- CoinGrinder -- */

static void grinder_is_lightest(void **state)
{
    enum { N = 11 };
    struct sel_group g[N];
    struct rng rng;
    (void)state;
    rng_seed(&rng, 2);
    for (int round = 0; round < 400; round++) {
        int64_t target = 1 + (int64_t)rng_below(&rng, 100);
        int64_t change = (int64_t)rng_below(&rng, 20);
        int64_t max_weight = 272 * (1 + (int64_t)rng_below(&rng, N));
        int64_t best = INT64_MAX;
        struct sel_pick p = {0};
        random_groups(g, N, &rng, true);
        for (uint32_t subset = 1; subset < 1u << N; subset++) {
            struct sums s = sums_of_subset(subset, g, N);
            if (s.amount >= target + change && s.weight <= max_weight &&
                s.weight < best)
                best = s.weight;
        }
        enum sel_status status = sel_grinder(&p, g, N, target, change, max_weight);
        assert_int_equal(status == SEL_FOUND, best != INT64_MAX);
        if (status == SEL_FOUND) {
            assert_int_equal(best, sums_of(&p, g).weight);
            assert_true(sums_of(&p, g).amount >= target + change);
        }
        sel_pick_clear(&p);
    }
}

static void grinder_tells_too_little_from_too_heavy(void **state)
{
    static const int64_t amounts[] = {10, 10, 10};
    struct sel_group g[3];
    struct sel_pick p = {0};
    (void)state;
    groups_of(g, amounts, 3);
    assert_int_equal(SEL_NONE, sel_grinder(&p, g, 3, 30, 1, HEAVY));
    assert_int_equal(SEL_TOO_HEAVY, sel_grinder(&p, g, 3, 29, 1, 2 * 272));
    assert_int_equal(SEL_FOUND, sel_grinder(&p, g, 3, 29, 1, 3 * 272));
    assert_int_equal(3, p.n);
    sel_pick_clear(&p);
}

/* -- Single random draw -- */

static void srd_leaves_room_for_change(void **state)
{
    struct sel_group g[40];
    struct rng rng;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(g); i++)
        g[i] = group_of(20000, 10, 272);
    rng_seed(&rng, 3);
    for (int64_t target = 1; target < 700000; target += 33331) {
        struct sel_pick p = {0};
        assert_int_equal(SEL_FOUND,
                         sel_srd(&p, g, ARRAY_LEN(g), target, 100, HEAVY, &rng));
        int64_t amount = sums_of(&p, g).amount;
        assert_true(amount >= target + SEL_CHANGE_LOWER + 100);
        assert_true(amount - 20000 < target + SEL_CHANGE_LOWER + 100);
        sel_pick_clear(&p);
    }
}

static void srd_drops_the_least_when_too_heavy(void **state)
{
    struct sel_group g[110];
    struct sel_pick p = {0};
    struct rng rng;
    (void)state;
    for (size_t i = 0; i < 100; i++)
        g[i] = group_of(1000, 10, 272);
    for (size_t i = 100; i < 110; i++)
        g[i] = group_of(100000, 10, 272);
    rng_seed(&rng, 4);
    assert_int_equal(SEL_FOUND, sel_srd(&p, g, 110, 940000, 0, 10 * 272, &rng));
    assert_int_equal(10, p.n);
    assert_int_equal(1000000, sums_of(&p, g).amount);
    sel_pick_clear(&p);
    assert_int_equal(SEL_TOO_HEAVY, sel_srd(&p, g, 110, 940000, 0, 9 * 272, &rng));
    assert_int_equal(SEL_NONE, sel_srd(&p, g, 110, 1100000, 0, HEAVY, &rng));
    assert_int_equal(0, p.n);
}

/* -- Knapsack -- */

static int64_t knapsack_amount(const int64_t *amounts, size_t n, int64_t target,
                               int64_t change, enum sel_status want)
{
    struct sel_group g[64];
    struct sel_pick p = {0};
    struct rng rng;
    groups_of(g, amounts, n);
    rng_seed(&rng, 5);
    assert_int_equal(want, sel_knapsack(&p, g, n, target, change, HEAVY, &rng));
    int64_t amount = sums_of(&p, g).amount;
    sel_pick_clear(&p);
    return amount;
}

static void knapsack_chooses_what_is_nearest(void **state)
{
    static const struct {
        int64_t amounts[8];
        size_t n;
        int64_t target, change, amount;
    } cases[] = {
        {{1}, 1, 1, 5, 1},                        /* just it */
        {{1, 2, 5, 10, 20}, 5, 5, 0, 5},          /* one fits exactly */
        {{1, 2, 5, 10, 20}, 5, 38, 0, 38},        /* all */
        {{1, 2, 5, 10, 20}, 5, 34, 0, 35},        /* a sum one above */
        {{6, 7, 8, 20, 30}, 5, 16, 0, 20},        /* a coin beats 6 + 7 + 8 */
        {{5, 6, 7, 8, 20, 30}, 6, 16, 0, 18},     /* 5 + 6 + 7 beats it */
        {{5, 6, 7, 8, 18, 20, 30}, 7, 16, 0, 18}, /* the single one wins a tie */
        {{5, 6, 7, 8, 18, 20, 30}, 7, 11, 0, 11}, /* 5 + 6 */
        {{100, 200, 300, 400, 500},
         5,
         950,
         100,
         1100}, /* change of 150 over one of 50 */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(cases[i].amount,
                         knapsack_amount(cases[i].amounts, cases[i].n, cases[i].target,
                                         cases[i].change, SEL_FOUND));
}

static void knapsack_fails_when_there_is_not_enough(void **state)
{
    static const int64_t amounts[] = {1, 2, 3};
    (void)state;
    assert_int_equal(0, knapsack_amount(amounts, 3, 7, 0, SEL_NONE));
}

static void knapsack_falls_back_on_one_coin_when_too_heavy(void **state)
{
    struct sel_group g[21];
    struct sel_pick p = {0};
    struct rng rng;
    (void)state;
    for (size_t i = 0; i < 20; i++)
        g[i] = group_of(10, 1, 272);
    g[20] = group_of(1000, 1, 272);
    rng_seed(&rng, 6);
    assert_int_equal(SEL_FOUND, sel_knapsack(&p, g, 21, 150, 5, 14 * 272, &rng));
    assert_int_equal(1, p.n);
    assert_int_equal(20, p.v[0]);
    sel_pick_clear(&p);
    assert_int_equal(SEL_TOO_HEAVY, sel_knapsack(&p, g, 20, 150, 5, 14 * 272, &rng));
    assert_int_equal(0, p.n);
}

/* -- All together -- */

static struct sel_coin coin_of(int64_t value, int32_t depth, bool from_me)
{
    return (struct sel_coin){.value = value,
                             .fee = 680,
                             .long_term_fee = 680,
                             .weight = 272,
                             .depth = depth,
                             .from_me = from_me,
                             .ancestors = depth == 0,
                             .descendants = depth == 0};
}

static struct sel_params params_of(struct rng *rng)
{
    return (struct sel_params){.rng = rng,
                               .feerate = 10000,
                               .long_term_feerate = 10000,
                               .change_fee = 310,
                               .cost_of_change = 514,
                               .min_change_target = 50310,
                               .min_viable_change = 294,
                               .change_weight = 124,
                               .max_weight = HEAVY,
                               .spend_zero_conf_change = true,
                               .reject_long_chains = true,
                               .max_ancestors = 25,
                               .max_descendants = 25};
}

static void waste_counts_fees_change_and_excess(void **state)
{
    static const struct {
        int64_t fee, long_term, discount, target, cost_of_change, change_fee, viable,
            waste;
        bool subtract_fee;
    } cases[] = {
        /* change: fees now less fees later, and its cost */
        {2, 1, 0, 50, 125, 30, 1, 127, false},
        /* cheaper now than later */
        {1, 2, 0, 50, 125, 30, 1, 123, false},
        /* no change: what is given away */
        {2, 1, 0, 250, 125, 30, 100, 48, false},
        {1, 1, 0, 296, 125, 30, 100, 2, false},
        /* equal fees and an exact match waste nothing */
        {1, 1, 0, 298, 125, 30, 100, 0, false},
        /* shared ancestors are paid for once: less waste, but more is left over */
        {2, 1, 2, 250, 125, 30, 100, 48, false},
        {2, 1, 2, 50, 125, 30, 1, 125, false},
        /* outputs pay: the whole value counts */
        {2, 1, 0, 250, 125, 30, 100, 52, true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sel_coin coins[2] = {{.value = 100}, {.value = 200}};
        struct sel_result r = {.target = cases[i].target,
                               .bump_discount = cases[i].discount};
        struct sel_params p = {.cost_of_change = cases[i].cost_of_change,
                               .change_fee = cases[i].change_fee,
                               .min_viable_change = cases[i].viable,
                               .subtract_fee = cases[i].subtract_fee};
        for (uint32_t c = 0; c < 2; c++) {
            coins[c].fee = cases[i].fee;
            coins[c].long_term_fee = cases[i].long_term;
            sel_result_add(&r, coins, c, cases[i].subtract_fee);
        }
        sel_result_set_waste(&r, &p);
        assert_int_equal(cases[i].waste, r.waste);
        sel_result_clear(&r);
    }
}

static void less_waste_then_more_inputs_is_better(void **state)
{
    struct sel_result a = {.waste = 1, .n = 1}, b = {.waste = 2, .n = 9};
    (void)state;
    assert_true(sel_result_better(&a, &b));
    b.waste = 1;
    assert_true(sel_result_better(&b, &a));
    assert_false(sel_result_better(&b, &b));
}

static struct sel_coin random_coin(struct rng *rng)
{
    struct sel_coin c = coin_of(1 + (int64_t)rng_below(rng, 3000000),
                                (int32_t)rng_below(rng, 9), rng_below(rng, 2) == 0);
    c.type = (uint32_t)rng_below(rng, 3);
    c.weight = 230 + c.type * 42;
    c.fee = c.weight * 10 / 4;
    c.long_term_fee = c.weight;
    c.script_key = (uint32_t)rng_below(rng, 30);
    return c;
}

static void check_result(const struct sel_result *r, const struct sel_coin *coins,
                         const struct sel_params *p)
{
    struct sel_result again = {.target = r->target};
    for (size_t i = 0; i < r->n; i++) {
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(r->coins[i], r->coins[j]);
        sel_result_add(&again, coins, r->coins[i], p->subtract_fee);
    }
    sel_result_set_waste(&again, p);
    assert_true(r->amount >= r->target);
    assert_true(r->weight <= p->max_weight);
    assert_int_equal(again.amount, r->amount);
    assert_int_equal(again.waste, r->waste);
    assert_int_equal(again.weight, r->weight);
    sel_result_clear(&again);
}

/* Whatever the pool: enough, within the weight, sums and waste right, and the same
 * again with the same seed. */
static void selection_is_enough_and_repeatable(void **state)
{
    enum { N = 60 };
    struct sel_coin coins[N];
    struct rng rng;
    (void)state;
    rng_seed(&rng, 7);
    for (int round = 0; round < 150; round++) {
        struct sel_result r[2] = {0};
        int64_t target = 1 + (int64_t)rng_below(&rng, 40000000);
        for (size_t i = 0; i < N; i++)
            coins[i] = random_coin(&rng);
        for (int twice = 0; twice < 2; twice++) {
            struct rng own;
            struct sel_params p = params_of(&own);
            rng_seed(&own, (uint64_t)round);
            p.feerate = round % 3 == 0 ? 10000 : 4000;
            p.long_term_feerate = 3000;
            p.subtract_fee = round % 5 == 0;
            p.avoid_partial_spends = round % 2 == 0;
            p.include_unsafe = round % 7 == 0;
            if (sel_automatic(&r[twice], coins, N, target, &p) == SEL_FOUND)
                check_result(&r[twice], coins, &p);
        }
        assert_int_equal(r[0].n, r[1].n);
        for (size_t i = 0; i < r[0].n; i++)
            assert_int_equal(r[0].coins[i], r[1].coins[i]);
        sel_result_clear(&r[0]);
        sel_result_clear(&r[1]);
    }
}

static enum sel_status select_with(struct sel_result *r, const struct sel_coin *coins,
                                   size_t n, int64_t target, struct sel_params *p)
{
    struct rng rng;
    rng_seed(&rng, 8);
    p->rng = &rng;
    return sel_automatic(r, coins, n, target, p);
}

static void deep_coins_come_first(void **state)
{
    static const struct {
        int64_t target;
        size_t n;
        uint32_t last; /* the coin that only the last step brings in */
    } cases[] = {{50000, 1, 0}, {300000, 2, 1}, {500000, 3, 2}, {700000, 4, 3}};
    /* deep of others; young of others; own change, unconfirmed; others' unconfirmed */
    struct sel_coin coins[4] = {coin_of(200000, 6, false), coin_of(200000, 1, false),
                                coin_of(200000, 0, true), coin_of(200000, 0, false)};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sel_params p = params_of(NULL);
        struct sel_result r = {0};
        enum sel_status s = select_with(&r, coins, 4, cases[i].target, &p);
        if (cases[i].last < 3) {
            assert_int_equal(SEL_FOUND, s);
            assert_int_equal(cases[i].n, r.n);
        } else {
            assert_int_equal(SEL_NONE, s); /* not safe */
            p.include_unsafe = true;
            assert_int_equal(SEL_FOUND, select_with(&r, coins, 4, cases[i].target, &p));
        }
        sel_result_clear(&r);
    }
}

static void unconfirmed_change_stays_when_so_wished(void **state)
{
    struct sel_coin coin = coin_of(200000, 0, true);
    struct sel_params p = params_of(NULL);
    struct sel_result r = {0};
    (void)state;
    p.spend_zero_conf_change = false;
    assert_int_equal(SEL_NONE, select_with(&r, &coin, 1, 50000, &p));
}

static void types_are_mixed_only_when_they_must(void **state)
{
    struct sel_coin coins[20];
    struct sel_params p = params_of(NULL);
    struct sel_result r = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(coins); i++) {
        coins[i] = coin_of(100000, 10, true);
        coins[i].type = i % 2;
    }
    assert_int_equal(SEL_FOUND, select_with(&r, coins, 20, 700000, &p));
    for (size_t i = 1; i < r.n; i++)
        assert_int_equal(coins[r.coins[0]].type, coins[r.coins[i]].type);
    sel_result_clear(&r);
    assert_int_equal(SEL_FOUND, select_with(&r, coins, 20, 1500000, &p));
    sel_result_clear(&r);
}

static void coins_of_a_script_go_together(void **state)
{
    struct sel_coin coins[30];
    struct sel_params p = params_of(NULL);
    struct sel_result r = {0};
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(coins); i++) {
        coins[i] = coin_of(100000, 10, true);
        coins[i].script_key = i / 3;
    }
    p.avoid_partial_spends = true;
    assert_int_equal(SEL_FOUND, select_with(&r, coins, 30, 50000, &p));
    assert_int_equal(3, r.n);
    for (size_t i = 1; i < r.n; i++)
        assert_int_equal(coins[r.coins[0]].script_key, coins[r.coins[i]].script_key);
    sel_result_clear(&r);
}

static void a_script_of_many_coins_makes_several_groups(void **state)
{
    enum { N = 250 };
    static struct sel_coin coins[N];
    struct sel_params p = params_of(NULL);
    struct sel_filter f = {0, 0, 25, 25, false};
    struct sel_pool pool = {0};
    (void)state;
    for (size_t i = 0; i < N; i++)
        coins[i] = coin_of(1000, 10, true);
    p.avoid_partial_spends = true;
    sel_pool_fill(&pool, coins, N, &p, &f, SEL_ANY_TYPE, true);
    assert_int_equal(2, pool.n);
    assert_int_equal(100, pool.groups[0].n);
    f.partial = true;
    sel_pool_fill(&pool, coins, N, &p, &f, SEL_ANY_TYPE, true);
    assert_int_equal(3, pool.n);
    assert_int_equal(50, pool.groups[2].n);
    sel_pool_clear(&pool);
}

static void coins_that_cost_more_than_they_bring_are_left(void **state)
{
    struct sel_coin coins[3] = {coin_of(680, 10, true), coin_of(500, 10, true),
                                coin_of(5000, 10, true)};
    struct sel_params p = params_of(NULL);
    struct sel_filter f = {0, 0, 25, 25, false};
    struct sel_pool pool = {0};
    (void)state;
    sel_pool_fill(&pool, coins, 3, &p, &f, SEL_ANY_TYPE, true);
    assert_int_equal(1, pool.n);
    sel_pool_fill(&pool, coins, 3, &p, &f, SEL_ANY_TYPE, false);
    assert_int_equal(3, pool.n);
    p.subtract_fee = true;
    sel_pool_fill(&pool, coins, 3, &p, &f, SEL_ANY_TYPE, true);
    assert_int_equal(3, pool.n);
    sel_pool_clear(&pool);
}

static void failures_say_why(void **state)
{
    struct sel_coin coins[10];
    struct sel_params p = params_of(NULL);
    struct sel_result r = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(coins); i++)
        coins[i] = coin_of(100000, 10, true);
    assert_int_equal(SEL_NONE, select_with(&r, coins, 10, 1000000, &p));
    p.max_weight = 2 * 272 + p.change_weight;
    assert_int_equal(SEL_TOO_HEAVY, select_with(&r, coins, 10, 500000, &p));
    p.max_weight = 0;
    assert_int_equal(SEL_NO_ROOM, select_with(&r, coins, 10, 500000, &p));
    p.max_weight = p.change_weight - 1;
    assert_int_equal(SEL_NO_CHANGE, select_with(&r, coins, 10, 500000, &p));
    p.max_weight = HEAVY;
    for (size_t i = 0; i < ARRAY_LEN(coins); i++) {
        coins[i].depth = 0;
        coins[i].ancestors = 25;
    }
    assert_int_equal(SEL_LONG_CHAIN, select_with(&r, coins, 10, 500000, &p));
    p.reject_long_chains = false;
    assert_int_equal(SEL_FOUND, select_with(&r, coins, 10, 500000, &p));
    sel_result_clear(&r);
}

static int64_t one_bump_for_all(void *ctx, const uint32_t *coins, size_t n)
{
    (void)coins;
    (void)n;
    return *(int64_t *)ctx;
}

static void shared_ancestors_are_paid_for_once(void **state)
{
    struct sel_coin coins[2] = {coin_of(100000, 0, true), coin_of(100000, 0, true)};
    struct sel_params p = params_of(NULL);
    struct sel_result r = {0};
    int64_t combined = 500;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        coins[i].bump_fee = 500;
        coins[i].fee += 500;
    }
    p.combined_bump = one_bump_for_all;
    p.combined_ctx = &combined;
    assert_int_equal(SEL_FOUND, select_with(&r, coins, 2, 120000, &p));
    assert_int_equal(2, r.n);
    assert_int_equal(500, r.bump_discount);
    assert_int_equal(200000 - 2 * 1180 + 500 - 120000 - p.change_fee,
                     sel_result_change(&r, &p));
    sel_result_clear(&r);
    combined = -1;
    assert_int_equal(SEL_CLUSTER, select_with(&r, coins, 2, 120000, &p));
}

static void change_targets_lie_between_their_bounds(void **state)
{
    struct rng rng;
    (void)state;
    rng_seed(&rng, 9);
    assert_int_equal(7 + SEL_CHANGE_LOWER, sel_change_target(25000, 7, &rng));
    for (int i = 0; i < 1000; i++) {
        int64_t payment = 25001 + (int64_t)rng_below(&rng, 2000000);
        int64_t got = sel_change_target(payment, 7, &rng) - 7;
        assert_in_range(got, SEL_CHANGE_LOWER, SEL_CHANGE_UPPER);
        assert_true(got <= payment * 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bnb_finds_sums_without_change),
        cmocka_unit_test(bnb_takes_an_excess_up_to_the_cost_of_change),
        cmocka_unit_test(bnb_finds_nothing_in_an_empty_pool),
        cmocka_unit_test(bnb_is_not_held_up_by_coins_that_are_alike),
        cmocka_unit_test(bnb_wastes_least),
        cmocka_unit_test(grinder_is_lightest),
        cmocka_unit_test(grinder_tells_too_little_from_too_heavy),
        cmocka_unit_test(srd_leaves_room_for_change),
        cmocka_unit_test(srd_drops_the_least_when_too_heavy),
        cmocka_unit_test(knapsack_chooses_what_is_nearest),
        cmocka_unit_test(knapsack_fails_when_there_is_not_enough),
        cmocka_unit_test(knapsack_falls_back_on_one_coin_when_too_heavy),
        cmocka_unit_test(waste_counts_fees_change_and_excess),
        cmocka_unit_test(less_waste_then_more_inputs_is_better),
        cmocka_unit_test(selection_is_enough_and_repeatable),
        cmocka_unit_test(deep_coins_come_first),
        cmocka_unit_test(unconfirmed_change_stays_when_so_wished),
        cmocka_unit_test(types_are_mixed_only_when_they_must),
        cmocka_unit_test(coins_of_a_script_go_together),
        cmocka_unit_test(a_script_of_many_coins_makes_several_groups),
        cmocka_unit_test(coins_that_cost_more_than_they_bring_are_left),
        cmocka_unit_test(failures_say_why),
        cmocka_unit_test(shared_ancestors_are_paid_for_once),
        cmocka_unit_test(change_targets_lie_between_their_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
