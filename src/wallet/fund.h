/* The inside of wallet_fund: what is gathered before coins are chosen, and what comes
 * of one choice. For the files of spending. */
#ifndef OCHRE_WALLET_FUND_H
#define OCHRE_WALLET_FUND_H

#include "wallet/chain_source.h"
#include "wallet/coinselect.h"
#include "wallet/error.h"
#include "wallet/input_size.h"
#include "wallet/spend.h"

/* A coin that may become an input. */
struct fund_coin {
    struct outpoint prevout;
    const struct txout *out; /* borrowed from the wallet, or from fund.named_out */
    struct input_size size;
};

struct fund_change {
    struct buf script;       /* owned; empty: no address to be had */
    struct destination dest; /* a fresh address of the wallet, else DEST_NONE */
    struct wallet_error why; /* why there is none */
    int64_t vsize;           /* of the output */
    int64_t spend_vsize;     /* of the input that will spend it */
};

struct fund {
    struct wallet *w;
    const struct spend_request *rq;
    const struct coin_control *cc;
    struct chain_policy policy;
    struct rng rng;
    struct fee_choice rate;
    struct sel_params sel;
    struct fund_change change;
    struct input_sizes sizes;
    int64_t sum;         /* of the outputs */
    uint32_t n_subtract; /* outputs that bear the fee */
    int64_t bare_vsize;  /* of the transaction without inputs and change */
    int64_t max_weight;  /* of the transaction */

    /* Coins: the named ones first. */
    struct fund_coin *coins;     /* owned */
    struct sel_coin *candidates; /* owned, same index */
    size_t n, cap, n_named;
    struct txout *named_out; /* owned: outputs of named coins */
    int64_t bound;           /* value of coins that a token or collateral rests on */
    bool sampled;            /* there are more coins than these */
};

/* -- fund_coins.c -- */
/* The named coins with their sizes. */
NODISCARD bool fund_name_coins(struct fund *f, struct wallet_error *e);
/* Adds the wallet's own, all or (huge wallets) a random part of them. */
void fund_gather_coins(struct fund *f, int64_t target, bool all);
/* Takes the candidate out. */
void fund_drop_coin(struct fund *f, size_t i);
/* Appends what stands in the way of coins that were not taken into account: "" when
 * nothing does. */
void fund_explain(const struct fund *f, struct buf *text);

/* -- fund_change.c -- */
/* Script and sizes of a change output, should there be one. */
void fund_set_change(struct fund *f);

/* -- fund_draft.c -- */
struct draft {
    struct mtx tx;
    uint32_t *inputs; /* owned: index of the coin of each input */
    int64_t fee;
    int32_t change_position; /* or NO_CHANGE */
};
void draft_clear(struct draft *d);
/* Chooses coins, puts the transaction together and settles its fee. */
NODISCARD bool draft_make(struct draft *d, struct fund *f, bool avoid_partial,
                          struct wallet_error *e);

/* Lock time against fee sniping: miners must not gain by redoing the last block. */
uint32_t anti_snipe_locktime(const struct wallet *w, struct rng *rng);

#endif
