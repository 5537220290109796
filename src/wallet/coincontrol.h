/* What the caller of a spend may say about coins, change, fee and locks. */
#ifndef OCHRE_WALLET_COINCONTROL_H
#define OCHRE_WALLET_COINCONTROL_H

#include "chain/prim/tx.h"
#include "chain/script/address.h"
#include "chain/script/keystore.h"
#include "util/map.h"
#include "wallet/fee.h"

/* A coin the caller wants spent. Naming it is what makes a coin spendable that is
 * locked, unconfirmed, or carries a token or a supernode's collateral. Named coins
 * become the first inputs, in this order. */
struct named_coin {
    struct outpoint prevout;
    bool has_output; /* value and script are given: a coin that is not the wallet's */
    struct amount value;
    struct buf script; /* owned */
    int64_t weight;    /* of the whole input when signed; 0: estimated */
    bool has_sequence;
    uint32_t sequence;
    struct buf script_sig; /* owned; what an input had that came with a transaction */
    struct buf *witness;   /* owned */
    uint32_t n_witness;
};

#define DEPTH_ANY   INT32_MAX
#define CHANGE_AUTO OUTPUT_NONE /* the change type that suits the outputs */

struct coin_control {
    struct named_coin *named; /* owned */
    size_t n_named;
    struct map named_index;  /* outpoint -> size_t */
    struct keystore solving; /* keys and scripts that tell the size of foreign inputs */

    bool allow_other_inputs; /* besides the named ones; true by default */
    bool include_unsafe;     /* unconfirmed coins of others */
    bool avoid_partial_spends;
    bool avoid_reuse; /* leave coins on addresses that were spent from */
    int32_t min_depth, max_depth;
    int64_t max_tx_weight; /* 0: the standard limit */

    struct destination change; /* DEST_NONE: a fresh address */
    enum output_type change_type;

    struct fee_wish fee;
    bool has_rbf; /* else -walletrbf */
    bool rbf;
    bool has_locktime; /* else chosen against fee sniping */
    uint32_t locktime;
    int32_t version;
};

void coin_control_init(struct coin_control *c); /* nothing asked for */
void coin_control_clear(struct coin_control *c);
/* The entry of a named coin, made when it is not there. Valid until the next name. */
struct named_coin *coin_control_name(struct coin_control *c, const struct outpoint *o);
/* NULL: not named. */
struct named_coin *coin_control_find(const struct coin_control *c,
                                     const struct outpoint *o);
void named_coin_set_output(struct named_coin *n, const struct txout *out);

#endif
