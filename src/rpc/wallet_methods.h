/* Handlers of the wallet tables that live in files of their own. */
#ifndef OCHRE_RPC_WALLET_METHODS_H
#define OCHRE_RPC_WALLET_METHODS_H

#include "rpc/method.h"

/* wallet_received.c */
void rpc_getreceivedbyaddress(struct rpc_call *c);
void rpc_getreceivedbylabel(struct rpc_call *c);
void rpc_listreceivedbyaddress(struct rpc_call *c);
void rpc_listreceivedbylabel(struct rpc_call *c);
/* wallet_since.c */
void rpc_listsinceblock(struct rpc_call *c);
/* wallet_simulate.c */
void rpc_simulaterawtransaction(struct rpc_call *c);
/* wallet_prunedfunds.c */
void rpc_importprunedfunds(struct rpc_call *c);
void rpc_removeprunedfunds(struct rpc_call *c);
/* Of cmd_wallet_descriptors.c, in files of their names. */
void rpc_importdescriptors(struct rpc_call *c);
void rpc_getaddressinfo(struct rpc_call *c);

#endif
