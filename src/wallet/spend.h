/* Spending: from outputs to a funded, signed transaction, and from there into the
 * wallet and the network. This is also how tickets pay for themselves:
 *
 *     wallet_lock(w);
 *     if (wallet_fund(w, &request, &funded, &error) &&
 *         wallet_commit(w, &funded, &notes, &error))
 *         ...
 *     wallet_unlock(w);
 *
 * Coins that carry a token or back a supernode are spent only when coin_control names
 * them (COIN_MARK_*, see chain/prim/coin.h); named coins become the first inputs in
 * their order, so a ticket knows its input 0, and tokens go where its outputs are. */
#ifndef OCHRE_WALLET_SPEND_H
#define OCHRE_WALLET_SPEND_H

#include "wallet/coincontrol.h"

struct wallet;
struct wallet_error;

struct spend_output {
    struct amount value;
    struct bytes script; /* borrowed */
    bool subtract_fee;   /* it bears its equal part of the fee */
};

#define CHANGE_RANDOM (-1)
#define NO_ANCHOR     (-1)
#define NO_CHANGE     (-1)

struct spend_request {
    const struct spend_output *outputs; /* borrowed, in the order of the transaction */
    size_t n_outputs;
    const struct coin_control *control; /* NULL: nothing asked for */
    int32_t change_position;            /* CHANGE_RANDOM or an index */
    /* An output whose index must not be moved by the change: NO_ANCHOR or an index into
     * @outputs. Change then stands somewhere behind it. */
    int32_t anchor_output;
    bool sign; /* else the transaction is ready for fundrawtransaction or a PSBT */
    /* May be NULL. Called with all inputs and outputs in place and nothing signed:
     * fills in what depends on them (a ticket's signatures cover its input 0). It may
     * change the bytes of output scripts, never their lengths. False: give up, e says
     * why. */
    bool (*finish)(void *ctx, struct mtx *m, struct wallet_error *e);
    void *finish_ctx;
};
/* One request with defaults: random change position, no anchor, signed. */
void spend_request_init(struct spend_request *rq);

struct funded_tx {
    struct tx *tx; /* owned reference */
    struct amount fee;
    int32_t change_position; /* or NO_CHANGE */
    struct fee_choice rate;
    /* What each input spends, in order: owned array, scripts owned by @memory. */
    struct txout *spent;
    struct buf memory;
};
void funded_tx_clear(struct funded_tx *f);

/* Chooses coins, change and fee, and signs. The wallet must be unlocked for that (the
 * caller checks, with wallet_args' -13). False: e is bitcoind's sentence, its code the
 * one that sendtoaddress gives; nothing has changed. On success the wallet's next
 * change address has moved on if this one was used. The caller holds the wallet's lock
 * from here until wallet_commit is done, so that nobody else chooses the same coins. */
NODISCARD bool wallet_fund(struct wallet *w, const struct spend_request *rq,
                           struct funded_tx *out, struct wallet_error *e);

/* What the wallet writes down with a transaction; each may be NULL. */
struct spend_notes {
    const char *comment, *to;
    const struct hash256 *replaces; /* the transaction that this one takes over from;
                                       it is marked as replaced */
};
/* Records the transaction in the wallet file, then hands it to mempool and peers. A
 * refusal there is no failure: the wallet keeps the transaction and tries again later
 * (the log has the reason). False: it could not be recorded, and was not sent. Wallet
 * lock held. */
NODISCARD bool wallet_commit(struct wallet *w, const struct funded_tx *f,
                             const struct spend_notes *notes, struct wallet_error *e);

#endif
