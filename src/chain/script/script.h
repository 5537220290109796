/* Scripts as bytes: opcodes, reading one operation after the other, building, numbers,
 * and the shapes that consensus itself recognises (P2SH, witness programs). */
#ifndef OCHRE_CHAIN_SCRIPT_SCRIPT_H
#define OCHRE_CHAIN_SCRIPT_SCRIPT_H

#include "chain/prim/coin.h" /* MAX_SCRIPT_SIZE, script_is_unspendable */

#define MAX_SCRIPT_ELEMENT_SIZE    520
#define MAX_OPS_PER_SCRIPT         201
#define MAX_PUBKEYS_PER_MULTISIG   20
#define MAX_PUBKEYS_PER_MULTI_A    999
#define MAX_STACK_SIZE             1000
#define WITNESS_V0_KEYHASH_SIZE    20
#define WITNESS_V0_SCRIPTHASH_SIZE 32
#define WITNESS_V1_TAPROOT_SIZE    32

enum opcode {
#define X(e, v, n) e = v,
#include "chain/script/opcodes.def"
#undef X
    OP_FALSE = OP_0,
    OP_TRUE = OP_1,
    OP_NOP2 = OP_CHECKLOCKTIMEVERIFY,
    OP_NOP3 = OP_CHECKSEQUENCEVERIFY,
};

/* "OP_CHECKSIG", "0", "-1", "OP_UNKNOWN": static text. */
const char *opcode_name(uint8_t opcode);

/* -- Reading -- */
struct script_op {
    uint8_t code;      /* opcode; 1..75 push as many bytes */
    struct bytes data; /* what it pushes, borrowed; empty for other opcodes and OP_0 */
};

/* Reads the operation at *pos and advances; false at the end (*pos == len then) or at a
 * push that runs past the end. */
static inline bool script_next(struct bytes script, size_t *pos, struct script_op *op)
{
    size_t left = script.len - *pos, n = 0, head = 1;

    if (left == 0)
        return false;
    const uint8_t *p = script.data + *pos;
    op->code = p[0];
    if (op->code <= OP_PUSHDATA4) {
        if (op->code < OP_PUSHDATA1) {
            n = op->code;
        } else if (op->code == OP_PUSHDATA1) {
            if (left < 2)
                return false;
            n = p[1];
            head = 2;
        } else if (op->code == OP_PUSHDATA2) {
            if (left < 3)
                return false;
            n = (size_t)p[1] | (size_t)p[2] << 8;
            head = 3;
        } else {
            if (left < 5)
                return false;
            n = (size_t)p[1] | (size_t)p[2] << 8 | (size_t)p[3] << 16 |
                (size_t)p[4] << 24;
            head = 5;
        }
        if (left - head < n)
            return false;
    }
    op->data = bytes_of(p + head, n);
    *pos += head + n;
    return true;
}

/* 0..16 for OP_0, OP_1..OP_16. */
static inline unsigned opcode_small_int(uint8_t code)
{
    return code == OP_0 ? 0 : code - (OP_1 - 1u);
}
static inline bool opcode_is_small_int(uint8_t code)
{
    return code == OP_0 || (code >= OP_1 && code <= OP_16);
}
/* Whether the push uses the shortest form there is for its data. */
bool script_push_is_minimal(const struct script_op *op);

bool script_is_p2sh(struct bytes script);
bool script_is_p2wsh(struct bytes script);
bool script_is_p2tr(struct bytes script);
bool script_is_p2a(struct bytes script); /* pay to anchor: OP_1 <4e73> */
/* A witness program of any version; *program is borrowed. */
bool script_is_witness_program(struct bytes script, int *version,
                               struct bytes *program);
bool script_is_push_only(struct bytes script);
/* Every operation complete, known, and no push above the element limit. */
bool script_has_valid_ops(struct bytes script);
/* BIP 342: opcodes that make a tapscript succeed. */
bool opcode_is_success(uint8_t opcode);

/* -- Numbers: little-endian, sign in the top bit -- */
/* False: longer than max_len (at most 8), or not minimal while minimal encoding is
 * required. */
NODISCARD bool script_num_decode(int64_t *out, struct bytes data, bool require_minimal,
                                 size_t max_len);
size_t script_num_encode(uint8_t out[9], int64_t v); /* returns the length, 0..9 */

/* -- Building -- */
void script_put_op(struct buf *script, uint8_t opcode);
/* Shortest length prefix; small numbers are not turned into OP_1..OP_16. */
void script_put_data(struct buf *script, const void *data, size_t len);
/* OP_1NEGATE, OP_0..OP_16, or a pushed number. */
void script_put_int(struct buf *script, int64_t v);
/* OP_<version> and the push of the program. */
void script_put_witness_program(struct buf *script, int version, struct bytes program);

/* -- Signature operations (the counts that block limits use) -- */
/* accurate: CHECKMULTISIG counts its keys, not 20. */
unsigned script_sigops(struct bytes script, bool accurate);
/* Of the redeem script that the last push of script_sig is. */
unsigned script_p2sh_sigops(struct bytes script_pubkey, struct bytes script_sig);
unsigned script_witness_sigops(struct bytes script_sig, struct bytes script_pubkey,
                               const struct bytes *witness, uint32_t n_witness,
                               uint32_t flags);

#endif
