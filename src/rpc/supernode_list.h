/* Commands of `supernode` that read the list. */
#ifndef OCHRE_RPC_SUPERNODE_LIST_H
#define OCHRE_RPC_SUPERNODE_LIST_H

#include "rpc/method.h"

void supernode_list(struct rpc_call *c);    /* 1: filter */
void supernode_get_one(struct rpc_call *c); /* 1: a name of it */
void supernode_count(struct rpc_call *c);
void supernode_top(struct rpc_call *c);   /* 1: height */
void supernode_payee(struct rpc_call *c); /* 1: height */
void supernode_show_status(struct rpc_call *c);

#endif
