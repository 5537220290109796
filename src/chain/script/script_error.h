/* Why a script failed, with bitcoind's messages; and the verification flags. */
#ifndef OCHRE_CHAIN_SCRIPT_SCRIPT_ERROR_H
#define OCHRE_CHAIN_SCRIPT_SCRIPT_ERROR_H

#include "util/err.h"

enum script_error {
#define X(e, text) SCRIPT_ERR_##e,
#include "chain/script/script_error.def"
#undef X
    SCRIPT_ERR_COUNT,
};

enum {
    SCRIPT_VERIFY_NONE = 0,
#define X(e, bit) SCRIPT_VERIFY_##e = 1 << bit,
#include "chain/script/script_flags.def"
#undef X
};

/* What makes a block invalid once every soft fork is active. */
#define SCRIPT_VERIFY_CONSENSUS                                                        \
    (SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_DERSIG | SCRIPT_VERIFY_NULLDUMMY |             \
     SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY | SCRIPT_VERIFY_CHECKSEQUENCEVERIFY |           \
     SCRIPT_VERIFY_WITNESS | SCRIPT_VERIFY_TAPROOT)
/* Failing only these is policy and harms no peer: bitcoind's MANDATORY set is its
 * complement. */
#define SCRIPT_VERIFY_MANDATORY SCRIPT_VERIFY_CONSENSUS
#define SCRIPT_VERIFY_STANDARD                                                         \
    (SCRIPT_VERIFY_MANDATORY | SCRIPT_VERIFY_STRICTENC | SCRIPT_VERIFY_MINIMALDATA |   \
     SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS | SCRIPT_VERIFY_CLEANSTACK |             \
     SCRIPT_VERIFY_MINIMALIF | SCRIPT_VERIFY_NULLFAIL | SCRIPT_VERIFY_LOW_S |          \
     SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM |                             \
     SCRIPT_VERIFY_WITNESS_PUBKEYTYPE | SCRIPT_VERIFY_CONST_SCRIPTCODE |               \
     SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION |                             \
     SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS |                                             \
     SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE)

/* ScriptErrorString: static text. */
const char *script_error_text(enum script_error e);
/* "P2SH", "CHECKLOCKTIMEVERIFY": the enumerator's name without prefix ("EVAL_FALSE").
 */
const char *script_error_name(enum script_error e);
/* Comma-separated flag names as test vectors write them ("NONE" and "" are 0); false:
 * unknown. */
NODISCARD bool script_flags_parse(uint32_t *out, const char *text);

#endif
