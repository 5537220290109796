/* Soft forks that this program does not know: version bits that miners signal for
 * without any deployment of ours. */
#ifndef OCHRE_CHAIN_RULES_UNKNOWN_RULES_H
#define OCHRE_CHAIN_RULES_UNKNOWN_RULES_H

#include "chain/rules/versionbits.h"

/* Bits of unknown deployments that are active after @tip: a window of bip9_window
 * blocks reached the threshold, and another whole one has passed since. Walks the whole
 * chain. */
uint32_t unknown_rules_active(const struct chain_params *p,
                              const struct block_index *tip);
/* The same for what the window that ends at @tip adds; 0 unless one ends there. */
uint32_t unknown_rules_added(const struct chain_params *p,
                             const struct block_index *tip);

#endif
