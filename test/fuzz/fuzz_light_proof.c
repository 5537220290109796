/* Any coinbase, branch and proof: what is accepted is accepted under no other header,
 * key or branch. Input: u8 length of the key, u16 of the coinbase, u8 of the branch in
 * hashes, then key, coinbase, branch and proof. The header is made to fit. */
#include "fuzz.h"

#include "chain/prim/block.h"
#include "chain/prim/merkle.h"
#include "chain/prim/tx.h"
#include "tickets/light.h"
#include "util/reader.h"

static void make_header(struct buf *out, const struct light_proof *p)
{
    struct tx *tx = tx_from_bytes(p->coinbase.data, p->coinbase.len, false);
    struct block_header h = {.version = 1};
    struct sink s = sink_to_buf(out);
    if (tx != NULL)
        h.merkle_root = merkle_root_from_branch(&tx->txid, p->branch, p->n_branch, 0);
    header_write(&s, &h);
    tx_unref(tx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hash256 branch[LIGHT_BRANCH_MAX + 1], root;
    struct light_proof p = {.branch = branch};
    struct buf header = {0};
    struct bytes value;
    struct reader r;
    bool present;
    reader_init(&r, data, size);
    size_t key_len = read_u8(&r), coinbase_len = read_u16(&r);
    p.n_branch = read_u8(&r) % ARRAY_LEN(branch);
    p.key = bytes_of(read_bytes(&r, key_len), key_len);
    p.coinbase = bytes_of(read_bytes(&r, coinbase_len), coinbase_len);
    for (size_t i = 0; i < p.n_branch; i++)
        branch[i] = read_hash256(&r);
    if (r.bad)
        return 0;
    p.proof = bytes_of(r.pos, reader_left(&r));
    make_header(&header, &p);
    p.header = buf_view(&header);
    if (light_proof_verify(&p, &root, &present, &value) == NULL) {
        ASSERT(p.coinbase.len != 64 && p.n_branch <= LIGHT_BRANCH_MAX);
        header.data[40] ^= 1; /* in the Merkle root */
        ASSERT(light_proof_verify(&p, &root, &present, &value) != NULL);
        header.data[40] ^= 1;
        if (p.n_branch > 0) {
            branch[0].b[0] ^= 1;
            ASSERT(light_proof_verify(&p, &root, &present, &value) != NULL);
        }
    }
    buf_clear(&header);
    return 0;
}
