/* Handlers of cmd_util.c's table that live in files of their own. */
#ifndef OCHRE_RPC_UTIL_METHODS_H
#define OCHRE_RPC_UTIL_METHODS_H

#include "rpc/method.h"

void rpc_createmultisig(struct rpc_call *c);         /* util_multisig.c */
void rpc_deriveaddresses(struct rpc_call *c);        /* util_descriptor.c */
void rpc_getdescriptorinfo(struct rpc_call *c);      /* util_descriptor.c */
void rpc_signmessagewithprivkey(struct rpc_call *c); /* util_message.c */
void rpc_verifymessage(struct rpc_call *c);          /* util_message.c */

/* Writes the signature of a string, in base64. */
void rpc_put_signed_message(struct rpc_call *c, const uint8_t secret[32],
                            bool compressed, const struct json *message);

#endif
