/* Inside of signing: what sign.c, taproot_sign.c and sig_data.c share. */
#ifndef OCHRE_CHAIN_SCRIPT_SIGN_IMPL_H
#define OCHRE_CHAIN_SCRIPT_SIGN_IMPL_H

#include "chain/script/sign.h"

void sig_data_replace(struct buf *out, struct bytes with);
void sig_data_clear_witness(struct sig_data *d);
struct bytes *sig_data_witness_views(const struct sig_data *d); /* caller frees */
void sig_data_set_witness(struct sig_data *d, const struct bytes *items, size_t n);
/* NULL: not known. */
const struct partial_sig *sig_data_find_sig(const struct sig_data *d,
                                            struct bytes pubkey);
const struct tap_sig *sig_data_find_tap_sig(const struct sig_data *d,
                                            const uint8_t xonly[32],
                                            const struct hash256 *leaf);
const struct preimage *sig_data_find_preimage(const struct sig_data *d,
                                              enum preimage_kind kind,
                                              const uint8_t *hash);

void sig_missing_add_pubkey(struct sig_missing *m, const uint8_t id[20]);
void sig_missing_add_sig(struct sig_missing *m, const uint8_t id[20]);

/* -- One input being signed -- */

struct signer {
    struct sig_data *data;
    const struct keystore *keys;
    const struct sig_checker *checker;
    int hash_type;
};

/* The ECDSA signature of one key, made now or known before; false when there is none.
 */
bool sign_with(const struct signer *s, struct bytes pubkey, struct bytes code,
               enum sig_version version, struct bytes *out);
/* The public key with this hash, from the store or from signatures known. */
bool sign_find_pubkey(const struct signer *s, const uint8_t id[20], struct bytes *out);
/* The best witness for a P2WSH script, in one block that the caller frees. */
bool sign_wsh_miniscript(const struct signer *s, struct bytes script,
                         struct bytes **items, size_t *n);

/* -- Taproot -- */

/* Sets the witness: by the key, or the smallest that a leaf takes. */
bool sign_taproot(const struct signer *s, const uint8_t output[32]);
/* A BIP 340 signature; tweak: NULL when the key signs as it is. */
bool sign_schnorr(const struct signer *s, const uint8_t xonly[32], const uint8_t *tweak,
                  const struct sighash_taproot *t, struct buf *out);
bool sign_leaf_miniscript(const struct signer *s, const struct tap_leaf *leaf,
                          struct bytes **items, size_t *n);

#endif
