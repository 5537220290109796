#include "chain/rules/policy.h"

#include "chain/script/sig_encoding.h"
#include "chain/script/solver.h"

#define MAX_STANDARD_SCRIPTSIG_SIZE            1650
#define MAX_STANDARD_P2WSH_STACK_ITEMS         100
#define MAX_STANDARD_P2WSH_STACK_ITEM_SIZE     80
#define MAX_STANDARD_P2WSH_SCRIPT_SIZE         3600
#define MAX_STANDARD_TAPSCRIPT_STACK_ITEM_SIZE 80
#define MAX_STANDARD_MULTISIG_KEYS             3
#define ANNEX_TAG                              0x50
#define TAPROOT_LEAF_MASK                      0xfe
#define TAPROOT_LEAF_TAPSCRIPT                 0xc0

/* ---- the transaction alone ---- */

static bool check_form(const struct tx *tx, struct reject *rej)
{
    if ((uint32_t)tx->version > TX_MAX_STANDARD_VERSION || tx->version < 1)
        return reject(rej, REJECT_VERSION, NULL);
    /* Large transactions are dear to check: quadratic hashing, for one. */
    if (tx_weight(tx) > MAX_STANDARD_TX_WEIGHT)
        return reject(rej, REJECT_TX_SIZE, NULL);
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct bytes s = tx->in[i].script_sig;
        if (s.len > MAX_STANDARD_SCRIPTSIG_SIZE)
            return reject(rej, REJECT_SCRIPTSIG_SIZE, NULL);
        if (!script_is_push_only(s))
            return reject(rej, REJECT_SCRIPTSIG_NOT_PUSHONLY, NULL);
    }
    return true;
}

static enum carrier_relay_policy carrier_of(const struct policy *p, struct bytes script)
{
    return p->carrier ? p->carrier(p->carrier_ctx, script) : CARRIER_DEFAULT;
}

static bool check_data(const struct policy *p, struct bytes script, uint32_t *n_data,
                       struct reject *rej)
{
    if (script.len > p->max_datacarrier)
        return reject(rej, REJECT_SCRIPTPUBKEY, NULL);
    ++*n_data;
    return true;
}

static bool check_output(const struct policy *p, const struct txout *out,
                         uint32_t *n_data, struct reject *rej)
{
    struct script_solution sol;
    bool is_return = out->script.len > 0 && out->script.data[0] == OP_RETURN;

    switch (is_return ? carrier_of(p, out->script) : CARRIER_DEFAULT) {
    case CARRIER_EXEMPT:
        return true;
    case CARRIER_REFUSE:
        return reject(rej, REJECT_TICKET_UNKNOWN, NULL);
    case CARRIER_DEFAULT:
        break;
    }
    switch (script_solve(&sol, out->script)) {
    case SCRIPT_NONSTANDARD:
        return reject(rej, REJECT_SCRIPTPUBKEY, NULL);
    case SCRIPT_NULL_DATA:
        return check_data(p, out->script, n_data, rej);
    case SCRIPT_MULTISIG:
        if (sol.n_keys > MAX_STANDARD_MULTISIG_KEYS)
            return reject(rej, REJECT_SCRIPTPUBKEY, NULL);
        if (!p->permit_bare_multisig)
            return reject(rej, REJECT_BARE_MULTISIG, NULL);
        break;
    case SCRIPT_PUBKEY:
    case SCRIPT_PUBKEYHASH:
    case SCRIPT_SCRIPTHASH:
    case SCRIPT_WITNESS_V0_KEYHASH:
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
    case SCRIPT_WITNESS_V1_TAPROOT:
    case SCRIPT_WITNESS_UNKNOWN:
    case SCRIPT_ANCHOR:
        break;
    }
    if (policy_is_dust(out, p->dust_feerate))
        return reject(rej, REJECT_DUST, NULL);
    return true;
}

bool policy_tx_standard(const struct policy *p, const struct tx *tx, struct reject *rej)
{
    uint32_t n_data = 0;
    if (!check_form(tx, rej))
        return false;
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (!check_output(p, &tx->out[i], &n_data, rej))
            return false;
    if (n_data > 1)
        return reject(rej, REJECT_MULTI_OP_RETURN, NULL);
    if (p->refuse_unmatched_single && !policy_single_matched(tx))
        return reject(rej, REJECT_SIGHASH_SINGLE_UNMATCHED, NULL);
    return true;
}

static bool is_unmatched_single(struct bytes item)
{
    return item.len > 0 && (item.data[item.len - 1] & 0x1f) == SIGHASH_SINGLE &&
           sig_is_valid_encoding(item);
}

bool policy_single_matched(const struct tx *tx)
{
    for (uint32_t i = tx->n_out; i < tx->n_in; i++) {
        const struct txin *in = &tx->in[i];
        struct script_op op;
        for (size_t pos = 0; script_next(in->script_sig, &pos, &op);)
            if (is_unmatched_single(op.data))
                return false;
        for (uint32_t j = 0; j < in->n_witness; j++)
            if (is_unmatched_single(in->witness[j]))
                return false;
    }
    return true;
}

/* ---- what it spends ---- */

/* The item that a push-only script leaves on top of the stack, as evaluating it would:
 * false for an empty stack or a script that fails. @num holds what OP_1NEGATE and
 * OP_1..OP_16 push. */
static bool last_push(struct bytes *out, struct bytes script, uint8_t num[1])
{
    struct script_op op;
    bool any = false;
    size_t pos = 0;

    while (script_next(script, &pos, &op)) {
        if (op.code > OP_16 || op.code == OP_RESERVED ||
            op.data.len > MAX_SCRIPT_ELEMENT_SIZE)
            return false;
        any = true;
        *out = op.data;
        if (op.code > OP_PUSHDATA4) {
            num[0] = op.code == OP_1NEGATE ? 0x81 : (uint8_t)opcode_small_int(op.code);
            *out = bytes_of(num, 1);
        }
    }
    return any && pos == script.len;
}

static bool input_is_standard(const struct txin *in, struct bytes script)
{
    struct bytes redeem;
    uint8_t num[1];

    switch (script_type_of(script)) {
    case SCRIPT_NONSTANDARD:
    case SCRIPT_WITNESS_UNKNOWN:
        return false;
    case SCRIPT_SCRIPTHASH:
        return last_push(&redeem, in->script_sig, num) &&
               script_sigops(redeem, true) <= MAX_P2SH_SIGOPS;
    case SCRIPT_PUBKEY:
    case SCRIPT_PUBKEYHASH:
    case SCRIPT_MULTISIG:
    case SCRIPT_NULL_DATA:
    case SCRIPT_WITNESS_V0_KEYHASH:
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
    case SCRIPT_WITNESS_V1_TAPROOT:
    case SCRIPT_ANCHOR:
        break;
    }
    return true;
}

bool policy_inputs_standard(const struct tx *tx, const struct coin *const *spent)
{
    if (tx_is_coinbase(tx))
        return true;
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (!input_is_standard(&tx->in[i], spent[i]->script))
            return false;
    return true;
}

static bool items_within(const struct bytes *items, uint32_t n, size_t max)
{
    for (uint32_t i = 0; i < n; i++)
        if (items[i].len > max)
            return false;
    return true;
}

static bool p2wsh_is_standard(const struct bytes *w, uint32_t n)
{
    return w[n - 1].len <= MAX_STANDARD_P2WSH_SCRIPT_SIZE &&
           n - 1 <= MAX_STANDARD_P2WSH_STACK_ITEMS &&
           items_within(w, n - 1, MAX_STANDARD_P2WSH_STACK_ITEM_SIZE);
}

static bool p2tr_is_standard(const struct bytes *w, uint32_t n)
{
    bool annex = n >= 2 && w[n - 1].len > 0 && w[n - 1].data[0] == ANNEX_TAG;
    if (annex)
        return false; /* nothing uses them yet */
    if (n == 1)
        return true; /* key path */
    struct bytes control = w[n - 1];
    if (control.len == 0)
        return false;
    if ((control.data[0] & TAPROOT_LEAF_MASK) != TAPROOT_LEAF_TAPSCRIPT)
        return true;
    return items_within(w, n - 2, MAX_STANDARD_TAPSCRIPT_STACK_ITEM_SIZE);
}

static bool witness_is_standard(const struct txin *in, struct bytes script)
{
    struct bytes program;
    uint8_t num[1];
    int version;

    if (script_is_p2a(script))
        return false; /* it needs none */
    bool p2sh = script_is_p2sh(script);
    if (p2sh && !last_push(&script, in->script_sig, num))
        return false;
    if (!script_is_witness_program(script, &version, &program))
        return false;
    if (version == 0 && program.len == WITNESS_V0_SCRIPTHASH_SIZE)
        return p2wsh_is_standard(in->witness, in->n_witness);
    if (version == 1 && program.len == WITNESS_V1_TAPROOT_SIZE && !p2sh)
        return p2tr_is_standard(in->witness, in->n_witness);
    return true;
}

bool policy_witness_standard(const struct tx *tx, const struct coin *const *spent)
{
    if (tx_is_coinbase(tx))
        return true;
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (tx->in[i].n_witness > 0 &&
            !witness_is_standard(&tx->in[i], spent[i]->script))
            return false;
    return true;
}

/* ---- amounts and sizes ---- */

int64_t policy_dust_threshold(struct bytes script, int64_t dust_feerate)
{
    struct bytes program;
    int version;

    if (script_is_unspendable(script))
        return 0;
    int64_t size = 8 + (int64_t)varint_size(script.len) + (int64_t)script.len;
    /* The input that spends it: outpoint, length, signature and key, sequence; three
     * quarters of signature and key are free in a witness. */
    if (script_is_witness_program(script, &version, &program))
        size += 32 + 4 + 1 + 107 / WITNESS_SCALE_FACTOR + 4;
    else
        size += 32 + 4 + 1 + 107 + 4;
    return feerate_fee(dust_feerate, size);
}

int64_t policy_vsize(int64_t weight, int64_t sigop_cost, uint32_t bytes_per_sigop)
{
    int64_t charged = sigop_cost * bytes_per_sigop;
    if (charged > weight)
        weight = charged;
    return (weight + WITNESS_SCALE_FACTOR - 1) / WITNESS_SCALE_FACTOR;
}

int64_t feerate_fee(int64_t feerate, int64_t vsize)
{
    __int128 thousandths = (__int128)feerate * vsize;
    int64_t fee = (int64_t)(thousandths / 1000);
    if (thousandths > 0 && thousandths % 1000)
        fee++;
    if (fee == 0 && vsize != 0 && feerate != 0)
        fee = feerate > 0 ? 1 : -1;
    return fee;
}

int64_t feerate_of(int64_t fee, int64_t vsize)
{
    return vsize > 0 ? fee * 1000 / vsize : 0;
}
