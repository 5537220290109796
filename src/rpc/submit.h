/* Blocks that come from miners. */
#ifndef OCHRE_RPC_SUBMIT_H
#define OCHRE_RPC_SUBMIT_H

#include "rpc/method.h"

/* getblocktemplate's proposal (BIP 23): checks the block in @data, a string, on top of
 * the tip and writes the verdict. @data may be NULL or of another type: an error. */
void rpc_propose_block(struct rpc_call *c, const struct json *data);

#endif
