#include "chain/script/machine.h"
#include "crypto/hash.h"
#include "crypto/sha256.h"

/* Arithmetic takes numbers of up to four bytes; results may be longer. */
#define NUM_SIZE                  4
#define LOCKTIME_SIZE             5
#define SEQUENCE_LOCKTIME_DISABLE INT64_C(0x80000000)

bool bytes_are_true(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        if (b.data[i] != 0) /* negative zero is false */
            return i != b.len - 1 || b.data[i] != 0x80;
    }
    return false;
}

bool stack_number(struct machine *m, size_t i, size_t max_len, int64_t *out)
{
    if (!script_num_decode(out, stack_bytes(m, i), m->minimal, max_len))
        return fail(m, SCRIPT_ERR_UNKNOWN_ERROR);
    return true;
}

void push_number(struct machine *m, int64_t v)
{
    uint8_t num[9];
    size_t len = script_num_encode(num, v);
    memcpy(push_own(m, len), num, len);
}

/* -- Control -- */

static bool op_nop(struct machine *m UNUSED, uint8_t code UNUSED)
{
    return true;
}

static bool op_upgradable_nop(struct machine *m, uint8_t code UNUSED)
{
    if (m->flags & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS)
        return fail(m, SCRIPT_ERR_DISCOURAGE_UPGRADABLE_NOPS);
    return true;
}

/* BIP 342 demands, and policy for segwit v0 prefers, exactly empty or 01. */
static bool check_minimal_if(struct machine *m, struct bytes arg)
{
    bool minimal = arg.len == 0 || (arg.len == 1 && arg.data[0] == 1);
    if (minimal)
        return true;
    if (m->version == SIG_TAPSCRIPT)
        return fail(m, SCRIPT_ERR_TAPSCRIPT_MINIMALIF);
    if (m->version == SIG_WITNESS_V0 && (m->flags & SCRIPT_VERIFY_MINIMALIF))
        return fail(m, SCRIPT_ERR_MINIMALIF);
    return true;
}

static bool op_if(struct machine *m, uint8_t code)
{
    bool taken = false;
    if (all_taken(&m->branches)) {
        if (m->n < 1)
            return fail(m, SCRIPT_ERR_UNBALANCED_CONDITIONAL);
        struct bytes arg = stack_bytes(m, 0);
        if (!check_minimal_if(m, arg))
            return false;
        taken = bytes_are_true(arg) == (code == OP_IF);
        m->n--;
    }
    m->branches.depth++;
    if (!taken && all_taken(&m->branches))
        m->branches.first_false = m->branches.depth;
    return true;
}

static bool op_else(struct machine *m, uint8_t code UNUSED)
{
    struct conditions *c = &m->branches;
    if (c->depth == 0)
        return fail(m, SCRIPT_ERR_UNBALANCED_CONDITIONAL);
    if (c->first_false == 0)
        c->first_false = c->depth;
    else if (c->first_false == c->depth)
        c->first_false = 0;
    return true;
}

static bool op_endif(struct machine *m, uint8_t code UNUSED)
{
    struct conditions *c = &m->branches;
    if (c->depth == 0)
        return fail(m, SCRIPT_ERR_UNBALANCED_CONDITIONAL);
    if (c->first_false == c->depth)
        c->first_false = 0;
    c->depth--;
    return true;
}

static bool op_verify(struct machine *m, uint8_t code UNUSED)
{
    if (!bytes_are_true(stack_bytes(m, 0)))
        return fail(m, SCRIPT_ERR_VERIFY);
    m->n--;
    return true;
}

static bool op_return(struct machine *m, uint8_t code UNUSED)
{
    return fail(m, SCRIPT_ERR_OP_RETURN);
}

static bool op_checklocktimeverify(struct machine *m, uint8_t code UNUSED)
{
    int64_t locktime;
    if (!(m->flags & SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY))
        return true;
    if (m->n < 1)
        return fail(m, SCRIPT_ERR_INVALID_STACK_OPERATION);
    if (!stack_number(m, 0, LOCKTIME_SIZE, &locktime))
        return false;
    if (locktime < 0)
        return fail(m, SCRIPT_ERR_NEGATIVE_LOCKTIME);
    if (!check_locktime(m->checker, locktime))
        return fail(m, SCRIPT_ERR_UNSATISFIED_LOCKTIME);
    return true;
}

static bool op_checksequenceverify(struct machine *m, uint8_t code UNUSED)
{
    int64_t sequence;
    if (!(m->flags & SCRIPT_VERIFY_CHECKSEQUENCEVERIFY))
        return true;
    if (m->n < 1)
        return fail(m, SCRIPT_ERR_INVALID_STACK_OPERATION);
    if (!stack_number(m, 0, LOCKTIME_SIZE, &sequence))
        return false;
    if (sequence < 0)
        return fail(m, SCRIPT_ERR_NEGATIVE_LOCKTIME);
    if (sequence & SEQUENCE_LOCKTIME_DISABLE)
        return true;
    if (!check_sequence(m->checker, sequence))
        return fail(m, SCRIPT_ERR_UNSATISFIED_LOCKTIME);
    return true;
}

/* -- Constants and stack -- */

static bool op_constant(struct machine *m, uint8_t code)
{
    push_number(m, (int64_t)code - (OP_1 - 1));
    return true;
}

static bool op_toaltstack(struct machine *m, uint8_t code UNUSED)
{
    /* n + n_alt stays the same; the two ends never meet, because cap leaves room */
    struct element top = *stack_top(m, 0);
    m->n--;
    m->items[m->cap - ++m->n_alt] = top;
    return true;
}

static bool op_fromaltstack(struct machine *m, uint8_t code UNUSED)
{
    if (m->n_alt < 1)
        return fail(m, SCRIPT_ERR_INVALID_ALTSTACK_OPERATION);
    struct element e = m->items[m->cap - m->n_alt--];
    push_element(m, &e);
    return true;
}

static bool op_drop(struct machine *m, uint8_t code)
{
    m->n -= code == OP_2DROP ? 2 : 1;
    return true;
}

/* OP_DUP, OP_2DUP, OP_3DUP: the top n once more. */
static bool op_dup(struct machine *m, uint8_t code)
{
    size_t n = code == OP_DUP ? 1 : code == OP_2DUP ? 2 : 3;
    for (size_t i = 0; i < n; i++)
        push_element(m, stack_top(m, n - 1));
    return true;
}

static bool op_ifdup(struct machine *m, uint8_t code UNUSED)
{
    if (bytes_are_true(stack_bytes(m, 0)))
        push_element(m, stack_top(m, 0));
    return true;
}

static bool op_over(struct machine *m, uint8_t code UNUSED)
{
    push_element(m, stack_top(m, 1));
    return true;
}

static bool op_2over(struct machine *m, uint8_t code UNUSED)
{
    push_element(m, stack_top(m, 3));
    push_element(m, stack_top(m, 3));
    return true;
}

/* Moves the element at depth i to the top. */
static void roll(struct machine *m, size_t i)
{
    struct element e = *stack_top(m, i);
    memmove(stack_top(m, i), stack_top(m, i) + 1, i * sizeof(e));
    *stack_top(m, 0) = e;
}

static bool op_2rot(struct machine *m, uint8_t code UNUSED)
{
    roll(m, 5);
    roll(m, 5);
    return true;
}

static bool op_2swap(struct machine *m, uint8_t code UNUSED)
{
    roll(m, 3);
    roll(m, 3);
    return true;
}

static bool op_rot(struct machine *m, uint8_t code UNUSED)
{
    roll(m, 2);
    return true;
}

static bool op_swap(struct machine *m, uint8_t code UNUSED)
{
    roll(m, 1);
    return true;
}

static bool op_nip(struct machine *m, uint8_t code UNUSED)
{
    *stack_top(m, 1) = *stack_top(m, 0);
    m->n--;
    return true;
}

static bool op_tuck(struct machine *m, uint8_t code UNUSED)
{
    roll(m, 1);
    push_element(m, stack_top(m, 1));
    return true;
}

static bool op_pick_roll(struct machine *m, uint8_t code)
{
    int64_t depth;
    if (!stack_number(m, 0, NUM_SIZE, &depth))
        return false;
    m->n--;
    if (depth < 0 || (uint64_t)depth >= m->n)
        return fail(m, SCRIPT_ERR_INVALID_STACK_OPERATION);
    if (code == OP_ROLL)
        roll(m, (size_t)depth);
    else
        push_element(m, stack_top(m, (size_t)depth));
    return true;
}

static bool op_depth(struct machine *m, uint8_t code UNUSED)
{
    push_number(m, (int64_t)m->n);
    return true;
}

static bool op_size(struct machine *m, uint8_t code UNUSED)
{
    push_number(m, (int64_t)stack_bytes(m, 0).len);
    return true;
}

static bool op_equal(struct machine *m, uint8_t code)
{
    bool equal = bytes_equal(stack_bytes(m, 0), stack_bytes(m, 1));
    m->n -= 2;
    if (code == OP_EQUALVERIFY)
        return equal || fail(m, SCRIPT_ERR_EQUALVERIFY);
    push_bool(m, equal);
    return true;
}

/* -- Numbers -- */

static bool op_unary(struct machine *m, uint8_t code)
{
    int64_t a;
    if (!stack_number(m, 0, NUM_SIZE, &a))
        return false;
    switch (code) {
    case OP_1ADD:
        a += 1;
        break;
    case OP_1SUB:
        a -= 1;
        break;
    case OP_NEGATE:
        a = -a;
        break;
    case OP_ABS:
        a = a < 0 ? -a : a;
        break;
    case OP_NOT:
        a = a == 0;
        break;
    case OP_0NOTEQUAL:
        a = a != 0;
        break;
    default:
        ASSERT(false);
    }
    m->n--;
    push_number(m, a);
    return true;
}

static int64_t binary_result(uint8_t code, int64_t a, int64_t b)
{
    switch (code) {
    case OP_ADD:
        return a + b;
    case OP_SUB:
        return a - b;
    case OP_BOOLAND:
        return a != 0 && b != 0;
    case OP_BOOLOR:
        return a != 0 || b != 0;
    case OP_NUMEQUAL:
        return a == b;
    case OP_NUMEQUALVERIFY:
        return a == b;
    case OP_NUMNOTEQUAL:
        return a != b;
    case OP_LESSTHAN:
        return a < b;
    case OP_GREATERTHAN:
        return a > b;
    case OP_LESSTHANOREQUAL:
        return a <= b;
    case OP_GREATERTHANOREQUAL:
        return a >= b;
    case OP_MIN:
        return a < b ? a : b;
    case OP_MAX:
        return a > b ? a : b;
    default:
        ASSERT(false);
        return 0;
    }
}

static bool op_binary(struct machine *m, uint8_t code)
{
    int64_t a, b;
    if (!stack_number(m, 1, NUM_SIZE, &a) || !stack_number(m, 0, NUM_SIZE, &b))
        return false;
    m->n -= 2;
    int64_t result = binary_result(code, a, b);
    if (code == OP_NUMEQUALVERIFY)
        return result != 0 || fail(m, SCRIPT_ERR_NUMEQUALVERIFY);
    push_number(m, result);
    return true;
}

static bool op_within(struct machine *m, uint8_t code UNUSED)
{
    int64_t x, min, max;
    if (!stack_number(m, 2, NUM_SIZE, &x) || !stack_number(m, 1, NUM_SIZE, &min) ||
        !stack_number(m, 0, NUM_SIZE, &max))
        return false;
    m->n -= 3;
    push_bool(m, min <= x && x < max);
    return true;
}

/* -- Hashes -- */

static bool op_hash(struct machine *m, uint8_t code)
{
    uint8_t out[32];
    struct bytes in = stack_bytes(m, 0);
    size_t len = 20;
    switch (code) {
    case OP_RIPEMD160:
        ripemd160(out, in.data, in.len);
        break;
    case OP_SHA1:
        sha1(out, in.data, in.len);
        break;
    case OP_HASH160:
        hash160(out, in.data, in.len);
        break;
    case OP_SHA256:
        sha256(out, in.data, in.len), len = 32;
        break;
    case OP_HASH256:
        sha256d(out, in.data, in.len), len = 32;
        break;
    default:
        ASSERT(false);
    }
    memcpy(element_own(stack_top(m, 0), len), out, len);
    return true;
}

/* -- The table -- */

#define DISABLED                                                                       \
    {                                                                                  \
        .disabled = true                                                               \
    }
#define CONSTANT                                                                       \
    {                                                                                  \
        op_constant, 0, false, false                                                   \
    }
#define UPGRADABLE                                                                     \
    {                                                                                  \
        op_upgradable_nop, 0, false, false                                             \
    }

const struct op_rule op_rules[256] = {
    [OP_1NEGATE] = CONSTANT,
    [OP_1] = CONSTANT,
    [OP_2] = CONSTANT,
    [OP_3] = CONSTANT,
    [OP_4] = CONSTANT,
    [OP_5] = CONSTANT,
    [OP_6] = CONSTANT,
    [OP_7] = CONSTANT,
    [OP_8] = CONSTANT,
    [OP_9] = CONSTANT,
    [OP_10] = CONSTANT,
    [OP_11] = CONSTANT,
    [OP_12] = CONSTANT,
    [OP_13] = CONSTANT,
    [OP_14] = CONSTANT,
    [OP_15] = CONSTANT,
    [OP_16] = CONSTANT,

    [OP_NOP] = {op_nop},
    [OP_IF] = {op_if, .conditional = true},
    [OP_NOTIF] = {op_if, .conditional = true},
    [OP_VERIF] = {.conditional = true},
    [OP_VERNOTIF] = {.conditional = true},
    [OP_ELSE] = {op_else, .conditional = true},
    [OP_ENDIF] = {op_endif, .conditional = true},
    [OP_VERIFY] = {op_verify, 1},
    [OP_RETURN] = {op_return},

    [OP_TOALTSTACK] = {op_toaltstack, 1},
    [OP_FROMALTSTACK] = {op_fromaltstack},
    [OP_2DROP] = {op_drop, 2},
    [OP_2DUP] = {op_dup, 2},
    [OP_3DUP] = {op_dup, 3},
    [OP_2OVER] = {op_2over, 4},
    [OP_2ROT] = {op_2rot, 6},
    [OP_2SWAP] = {op_2swap, 4},
    [OP_IFDUP] = {op_ifdup, 1},
    [OP_DEPTH] = {op_depth},
    [OP_DROP] = {op_drop, 1},
    [OP_DUP] = {op_dup, 1},
    [OP_NIP] = {op_nip, 2},
    [OP_OVER] = {op_over, 2},
    [OP_PICK] = {op_pick_roll, 2},
    [OP_ROLL] = {op_pick_roll, 2},
    [OP_ROT] = {op_rot, 3},
    [OP_SWAP] = {op_swap, 2},
    [OP_TUCK] = {op_tuck, 2},

    [OP_CAT] = DISABLED,
    [OP_SUBSTR] = DISABLED,
    [OP_LEFT] = DISABLED,
    [OP_RIGHT] = DISABLED,
    [OP_SIZE] = {op_size, 1},
    [OP_INVERT] = DISABLED,
    [OP_AND] = DISABLED,
    [OP_OR] = DISABLED,
    [OP_XOR] = DISABLED,
    [OP_EQUAL] = {op_equal, 2},
    [OP_EQUALVERIFY] = {op_equal, 2},

    [OP_1ADD] = {op_unary, 1},
    [OP_1SUB] = {op_unary, 1},
    [OP_2MUL] = DISABLED,
    [OP_2DIV] = DISABLED,
    [OP_NEGATE] = {op_unary, 1},
    [OP_ABS] = {op_unary, 1},
    [OP_NOT] = {op_unary, 1},
    [OP_0NOTEQUAL] = {op_unary, 1},
    [OP_ADD] = {op_binary, 2},
    [OP_SUB] = {op_binary, 2},
    [OP_MUL] = DISABLED,
    [OP_DIV] = DISABLED,
    [OP_MOD] = DISABLED,
    [OP_LSHIFT] = DISABLED,
    [OP_RSHIFT] = DISABLED,
    [OP_BOOLAND] = {op_binary, 2},
    [OP_BOOLOR] = {op_binary, 2},
    [OP_NUMEQUAL] = {op_binary, 2},
    [OP_NUMEQUALVERIFY] = {op_binary, 2},
    [OP_NUMNOTEQUAL] = {op_binary, 2},
    [OP_LESSTHAN] = {op_binary, 2},
    [OP_GREATERTHAN] = {op_binary, 2},
    [OP_LESSTHANOREQUAL] = {op_binary, 2},
    [OP_GREATERTHANOREQUAL] = {op_binary, 2},
    [OP_MIN] = {op_binary, 2},
    [OP_MAX] = {op_binary, 2},
    [OP_WITHIN] = {op_within, 3},

    [OP_RIPEMD160] = {op_hash, 1},
    [OP_SHA1] = {op_hash, 1},
    [OP_SHA256] = {op_hash, 1},
    [OP_HASH160] = {op_hash, 1},
    [OP_HASH256] = {op_hash, 1},
    [OP_CODESEPARATOR] = {op_codeseparator},
    [OP_CHECKSIG] = {op_checksig, 2},
    [OP_CHECKSIGVERIFY] = {op_checksig, 2},
    [OP_CHECKMULTISIG] = {op_checkmultisig},
    [OP_CHECKMULTISIGVERIFY] = {op_checkmultisig},
    [OP_CHECKSIGADD] = {op_checksigadd},

    [OP_NOP1] = UPGRADABLE,
    [OP_CHECKLOCKTIMEVERIFY] = {op_checklocktimeverify},
    [OP_CHECKSEQUENCEVERIFY] = {op_checksequenceverify},
    [OP_NOP4] = UPGRADABLE,
    [OP_NOP5] = UPGRADABLE,
    [OP_NOP6] = UPGRADABLE,
    [OP_NOP7] = UPGRADABLE,
    [OP_NOP8] = UPGRADABLE,
    [OP_NOP9] = UPGRADABLE,
    [OP_NOP10] = UPGRADABLE,
};
