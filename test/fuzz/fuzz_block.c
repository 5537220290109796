/* A block: what is read writes back to the same bytes; its transactions stand for
 * themselves; a proof of any of them holds. */
#include "fuzz.h"

#include <stdlib.h>

#include "chain/prim/merkle.h"
#include "chain/prim/merkleblock.h"

static void check_bytes(const struct block *b, struct bytes raw)
{
    struct buf out = {0};
    struct sink s = sink_to_buf(&out), stripped = sink_counter();
    block_write(b, &s, true);
    block_write(b, &stripped, false);
    ASSERT(bytes_equal(buf_view(&out), raw));
    ASSERT(stripped.count == b->base_size);
    buf_clear(&out);
}

static void check_txs(const struct block *b)
{
    for (uint32_t i = 0; i < b->n_tx; i++) {
        struct tx *copy = tx_ref(&b->txs[i]);
        ASSERT(hash256_equal(&copy->txid, &b->txs[i].txid));
        ASSERT(hash256_equal(&copy->wtxid, &b->txs[i].wtxid));
        ASSERT(bytes_equal(copy->raw, b->txs[i].raw));
        tx_unref(copy);
    }
}

static void check_proof(struct block *b, uint32_t which)
{
    struct merkleblock m;
    struct hash256 *ids;
    size_t n;
    bool mutated;
    bool *match = calloc(b->n_tx, sizeof(*match));
    ASSERT(match != NULL);
    match[which] = true;
    struct hash256 root = block_merkle_root(b, &mutated);
    merkleblock_build(&m, b, match);
    m.header.merkle_root = root;
    if (!mutated && b->n_tx <= 16666) {
        bool ok = merkleblock_extract(&m, &ids, &n);
        ASSERT(ok && n == 1 && hash256_equal(ids, &b->txs[which].txid));
        free(ids);
    }
    merkleblock_clear(&m);
    free(match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct block *b = block_from_bytes(data, size);
    if (b == NULL)
        return 0;
    check_bytes(b, bytes_of(data, size));
    check_txs(b);
    block_witness_root(b);
    if (b->n_tx > 0)
        check_proof(b, data[size - 1] % b->n_tx);
    block_unref(b);
    return 0;
}
