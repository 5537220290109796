#include "chain/rules/reject.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *reason;
    enum reject_class class;
} rejects[REJECT_CODE_COUNT] = {
    [REJECT_NONE] = {"", REJECT_CLASS_NONE},
#define X(code, reason, class) [REJECT_##code] = {reason, class},
#include "chain/rules/reject.def"
#undef X
};

static void begin(struct reject *rej, enum reject_code code)
{
    ASSERT(code > REJECT_NONE && code < REJECT_CODE_COUNT);
    rej->code = code;
    rej->class = rejects[code].class;
    rej->suffix[0] = '\0';
    rej->detail[0] = '\0';
}

bool reject(struct reject *rej, enum reject_code code, const char *detail)
{
    if (!rej)
        return false;
    begin(rej, code);
    if (detail)
        snprintf(rej->detail, sizeof(rej->detail), "%s", detail);
    return false;
}

bool reject_by_state(struct reject *rej, enum reject_code code, const char *detail)
{
    reject(rej, code, detail);
    if (rej != NULL)
        rej->class = TX_STATE;
    return false;
}

bool reject_detail(struct reject *rej, enum reject_code code, const char *fmt, ...)
{
    if (!rej)
        return false;
    begin(rej, code);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(rej->detail, sizeof(rej->detail), fmt, ap);
    va_end(ap);
    return false;
}

bool reject_suffix(struct reject *rej, enum reject_code code, const char *fmt, ...)
{
    if (!rej)
        return false;
    begin(rej, code);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(rej->suffix, sizeof(rej->suffix), fmt, ap);
    va_end(ap);
    return false;
}

bool reject_as_block(struct reject *rej)
{
    if (rej && rej->class < BLOCK_CONSENSUS)
        rej->class = BLOCK_CONSENSUS;
    return false;
}

const char *reject_code_text(enum reject_code code)
{
    return rejects[code].reason;
}

char *reject_reason(const struct reject *rej, char out[192])
{
    snprintf(out, 192, "%s%s", rejects[rej->code].reason, rej->suffix);
    return out;
}

char *reject_text(const struct reject *rej, char out[512])
{
    size_t n = strlen(reject_reason(rej, out));
    if (rej->detail[0])
        snprintf(out + n, 512 - n, ", %s", rej->detail);
    return out;
}

int reject_score(const struct reject *rej)
{
    switch (rej->class) {
    case TX_CONSENSUS:
    case BLOCK_CONSENSUS:
    case BLOCK_INVALID_HEADER:
    case BLOCK_MUTATED:
    case BLOCK_MISSING_PREV:
    case BLOCK_INVALID_PREV:
        return 100;
    case REJECT_CLASS_NONE:
    case TX_STATE:
    case TX_INPUTS_NOT_STANDARD:
    case TX_NOT_STANDARD:
    case TX_MISSING_INPUTS:
    case TX_PREMATURE_SPEND:
    case TX_WITNESS_MUTATED:
    case TX_WITNESS_STRIPPED:
    case TX_CONFLICT:
    case TX_MEMPOOL_POLICY:
    case TX_NO_MEMPOOL:
    case TX_RECONSIDERABLE:
    case PKG_POLICY:
    case PKG_TX:
    case BLOCK_CACHED_INVALID:
    case BLOCK_TIME_FUTURE:
    case BLOCK_HEADER_LOW_WORK:
        return 0;
    }
    return 0;
}
