/* Supernodes and committees as JSON. */
#ifndef OCHRE_RPC_JSON_SUPERNODE_H
#define OCHRE_RPC_JSON_SUPERNODE_H

#include "rpc/method.h"
#include "tickets/committee.h"
#include "tickets/supernode.h"

/* In the state after @height: "ENABLED", "PRE_ENABLED" (too young), "BANNED". */
const char *supernode_status(const struct supernode *s, const struct chain_params *p,
                             uint32_t height);
/* A whole object. */
void json_supernode(struct rpc_call *c, const struct supernode *s, uint32_t height);
/* key: array of members with their ranks. */
void json_members(struct rpc_call *c, const char *key,
                  const struct committee *committee);
/* <stem>script and, when it has one, <stem>address. */
void json_payout(struct rpc_call *c, const char *stem, struct bytes script);
void json_pastelid(struct rpc_call *c, const char *key, const uint8_t pastelid[57]);

#endif
