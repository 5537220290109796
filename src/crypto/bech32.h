/* Bech32 (BIP 173) and Bech32m (BIP 350). */
#ifndef OCHRE_CRYPTO_BECH32_H
#define OCHRE_CRYPTO_BECH32_H

#include "util/bytes.h"

enum bech32_encoding { BECH32_INVALID, BECH32, BECH32M };

struct bech32 {
    enum bech32_encoding encoding;
    char hrp[84];
    uint8_t values[84]; /* 5-bit groups without the checksum */
    size_t len;
};

/* @max_len: 90 in addresses. */
enum bech32_encoding bech32_decode(struct bech32 *out, const char *text,
                                   size_t max_len);
/* out holds strlen(hrp) + len + 8 bytes. */
void bech32_encode(char *out, enum bech32_encoding enc, const char *hrp,
                   const uint8_t *values, size_t len);
/* 8-bit <-> 5-bit groups; false on non-zero padding when !pad. */
NODISCARD bool bech32_convert_bits(struct buf *out, unsigned to, const uint8_t *in,
                                   size_t len, unsigned from, bool pad);
/* Positions of likely typos in an invalid string and a message in bitcoind's words
 * (validateaddress: error, error_locations). Returns the message, "" when the string is
 * valid; *n positions in pos[90] (of a string that is too long, the first 90 that are
 * too many). */
#define BECH32_MAX_ERRORS 90
const char *bech32_locate_errors(const char *text, size_t max_len, int pos[90],
                                 size_t *n);

#endif
