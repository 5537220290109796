/* How signatures and public keys must be encoded (BIP 62, 66, 146 and policy). */
#ifndef OCHRE_CHAIN_SCRIPT_SIG_ENCODING_H
#define OCHRE_CHAIN_SCRIPT_SIG_ENCODING_H

#include "chain/script/interpreter.h"

/* Strict DER and a hash type byte (BIP 66). */
bool sig_is_valid_encoding(struct bytes sig);
/* By flags; an empty signature passes. False: *error is set. */
bool sig_check_encoding(struct bytes sig, uint32_t flags, enum script_error *error);
bool pubkey_check_encoding(struct bytes pubkey, uint32_t flags,
                           enum sig_version version, enum script_error *error);
bool pubkey_is_compressed_or_uncompressed(struct bytes pubkey);
bool pubkey_is_compressed(struct bytes pubkey);
/* The length that the first byte announces (hybrid keys, too). */
bool pubkey_has_valid_size(struct bytes pubkey);

#endif
