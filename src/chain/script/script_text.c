#include <stdlib.h>

#include "chain/prim/coin.h"
#include "chain/script/sig_encoding.h"
#include "chain/script/solver.h"
#include "util/hex.h"

static const struct {
    int type;
    const char *name;
} sighash_types[] = {
    {SIGHASH_ALL, "ALL"},
    {SIGHASH_ALL | SIGHASH_ANYONECANPAY, "ALL|ANYONECANPAY"},
    {SIGHASH_NONE, "NONE"},
    {SIGHASH_NONE | SIGHASH_ANYONECANPAY, "NONE|ANYONECANPAY"},
    {SIGHASH_SINGLE, "SINGLE"},
    {SIGHASH_SINGLE | SIGHASH_ANYONECANPAY, "SINGLE|ANYONECANPAY"},
};

const char *sighash_name(int hash_type)
{
    for (size_t i = 0; i < ARRAY_LEN(sighash_types); i++) {
        if (sighash_types[i].type == hash_type)
            return sighash_types[i].name;
    }
    return NULL;
}

bool sighash_from_name(int *out, const char *name)
{
    if (strcmp(name, "DEFAULT") == 0) {
        *out = SIGHASH_DEFAULT;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(sighash_types); i++) {
        if (strcmp(sighash_types[i].name, name) == 0) {
            *out = sighash_types[i].type;
            return true;
        }
    }
    return false;
}

/* -- Script to text -- */

static bool looks_like_signature(struct bytes b)
{
    enum script_error e;
    return b.len > 0 && sig_check_encoding(b, SCRIPT_VERIFY_STRICTENC, &e) &&
           sighash_name(b.data[b.len - 1]) != NULL;
}

/* Without printf: a full block holds tens of thousands. */
static void put_i32(struct buf *out, int32_t v)
{
    char text[12], *p = text + sizeof(text);
    uint32_t abs = v < 0 ? 0u - (uint32_t)v : (uint32_t)v;
    do
        *--p = (char)('0' + abs % 10);
    while ((abs /= 10) != 0);
    if (v < 0)
        *--p = '-';
    buf_append(out, p, (size_t)(text + sizeof(text) - p));
}

static void push_to_asm(struct buf *out, struct bytes data, bool decode_sighash)
{
    int64_t n;
    if (data.len <= 4) {
        bool ok = script_num_decode(&n, data, false, 4);
        ASSERT(ok);
        put_i32(out, (int32_t)n);
    } else if (decode_sighash && looks_like_signature(data)) {
        hex_append(out, data.data, data.len - 1);
        buf_printf(out, "[%s]", sighash_name(data.data[data.len - 1]));
    } else {
        hex_append(out, data.data, data.len);
    }
}

void script_to_asm(struct buf *out, struct bytes script, bool sighash_decode)
{
    struct script_op op;
    size_t pos = 0, start = out->len;
    /* data behind OP_RETURN may look like a signature and is none */
    bool decode = sighash_decode && !script_is_unspendable(script);
    while (pos < script.len) {
        if (out->len > start)
            buf_append_byte(out, ' ');
        if (!script_next(script, &pos, &op)) {
            buf_append_str(out, "[error]");
            return;
        }
        if (op.code <= OP_PUSHDATA4)
            push_to_asm(out, op.data, decode);
        else
            buf_append_str(out, opcode_name(op.code));
    }
}

/* -- Text to script -- */

#define BLANKS          " \t\n"
#define MAX_TEXT_NUMBER INT64_C(0xffffffff)

static bool is_number(const char *w, size_t len)
{
    size_t i = len > 1 && w[0] == '-';
    for (; i < len; i++) {
        if (w[i] < '0' || w[i] > '9')
            return false;
    }
    return true;
}

static bool put_number(struct buf *out, const char *w, size_t len)
{
    char text[24];
    if (len >= sizeof(text))
        return false;
    memcpy(text, w, len);
    text[len] = '\0';
    long long v = strtoll(text, NULL, 10);
    if (v > MAX_TEXT_NUMBER || v < -MAX_TEXT_NUMBER)
        return false;
    script_put_int(out, v);
    return true;
}

/* Opcodes from OP_NOP on and OP_RESERVED, with or without "OP_". */
static bool put_opcode(struct buf *out, const char *w, size_t len)
{
    for (unsigned code = OP_RESERVED; code <= OP_NOP10; code++) {
        if (code > OP_RESERVED && code < OP_NOP)
            continue;
        const char *name = opcode_name((uint8_t)code);
        if (strncmp(name, "OP_", 3) != 0)
            continue;
        if ((strlen(name) == len && memcmp(name, w, len) == 0) ||
            (strlen(name) == len + 3 && memcmp(name + 3, w, len) == 0)) {
            script_put_op(out, (uint8_t)code);
            return true;
        }
    }
    return false;
}

static bool put_word(struct buf *out, const char *w, size_t len, const char **error)
{
    *error = NULL;
    if (is_number(w, len)) {
        if (!put_number(out, w, len))
            *error = "script parse error: decimal numeric value only allowed in the "
                     "range -0xFFFFFFFF...0xFFFFFFFF";
    } else if (len > 2 && w[0] == '0' && w[1] == 'x' && hex_is(w + 2, len - 2)) {
        if (!hex_decode(out, w + 2, len - 2))
            *error = "script parse error: unknown opcode";
    } else if (len >= 2 && w[0] == '\'' && w[len - 1] == '\'') {
        script_put_data(out, w + 1, len - 2);
    } else if (!put_opcode(out, w, len)) {
        *error = "script parse error: unknown opcode";
    }
    return *error == NULL;
}

bool script_from_text(struct buf *out, const char *text, const char **error)
{
    for (;;) {
        text += strspn(text, BLANKS);
        size_t len = strcspn(text, BLANKS);
        if (len == 0)
            return true;
        if (!put_word(out, text, len, error))
            return false;
        text += len;
    }
}
