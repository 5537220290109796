/* The inside of coin selection: groups of coins, and the algorithms that choose among
 * them. For the files of coin selection and their tests. */
#ifndef OCHRE_WALLET_COINSELECT_PARTS_H
#define OCHRE_WALLET_COINSELECT_PARTS_H

#include "wallet/coinselect.h"

/* Coins that are spent together, or not at all. */
struct sel_group {
    int64_t amount; /* what it adds towards the target: effective value, or value with
                       subtract_fee */
    int64_t waste;  /* fee less long-term fee */
    int64_t weight;
    uint32_t first, n; /* its coins: positions in sel_pool.members */
};

struct sel_pool {
    struct sel_group *groups; /* owned */
    size_t n, cap;
    uint32_t *members; /* owned: indices of coins */
    size_t n_members, cap_members;
};
void sel_pool_clear(struct sel_pool *p);

/* Which groups may be spent. */
struct sel_filter {
    int32_t depth_mine, depth_others;
    uint32_t max_ancestors, max_descendants;
    bool partial; /* also groups of a script that has too many coins for one group */
};
#define SEL_GROUP_MAX 100 /* coins */
#define SEL_ANY_TYPE  SEL_TYPES

/* Groups the coins of a type that pass the filter. positive: only coins that are worth
 * more than they cost. */
void sel_pool_fill(struct sel_pool *out, const struct sel_coin *coins, size_t n,
                   const struct sel_params *p, const struct sel_filter *f,
                   uint32_t type, bool positive);

/* Indices of chosen groups. */
struct sel_pick {
    uint32_t *v; /* owned */
    size_t n, cap;
};
void sel_pick_clear(struct sel_pick *p);
void sel_pick_add(struct sel_pick *p, uint32_t group);
void sel_pick_set(struct sel_pick *p, const uint32_t *v, size_t n);

/* Groups in the order in which searches take them: falling amounts, for equal ones
 * rising waste, then weight. The caller frees. */
struct sel_key {
    int64_t amount, waste, weight;
    uint32_t group;
};
struct sel_key *sel_keys_sorted(const struct sel_group *groups, size_t n);

/* Each adds its choice to @out (empty before) when it finds one. Amounts must be above
 * 0 but in sel_knapsack. */

/* Branch and bound: a set that leaves no change, of least waste. */
enum sel_status sel_bnb(struct sel_pick *out, const struct sel_group *groups, size_t n,
                        int64_t target, int64_t cost_of_change, int64_t max_weight);
/* CoinGrinder: the set of least weight that leaves change. */
enum sel_status sel_grinder(struct sel_pick *out, const struct sel_group *groups,
                            size_t n, int64_t target, int64_t change_target,
                            int64_t max_weight);
/* Single random draw: one after the other until there is enough for change, too; the
 * least ones leave while it is too heavy. */
enum sel_status sel_srd(struct sel_pick *out, const struct sel_group *groups, size_t n,
                        int64_t target, int64_t change_fee, int64_t max_weight,
                        struct rng *rng);
/* Random subsets: the sum nearest to the target, or to target plus change. */
enum sel_status sel_knapsack(struct sel_pick *out, const struct sel_group *groups,
                             size_t n, int64_t target, int64_t change_target,
                             int64_t max_weight, struct rng *rng);

/* SRD leaves at least this much change. */
#define SEL_CHANGE_LOWER 50000
#define SEL_CHANGE_UPPER 1000000

#endif
