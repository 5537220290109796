/* supernode penalty: a member of the committee signs that a supernode failed. */
#ifndef OCHRE_RPC_SUPERNODE_PENALTY_H
#define OCHRE_RPC_SUPERNODE_PENALTY_H

#include "rpc/method.h"

/* Arguments 1: sn, 2: reason, 3: evidence, 4: signatures of others. */
void supernode_penalty(struct rpc_call *c);

#endif
