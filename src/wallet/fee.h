/* What a wallet pays: the fee rate of a transaction from what the caller, the settings,
 * the estimator and the mempool say. Fee rates are units per 1000 vbytes. */
#ifndef OCHRE_WALLET_FEE_H
#define OCHRE_WALLET_FEE_H

#include "util/amount.h"

struct args;
struct chain_params;
struct coin_control;
struct wallet;
struct wallet_options;

enum fee_mode {
    FEE_UNSET, /* economical for what can be replaced, else conservative */
    FEE_ECONOMICAL,
    FEE_CONSERVATIVE,
};
/* "unset", "economical", "conservative", any case. */
NODISCARD bool fee_mode_parse(enum fee_mode *out, const char *text);

/* Why it is this rate: RPC's fee_reason. */
enum fee_reason {
    FEE_REASON_NONE,
    FEE_REASON_HALF, /* estimates: as enum fee_basis */
    FEE_REASON_FULL,
    FEE_REASON_DOUBLE,
    FEE_REASON_CONSERVATIVE,
    FEE_REASON_MEMPOOL_MIN,
    FEE_REASON_GIVEN, /* by the caller, -paytxfee or settxfee */
    FEE_REASON_FALLBACK,
    FEE_REASON_REQUIRED,
};
const char *fee_reason_text(enum fee_reason r); /* bitcoind's sentence */

/* Fills in the options about fees (bitcoind's checks and sentences). @relay_feerate:
 * the node's -minrelaytxfee. False: *error (caller frees) stops the node. *warning
 * (caller frees) is NULL or what the user should know. */
NODISCARD bool fee_options_read(struct wallet_options *out, const struct args *args,
                                const struct chain_params *p, int64_t relay_feerate,
                                char **error, char **warning);

/* What the caller of a spend asked for. Zero: nothing. */
struct fee_wish {
    bool has_feerate;
    int64_t feerate;         /* with has_feerate */
    bool override_min;       /* take feerate even below the required minimum */
    uint32_t confirm_target; /* blocks; 0: the wallet's */
    enum fee_mode mode;
};
struct fee_choice {
    int64_t feerate;
    enum fee_reason reason;
};

/* All of these want the wallet's lock. */
/* The least rate the wallet and the network take. */
int64_t fee_required(const struct wallet *w);
/* The rate for what cc->fee wishes; 0 with FEE_REASON_FALLBACK when nobody knows one.
 */
struct fee_choice fee_choose(const struct wallet *w, const struct coin_control *cc);
/* The rate at which small change is judged not worth keeping. */
int64_t fee_discard(const struct wallet *w);

/* "12.345 sat/vB" (with the chain's smallest unit for its name); out holds 48 bytes.
 * Returns out. */
char *feerate_text(char out[48], int64_t feerate);

#endif
