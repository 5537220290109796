#include "chain/script/interpreter.h"

#include <stdlib.h>

#include "chain/script/machine.h"
#include "crypto/secp.h"
#include "crypto/sha256.h"
#include "util/mem.h"

/* The limit is checked after an operation, which may push three elements. */
#define STACK_ROOM (MAX_STACK_SIZE + 4)

#define TAPROOT_LEAF_MASK      0xfe
#define TAPROOT_LEAF_TAPSCRIPT 0xc0
#define TAPROOT_ANNEX_TAG      0x50
#define TAPROOT_CONTROL_BASE   33
#define TAPROOT_CONTROL_NODE   32
#define TAPROOT_CONTROL_MAX    (TAPROOT_CONTROL_BASE + 128 * TAPROOT_CONTROL_NODE)
/* Validation weight every tapscript input has on top of its witness (BIP 342). */
#define TAPSCRIPT_WEIGHT_OFFSET 50

/* -- One script -- */

static bool is_limited(const struct machine *m) /* in size and operations */
{
    return m->version == SIG_BASE || m->version == SIG_WITNESS_V0;
}

/* Checks that hold for operations in branches not taken, too. */
static bool check_op(struct machine *m, const struct script_op *op)
{
    if (op->data.len > MAX_SCRIPT_ELEMENT_SIZE)
        return fail(m, SCRIPT_ERR_PUSH_SIZE);
    if (is_limited(m) && op->code > OP_16 && ++m->op_count > MAX_OPS_PER_SCRIPT)
        return fail(m, SCRIPT_ERR_OP_COUNT);
    if (op_rules[op->code].disabled)
        return fail(m, SCRIPT_ERR_DISABLED_OPCODE);
    if (op->code == OP_CODESEPARATOR && m->version == SIG_BASE &&
        (m->flags & SCRIPT_VERIFY_CONST_SCRIPTCODE))
        return fail(m, SCRIPT_ERR_OP_CODESEPARATOR);
    return true;
}

static bool run_op(struct machine *m, const struct script_op *op)
{
    const struct op_rule *rule = &op_rules[op->code];
    bool taken = all_taken(&m->branches);
    if (taken && op->code <= OP_PUSHDATA4) {
        if (m->minimal && !script_push_is_minimal(op))
            return fail(m, SCRIPT_ERR_MINIMALDATA);
        push_borrowed(m, op->data);
        return true;
    }
    if (!taken && !rule->conditional)
        return true;
    if (rule->run == NULL)
        return fail(m, SCRIPT_ERR_BAD_OPCODE);
    if (m->n < rule->need)
        return fail(m, SCRIPT_ERR_INVALID_STACK_OPERATION);
    return rule->run(m, op->code);
}

bool machine_run(struct machine *m)
{
    struct script_op op;
    m->pos = m->code_start = 0;
    m->n_alt = 0;
    m->op_index = m->op_count = 0;
    m->branches = (struct conditions){0};
    m->minimal = (m->flags & SCRIPT_VERIFY_MINIMALDATA) != 0;
    m->taproot.codeseparator = UINT32_MAX;

    if (is_limited(m) && m->script.len > MAX_SCRIPT_SIZE)
        return fail(m, SCRIPT_ERR_SCRIPT_SIZE);
    for (; script_next(m->script, &m->pos, &op); m->op_index++) {
        if (!check_op(m, &op) || !run_op(m, &op))
            return false;
        if (m->n + m->n_alt > MAX_STACK_SIZE)
            return fail(m, SCRIPT_ERR_STACK_SIZE);
    }
    if (m->pos != m->script.len)
        return fail(m, SCRIPT_ERR_BAD_OPCODE);
    if (m->branches.depth != 0)
        return fail(m, SCRIPT_ERR_UNBALANCED_CONDITIONAL);
    return true;
}

static bool run_base(struct machine *m, struct bytes script)
{
    m->script = script;
    m->version = SIG_BASE;
    return machine_run(m);
}

static bool check_true_on_top(struct machine *m)
{
    if (m->n == 0 || !bytes_are_true(stack_bytes(m, 0)))
        return fail(m, SCRIPT_ERR_EVAL_FALSE);
    return true;
}

/* -- Witness scripts -- */

/* BIP 342: 1 found and the script succeeds, 0 none, -1 failed. */
static int find_op_success(struct machine *m)
{
    struct script_op op;
    size_t pos = 0;
    while (script_next(m->script, &pos, &op)) {
        if (!opcode_is_success(op.code))
            continue;
        if (m->flags & SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS) {
            fail(m, SCRIPT_ERR_DISCOURAGE_OP_SUCCESS);
            return -1;
        }
        return 1;
    }
    if (pos == m->script.len)
        return 0;
    fail(m, SCRIPT_ERR_BAD_OPCODE);
    return -1;
}

static bool load_stack(struct machine *m, const struct bytes *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (items[i].len > MAX_SCRIPT_ELEMENT_SIZE)
            return fail(m, SCRIPT_ERR_PUSH_SIZE);
    }
    m->n = m->n_alt = 0;
    for (size_t i = 0; i < n; i++)
        push_borrowed(m, items[i]);
    return true;
}

static bool run_loaded(struct machine *m)
{
    if (!machine_run(m))
        return false;
    if (m->n != 1)
        return fail(m, SCRIPT_ERR_CLEANSTACK);
    return check_true_on_top(m);
}

/* More initial elements than may ever be legal: run all the same, so that the error is
 * the one that comes first. */
static bool run_oversized(struct machine *m, const struct bytes *items, size_t n)
{
    struct element *own = m->items;
    size_t own_cap = m->cap;
    m->cap = n + 4;
    m->items = xcalloc(m->cap, sizeof(*m->items));
    bool ok = load_stack(m, items, n) && run_loaded(m);
    free(m->items);
    m->items = own;
    m->cap = own_cap;
    return ok;
}

static bool run_witness_script(struct machine *m, struct bytes script,
                               enum sig_version version, const struct bytes *items,
                               size_t n)
{
    m->script = script;
    m->version = version;
    if (version == SIG_TAPSCRIPT) {
        int success = find_op_success(m);
        if (success != 0)
            return success > 0;
        if (n > MAX_STACK_SIZE)
            return fail(m, SCRIPT_ERR_STACK_SIZE);
    }
    if (n > MAX_STACK_SIZE)
        return run_oversized(m, items, n);
    return load_stack(m, items, n) && run_loaded(m);
}

/* -- Witness programs -- */

static bool verify_p2wpkh(struct machine *m, struct bytes program,
                          const struct bytes *witness, size_t n)
{
    uint8_t script[25] = {OP_DUP, OP_HASH160, 20};
    if (n != 2)
        return fail(m, SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH);
    memcpy(script + 3, program.data, 20);
    script[23] = OP_EQUALVERIFY;
    script[24] = OP_CHECKSIG;
    return run_witness_script(m, bytes_of(script, 25), SIG_WITNESS_V0, witness, n);
}

static bool verify_p2wsh(struct machine *m, struct bytes program,
                         const struct bytes *witness, size_t n)
{
    uint8_t hash[32];
    if (n == 0)
        return fail(m, SCRIPT_ERR_WITNESS_PROGRAM_WITNESS_EMPTY);
    struct bytes script = witness[n - 1];
    sha256(hash, script.data, script.len);
    if (memcmp(hash, program.data, 32) != 0)
        return fail(m, SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH);
    return run_witness_script(m, script, SIG_WITNESS_V0, witness, n - 1);
}

struct hash256 taproot_merkle_root(struct bytes control, const struct hash256 *leaf)
{
    struct hash256 k = *leaf;
    for (size_t at = TAPROOT_CONTROL_BASE; at < control.len;
         at += TAPROOT_CONTROL_NODE) {
        struct hash256 node;
        memcpy(node.b, control.data + at, 32);
        k = tapbranch_hash(&k, &node);
    }
    return k;
}

static bool control_size_is_valid(size_t len)
{
    return len >= TAPROOT_CONTROL_BASE && len <= TAPROOT_CONTROL_MAX &&
           (len - TAPROOT_CONTROL_BASE) % TAPROOT_CONTROL_NODE == 0;
}

static bool commits_to_leaf(struct bytes control, struct bytes program,
                            const struct hash256 *leaf)
{
    const uint8_t *internal = control.data + 1;
    struct hash256 root = taproot_merkle_root(control, leaf);
    struct hash256 tweak = taptweak_hash(internal, &root);
    return secp_xonly_tweak_check(program.data, control.data[0] & 1, internal, tweak.b);
}

/* Serialised size of a witness. */
static int64_t witness_size(const struct bytes *items, size_t n)
{
    size_t size = varint_size(n);
    for (size_t i = 0; i < n; i++)
        size += varint_size(items[i].len) + items[i].len;
    return (int64_t)size;
}

static bool verify_script_path(struct machine *m, struct bytes program,
                               const struct bytes *witness, size_t n)
{
    struct bytes control = witness[n - 1], script = witness[n - 2];
    if (!control_size_is_valid(control.len))
        return fail(m, SCRIPT_ERR_TAPROOT_WRONG_CONTROL_SIZE);
    uint8_t leaf_version = control.data[0] & TAPROOT_LEAF_MASK;
    m->taproot.leaf_hash = tapleaf_hash(leaf_version, script);
    if (!commits_to_leaf(control, program, &m->taproot.leaf_hash))
        return fail(m, SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH);
    if (leaf_version == TAPROOT_LEAF_TAPSCRIPT) {
        m->taproot.script_path = true;
        return run_witness_script(m, script, SIG_TAPSCRIPT, witness, n - 2);
    }
    if (m->flags & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION)
        return fail(m, SCRIPT_ERR_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION);
    return true;
}

static bool take_annex(struct machine *m, const struct bytes *witness, size_t n)
{
    struct bytes last = witness[n - 1];
    struct sha256 h;
    if (n < 2 || last.len == 0 || last.data[0] != TAPROOT_ANNEX_TAG)
        return false;
    sha256_init(&h);
    struct sink s = sha256_sink(&h);
    write_var(&s, last);
    sha256_final(&h, m->taproot.annex_hash.b);
    return true;
}

static bool verify_taproot(struct machine *m, struct bytes program,
                           const struct bytes *witness, size_t n)
{
    if (!(m->flags & SCRIPT_VERIFY_TAPROOT))
        return true;
    if (n == 0)
        return fail(m, SCRIPT_ERR_WITNESS_PROGRAM_WITNESS_EMPTY);
    m->taproot = (struct sighash_taproot){.codeseparator = UINT32_MAX};
    m->weight_left = witness_size(witness, n) + TAPSCRIPT_WEIGHT_OFFSET;
    m->taproot.has_annex = take_annex(m, witness, n);
    n -= m->taproot.has_annex;
    if (n == 1)
        return check_schnorr(m->checker, witness[0], program, &m->taproot, &m->error);
    return verify_script_path(m, program, witness, n);
}

static bool verify_program(struct machine *m, int version, struct bytes program,
                           const struct bytes *witness, size_t n, bool in_p2sh)
{
    if (version == 0) {
        if (program.len == WITNESS_V0_KEYHASH_SIZE)
            return verify_p2wpkh(m, program, witness, n);
        if (program.len == WITNESS_V0_SCRIPTHASH_SIZE)
            return verify_p2wsh(m, program, witness, n);
        return fail(m, SCRIPT_ERR_WITNESS_PROGRAM_WRONG_LENGTH);
    }
    if (version == 1 && program.len == WITNESS_V1_TAPROOT_SIZE && !in_p2sh)
        return verify_taproot(m, program, witness, n);
    bool anchor = version == 1 && program.len == 2 && program.data[0] == 0x4e &&
                  program.data[1] == 0x73;
    if (anchor && !in_p2sh)
        return true;
    if (m->flags & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM)
        return fail(m, SCRIPT_ERR_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM);
    return true;
}

/* -- One input -- */

struct input {
    struct bytes script_sig, script_pubkey;
    const struct bytes *witness;
    size_t n_witness;
};

/* The script_sig must be the push of the redeem script and nothing else. */
static bool is_push_of(struct bytes script_sig, struct bytes redeem)
{
    struct script_op op;
    size_t pos = 0;
    return script_next(script_sig, &pos, &op) && pos == script_sig.len &&
           bytes_equal(op.data, redeem) && op.code == redeem.len;
}

static bool verify_bare_program(struct machine *m, const struct input *in,
                                bool *witness_used)
{
    int version;
    struct bytes program;
    if (!(m->flags & SCRIPT_VERIFY_WITNESS) ||
        !script_is_witness_program(in->script_pubkey, &version, &program))
        return true;
    *witness_used = true;
    if (in->script_sig.len != 0)
        return fail(m, SCRIPT_ERR_WITNESS_MALLEATED);
    bool ok = verify_program(m, version, program, in->witness, in->n_witness, false);
    m->n = 1; /* for the clean-stack rule: witness programs have one of their own */
    return ok;
}

static bool verify_p2sh_program(struct machine *m, const struct input *in,
                                struct bytes redeem, bool *witness_used)
{
    int version;
    struct bytes program;
    if (!(m->flags & SCRIPT_VERIFY_WITNESS) ||
        !script_is_witness_program(redeem, &version, &program))
        return true;
    *witness_used = true;
    if (!is_push_of(in->script_sig, redeem))
        return fail(m, SCRIPT_ERR_WITNESS_MALLEATED_P2SH);
    bool ok = verify_program(m, version, program, in->witness, in->n_witness, true);
    m->n = 1;
    return ok;
}

/* BIP 16. The stack is as script_sig left it, but for its top, which HASH160 and EQUAL
 * have replaced; *top is what was there: the redeem script. */
static bool verify_p2sh(struct machine *m, const struct input *in,
                        const struct element *top, bool *witness_used)
{
    struct bytes redeem = element_bytes(top);
    if (!script_is_push_only(in->script_sig))
        return fail(m, SCRIPT_ERR_SIG_PUSHONLY);
    m->n--;
    return run_base(m, redeem) && check_true_on_top(m) &&
           verify_p2sh_program(m, in, redeem, witness_used);
}

static bool verify_input(struct machine *m, const struct input *in)
{
    bool witness_used = false;
    struct element top = {0};
    if ((m->flags & SCRIPT_VERIFY_SIGPUSHONLY) && !script_is_push_only(in->script_sig))
        return fail(m, SCRIPT_ERR_SIG_PUSHONLY);
    if (!run_base(m, in->script_sig))
        return false;
    if (m->n > 0)
        top = *stack_top(m, 0);
    if (!run_base(m, in->script_pubkey) || !check_true_on_top(m) ||
        !verify_bare_program(m, in, &witness_used))
        return false;
    if ((m->flags & SCRIPT_VERIFY_P2SH) && script_is_p2sh(in->script_pubkey) &&
        !verify_p2sh(m, in, &top, &witness_used))
        return false;
    if ((m->flags & SCRIPT_VERIFY_CLEANSTACK) && m->n != 1)
        return fail(m, SCRIPT_ERR_CLEANSTACK);
    if ((m->flags & SCRIPT_VERIFY_WITNESS) && !witness_used && in->n_witness > 0)
        return fail(m, SCRIPT_ERR_WITNESS_UNEXPECTED);
    return true;
}

static void machine_init(struct machine *m, struct element *items, size_t cap,
                         uint32_t flags, const struct sig_checker *checker)
{
    m->items = items;
    m->cap = cap;
    m->n = m->n_alt = 0;
    m->flags = flags;
    m->checker = checker;
    m->error = SCRIPT_ERR_UNKNOWN_ERROR;
    m->weight_left = 0;
    m->taproot = (struct sighash_taproot){.codeseparator = UINT32_MAX};
}

bool script_verify(struct bytes script_sig, struct bytes script_pubkey,
                   const struct bytes *witness, uint32_t n_witness, uint32_t flags,
                   const struct sig_checker *checker, enum script_error *err)
{
    struct element items[STACK_ROOM]; /* not initialised: most of it is never touched */
    struct machine m;
    const struct input in = {script_sig, script_pubkey, witness, n_witness};
    machine_init(&m, items, STACK_ROOM, flags, checker);
    bool ok = verify_input(&m, &in);
    if (err != NULL)
        *err = ok ? SCRIPT_ERR_OK : m.error;
    return ok;
}

bool script_eval(struct bytes script, const struct bytes *stack, uint32_t n,
                 uint32_t flags, enum sig_version version,
                 const struct sig_checker *checker, enum script_error *err)
{
    struct element items[STACK_ROOM];
    struct machine m;
    ASSERT(n <= MAX_STACK_SIZE);
    machine_init(&m, items, STACK_ROOM, flags, checker);
    m.script = script;
    m.version = version;
    bool ok = load_stack(&m, stack, n) && machine_run(&m) && check_true_on_top(&m);
    if (err != NULL)
        *err = ok ? SCRIPT_ERR_OK : m.error;
    return ok;
}

bool script_check_run(void *ctx UNUSED, void *item)
{
    struct script_check *check = item;
    const struct tx *tx = check->data->tx;
    const struct txin *in = &tx->in[check->input];
    const struct txout *spent = &check->data->spent[check->input];
    const struct sig_checker checker = {check->data, check->input, spent->value,
                                        check->cache, check->store};
    return script_verify(in->script_sig, spent->script, in->witness, in->n_witness,
                         check->flags, &checker, &check->error);
}
