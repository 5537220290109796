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
    int64_t fee;           /* of spending it now, with what its unconfirmed ancestors
                              lack */
    int64_t long_term_fee; /* of spending it some day */
    int64_t bump_fee;      /* in fee: what its unconfirmed ancestors lack */
    uint32_t weight;       /* of the signed input */
    int32_t depth;         /* confirmations */
    uint32_t ancestors, descendants; /* in the mempool, its own transaction included; 0
                                        when confirmed */
    uint32_t type;       /* below SEL_TYPES: one type is tried before types are mixed */
    bool from_me;        /* made by a transaction of this wallet */
    uint64_t script_key; /* equal for coins of one script, and else for none */
};
#define SEL_TYPES 5

struct sel_params {
    struct rng *rng;
    int64_t feerate, long_term_feerate;
    int64_t change_fee;        /* of the change output */
    int64_t cost_of_change;    /* change_fee, and of spending it some day */
    int64_t min_change_target; /* change to aim for, change_fee included */
    int64_t min_viable_change; /* less is left to the fee */
    int64_t change_weight;     /* of the change output */
    int64_t max_weight;        /* of all inputs, and change if there is one */
    bool subtract_fee;         /* outputs pay: coins count with their full value */
    bool avoid_partial_spends; /* coins of one script go together */
    bool include_unsafe;       /* there may be unconfirmed coins of others */
    bool spend_zero_conf_change;
    bool reject_long_chains;
    uint32_t max_ancestors, max_descendants; /* the mempool's limits */
    /* What the unconfirmed ancestors of these coins lack together: less than the sum of
     * bump_fee when they share some. Negative: too many to say. NULL: no coin has any.
     */
    int64_t (*combined_bump)(void *ctx, const uint32_t *coins, size_t n);
    void *combined_ctx;
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
    int64_t value;
    int64_t fee, long_term_fee, bump_fee;
    int64_t weight;
    int64_t bump_discount; /* what shared ancestors save */
    int64_t waste;
};
void sel_result_clear(struct sel_result *r);
/* Adds coin @i. */
void sel_result_add(struct sel_result *r, const struct sel_coin *coins, uint32_t i,
                    bool subtract_fee);
/* Change that the inputs leave, 0 when it would be below min_viable_change. */
int64_t sel_result_change(const struct sel_result *r, const struct sel_params *p);
/* Sets r->waste: what spending now costs more than some day (below 0: saves), and
 * either the cost of change or what is given away. */
void sel_result_set_waste(struct sel_result *r, const struct sel_params *p);
/* Less waste is better, then more inputs. */
bool sel_result_better(const struct sel_result *a, const struct sel_result *b);

enum sel_status {
    SEL_FOUND,
    SEL_NONE,       /* not enough, or no combination fits */
    SEL_TOO_HEAVY,  /* enough, but not within max_weight */
    SEL_NO_ROOM,    /* max_weight is used up before the first input */
    SEL_NO_CHANGE,  /* max_weight has no room for change */
    SEL_LONG_CHAIN, /* enough, but with too many ancestors for the mempool */
    SEL_CLUSTER,    /* bump fees could not be found out */
};
/* bitcoind's sentence; "" for SEL_FOUND and SEL_NONE. */
const char *sel_status_text(enum sel_status s);

/* Chooses among @coins: groups by script and type, prefers deep and confirmed coins,
 * tries every algorithm, keeps what wastes least. */
NODISCARD enum sel_status sel_automatic(struct sel_result *out,
                                        const struct sel_coin *coins, size_t n,
                                        int64_t target, const struct sel_params *p);
/* Change to aim for when each payment is about @payment: random, so that change does
 * not stand out. */
int64_t sel_change_target(int64_t payment, int64_t change_fee, struct rng *rng);

#endif
