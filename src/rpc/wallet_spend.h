/* Spending over RPC: what the methods of cmd_wallet_spend.c share. */
#ifndef OCHRE_RPC_WALLET_SPEND_H
#define OCHRE_RPC_WALLET_SPEND_H

#include "chain/prim/tx.h"
#include "rpc/wallet_args.h"
#include "wallet/spend.h"

static inline bool json_given(const struct json *v)
{
    return v != NULL && v->type != JSON_NULL;
}

/* -- Fees (wallet_fee_args.c) -- */

struct fee_args {
    const struct json *conf_target, *estimate_mode,
        *fee_rate; /* absent: NULL or null */
};
/* Fills in fee and, for an explicit rate, replaceability. override_min: the rate is
 * taken even when it is below the required one. */
NODISCARD bool rpc_fee_wish(struct rpc_call *c, const struct fee_args *a,
                            bool override_min, struct coin_control *cc);
/* send and sendall take them as arguments (from @first on) or as options. */
NODISCARD bool rpc_fee_args(struct rpc_call *c, size_t first,
                            const struct json *options, struct fee_args *out);
void rpc_settxfee(struct rpc_call *c);

/* -- Outputs (wallet_outputs.c) -- */

struct outputs_arg {
    struct mtx tx;          /* owns the scripts */
    struct spend_output *v; /* owned */
    size_t n;
};
/* Outputs as createrawtransaction takes them, and who pays the fee: positions or
 * names. Clear it either way. */
NODISCARD bool outputs_read(struct outputs_arg *out, struct rpc_call *c,
                            const struct json *outputs, const struct json *subtract);
/* Of a transaction; @subtract holds positions. */
NODISCARD bool outputs_of_tx(struct outputs_arg *out, struct rpc_call *c,
                             const struct tx *tx, const struct json *subtract);
void outputs_shuffle(struct outputs_arg *o);
void outputs_clear(struct outputs_arg *o);

/* -- Funding (wallet_fund_args.c) -- */

struct fund_args {
    struct coin_control control;
    struct outputs_arg outputs;
    int32_t change_position;
    bool lock_unspents;
};
void fund_args_init(struct fund_args *f);
void fund_args_clear(struct fund_args *f);
/* bitcoind's checks that an option has its new name. */
NODISCARD bool fund_refuse_old_names(struct rpc_call *c, const struct json *options);
/* The options object (or true, false, nothing) but for the weights. After the outputs.
 */
NODISCARD bool fund_read_options(struct fund_args *f, struct rpc_call *c,
                                 const struct json *options, const struct fee_args *fee,
                                 bool override_min);
/* Inputs that stay, with their sequences; coins that are not the wallet's are looked up
 * in chain and mempool. Wallet lock. */
NODISCARD bool fund_name_inputs(struct fund_args *f, struct rpc_call *c,
                                struct wallet *w, const struct mtx *tx);
/* Weights of inputs, which names them: in the options, or, where @inputs is not NULL,
 * with these. */
NODISCARD bool fund_read_weights(struct fund_args *f, struct rpc_call *c,
                                 const struct json *options, const struct json *inputs);
/* Funds without signing; locks the coins if so asked. Wallet lock. */
NODISCARD bool fund_run(struct fund_args *f, struct rpc_call *c, struct wallet *w,
                        struct funded_tx *out);
/* Whether replaceable: as the option says, else the wallet. */
bool rpc_option_rbf(const struct wallet *w, const struct json *options);

/* -- Finishing (wallet_finish.c) -- */

/* Signs as far as the wallet can, sends unless the options say otherwise, and writes
 * what send and sendall return. Wallet lock. */
void rpc_finish_spend(struct rpc_call *c, struct wallet *w, const struct tx *tx,
                      const struct json *options);
/* Writes it as member "psbt" of this version, filled in but not signed. */
NODISCARD bool rpc_put_psbt(struct rpc_call *c, struct wallet *w, const struct tx *tx,
                            uint32_t version, bool origins);

/* -- Handlers -- */
void rpc_sendtoaddress(struct rpc_call *c); /* wallet_pay.c */
void rpc_sendmany(struct rpc_call *c);
void rpc_fundrawtransaction(struct rpc_call *c);     /* wallet_fund.c */
void rpc_walletcreatefundedpsbt(struct rpc_call *c); /* wallet_fund.c */
void rpc_send(struct rpc_call *c);                   /* wallet_fund.c */
void rpc_sendall(struct rpc_call *c);                /* wallet_sendall.c */
void rpc_bumpfee(struct rpc_call *c);                /* wallet_bump.c */
void rpc_psbtbumpfee(struct rpc_call *c);

#endif
