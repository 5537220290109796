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

void sig_missing_clear(struct sig_missing *m);
void sig_missing_add_pubkey(struct sig_missing *m, const uint8_t id[20]);
void sig_missing_add_sig(struct sig_missing *m, const uint8_t id[20]);

#endif
