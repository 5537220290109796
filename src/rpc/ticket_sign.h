/* tickets cost and tickets sign: what precedes a registration. */
#ifndef OCHRE_RPC_TICKET_SIGN_H
#define OCHRE_RPC_TICKET_SIGN_H

#include "rpc/method.h"
#include "tickets/ticket.h"

/* Arguments 1: kind, 2: object. */
void ticket_cost(struct rpc_call *c);
/* Arguments 1: kind, 2: object, 3: role. */
void ticket_sign(struct rpc_call *c);
void ticket_sign_object(struct rpc_call *c, const struct ticket_kind *kind,
                        const struct json *obj, const char *role);

#endif
