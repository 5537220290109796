#include "chain/script/machine.h"
#include "chain/script/sig_encoding.h"
#include "crypto/secp.h"

/* What one signature check costs of a tapscript's validation weight (BIP 342). */
#define SIGOP_WEIGHT              50
#define SEQUENCE_LOCKTIME_DISABLE UINT32_C(0x80000000)
#define SEQUENCE_LOCKTIME_TYPE    UINT32_C(0x00400000)
#define SEQUENCE_LOCKTIME_MASK    UINT32_C(0x0000ffff)

/* -- Lock times -- */

/* Both block heights, or both times. */
static bool same_kind(int64_t a, int64_t b, int64_t threshold)
{
    return (a < threshold) == (b < threshold);
}

bool check_locktime(const struct sig_checker *c, int64_t locktime)
{
    if (c->data == NULL)
        return false;
    const struct tx *tx = c->data->tx;
    if (!same_kind(tx->locktime, locktime, LOCKTIME_THRESHOLD) ||
        locktime > tx->locktime)
        return false;
    return tx->in[c->input].sequence !=
           SEQUENCE_FINAL; /* else nLockTime is not in force */
}

bool check_sequence(const struct sig_checker *c, int64_t sequence)
{
    const int64_t mask = SEQUENCE_LOCKTIME_TYPE | SEQUENCE_LOCKTIME_MASK;
    if (c->data == NULL)
        return false;
    uint32_t own = c->data->tx->in[c->input].sequence;
    if ((uint32_t)c->data->tx->version < 2 || (own & SEQUENCE_LOCKTIME_DISABLE))
        return false;
    int64_t have = own & mask, want = sequence & mask;
    return same_kind(have, want, SEQUENCE_LOCKTIME_TYPE) && want <= have;
}

/* -- The signed part of a legacy script -- */

/* What a signature commits to: the script after the last OP_CODESEPARATOR; legacy
 * scripts lose the pushes of the signature itself (FindAndDelete), which hardly ever
 * occurs. */
struct script_code {
    struct bytes code;
    struct buf changed; /* owned; code when something was deleted */
};

static void script_code_init(struct script_code *c, const struct machine *m)
{
    c->code = bytes_of(m->script.data + m->code_start, m->script.len - m->code_start);
    c->changed = (struct buf){0};
}

static void script_code_clear(struct script_code *c)
{
    buf_clear(&c->changed);
}

static bool starts_with(struct bytes s, size_t pos, struct bytes pattern)
{
    return s.len - pos >= pattern.len &&
           memcmp(s.data + pos, pattern.data, pattern.len) == 0;
}

static bool occurs(struct bytes s, struct bytes pattern)
{
    struct script_op op;
    size_t pos = 0;
    if (pattern.len > s.len)
        return false;
    do {
        if (starts_with(s, pos, pattern))
            return true;
    } while (script_next(s, &pos, &op));
    return false;
}

/* Copies all of s but the pattern where it stands at the beginning of an operation. */
static void copy_without(struct buf *out, struct bytes s, struct bytes pattern)
{
    struct script_op op;
    size_t pos = 0, next = 0;
    do {
        buf_append(out, s.data + pos, next - pos);
        while (starts_with(s, next, pattern))
            next += pattern.len;
        pos = next;
    } while (script_next(s, &next, &op));
    buf_append(out, s.data + pos, s.len - pos);
}

/* Deletes the push of sig; false when policy forbids that it occurs at all. */
static bool find_and_delete(struct machine *m, struct script_code *c, struct bytes sig)
{
    if (m->version != SIG_BASE || sig.len >= c->code.len)
        return true;
    struct buf push = {0}, rest = {0};
    uint8_t first = sig.len < OP_PUSHDATA1 ? (uint8_t)sig.len
                    : sig.len <= 0xff      ? OP_PUSHDATA1
                                           : OP_PUSHDATA2;
    if (memchr(c->code.data, first, c->code.len) == NULL)
        return true;
    script_put_data(&push, sig.data, sig.len);
    bool found = occurs(c->code, buf_view(&push));
    if (found) {
        copy_without(&rest, c->code, buf_view(&push));
        buf_clear(&c->changed);
        c->changed = rest;
        c->code = buf_view(&c->changed);
    }
    buf_clear(&push);
    if (found && (m->flags & SCRIPT_VERIFY_CONST_SCRIPTCODE))
        return fail(m, SCRIPT_ERR_SIG_FINDANDDELETE);
    return true;
}

/* -- ECDSA -- */

/* The hash of the last type asked for: CHECKMULTISIG tries one signature on many keys.
 */
struct sighash_memo {
    bool set;
    uint8_t type;
    struct hash256 hash;
};

static const struct hash256 *signed_hash(const struct sig_checker *c, struct bytes code,
                                         uint8_t type, enum sig_version version,
                                         struct sighash_memo *memo)
{
    if (memo->set && memo->type == type)
        return &memo->hash;
    memo->hash = version == SIG_WITNESS_V0
                     ? sighash_v0(c->data, c->input, code, c->value, type)
                     : sighash_legacy(c->data, c->input, code, type);
    memo->type = type;
    memo->set = true;
    return &memo->hash;
}

static bool verify_ecdsa(const struct sig_checker *c, struct bytes pubkey,
                         struct bytes der, const struct hash256 *hash)
{
    struct hash256 key;
    bool look = c->cache != NULL && (c->store || !sigcache_is_empty(c->cache));
    if (look) {
        key = sigcache_ecdsa_key(c->cache, hash, pubkey, der);
        if (sigcache_has_signature(c->cache, &key, !c->store))
            return true;
    }
    if (!secp_ecdsa_verify(pubkey, der, hash->b))
        return false;
    if (look && c->store)
        sigcache_add_signature(c->cache, &key);
    return true;
}

static bool check_ecdsa(const struct sig_checker *c, struct bytes sig,
                        struct bytes pubkey, struct bytes code,
                        enum sig_version version, struct sighash_memo *memo)
{
    if (c->data == NULL || sig.len == 0 || !pubkey_has_valid_size(pubkey))
        return false;
    uint8_t type = sig.data[sig.len - 1];
    const struct hash256 *hash = signed_hash(c, code, type, version, memo);
    return verify_ecdsa(c, pubkey, bytes_of(sig.data, sig.len - 1), hash);
}

bool sig_checker_ecdsa(const struct sig_checker *c, struct bytes sig,
                       struct bytes pubkey, struct bytes code, enum sig_version version)
{
    struct sighash_memo memo = {0};
    return check_ecdsa(c, sig, pubkey, code, version, &memo);
}

static bool check_encodings(struct machine *m, struct bytes sig, struct bytes pubkey)
{
    return sig_check_encoding(sig, m->flags, &m->error) &&
           pubkey_check_encoding(pubkey, m->flags, m->version, &m->error);
}

/* False: the script fails. Else *ok says whether the signature is valid. */
static bool eval_ecdsa(struct machine *m, struct bytes sig, struct bytes pubkey,
                       bool *ok)
{
    struct script_code code;
    struct sighash_memo memo = {0};
    script_code_init(&code, m);
    bool good = find_and_delete(m, &code, sig) && check_encodings(m, sig, pubkey);
    if (good)
        *ok = check_ecdsa(m->checker, sig, pubkey, code.code, m->version, &memo);
    script_code_clear(&code);
    if (good && !*ok && (m->flags & SCRIPT_VERIFY_NULLFAIL) && sig.len > 0)
        return fail(m, SCRIPT_ERR_SIG_NULLFAIL);
    return good;
}

/* -- Schnorr -- */

static bool verify_schnorr(const struct sig_checker *c, const uint8_t xonly[32],
                           const uint8_t sig[64], const struct hash256 *hash)
{
    struct hash256 key;
    bool look = c->cache != NULL && (c->store || !sigcache_is_empty(c->cache));
    if (look) {
        key = sigcache_schnorr_key(c->cache, hash, xonly, sig);
        if (sigcache_has_signature(c->cache, &key, !c->store))
            return true;
    }
    if (!secp_schnorr_verify(xonly, sig, hash->b, 32))
        return false;
    if (look && c->store)
        sigcache_add_signature(c->cache, &key);
    return true;
}

bool check_schnorr(const struct sig_checker *c, struct bytes sig, struct bytes xonly,
                   const struct sighash_taproot *t, enum script_error *error)
{
    uint8_t type = SIGHASH_DEFAULT;
    struct hash256 hash;
    ASSERT(xonly.len == 32);
    *error = SCRIPT_ERR_SCHNORR_SIG_SIZE;
    if (sig.len != 64 && sig.len != 65)
        return false;
    *error = SCRIPT_ERR_SCHNORR_SIG_HASHTYPE;
    if (sig.len == 65) {
        type = sig.data[64];
        if (type == SIGHASH_DEFAULT)
            return false;
    }
    if (c->data == NULL || !sighash_v1(&hash, c->data, c->input, type, t))
        return false;
    *error = SCRIPT_ERR_SCHNORR_SIG;
    return verify_schnorr(c, xonly.data, sig.data, &hash);
}

/* An empty signature is a well-formed "no"; any other must be valid. Keys of unknown
 * length are room for soft forks and accept anything. */
static bool eval_schnorr(struct machine *m, struct bytes sig, struct bytes pubkey,
                         bool *ok)
{
    *ok = sig.len > 0;
    if (*ok) {
        m->weight_left -= SIGOP_WEIGHT;
        if (m->weight_left < 0)
            return fail(m, SCRIPT_ERR_TAPSCRIPT_VALIDATION_WEIGHT);
    }
    if (pubkey.len == 0)
        return fail(m, SCRIPT_ERR_PUBKEYTYPE);
    if (pubkey.len == 32)
        return !*ok || check_schnorr(m->checker, sig, pubkey, &m->taproot, &m->error);
    if (m->flags & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE)
        return fail(m, SCRIPT_ERR_DISCOURAGE_UPGRADABLE_PUBKEYTYPE);
    return true;
}

static bool eval_sig(struct machine *m, struct bytes sig, struct bytes pubkey, bool *ok)
{
    *ok = false;
    if (m->version == SIG_TAPSCRIPT)
        return eval_schnorr(m, sig, pubkey, ok);
    return eval_ecdsa(m, sig, pubkey, ok);
}

/* -- Operations -- */

bool op_codeseparator(struct machine *m, uint8_t code UNUSED)
{
    m->code_start = m->pos;
    m->taproot.codeseparator = m->op_index;
    return true;
}

bool op_checksig(struct machine *m, uint8_t code)
{
    bool ok;
    if (!eval_sig(m, stack_bytes(m, 1), stack_bytes(m, 0), &ok))
        return false;
    m->n -= 2;
    if (code == OP_CHECKSIGVERIFY)
        return ok || fail(m, SCRIPT_ERR_CHECKSIGVERIFY);
    push_bool(m, ok);
    return true;
}

bool op_checksigadd(struct machine *m, uint8_t code UNUSED)
{
    int64_t count;
    bool ok;
    if (m->version != SIG_TAPSCRIPT)
        return fail(m, SCRIPT_ERR_BAD_OPCODE);
    if (m->n < 3)
        return fail(m, SCRIPT_ERR_INVALID_STACK_OPERATION);
    if (!stack_number(m, 1, 4, &count))
        return false;
    if (!eval_sig(m, stack_bytes(m, 2), stack_bytes(m, 0), &ok))
        return false;
    m->n -= 3;
    push_number(m, count + ok);
    return true;
}

/* The stack of CHECKMULTISIG from the top: n, n keys, m, m signatures, dummy. */
struct multisig {
    size_t n_keys, n_sigs;
    size_t keys, sigs; /* depth of the first one tried */
    size_t args;       /* elements without the dummy */
};

static bool read_multisig(struct machine *m, struct multisig *ms)
{
    int64_t n;
    if (m->n < 1)
        return fail(m, SCRIPT_ERR_INVALID_STACK_OPERATION);
    if (!stack_number(m, 0, 4, &n))
        return false;
    if (n < 0 || n > MAX_PUBKEYS_PER_MULTISIG)
        return fail(m, SCRIPT_ERR_PUBKEY_COUNT);
    ms->n_keys = (size_t)n;
    m->op_count += (uint32_t)n;
    if (m->op_count > MAX_OPS_PER_SCRIPT)
        return fail(m, SCRIPT_ERR_OP_COUNT);
    ms->keys = 1;
    if (m->n < ms->n_keys + 2)
        return fail(m, SCRIPT_ERR_INVALID_STACK_OPERATION);
    if (!stack_number(m, ms->n_keys + 1, 4, &n))
        return false;
    if (n < 0 || (size_t)n > ms->n_keys)
        return fail(m, SCRIPT_ERR_SIG_COUNT);
    ms->n_sigs = (size_t)n;
    ms->sigs = ms->n_keys + 2;
    ms->args = ms->n_keys + ms->n_sigs + 2;
    if (m->n < ms->args)
        return fail(m, SCRIPT_ERR_INVALID_STACK_OPERATION);
    return true;
}

/* Signatures must be in the order of their keys. False: the script fails. */
static bool match_signatures(struct machine *m, const struct multisig *ms,
                             struct bytes code, bool *ok)
{
    size_t sig = ms->sigs, key = ms->keys;
    size_t sigs_left = ms->n_sigs, keys_left = ms->n_keys;
    struct sighash_memo memo = {0};
    *ok = true;
    while (*ok && sigs_left > 0) {
        struct bytes s = stack_bytes(m, sig), k = stack_bytes(m, key);
        if (!check_encodings(m, s, k))
            return false;
        if (check_ecdsa(m->checker, s, k, code, m->version, &memo)) {
            sig++;
            sigs_left--;
        }
        key++;
        keys_left--;
        *ok = sigs_left <= keys_left;
    }
    return true;
}

static bool eval_multisig(struct machine *m, const struct multisig *ms, bool *ok)
{
    struct script_code code;
    bool good = true;
    script_code_init(&code, m);
    for (size_t i = 0; good && i < ms->n_sigs; i++)
        good = find_and_delete(m, &code, stack_bytes(m, ms->sigs + i));
    good = good && match_signatures(m, ms, code.code, ok);
    script_code_clear(&code);
    return good;
}

static bool signatures_are_empty(struct machine *m, const struct multisig *ms)
{
    for (size_t i = 0; i < ms->n_sigs; i++) {
        if (stack_bytes(m, ms->sigs + i).len > 0)
            return false;
    }
    return true;
}

bool op_checkmultisig(struct machine *m, uint8_t code)
{
    struct multisig ms;
    bool ok;
    if (m->version == SIG_TAPSCRIPT)
        return fail(m, SCRIPT_ERR_TAPSCRIPT_CHECKMULTISIG);
    if (!read_multisig(m, &ms) || !eval_multisig(m, &ms, &ok))
        return false;
    if (!ok && (m->flags & SCRIPT_VERIFY_NULLFAIL) && !signatures_are_empty(m, &ms))
        return fail(m, SCRIPT_ERR_SIG_NULLFAIL);
    m->n -= ms.args;
    /* An early version took one element too many; it has been a rule ever since. */
    if (m->n < 1)
        return fail(m, SCRIPT_ERR_INVALID_STACK_OPERATION);
    if ((m->flags & SCRIPT_VERIFY_NULLDUMMY) && stack_bytes(m, 0).len > 0)
        return fail(m, SCRIPT_ERR_SIG_NULLDUMMY);
    m->n--;
    if (code == OP_CHECKMULTISIGVERIFY)
        return ok || fail(m, SCRIPT_ERR_CHECKMULTISIGVERIFY);
    push_bool(m, ok);
    return true;
}
