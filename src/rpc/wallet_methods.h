/* Handlers of the table in cmd_wallet_descriptors.c that have files of their own. */
#ifndef OCHRE_RPC_WALLET_METHODS_H
#define OCHRE_RPC_WALLET_METHODS_H

struct rpc_call;

void rpc_importdescriptors(struct rpc_call *c);
void rpc_getaddressinfo(struct rpc_call *c);

#endif
