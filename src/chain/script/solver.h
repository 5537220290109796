/* Standard forms of output scripts and their text form. */
#ifndef OCHRE_CHAIN_SCRIPT_SOLVER_H
#define OCHRE_CHAIN_SCRIPT_SOLVER_H

#include "chain/script/script.h"
#include "chain/script/sighash.h"

enum script_type {
    SCRIPT_NONSTANDARD,
    SCRIPT_PUBKEY,
    SCRIPT_PUBKEYHASH,
    SCRIPT_SCRIPTHASH,
    SCRIPT_MULTISIG,
    SCRIPT_NULL_DATA,
    SCRIPT_WITNESS_V0_KEYHASH,
    SCRIPT_WITNESS_V0_SCRIPTHASH,
    SCRIPT_WITNESS_V1_TAPROOT,
    SCRIPT_WITNESS_UNKNOWN,
    SCRIPT_ANCHOR,
};

struct script_solution {
    enum script_type type;
    int witness_version;       /* SCRIPT_WITNESS_* and SCRIPT_ANCHOR */
    struct bytes data;         /* key, hash or program; borrowed from the script */
    unsigned required, n_keys; /* SCRIPT_MULTISIG */
    struct bytes keys[MAX_PUBKEYS_PER_MULTISIG];
};

/* "pubkeyhash", "witness_v1_taproot", ...: RPC's names. */
const char *script_type_name(enum script_type t);
enum script_type script_solve(struct script_solution *out, struct bytes script);
enum script_type script_type_of(struct bytes script);

/* A tapscript of keys alone: <key> CHECKSIG, or multi_a's
 * <key> CHECKSIG <key> CHECKSIGADD ... <required> NUMEQUAL. */
struct tap_keys {
    bool multi;
    size_t n_keys;
    int64_t required;                             /* 1 to n_keys */
    const uint8_t *keys[MAX_PUBKEYS_PER_MULTI_A]; /* x-only, borrowed */
};
bool script_solve_tap_keys(struct tap_keys *out, struct bytes script);

/* Script text as RPC shows it. sighash_decode: signatures end in "[ALL]" instead of the
 * byte. */
void script_to_asm(struct buf *out, struct bytes script, bool sighash_decode);
/* Script text as ochre-tx and test vectors write it: opcode names with or without OP_,
 * decimal numbers, 0xraw, 'text'. False: *error (static) says why. */
NODISCARD bool script_from_text(struct buf *out, const char *text, const char **error);
/* "ALL|ANYONECANPAY"; false: unknown. NULL of sighash_name: not a defined type. */
const char *sighash_name(int hash_type);
NODISCARD bool sighash_from_name(int *out, const char *name);

#endif
