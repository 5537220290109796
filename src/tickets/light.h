/* What a client that has nothing but block headers checks to learn an entry of the
 * ticket state (doc/spec/state.md, 8). */
#ifndef OCHRE_TICKETS_LIGHT_H
#define OCHRE_TICKETS_LIGHT_H

#include "util/bytes.h"

/* A block has at most 4,000,000 / (4 * 60) transactions. */
#define LIGHT_BRANCH_MAX 15

struct light_proof {
    struct bytes header;          /* of a block of the chain: the caller knows it */
    struct bytes coinbase;        /* of that block, without witness */
    const struct hash256 *branch; /* from the coinbase up to the Merkle root */
    size_t n_branch;
    struct bytes key;
    struct bytes proof; /* of the key, under the root that the coinbase commits to */
};

/* NULL: it holds, for the state before that block; *root is that state's, *value
 * (borrowed from the proof) is set when *present. Else the sentence that says what is
 * wrong. Pure. */
const char *light_proof_verify(const struct light_proof *p, struct hash256 *root,
                               bool *present, struct bytes *value);

#endif
