/* tickets register: builds, signs, funds and sends a ticket. */
#ifndef OCHRE_RPC_TICKET_REGISTER_H
#define OCHRE_RPC_TICKET_REGISTER_H

#include "rpc/method.h"

/* Arguments 1: kind, 2: object. */
void ticket_register(struct rpc_call *c);

#endif
