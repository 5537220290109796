/* Octets of a proof and back; state.h has the calls for users. */
#ifndef OCHRE_CHAIN_STATE_PROOF_H
#define OCHRE_CHAIN_STATE_PROOF_H

#include "chain/state/state.h"
#include "chain/state/tree.h"
#include "util/sink.h"

void proof_write(struct sink *s, const struct tree_walk *w, const uint8_t path[32]);
/* False: malformed, or about another path. *present: claims that the key has a value (whose hash
 * is then left to the caller: w->leaf.value). */
NODISCARD bool proof_read(struct tree_walk *w, const uint8_t path[32], struct bytes proof,
                          bool *present);
void proof_root(uint8_t out[32], const struct tree_walk *w, const uint8_t path[32]);

#endif
