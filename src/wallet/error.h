/* Why a wallet call failed: a code that RPC passes on and a sentence for the user. */
#ifndef OCHRE_WALLET_ERROR_H
#define OCHRE_WALLET_ERROR_H

#include "util/err.h"

/* The numbers are bitcoind's RPC error codes. */
enum wallet_code {
    WALLET_MISC = -1,
    WALLET_TYPE = -3,
    WALLET_FAILED = -4, /* anything without a code of its own */
    WALLET_INVALID_ADDRESS_OR_KEY = -5,
    WALLET_INSUFFICIENT_FUNDS = -6,
    WALLET_INVALID_PARAMETER = -8,
    WALLET_INVALID_LABEL = -11,
    WALLET_KEYPOOL_RAN_OUT = -12,
    WALLET_UNLOCK_NEEDED = -13,
    WALLET_PASSPHRASE_INCORRECT = -14,
    WALLET_WRONG_ENC_STATE = -15,
    WALLET_ENCRYPTION_FAILED = -16,
    WALLET_NOT_FOUND = -18,
    WALLET_DESERIALIZATION = -22,
    WALLET_REJECTED = -26, /* by the mempool */
    WALLET_ALREADY_LOADED = -35,
    WALLET_ALREADY_EXISTS = -36,
};

/* Zero-initialised is "no error". */
struct wallet_error {
    enum wallet_code code;
    char *text; /* owned; NULL: no error */
};

/* Always false, so that a check reads `return wallet_fail(e, ...)`. The first error
 * stays; @e may be NULL. Never put a secret into the text. */
bool wallet_fail(struct wallet_error *e, enum wallet_code code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void wallet_error_clear(struct wallet_error *e);

#endif
