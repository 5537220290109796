#include "chain/script/script.h"

const char *opcode_name(uint8_t opcode)
{
    static const char *const names[256] = {
#define X(e, v, n) [v] = n,
#include "chain/script/opcodes.def"
#undef X
    };
    return names[opcode] != NULL ? names[opcode] : "OP_UNKNOWN";
}

bool script_push_is_minimal(const struct script_op *op)
{
    size_t n = op->data.len;
    if (n == 0)
        return op->code == OP_0;
    if (n == 1) {
        uint8_t b = op->data.data[0];
        if ((b >= 1 && b <= 16) || b == 0x81)
            return false; /* OP_1..OP_16, OP_1NEGATE */
    }
    if (n < OP_PUSHDATA1)
        return op->code == n;
    if (n <= 0xff)
        return op->code == OP_PUSHDATA1;
    if (n <= 0xffff)
        return op->code == OP_PUSHDATA2;
    return true;
}

bool script_is_p2sh(struct bytes s)
{
    return s.len == 23 && s.data[0] == OP_HASH160 && s.data[1] == 20 &&
           s.data[22] == OP_EQUAL;
}

bool script_is_p2wsh(struct bytes s)
{
    return s.len == 34 && s.data[0] == OP_0 && s.data[1] == 32;
}

bool script_is_p2tr(struct bytes s)
{
    return s.len == 34 && s.data[0] == OP_1 && s.data[1] == 32;
}

bool script_is_p2a(struct bytes s)
{
    static const uint8_t p2a[] = {OP_1, 0x02, 0x4e, 0x73};
    return bytes_equal(s, bytes_of(p2a, sizeof(p2a)));
}

bool script_is_witness_program(struct bytes s, int *version, struct bytes *program)
{
    if (s.len < 4 || s.len > 42)
        return false;
    if (!opcode_is_small_int(s.data[0]) || s.data[1] + 2u != s.len)
        return false;
    *version = (int)opcode_small_int(s.data[0]);
    *program = bytes_of(s.data + 2, s.len - 2);
    return true;
}

bool script_is_push_only(struct bytes s)
{
    struct script_op op;
    size_t pos = 0;
    while (script_next(s, &pos, &op)) {
        if (op.code > OP_16)
            return false;
    }
    return pos == s.len;
}

bool script_has_valid_ops(struct bytes s)
{
    struct script_op op;
    size_t pos = 0;
    while (script_next(s, &pos, &op)) {
        if (op.code > OP_NOP10 || op.data.len > MAX_SCRIPT_ELEMENT_SIZE)
            return false;
    }
    return pos == s.len;
}

bool opcode_is_success(uint8_t c)
{
    return c == OP_RESERVED || c == OP_VER || (c >= OP_CAT && c <= OP_RIGHT) ||
           (c >= OP_INVERT && c <= OP_XOR) || c == OP_RESERVED1 || c == OP_RESERVED2 ||
           c == OP_2MUL || c == OP_2DIV || (c >= OP_MUL && c <= OP_RSHIFT) ||
           (c > OP_CHECKSIGADD && c < OP_INVALIDOPCODE);
}

/* The top byte may be 00 or 80 only to carry the sign of a full byte below it. */
static bool num_is_minimal(struct bytes d)
{
    if (d.len == 0 || (d.data[d.len - 1] & 0x7f) != 0)
        return true;
    return d.len > 1 && (d.data[d.len - 2] & 0x80) != 0;
}

bool script_num_decode(int64_t *out, struct bytes d, bool require_minimal,
                       size_t max_len)
{
    ASSERT(max_len <= 8);
    if (d.len > max_len || (require_minimal && !num_is_minimal(d)))
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < d.len; i++)
        v |= (uint64_t)d.data[i] << (8 * i);
    bool negative = d.len > 0 && (d.data[d.len - 1] & 0x80) != 0;
    if (negative)
        v &= ~(UINT64_C(0x80) << (8 * (d.len - 1)));
    *out = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

size_t script_num_encode(uint8_t out[9], int64_t v)
{
    size_t n = 0;
    uint64_t abs = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    for (; abs != 0; abs >>= 8)
        out[n++] = (uint8_t)abs;
    if (n > 0 && (out[n - 1] & 0x80) != 0)
        out[n++] = v < 0 ? 0x80 : 0;
    else if (v < 0)
        out[n - 1] |= 0x80;
    return n;
}

void script_put_op(struct buf *script, uint8_t opcode)
{
    buf_append_byte(script, opcode);
}

static void put_push_size(struct buf *script, size_t len)
{
    if (len < OP_PUSHDATA1) {
        buf_append_byte(script, (uint8_t)len);
        return;
    }
    size_t n = len <= 0xff ? 1 : len <= 0xffff ? 2 : 4;
    buf_append_byte(script, n == 1   ? OP_PUSHDATA1
                            : n == 2 ? OP_PUSHDATA2
                                     : OP_PUSHDATA4);
    for (size_t i = 0; i < n; i++)
        buf_append_byte(script, (uint8_t)(len >> (8 * i)));
}

void script_put_data(struct buf *script, const void *data, size_t len)
{
    put_push_size(script, len);
    buf_append(script, data, len);
}

void script_put_int(struct buf *script, int64_t v)
{
    uint8_t num[9];
    if (v == 0)
        buf_append_byte(script, OP_0);
    else if (v == -1 || (v >= 1 && v <= 16))
        buf_append_byte(script, (uint8_t)(v + (OP_1 - 1)));
    else
        script_put_data(script, num, script_num_encode(num, v));
}

void script_put_witness_program(struct buf *script, int version, struct bytes program)
{
    script_put_int(script, version);
    script_put_data(script, program.data, program.len);
}
