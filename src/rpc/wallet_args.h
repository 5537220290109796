/* What wallet methods have in common: the wallet of a call, its state, their errors. */
#ifndef OCHRE_RPC_WALLET_ARGS_H
#define OCHRE_RPC_WALLET_ARGS_H

#include "rpc/method.h"
#include "wallet/manager.h"

struct destination;

/* The wallet that the path "/wallet/<name>" names, or the only one. A reference, and
 * not locked; NULL: rpc_error was called (-18, -19). */
struct wallet *rpc_wallet(struct rpc_call *c);
/* The same after the wallet has heard of everything that the chain has done so far. */
struct wallet *rpc_synced_wallet(struct rpc_call *c);
/* The name in the path, in the call's memory; false: the path names none. */
bool rpc_wallet_name(struct rpc_call *c, const char **out);

/* With the wallet's lock. -13 unless its keys can be used. */
NODISCARD bool rpc_need_unlocked(struct rpc_call *c, const struct wallet *w);
/* -4 when the wallet cannot have private keys. */
NODISCARD bool rpc_need_private_keys(struct rpc_call *c, const struct wallet *w);

/* Ends the call with this error; clears it. */
void rpc_wallet_error(struct rpc_call *c, struct wallet_error *take_e);
/* Argument @i as a label; -11 for "*". NULL: wrong; absent: @def. */
const char *rpc_arg_label(struct rpc_call *c, size_t i, const char *def);
/* Argument @i, which may hold any bytes; empty when absent. */
struct bytes rpc_arg_passphrase(const struct rpc_call *c, size_t i);
/* Argument @i as an address; -5. */
NODISCARD bool rpc_arg_address(struct rpc_call *c, size_t i, struct destination *out);
/* Argument @i as bitcoind's load_on_startup. */
enum load_on_start rpc_arg_load_on_start(const struct rpc_call *c, size_t i);
/* Its description, in a result. */
#define RPC_LAST_PROCESSED                                                             \
    {                                                                                  \
        R_OBJ, "lastprocessedblock", "The last block that the wallet has seen",        \
            RESULTS({R_HEX, "hash", "Its hash"}, {R_NUM, "height", "Its height"})      \
    }
/* "lastprocessedblock": where the wallet stands. With the wallet's lock. */
void rpc_put_last_processed(struct rpc_call *c, const struct wallet *w);
/* "warnings": the lines of the buffer, when there are any; clears it. */
void rpc_put_wallet_warnings(struct rpc_call *c, struct buf *take_warnings);

#endif
