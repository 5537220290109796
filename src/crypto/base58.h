/* Base58 and Base58Check. */
#ifndef OCHRE_CRYPTO_BASE58_H
#define OCHRE_CRYPTO_BASE58_H

#include "util/bytes.h"

char *base58_encode(const void *data, size_t len); /* caller frees */
char *base58check_encode(const void *data, size_t len);
/* Appends to out. max: most bytes of payload accepted. Leading and trailing blanks are
 * skipped, as bitcoind does. False leaves out as it was. */
NODISCARD bool base58_decode(struct buf *out, const char *text, size_t max);
NODISCARD bool base58check_decode(struct buf *out, const char *text, size_t max);

#endif
