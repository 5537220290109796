/* Spending coins completely: what is left after fixed payments and the fee goes to the
 * outputs without an amount; there is no change. */
#ifndef OCHRE_WALLET_SENDALL_H
#define OCHRE_WALLET_SENDALL_H

#include "wallet/coincontrol.h"

struct wallet;
struct wallet_error;

struct sendall_request {
    const struct coin_control *control; /* fee, depths, replaceability */
    bool given_inputs;                  /* the transaction's are all */
    bool send_max;                      /* leave coins that cost more than they bring */
    const bool *takes_rest;             /* for each output: it gets a part */
};

/* Adds inputs to @tx (unless given) and sets amounts. False: e with bitcoind's code and
 * sentence. Wallet lock held. */
NODISCARD bool wallet_sendall(struct wallet *w, const struct sendall_request *rq,
                              struct mtx *tx, struct wallet_error *e);

#endif
