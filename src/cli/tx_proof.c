/* ochre-tx verifyproof: what a state proof shows, without a node. */
#include <stdio.h>
#include <stdlib.h>

#include "chain/state/state.h"
#include "cli/txtool.h"
#include "util/hex.h"

static bool read_hex(struct buf *out, const char *text, const char *what)
{
    if (hex_decode(out, text, strlen(text)))
        return true;
    fprintf(stderr, "error: %s is not hex\n", what);
    return false;
}

static bool show(const struct hash256 *root, struct bytes key, struct bytes proof)
{
    struct buf hex = {0};
    struct bytes value;
    bool present;
    if (!state_proof_verify(root, key, proof, &present, &value)) {
        fprintf(stderr,
                "error: the proof shows nothing about this key under this root\n");
        return false;
    }
    if (present)
        hex_append(&hex, value.data, value.len);
    else
        buf_append_str(&hex, "absent");
    puts(buf_cstr(&hex));
    buf_clear(&hex);
    return true;
}

int tx_verify_proof(const char *const *words, size_t n)
{
    struct hash256 root;
    struct buf key = {0}, proof = {0};
    bool ok = false;
    if (n != 3)
        fprintf(stderr,
                "error: verifyproof needs a root, a key and a proof, all in hex\n");
    else if (!hex_decode_fixed(root.b, 32, words[0], strlen(words[0])))
        fprintf(stderr, "error: the root must be 64 hexadecimal digits\n");
    else if (read_hex(&key, words[1], "the key") &&
             read_hex(&proof, words[2], "the proof"))
        ok = show(&root, buf_view(&key), buf_view(&proof));
    buf_clear(&key);
    buf_clear(&proof);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
