/* tickets register: builds, signs, funds and sends a ticket. */
#ifndef OCHRE_RPC_TICKET_REGISTER_H
#define OCHRE_RPC_TICKET_REGISTER_H

#include "rpc/method.h"
#include "tickets/ticket.h"

/* Arguments 1: kind, 2: object. */
void ticket_register(struct rpc_call *c);
/* The same for a kind and an object that are known. */
void ticket_register_object(struct rpc_call *c, const struct ticket_kind *kind,
                            const struct json *obj);

#endif
