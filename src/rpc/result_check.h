/* -rpcdoccheck: is a reply what the method's table entry says of it? */
#ifndef OCHRE_RPC_RESULT_CHECK_H
#define OCHRE_RPC_RESULT_CHECK_H

#include "rpc/method.h"

/* @reply: the JSON text of a result; none counts as null. True when one of the results
 * that the entry lists fits it: types, names of members, members that are not optional.
 * Else appends to @why, line by line, what does not fit, and where. @mem takes what is
 * parsed. */
NODISCARD bool rpc_result_fits(const struct rpc_method *m, struct bytes reply,
                               struct arena *mem, struct buf *why);

#endif
