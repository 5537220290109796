#include "chain/script/sign.h"

#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/script/sign_impl.h"
#include "chain/script/solver.h"
#include "crypto/hash.h"
#include "crypto/secp.h"
#include "crypto/sha256.h"
#include "util/mem.h"

/* -- Signing -- */

/* The stack that satisfies one script, bottom first; its items borrow. */
struct solution_stack {
    struct bytes items[MAX_PUBKEYS_PER_MULTISIG + 2];
    size_t n;
};

static void push(struct solution_stack *st, struct bytes b)
{
    ASSERT(st->n < ARRAY_LEN(st->items));
    st->items[st->n++] = b;
}

static bool create_sig(const struct signer *s, const struct key_entry *key,
                       struct bytes code, enum sig_version version)
{
    uint8_t sig[73];
    size_t len;
    const struct sig_checker *c = s->checker;
    int type = s->hash_type == SIGHASH_DEFAULT ? SIGHASH_ALL : s->hash_type;
    if (version == SIG_WITNESS_V0 && (key->pubkey_len != 33 || !money_range(c->value)))
        return false;
    struct hash256 hash = version == SIG_WITNESS_V0
                              ? sighash_v0(c->data, c->input, code, c->value, type)
                              : sighash_legacy(c->data, c->input, code, type);
    secp_ecdsa_sign(sig, &len, keystore_secret(s->keys, key), hash.b, true);
    sig[len++] = (uint8_t)type;
    sig_data_add_sig(s->data, bytes_of(key->pubkey, key->pubkey_len),
                     bytes_of(sig, len));
    return true;
}

bool sign_with(const struct signer *s, struct bytes pubkey, struct bytes code,
               enum sig_version version, struct bytes *out)
{
    uint8_t id[20];
    if (sig_data_find_sig(s->data, pubkey) == NULL) {
        hash160(id, pubkey.data, pubkey.len);
        const struct key_entry *key = keystore_find_key(s->keys, id);
        if (key == NULL || !key->has_secret || !create_sig(s, key, code, version)) {
            sig_missing_add_sig(&s->data->missing, id);
            return false;
        }
    }
    *out = buf_view(&sig_data_find_sig(s->data, pubkey)->sig);
    return true;
}

bool sign_find_pubkey(const struct signer *s, const uint8_t id[20], struct bytes *out)
{
    const struct key_entry *key = keystore_find_key(s->keys, id);
    if (key != NULL) {
        *out = bytes_of(key->pubkey, key->pubkey_len);
        return true;
    }
    for (size_t i = 0; i < s->data->n_sigs; i++) {
        uint8_t h[20];
        const struct partial_sig *p = &s->data->sigs[i];
        hash160(h, p->pubkey, p->pubkey_len);
        *out = bytes_of(p->pubkey, p->pubkey_len);
        if (memcmp(h, id, 20) == 0)
            return true;
    }
    sig_missing_add_pubkey(&s->data->missing, id);
    return false;
}

static bool solve_pubkeyhash(const struct signer *s, const uint8_t id[20],
                             struct bytes code, enum sig_version version,
                             struct solution_stack *st)
{
    struct bytes pubkey, sig;
    if (!sign_find_pubkey(s, id, &pubkey) || !sign_with(s, pubkey, code, version, &sig))
        return false;
    push(st, sig);
    push(st, pubkey);
    return true;
}

/* Signs with every key there is, uses as many as needed; missing ones leave empty
 * places. */
static bool solve_multisig(const struct signer *s, const struct script_solution *sol,
                           struct bytes code, enum sig_version version,
                           struct solution_stack *st)
{
    struct bytes sig;
    push(st, bytes_of(NULL, 0)); /* the element too many that CHECKMULTISIG takes */
    for (unsigned i = 0; i < sol->n_keys; i++)
        (void)!sign_with(s, sol->keys[i], code, version, &sig);
    /* All signatures are made: the list they borrow from moves no more. */
    for (unsigned i = 0; i < sol->n_keys && st->n <= sol->required; i++) {
        const struct partial_sig *p = sig_data_find_sig(s->data, sol->keys[i]);
        if (p != NULL)
            push(st, buf_view(&p->sig));
    }
    bool enough = st->n == sol->required + 1;
    while (st->n <= sol->required)
        push(st, bytes_of(NULL, 0));
    return enough;
}

/* A script that keys alone satisfy. */
static bool solve_keys(const struct signer *s, const struct script_solution *sol,
                       struct bytes code, enum sig_version version,
                       struct solution_stack *st)
{
    struct bytes sig;
    st->n = 0;
    if (sol->type == SCRIPT_MULTISIG)
        return solve_multisig(s, sol, code, version, st);
    if (sol->type == SCRIPT_PUBKEYHASH)
        return solve_pubkeyhash(s, sol->data.data, code, version, st);
    if (sol->type != SCRIPT_PUBKEY || !sign_with(s, sol->data, code, version, &sig))
        return false;
    push(st, sig);
    return true;
}

static bool solve_p2wpkh(const struct signer *s, struct bytes program)
{
    uint8_t code[25] = {OP_DUP, OP_HASH160, 20};
    struct solution_stack st = {.n = 0};
    memcpy(code + 3, program.data, 20);
    code[23] = OP_EQUALVERIFY;
    code[24] = OP_CHECKSIG;
    bool ok =
        solve_pubkeyhash(s, program.data, bytes_of(code, 25), SIG_WITNESS_V0, &st);
    sig_data_set_witness(s->data, st.items, st.n);
    return ok;
}

static bool find_witness_script(const struct signer *s, struct bytes program,
                                struct bytes *out)
{
    uint8_t h[32];
    if (keystore_find_witness_script(s->keys, program.data, out))
        sig_data_replace(&s->data->witness_script, *out);
    *out = buf_view(&s->data->witness_script);
    sha256(h, out->data, out->len);
    if (memcmp(h, program.data, 32) == 0)
        return true;
    s->data->missing.witness_script = true;
    memcpy(s->data->missing.witness_hash, program.data, 32);
    return false;
}

static void set_wsh_witness(const struct signer *s, const struct bytes *items, size_t n,
                            struct bytes script)
{
    struct bytes *all = xcalloc(n + 1, sizeof(*all));
    for (size_t i = 0; i < n; i++)
        all[i] = items[i];
    all[n] = script;
    sig_data_set_witness(s->data, all, n + 1);
    free(all);
}

static bool solve_p2wsh(const struct signer *s, struct bytes program)
{
    struct bytes script, *items = NULL;
    struct script_solution sol;
    struct solution_stack st = {.n = 0};
    size_t n = 0;
    if (!find_witness_script(s, program, &script))
        return false;
    script_solve(&sol, script);
    bool ok = solve_keys(s, &sol, script, SIG_WITNESS_V0, &st);
    if (ok || st.n > 0) { /* partial multisigs show, too */
        set_wsh_witness(s, st.items, st.n, script);
        return ok;
    }
    ok = sign_wsh_miniscript(s, script, &items, &n);
    set_wsh_witness(s, items, n, script);
    free(items);
    return ok;
}

/* Any script but P2SH; what script_sig must push goes to st, the witness into s->data.
 */
static bool solve_script(const struct signer *s, const struct script_solution *sol,
                         struct bytes script, bool in_p2sh, struct solution_stack *st)
{
    switch (sol->type) {
    case SCRIPT_PUBKEY:
    case SCRIPT_PUBKEYHASH:
    case SCRIPT_MULTISIG:
        return solve_keys(s, sol, script, SIG_BASE, st);
    case SCRIPT_WITNESS_V0_KEYHASH:
        return solve_p2wpkh(s, sol->data);
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
        return solve_p2wsh(s, sol->data);
    case SCRIPT_WITNESS_V1_TAPROOT:
        return !in_p2sh && sign_taproot(s, sol->data.data);
    case SCRIPT_ANCHOR:
        return true;
    case SCRIPT_SCRIPTHASH:
    case SCRIPT_NONSTANDARD:
    case SCRIPT_NULL_DATA:
    case SCRIPT_WITNESS_UNKNOWN:
        return false;
    }
    return false;
}

static bool find_redeem_script(const struct signer *s, struct bytes hash,
                               struct bytes *out)
{
    uint8_t h[20];
    if (keystore_find_script(s->keys, hash.data, out))
        sig_data_replace(&s->data->redeem_script, *out);
    *out = buf_view(&s->data->redeem_script);
    hash160(h, out->data, out->len);
    if (memcmp(h, hash.data, 20) == 0)
        return true;
    s->data->missing.redeem_script = true;
    memcpy(s->data->missing.redeem_hash, hash.data, 20);
    return false;
}

static bool is_witness_type(enum script_type t)
{
    return t == SCRIPT_WITNESS_V0_KEYHASH || t == SCRIPT_WITNESS_V0_SCRIPTHASH ||
           t == SCRIPT_WITNESS_V1_TAPROOT || t == SCRIPT_WITNESS_UNKNOWN;
}

static bool solve_input(const struct signer *s, struct bytes script)
{
    struct solution_stack st = {.n = 0};
    struct script_solution sol;
    struct buf script_sig = {0};
    bool in_p2sh = false, solved = true;

    script_solve(&sol, script);
    if (sol.type == SCRIPT_SCRIPTHASH) {
        in_p2sh = solved = find_redeem_script(s, sol.data, &script);
        if (solved)
            script_solve(&sol, script);
    }
    if (!is_witness_type(sol.type))
        sig_data_clear_witness(s->data);
    solved = solved && solve_script(s, &sol, script, in_p2sh, &st);
    if (in_p2sh)
        push(&st, script);
    for (size_t i = 0; i < st.n; i++)
        script_put_data(&script_sig, st.items[i].data, st.items[i].len);
    buf_clear(&s->data->script_sig);
    s->data->script_sig = script_sig;
    return solved;
}

bool sign_input(struct sig_data *d, const struct keystore *keys,
                const struct sig_checker *checker, struct bytes script_pubkey,
                int hash_type)
{
    const struct signer s = {d, keys, checker, hash_type};
    if (d->complete)
        return true;
    sig_missing_clear(&d->missing);
    bool solved = solve_input(&s, script_pubkey);
    struct bytes *items = sig_data_witness_views(d);
    d->complete =
        solved && script_verify(buf_view(&d->script_sig), script_pubkey, items,
                                d->n_witness, SCRIPT_VERIFY_STANDARD, checker, NULL);
    free(items);
    return d->complete;
}
