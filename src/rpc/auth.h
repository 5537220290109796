/* Who may call what: cookie, -rpcuser/-rpcpassword, -rpcauth, -rpcwhitelist. */
#ifndef OCHRE_RPC_AUTH_H
#define OCHRE_RPC_AUTH_H

#include "util/bytes.h"

struct args;
struct logger;
struct rpc_auth;

/* Reads the options and writes the cookie file. *error: caller frees. */
NODISCARD bool rpc_auth_new(struct rpc_auth **out, const struct args *a,
                            struct logger *lg, const char *datadir, char **error);
/* Removes the cookie file. NULL is fine. */
void rpc_auth_free(struct rpc_auth *auth);
/* @header: the value of "Authorization", may be NULL. The user's name goes into @user.
 */
NODISCARD bool rpc_auth_check(const struct rpc_auth *auth, const char *header,
                              struct buf *user);
/* False: this user may not call anything at all. */
bool rpc_auth_may_call_any(const struct rpc_auth *auth, const char *user);
bool rpc_auth_may_call(const struct rpc_auth *auth, const char *user,
                       const char *method);

#endif
