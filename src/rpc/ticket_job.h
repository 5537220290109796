/* A ticket on its way from the caller's object into the chain: what ticket_register and
 * ticket_wallet share. Nobody else includes it. */
#ifndef OCHRE_RPC_TICKET_JOB_H
#define OCHRE_RPC_TICKET_JOB_H

#include "rpc/submit_tx.h"
#include "rpc/ticket_keys.h"
#include "tickets/build.h"

#define TICKET_MAX_OUTPUTS (1 + PAID_MEMBERS)

struct ticket_job {
    struct rpc_call *call;
    const struct json *obj;
    struct ticket_draft draft;
    struct ticket_keys keys;
    struct ticket_coin
        *coins; /* in the call's arena: the inputs that the object names */
    size_t n_coins;
    struct buf change_script, token_script;
    struct txout outputs[TICKET_MAX_OUTPUTS]; /* behind the carrier */
    size_t n_outputs;
    int64_t feerate;
    bool dry_run;
    /* results */
    struct tx *tx;
    struct amount fee;
    struct tx_submission sent;
};

/* Fills outputs from the draft. */
void ticket_job_add_outputs(struct ticket_job *j);
/* Whether the mempool takes the transaction; @test: without keeping it. False: it was
 * reported. */
NODISCARD bool ticket_job_submit(struct ticket_job *j, bool test);

/* The address that @name says in the object into the script; absent: @out stays empty.
 * False: reported. */
NODISCARD bool ticket_job_address(struct ticket_job *j, const char *name,
                                  struct buf *out);

/* With a wallet's coins and keys (ticket_wallet.c): from the draft, read but not
 * complete, to a transaction that is recorded and sent. */
NODISCARD bool ticket_job_by_wallet(struct ticket_job *j);

#endif
