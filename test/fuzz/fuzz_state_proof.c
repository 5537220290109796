/* Any proof: what is read is written back the same, and verifies under the root it
 * leads to and no other. Input: u8 length of the key, key, proof. */
#include "fuzz.h"

#include "chain/state/proof.h"
#include "crypto/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || (size_t)data[0] + 1 > size)
        return 0;
    struct bytes key = bytes_of(data + 1, data[0]), value;
    struct bytes proof = bytes_of(data + 1 + key.len, size - 1 - key.len);
    struct tree_walk w;
    struct hash256 root;
    uint8_t path[32];
    bool present;
    sha3_256(path, key.data, key.len);
    if (!proof_read(&w, path, proof, &present, &value)) {
        memset(&root, 0, sizeof(root));
        ASSERT(!state_proof_verify(&root, key, proof, &present, &value));
        return 0;
    }
    struct buf again = {0};
    struct sink s = sink_to_buf(&again);
    proof_write(&s, &w, path, value);
    ASSERT(bytes_equal(buf_view(&again), proof));
    proof_root(root.b, &w, path);
    ASSERT(state_proof_verify(&root, key, proof, &present, &value));
    root.b[0] ^= 1;
    ASSERT(!state_proof_verify(&root, key, proof, &present, &value));
    buf_clear(&again);
    return 0;
}
