/* A transaction of the user's on its way into the mempool and to peers: for
 * sendrawtransaction and for wallets. */
#ifndef OCHRE_RPC_SUBMIT_TX_H
#define OCHRE_RPC_SUBMIT_TX_H

#include "chain/rules/reject.h"
#include "rpc/context.h"

struct tx;

struct tx_submission {
    const struct tx *tx;
    int64_t max_fee; /* 0: any */
    bool test_only;  /* leave no trace */
    bool relay;      /* announce it to peers, also when it was in the pool before */
    /* The answer. */
    bool accepted;     /* it is in the pool now, or would be */
    bool confirmed;    /* not accepted: it is in the chain already */
    struct reject rej; /* not accepted, for another reason */
    /* private */
    struct node *node;
    struct hash256 wtxid; /* of the one in the pool */
};

/* Waits for the validation thread. False: the node shuts down. */
NODISCARD bool submit_tx(struct node *n, struct tx_submission *s);
/* Why it was not accepted, in bitcoind's words, into @out; returns out. */
char *submit_tx_refusal(const struct tx_submission *s, char out[512]);

#endif
