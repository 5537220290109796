#include "tickets/light.h"

#include "chain/prim/block.h"
#include "chain/prim/merkle.h"
#include "chain/state/state.h"
#include "tickets/rules.h"
#include "util/reader.h"

#define INNER_NODE_SIZE 64

/* An inner node of the Merkle tree is 64 octets and must not pass for a transaction. */
static const char *check_coinbase(const struct light_proof *p, const struct tx *tx,
                                  struct hash256 *root)
{
    if (tx == NULL || !tx_is_coinbase(tx))
        return "the coinbase is none";
    if (tx->base_size == INNER_NODE_SIZE || tx->base_size != p->coinbase.len)
        return "the coinbase has 64 octets, or a witness";
    if (!state_commitment_find(root, tx))
        return "the coinbase has not exactly one state commitment";
    return NULL;
}

static const char *check_block(const struct light_proof *p, const struct tx *tx)
{
    struct reader r;
    reader_init(&r, p->header.data, p->header.len);
    struct block_header header = header_read(&r);
    if (!reader_done(&r))
        return "the header does not have 80 octets";
    if (p->n_branch > LIGHT_BRANCH_MAX)
        return "the branch is longer than that of any block";
    struct hash256 root = merkle_root_from_branch(&tx->txid, p->branch, p->n_branch, 0);
    if (!hash256_equal(&root, &header.merkle_root))
        return "the branch does not lead from the coinbase to the header";
    return NULL;
}

const char *light_proof_verify(const struct light_proof *p, struct hash256 *root,
                               bool *present, struct bytes *value)
{
    struct tx *tx = tx_from_bytes(p->coinbase.data, p->coinbase.len, false);
    const char *why = check_coinbase(p, tx, root);
    if (why == NULL)
        why = check_block(p, tx);
    if (why == NULL && !state_proof_verify(root, p->key, p->proof, present, value))
        why = "the proof shows nothing about this key under the root";
    tx_unref(tx);
    return why;
}
