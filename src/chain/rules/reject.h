/* Why something was refused: a code from reject.def, the rest of a reason string that
 * carries a value, and a detail for logs. */
#ifndef OCHRE_CHAIN_RULES_REJECT_H
#define OCHRE_CHAIN_RULES_REJECT_H

#include "util/bytes.h"

/* Bitcoin Core's validation results, plus TX_STATE for tickets. What a peer deserves
 * for sending such a thing follows from the class alone. */
enum reject_class {
    REJECT_CLASS_NONE,
    TX_CONSENSUS,
    TX_STATE, /* a ticket that does not fit the state: never the peer's fault */
    TX_INPUTS_NOT_STANDARD,
    TX_NOT_STANDARD,
    TX_MISSING_INPUTS,
    TX_PREMATURE_SPEND,
    TX_WITNESS_MUTATED, /* witness may be altered: the txid is not to be remembered */
    TX_WITNESS_STRIPPED,
    TX_CONFLICT,
    TX_MEMPOOL_POLICY,
    TX_NO_MEMPOOL,
    TX_RECONSIDERABLE, /* too low a fee on its own, may pass in a package */
    PKG_POLICY,
    PKG_TX,
    BLOCK_CONSENSUS,
    BLOCK_CACHED_INVALID,
    BLOCK_INVALID_HEADER,
    BLOCK_MUTATED, /* bytes altered: says nothing about the block of that hash */
    BLOCK_MISSING_PREV,
    BLOCK_INVALID_PREV,
    BLOCK_TIME_FUTURE,
    BLOCK_HEADER_LOW_WORK,
};

enum reject_code {
    REJECT_NONE,
#define X(code, reason, class) REJECT_##code,
#include "chain/rules/reject.def"
#undef X
    REJECT_CODE_COUNT,
};

/* Zero-initialised: not rejected. */
struct reject {
    enum reject_code code;
    enum reject_class class;
    char suffix[168]; /* completes the reason string: "(0x00000001)" */
    char detail[336]; /* for logs and RPC's longer message */
};

/* Always false, so a check reads `return reject(...)`; @detail (may be NULL) is for
 * logs only.
 * @rej may be NULL. */
bool reject(struct reject *rej, enum reject_code code, const char *detail);
/* The same for a ticket that is wrong only in this state: as TX_STATE, whatever the
 * code's own class is. */
bool reject_by_state(struct reject *rej, enum reject_code code, const char *detail);
/* The same with a formatted detail. */
bool reject_detail(struct reject *rej, enum reject_code code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* The same with a formatted rest of the reason string itself; no detail. */
bool reject_suffix(struct reject *rej, enum reject_code code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* A transaction's reject becomes that of the block that holds it. Always false. */
bool reject_as_block(struct reject *rej);

const char *reject_code_text(enum reject_code code); /* without suffix */
/* Full reason string into @out; returns out. */
char *reject_reason(const struct reject *rej, char out[192]);
/* "reason, detail" (or the reason alone). */
char *reject_text(const struct reject *rej, char out[512]);
/* 0 or 100, what Bitcoin Core 28 charges a peer that sent the thing itself (not in a
 * compact block). */
int reject_score(const struct reject *rej);

#endif
