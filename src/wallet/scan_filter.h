/* The scripts of a wallet, to ask the filters of blocks (BIP 158) for. */
#ifndef OCHRE_WALLET_SCAN_FILTER_H
#define OCHRE_WALLET_SCAN_FILTER_H

#include "wallet/chain_source.h"

struct scan_filter;
struct wallet;

/* NULL: the node has no filters. */
struct scan_filter *scan_filter_new(struct wallet *w);
void scan_filter_free(struct scan_filter *f); /* NULL is fine */
/* Takes in scripts that were added. Without the wallet's lock. */
void scan_filter_update(struct scan_filter *f, struct wallet *w);
/* Scripts were added since the last update. Without the wallet's lock. */
bool scan_filter_outdated(const struct scan_filter *f, struct wallet *w);
/* Nothing of the wallet is in the block: it need not be read. Any thread. */
bool scan_filter_misses(const struct scan_filter *f, const struct hash256 *block);

#endif
