/* What wallets see of this node: the chain_source that all of them share, and the feed
 * of events. */
#ifndef OCHRE_NODE_WALLET_CHAIN_H
#define OCHRE_NODE_WALLET_CHAIN_H

#include "node/daemon.h"
#include "wallet/chain_source.h"

/* Makes d->wallet_link, and starts to listen to the chain: before
 * chainman_start_import. Returns what wallets need of it; NULL: *error (caller frees).
 */
struct chain_source *wallet_link_open(struct daemon *d, char **error);
/* Wallets of d->node.wallets follow the chain from their loading to their unloading. */
void wallet_link_join(struct daemon *d);
/* Looks now whether something is to be sent again. */
void wallet_link_run_timers(struct daemon *d);
/* After all wallets are unloaded, while the chain may still speak. */
void wallet_link_stop(struct daemon *d);

/* wallet_pool.c: the part of it that is about the mempool. */
void wallet_pool_fill(struct chain_source *out);
/* wallet_bound.c: chain_source.coin_bound */
bool wallet_coin_bound(void *ctx, const struct outpoint *o);

#endif
