/* What wallets see of this node: the chain_source that all of them share, and the feed
 * of events. */
#ifndef OCHRE_NODE_WALLET_CHAIN_H
#define OCHRE_NODE_WALLET_CHAIN_H

#include "node/daemon.h"
#include "wallet/chain_source.h"

struct chain_feed;

/* Works from the opening of chain and mempool to the closing of the chain. */
void wallet_chain_fill(struct chain_source *out, struct daemon *d);
/* The part of it that is about the mempool (wallet_pool.c). */
void wallet_pool_fill(struct chain_source *out);
/* Brings the chain's events to @feed. Before chainman_start_import. */
void wallet_chain_subscribe(struct daemon *d, struct chain_feed *feed);

#endif
