/* The object by which a caller describes a ticket: its fields, and options of the
 * command. */
#ifndef OCHRE_RPC_TICKET_OBJECT_H
#define OCHRE_RPC_TICKET_OBJECT_H

#include "rpc/method.h"
#include "tickets/draft.h"

enum ticket_object_use {
    TICKET_FOR_CHAIN, /* every field that nothing tells is needed */
    TICKET_FOR_COST,  /* only what the price depends on matters */
};

/* Argument 1 of the call: a kind; NULL: reported. */
const struct ticket_kind *ticket_kind_arg(struct rpc_call *c, size_t i);
/* Reads the fields into the draft (begun with the kind). @options: what the object may
 * hold besides, ending with a NULL name. False: reported. */
NODISCARD bool ticket_object_read(struct rpc_call *c, struct ticket_draft *d,
                                  const struct json *obj,
                                  const struct rpc_field *options,
                                  enum ticket_object_use use);
/* ticket_draft_complete on the tip; "burn" of the object counts. False: reported. */
NODISCARD bool ticket_object_complete(struct rpc_call *c, struct ticket_draft *d,
                                      const struct json *obj,
                                      enum ticket_object_use use);
/* Members "burned", and what is to be paid to whom. */
void ticket_object_write_price(struct rpc_call *c, const struct ticket_draft *d);

#endif
