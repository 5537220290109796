/* The script interpreter: legacy, P2SH, segwit v0 (BIP 141, 143), taproot and tapscript
 * (BIP 341, 342), under any set of flags. Standard spends allocate nothing. */
#ifndef OCHRE_CHAIN_SCRIPT_INTERPRETER_H
#define OCHRE_CHAIN_SCRIPT_INTERPRETER_H

#include "chain/script/script.h"
#include "chain/script/script_error.h"
#include "chain/script/sigcache.h"
#include "chain/script/sighash.h"

/* What signatures and lock times are checked against. */
struct sig_checker {
    const struct sighash_data *data; /* NULL: no transaction, every signature fails */
    uint32_t input;
    struct amount value;    /* of the output spent */
    struct sigcache *cache; /* may be NULL */
    bool store;             /* add to the cache; else entries found are consumed */
};

enum sig_version {
    SIG_BASE,
    SIG_WITNESS_V0,
    SIG_TAPROOT,
    SIG_TAPSCRIPT,
};

/* True when script_sig and witness satisfy script_pubkey. *err (may be NULL) says why
 * not. */
NODISCARD bool script_verify(struct bytes script_sig, struct bytes script_pubkey,
                             const struct bytes *witness, uint32_t n_witness,
                             uint32_t flags, const struct sig_checker *checker,
                             enum script_error *err);

/* One script on an initial stack (n items, bottom first), as an input's script would
 * run: for fuzzing and tests. */
NODISCARD bool script_eval(struct bytes script, const struct bytes *stack, uint32_t n,
                           uint32_t flags, enum sig_version version,
                           const struct sig_checker *checker, enum script_error *err);

/* One input of one transaction: the unit of work of util/pool.h's check_queue, whose
 * items are copied. */
struct script_check {
    const struct sighash_data *data; /* with spent outputs; outlives the check */
    uint32_t input;
    uint32_t flags;
    struct sigcache *cache;
    bool store;
    enum script_error error; /* set when the check fails */
};
/* Runs the check: the `run` of a check_queue (ctx is not used). */
bool script_check_run(void *ctx, void *item);

/* One ECDSA signature (with hash type byte) by itself. SIG_BASE or SIG_WITNESS_V0. */
bool sig_checker_ecdsa(const struct sig_checker *c, struct bytes sig,
                       struct bytes pubkey, struct bytes code,
                       enum sig_version version);

/* Root that a control block and a leaf hash lead to. control: 33 + 32 * n bytes. */
struct hash256 taproot_merkle_root(struct bytes control, const struct hash256 *leaf);

#endif
