#include "chain/script/solver.h"

#include <stdlib.h>

#include "chain/script/sig_encoding.h"

const char *script_type_name(enum script_type t)
{
    switch (t) {
    case SCRIPT_NONSTANDARD:
        return "nonstandard";
    case SCRIPT_PUBKEY:
        return "pubkey";
    case SCRIPT_PUBKEYHASH:
        return "pubkeyhash";
    case SCRIPT_SCRIPTHASH:
        return "scripthash";
    case SCRIPT_MULTISIG:
        return "multisig";
    case SCRIPT_NULL_DATA:
        return "nulldata";
    case SCRIPT_WITNESS_V0_KEYHASH:
        return "witness_v0_keyhash";
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
        return "witness_v0_scripthash";
    case SCRIPT_WITNESS_V1_TAPROOT:
        return "witness_v1_taproot";
    case SCRIPT_WITNESS_UNKNOWN:
        return "witness_unknown";
    case SCRIPT_ANCHOR:
        return "anchor";
    }
    return "nonstandard";
}

static bool match_pubkey(struct script_solution *out, struct bytes s)
{
    if ((s.len != 67 && s.len != 35) || s.data[0] != s.len - 2 ||
        s.data[s.len - 1] != OP_CHECKSIG)
        return false;
    out->data = bytes_of(s.data + 1, s.len - 2);
    return pubkey_has_valid_size(out->data);
}

static bool match_pubkeyhash(struct script_solution *out, struct bytes s)
{
    if (s.len != 25 || s.data[0] != OP_DUP || s.data[1] != OP_HASH160 ||
        s.data[2] != 20 || s.data[23] != OP_EQUALVERIFY || s.data[24] != OP_CHECKSIG)
        return false;
    out->data = bytes_of(s.data + 3, 20);
    return true;
}

static bool match_scripthash(struct script_solution *out, struct bytes s)
{
    if (!script_is_p2sh(s))
        return false;
    out->data = bytes_of(s.data + 2, 20);
    return true;
}

/* The count of signatures or keys: OP_1..OP_16 or a minimal push of a number. */
static bool count_of(const struct script_op *op, int64_t min, unsigned *out)
{
    int64_t n;
    if (op->code >= OP_1 && op->code <= OP_16) {
        n = opcode_small_int(op->code);
    } else if (op->code > OP_0 && op->code <= OP_PUSHDATA4) {
        if (!script_push_is_minimal(op) || !script_num_decode(&n, op->data, true, 4))
            return false;
    } else {
        return false;
    }
    *out = (unsigned)n;
    return n >= min && n <= MAX_PUBKEYS_PER_MULTISIG;
}

static bool match_multisig(struct script_solution *out, struct bytes s)
{
    struct script_op op;
    size_t pos = 0;
    unsigned n_keys, found = 0;
    if (s.len < 1 || s.data[s.len - 1] != OP_CHECKMULTISIG)
        return false;
    if (!script_next(s, &pos, &op) || !count_of(&op, 1, &out->required))
        return false;
    bool more;
    while ((more = script_next(s, &pos, &op)) && pubkey_has_valid_size(op.data)) {
        if (found == MAX_PUBKEYS_PER_MULTISIG)
            return false;
        out->keys[found++] = op.data;
    }
    if (!more || !count_of(&op, out->required, &n_keys) || n_keys != found)
        return false;
    out->n_keys = n_keys;
    return pos + 1 == s.len;
}

static bool is_null_data(struct bytes s)
{
    return s.len >= 1 && s.data[0] == OP_RETURN &&
           script_is_push_only(bytes_of(s.data + 1, s.len - 1));
}

static enum script_type program_type(int version, size_t len, bool anchor)
{
    if (version == 0 && len == WITNESS_V0_KEYHASH_SIZE)
        return SCRIPT_WITNESS_V0_KEYHASH;
    if (version == 0 && len == WITNESS_V0_SCRIPTHASH_SIZE)
        return SCRIPT_WITNESS_V0_SCRIPTHASH;
    if (version == 1 && len == WITNESS_V1_TAPROOT_SIZE)
        return SCRIPT_WITNESS_V1_TAPROOT;
    if (anchor)
        return SCRIPT_ANCHOR;
    return version != 0 ? SCRIPT_WITNESS_UNKNOWN : SCRIPT_NONSTANDARD;
}

enum script_type script_solve(struct script_solution *out, struct bytes s)
{
    out->data = bytes_of(NULL, 0);
    out->witness_version = -1;
    out->required = out->n_keys = 0;
    if (script_is_witness_program(s, &out->witness_version, &out->data))
        out->type = program_type(out->witness_version, out->data.len, script_is_p2a(s));
    else if (match_scripthash(out, s))
        out->type = SCRIPT_SCRIPTHASH;
    else if (is_null_data(s))
        out->type = SCRIPT_NULL_DATA;
    else if (match_pubkey(out, s))
        out->type = SCRIPT_PUBKEY;
    else if (match_pubkeyhash(out, s))
        out->type = SCRIPT_PUBKEYHASH;
    else if (match_multisig(out, s))
        out->type = SCRIPT_MULTISIG;
    else
        out->type = SCRIPT_NONSTANDARD;
    return out->type;
}

enum script_type script_type_of(struct bytes script)
{
    struct script_solution s;
    return script_solve(&s, script);
}

static bool read_required(const struct script_op *op, int64_t *out)
{
    if (op->code >= OP_1 && op->code <= OP_16) {
        *out = opcode_small_int(op->code);
        return true;
    }
    return op->code > OP_0 && op->code < OP_PUSHDATA1 && script_push_is_minimal(op) &&
           script_num_decode(out, op->data, true, 4);
}

bool script_solve_tap_keys(struct tap_keys *out, struct bytes s)
{
    struct script_op op, check;
    size_t pos = 0;
    out->n_keys = 0;
    while ((out->multi = script_next(s, &pos, &op)) && op.code == 32) {
        if (out->n_keys == MAX_PUBKEYS_PER_MULTI_A || !script_next(s, &pos, &check) ||
            check.code != (out->n_keys == 0 ? OP_CHECKSIG : OP_CHECKSIGADD))
            return false;
        out->keys[out->n_keys++] = op.data.data;
    }
    out->required = 1;
    if (!out->multi)
        return out->n_keys == 1 && pos == s.len;
    return out->n_keys > 0 && read_required(&op, &out->required) &&
           out->required >= 1 && (uint64_t)out->required <= out->n_keys &&
           pos + 1 == s.len && s.data[pos] == OP_NUMEQUAL;
}
