#include "chain/script/script.h"
#include "chain/script/script_error.h"

static unsigned multisig_sigops(uint8_t before, bool accurate)
{
    if (accurate && before >= OP_1 && before <= OP_16)
        return opcode_small_int(before);
    return MAX_PUBKEYS_PER_MULTISIG;
}

unsigned script_sigops(struct bytes script, bool accurate)
{
    struct script_op op;
    size_t pos = 0;
    unsigned n = 0;
    uint8_t before = OP_INVALIDOPCODE;
    for (; script_next(script, &pos, &op); before = op.code) {
        if (op.code == OP_CHECKSIG || op.code == OP_CHECKSIGVERIFY)
            n++;
        else if (op.code == OP_CHECKMULTISIG || op.code == OP_CHECKMULTISIGVERIFY)
            n += multisig_sigops(before, accurate);
    }
    return n;
}

/* What the last operation of a push-only script pushes; false when it is not push-only.
 */
static bool last_push(struct bytes script, struct bytes *out)
{
    struct script_op op;
    size_t pos = 0;
    *out = bytes_of(NULL, 0);
    while (script_next(script, &pos, &op)) {
        if (op.code > OP_16)
            return false;
        *out = op.data;
    }
    return pos == script.len;
}

unsigned script_p2sh_sigops(struct bytes script_pubkey, struct bytes script_sig)
{
    struct bytes redeem;
    if (!script_is_p2sh(script_pubkey) || !last_push(script_sig, &redeem))
        return 0;
    return script_sigops(redeem, true);
}

static unsigned program_sigops(int version, struct bytes program,
                               const struct bytes *witness, uint32_t n_witness)
{
    if (version != 0)
        return 0;
    if (program.len == WITNESS_V0_KEYHASH_SIZE)
        return 1;
    if (program.len == WITNESS_V0_SCRIPTHASH_SIZE && n_witness > 0)
        return script_sigops(witness[n_witness - 1], true);
    return 0;
}

unsigned script_witness_sigops(struct bytes script_sig, struct bytes script_pubkey,
                               const struct bytes *witness, uint32_t n_witness,
                               uint32_t flags)
{
    int version;
    struct bytes program, redeem;
    if (!(flags & SCRIPT_VERIFY_WITNESS))
        return 0;
    if (script_is_witness_program(script_pubkey, &version, &program))
        return program_sigops(version, program, witness, n_witness);
    if (script_is_p2sh(script_pubkey) && last_push(script_sig, &redeem) &&
        script_is_witness_program(redeem, &version, &program))
        return program_sigops(version, program, witness, n_witness);
    return 0;
}
