/* A transaction in either format: what is read writes back to the same bytes, and sizes
 * and ids agree with what a changed copy has. Also a partial Merkle tree. */
#include "fuzz.h"

#include <stdlib.h>

#include "chain/prim/merkleblock.h"
#include "chain/script/sighash.h"
#include "crypto/secp.h"

static void check_copy(const struct tx *tx)
{
    struct mtx m;
    mtx_from_tx(&m, tx);
    struct tx *copy = mtx_to_tx(&m);
    ASSERT(hash256_equal(&copy->txid, &tx->txid));
    ASSERT(hash256_equal(&copy->wtxid, &tx->wtxid));
    ASSERT(copy->base_size == tx->base_size && copy->total_size == tx->total_size);
    tx_unref(copy);
    mtx_clear(&m);
}

static void check_sizes(const struct tx *tx)
{
    struct sink with = sink_counter(), without = sink_counter();
    tx_write(tx, &with, true);
    tx_write(tx, &without, false);
    ASSERT(with.count == tx->total_size && without.count == tx->base_size);
    ASSERT(tx->has_witness || with.count == without.count);
}

/* Every algorithm and type must stand any transaction. */
static void hash_all(const struct tx *tx)
{
    static const uint8_t code[] = {0x51, 0xab, 0xac};
    struct sighash_data d;
    struct sighash_taproot t = {.codeseparator = UINT32_MAX};
    struct hash256 h;
    struct txout *spent = calloc(tx->n_in + 1, sizeof(*spent));
    ASSERT(spent != NULL);
    sighash_data_init(&d, tx, spent, true);
    for (uint32_t i = 0; i < tx->n_in && i < 4; i++) {
        for (int type = 0; type < 256; type += 33) {
            sighash_legacy(&d, i, bytes_of(code, sizeof(code)), type);
            sighash_v0(&d, i, bytes_of(code, sizeof(code)), amount_of(1), type);
            (void)!sighash_v1(&h, &d, i, (uint8_t)type, &t);
        }
    }
    sighash_data_clear(&d);
    free(spent);
}

static void read_merkleblock(const uint8_t *data, size_t size)
{
    struct reader r;
    struct merkleblock m;
    struct hash256 *ids;
    size_t n;
    reader_init(&r, data, size);
    if (!merkleblock_read(&m, &r))
        return;
    if (merkleblock_extract(&m, &ids, &n))
        ASSERT(n <= m.n_tx);
    free(ids);
    merkleblock_clear(&m);
}

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
    secp_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int witness = 0; witness < 2; witness++) {
        struct tx *tx = tx_from_bytes(data, size, witness);
        if (tx == NULL)
            continue;
        ASSERT(bytes_equal(tx->raw, bytes_of(data, size)));
        check_sizes(tx);
        check_copy(tx);
        if (size < 20000)
            hash_all(tx);
        tx_unref(tx);
    }
    read_merkleblock(data, size);
    return 0;
}
