/* Arguments about fee estimation, for its own methods and the wallet's. */
#ifndef OCHRE_RPC_FEE_ARGS_H
#define OCHRE_RPC_FEE_ARGS_H

#include "rpc/method.h"
#include "wallet/fee.h"

/* -8 "Invalid conf_target, must be between 1 and 1008" */
NODISCARD bool rpc_to_target(struct rpc_call *c, const struct json *v, uint32_t *out);
/* -8 "Invalid estimate_mode parameter, must be one of: ..." */
NODISCARD bool rpc_to_fee_mode(struct rpc_call *c, const struct json *v,
                               enum fee_mode *out);

#endif
