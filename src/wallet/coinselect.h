/* Coin selection, pure: numbers in, the chosen coins out. Randomness comes from a
 * seeded generator, so a choice can be repeated. Amounts are units, fee rates units per
 * 1000 vbytes, sizes weight units. */
#ifndef OCHRE_WALLET_COINSELECT_H
#define OCHRE_WALLET_COINSELECT_H

#include "util/bytes.h"
#include "util/rand.h"

/* A coin that may be spent. */
struct sel_coin {
    int64_t value;
    int64_t fee;           /* of spending it now, its share of unconfirmed ancestors
                              included */
    int64_t long_term_fee; /* of spending it some day */
    int64_t bump_fee;      /* in fee: what its unconfirmed ancestors lack */
    uint32_t weight;       /* of the signed input */
    int32_t depth;         /* confirmations */
    uint32_t ancestors, descendants; /* in the mempool, its own transaction included */
    uint32_t type;                   /* below SEL_TYPES: coins of one type are tried
                                        before types are mixed */
    bool from_me;
    uint64_t script_key; /* equal for coins of one script */
};
#define SEL_TYPES 5

struct sel_params {
    struct rng *rng;
    int64_t feerate, long_term_feerate;
    int64_t change_fee;        /* of the change output */
    int64_t cost_of_change;    /* change_fee, and of spending it some day */
    int64_t min_change_target; /* change to aim for, change_fee included */
    int64_t min_viable_change; /* less is left to the fee */
    int64_t change_weight;
    int64_t max_weight;        /* of all inputs */
    bool subtract_fee;         /* outputs pay: coins count with their full value */
    bool avoid_partial_spends; /* coins of one script go together */
    bool include_unsafe;
    bool spend_zero_conf_change;
    bool reject_long_chains;
    uint32_t max_ancestors, max_descendants; /* the mempool's limits */
    /* What the chosen coins' unconfirmed ancestors lack together: less than the sum of
     * bump_fee when they share some. Negative: too many to say. NULL: none have any. */
    int64_t (*combined_bump)(void *ctx, const uint32_t *coins, size_t n);
    void *combined_ctx;
};

/* Coins that are spent together, or not at all. */
struct sel_group {
    int64_t amount; /* what it adds towards the target: effective value, or value with
                       subtract_fee */
    int64_t value;
    int64_t fee, long_term_fee, bump_fee;
    int64_t weight;
    uint32_t first, n; /* its coins: positions in sel_pool.members */
    int32_t depth;     /* the least of its coins */
    uint32_t ancestors, descendants;
    uint32_t type;
    bool from_me; /* all of it */
    bool partial; /* more of the same script stands in other groups */
};

enum sel_algorithm {
    SEL_MANUAL,
    SEL_BNB,
    SEL_KNAPSACK,
    SEL_SRD,
    SEL_GRINDER,
};
const char *sel_algorithm_name(enum sel_algorithm a); /* "bnb", "cg", ... */

struct sel_result {
    uint32_t *coins; /* owned: indices of the coins given */
    size_t n, cap;
    enum sel_algorithm algorithm;
    int64_t target;
    int64_t amount; /* sum of what counts towards the target */
    int64_t value;  /* sum */
    int64_t fee, long_term_fee, bump_fee;
    int64_t weight;
    int64_t bump_discount; /* what shared ancestors save */
    int64_t waste;
};
void sel_result_clear(struct sel_result *r);
/* Change that these inputs leave, 0 when it would be below min_viable_change. */
int64_t sel_result_change(const struct sel_result *r, const struct sel_params *p);
/* Sets r->waste: what spending now costs more than some day (or saves, below 0), and
 * either the cost of change or what is given away. */
void sel_result_set_waste(struct sel_result *r, const struct sel_params *p);
/* Less waste is better, then more inputs. */
bool sel_result_better(const struct sel_result *a, const struct sel_result *b);

enum sel_status {
    SEL_FOUND,
    SEL_NONE,       /* insufficient, or no combination fits */
    SEL_TOO_HEAVY,  /* there is enough, but not within max_weight */
    SEL_NO_ROOM,    /* max_weight is spent before the first input */
    SEL_NO_CHANGE,  /* max_weight has no room for change */
    SEL_LONG_CHAIN, /* enough, but its ancestors are too many for the mempool */
    SEL_CLUSTER,    /* bump fees could not be found out */
};
/* bitcoind's sentence; "" for SEL_FOUND and SEL_NONE. */
const char *sel_status_text(enum sel_status s);

/* -- The algorithms: groups in, indices of groups out. Each adds nothing on failure. --
 */

struct sel_pick {
    uint32_t *groups; /* owned */
    size_t n, cap;
};
void sel_pick_clear(struct sel_pick *p);

/* Branch and bound: a set that leaves no change, of least waste. All amounts must be
 * above 0. @groups are sorted in place. */
enum sel_status sel_bnb(struct sel_pick *out, struct sel_group *groups, size_t n,
                        int64_t target, int64_t cost_of_change, int64_t max_weight);
/* The set of least weight that leaves change. Amounts above 0; sorted in place. */
enum sel_status sel_grinder(struct sel_pick *out, struct sel_group *groups, size_t n,
                            int64_t target, int64_t change_target, int64_t max_weight);
/* Random order until there is enough; the least ones leave when it is too heavy.
 * Amounts above 0. */
enum sel_status sel_srd(struct sel_pick *out, struct sel_group *groups, size_t n,
                        int64_t target, int64_t change_fee, int64_t max_weight,
                        struct rng *rng);
/* Random subsets, for a sum near target or target plus change. */
enum sel_status sel_knapsack(struct sel_pick *out, struct sel_group *groups, size_t n,
                             int64_t target, int64_t change_target, int64_t max_weight,
                             struct rng *rng);

/* -- All together -- */

/* Chooses among @coins: groups by script and type, prefers deep and confirmed coins,
 * tries every algorithm, keeps what wastes least. */
enum sel_status sel_automatic(struct sel_result *out, const struct sel_coin *coins,
                              size_t n, int64_t target, const struct sel_params *p);
/* Adds a coin that is spent in any case. */
void sel_result_add(struct sel_result *r, const struct sel_coin *coins, uint32_t i,
                    bool subtract_fee);

#endif
