/* What a signature signs: the legacy algorithm, BIP 143 (segwit v0) and BIP 341
 * (taproot). Hashes stream from the transaction's own bytes; nothing is copied. */
#ifndef OCHRE_CHAIN_SCRIPT_SIGHASH_H
#define OCHRE_CHAIN_SCRIPT_SIGHASH_H

#include "chain/prim/tx.h"

struct sha256;

enum {
    SIGHASH_DEFAULT = 0, /* taproot only: ALL without a byte in the signature */
    SIGHASH_ALL = 1,
    SIGHASH_NONE = 2,
    SIGHASH_SINGLE = 3,
    SIGHASH_ANYONECANPAY = 0x80,
};

/* SIGHASH_SINGLE without an output of the input's index covers no output at all:
 * whoever gets such a signature may take the coin. Nobody here makes one. */
static inline bool sighash_covers_nothing(int hash_type, uint32_t input, uint32_t n_out)
{
    return (hash_type & ~SIGHASH_ANYONECANPAY) == SIGHASH_SINGLE && input >= n_out;
}

/* What all inputs of one transaction share; immutable after init, so threads may share
 * it. */
struct sighash_data {
    const struct tx *tx;       /* borrowed */
    const struct txout *spent; /* borrowed: the n_in outputs spent, scripts included */
    bool spent_known; /* every one of them: without, no taproot signature verifies */
    bool have_v0, have_v1; /* which of the hashes below are set */
    struct hash256 prevouts_d, sequences_d, outputs_d; /* double SHA-256, BIP 143 */
    struct hash256 prevouts, sequences, outputs;       /* single, BIP 341 */
    struct hash256 amounts, scripts; /* of the spent outputs, BIP 341 */
    /* Legacy, many inputs: all inputs with empty scripts, serialised (41 bytes each),
     * and the state of the hash before every 16th of them. NULL for few inputs. */
    uint8_t *blank_inputs;    /* owned */
    struct sha256 *midstates; /* owned */
};

/* tx and spent (NULL: none known; only legacy hashes then) must outlive it. force: also
 * compute what no input seems to need (signing). */
void sighash_data_init(struct sighash_data *d, const struct tx *tx,
                       const struct txout *spent, bool force);
/* For inputs of which some spent outputs are unknown (script.data NULL). */
void sighash_data_init_partial(struct sighash_data *d, const struct tx *tx,
                               const struct txout *spent);
void sighash_data_clear(struct sighash_data *d);

/* @code: the part of the script after the last OP_CODESEPARATOR executed. Remaining
 * ones in it are skipped as the algorithm demands. hash_type is signed as the
 * serialised int32. */
struct hash256 sighash_legacy(const struct sighash_data *d, uint32_t input,
                              struct bytes code, int32_t hash_type);
struct hash256 sighash_v0(const struct sighash_data *d, uint32_t input,
                          struct bytes code, struct amount value, int32_t hash_type);

/* What a taproot spend adds. */
struct sighash_taproot {
    bool script_path;
    bool has_annex;
    struct hash256 annex_hash; /* SHA256 of its CompactSize length and bytes */
    struct hash256 leaf_hash;
    uint32_t codeseparator; /* position of the last executed, UINT32_MAX: none */
};
/* False: hash type not defined, SIGHASH_SINGLE without output, or spent outputs
 * unknown. */
NODISCARD bool sighash_v1(struct hash256 *out, const struct sighash_data *d,
                          uint32_t input, uint8_t hash_type,
                          const struct sighash_taproot *t);

struct hash256 tapleaf_hash(uint8_t leaf_version, struct bytes script);
struct hash256 tapbranch_hash(const struct hash256 *a, const struct hash256 *b);
/* TapTweak of the internal key and root (NULL: no scripts). */
struct hash256 taptweak_hash(const uint8_t internal[32], const struct hash256 *root);

#endif
