/* Tickets as JSON. */
#ifndef OCHRE_RPC_JSON_TICKET_H
#define OCHRE_RPC_JSON_TICKET_H

#include "rpc/method.h"
#include "tickets/index.h"

/* Members of an object that the caller has begun: kind, version, ticket {fields}. */
void json_ticket_members(struct rpc_call *c, const struct ticket *t);
/* A whole object for a ticket of the active chain; @tip_height gives its confirmations.
 */
void json_ticket_record(struct rpc_call *c, const struct ticket_record *r,
                        int32_t tip_height);

#endif
