/* Octets of a proof; state.h has the calls for users. */
#ifndef OCHRE_CHAIN_STATE_PROOF_H
#define OCHRE_CHAIN_STATE_PROOF_H

#include "chain/state/state.h"
#include "chain/state/tree.h"
#include "util/sink.h"

/* @value: of the key, when the walk ended in it. */
void proof_write(struct sink *s, const struct tree_walk *w, const uint8_t path[32],
                 struct bytes value);
/* False: malformed, or not about this path. *value (borrowed) is set when *present. */
NODISCARD bool proof_read(struct tree_walk *w, const uint8_t path[32],
                          struct bytes proof, bool *present, struct bytes *value);
/* The root that the way up from its end leads to. */
void proof_root(uint8_t out[32], const struct tree_walk *w, const uint8_t path[32]);

#endif
