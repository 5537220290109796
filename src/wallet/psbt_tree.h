/* The tree of an output's tapscripts as PSBTs have it: depth, leaf version and script
 * of each leaf, from left to right. */
#ifndef OCHRE_WALLET_PSBT_TREE_H
#define OCHRE_WALLET_PSBT_TREE_H

#include "chain/script/keystore.h"

struct tap_tree_leaf {
    uint8_t depth, version;
    struct bytes script; /* borrowed */
};

/* The next leaf; false at the end and where the bytes are malformed (r is bad then). */
bool tap_tree_next(struct reader *r, struct tap_tree_leaf *out);
/* NULL, or what is wrong: static text. */
const char *tap_tree_check(struct bytes tree);
/* Appends the tree of an output; false when it has no scripts, or not all are known. */
bool tap_tree_write(struct buf *out, const struct tap_entry *e);

#endif
