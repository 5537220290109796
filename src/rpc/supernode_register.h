/* supernode register, update, revoke: the tickets of one's own supernode. */
#ifndef OCHRE_RPC_SUPERNODE_REGISTER_H
#define OCHRE_RPC_SUPERNODE_REGISTER_H

#include "rpc/method.h"

void supernode_register(struct rpc_call *c); /* 1: object */
void supernode_update(struct rpc_call *c);   /* 1: sn, 2: object */
void supernode_revoke(struct rpc_call *c);   /* 1: sn, 2: object */

#endif
