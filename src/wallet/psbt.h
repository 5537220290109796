/* Partially signed transactions (PSBT), versions 0 and 2: BIP 174, 370 and 371. Nothing
 * here knows of wallets; see psbt_wallet.h for that.
 *
 * A PSBT is maps of records: one of the whole, one for each input and output. Records
 * are kept as bytes, also those that nobody here knows, and are read where their
 * meaning is needed; what is written is in one fixed order, so equal contents are equal
 * bytes. Both versions have the unsigned transaction at hand in p->tx, so that only
 * reading and writing see a difference:
 *
 *     psbt_create(&p, tx, 0);
 *     psbt_set_prev_tx(&p, 0, prev);
 *     psbt_hashes_init(&hashes, &p);
 *     psbt_sign_input(&p, 0, &hashes, &how, NULL);
 *     if (psbt_finalize(&p))
 *         tx = psbt_extract(&p);
 */
#ifndef OCHRE_WALLET_PSBT_H
#define OCHRE_WALLET_PSBT_H

#include "chain/prim/tx.h"
#include "chain/script/sign.h"
#include "util/mem.h"

/* Types of records. */
enum psbt_global {
    PSBT_GLOBAL_UNSIGNED_TX = 0x00,
    PSBT_GLOBAL_XPUB = 0x01,
    PSBT_GLOBAL_TX_VERSION = 0x02,
    PSBT_GLOBAL_FALLBACK_LOCKTIME = 0x03,
    PSBT_GLOBAL_INPUT_COUNT = 0x04,
    PSBT_GLOBAL_OUTPUT_COUNT = 0x05,
    PSBT_GLOBAL_TX_MODIFIABLE = 0x06,
    PSBT_GLOBAL_VERSION = 0xfb,
};
enum psbt_in {
    PSBT_IN_NON_WITNESS_UTXO = 0x00,
    PSBT_IN_WITNESS_UTXO = 0x01,
    PSBT_IN_PARTIAL_SIG = 0x02,
    PSBT_IN_SIGHASH = 0x03,
    PSBT_IN_REDEEM_SCRIPT = 0x04,
    PSBT_IN_WITNESS_SCRIPT = 0x05,
    PSBT_IN_BIP32 = 0x06,
    PSBT_IN_FINAL_SCRIPT_SIG = 0x07,
    PSBT_IN_FINAL_WITNESS = 0x08,
    PSBT_IN_RIPEMD160 = 0x0a,
    PSBT_IN_SHA256 = 0x0b,
    PSBT_IN_HASH160 = 0x0c,
    PSBT_IN_HASH256 = 0x0d,
    PSBT_IN_PREVIOUS_TXID = 0x0e,
    PSBT_IN_OUTPUT_INDEX = 0x0f,
    PSBT_IN_SEQUENCE = 0x10,
    PSBT_IN_TIME_LOCKTIME = 0x11,
    PSBT_IN_HEIGHT_LOCKTIME = 0x12,
    PSBT_IN_TAP_KEY_SIG = 0x13,
    PSBT_IN_TAP_SCRIPT_SIG = 0x14,
    PSBT_IN_TAP_LEAF_SCRIPT = 0x15,
    PSBT_IN_TAP_BIP32 = 0x16,
    PSBT_IN_TAP_INTERNAL_KEY = 0x17,
    PSBT_IN_TAP_MERKLE_ROOT = 0x18,
};
enum psbt_out {
    PSBT_OUT_REDEEM_SCRIPT = 0x00,
    PSBT_OUT_WITNESS_SCRIPT = 0x01,
    PSBT_OUT_BIP32 = 0x02,
    PSBT_OUT_AMOUNT = 0x03,
    PSBT_OUT_SCRIPT = 0x04,
    PSBT_OUT_TAP_INTERNAL_KEY = 0x05,
    PSBT_OUT_TAP_TREE = 0x06,
    PSBT_OUT_TAP_BIP32 = 0x07,
};
#define PSBT_PROPRIETARY 0xfc /* in every map */

/* Bits of PSBT_GLOBAL_TX_MODIFIABLE. */
#define PSBT_INPUTS_MODIFIABLE  1
#define PSBT_OUTPUTS_MODIFIABLE 2
#define PSBT_HAS_SINGLE         4

#define PSBT_MAX_SIZE 100000000 /* octets */

struct psbt_record {
    uint64_t type;
    struct bytes key; /* behind the type; it and the value are owned by the PSBT */
    struct bytes value;
};

struct psbt_map {
    struct psbt_record *items; /* owned; in the order of writing */
    size_t n, cap;
};

struct psbt {
    uint32_t version; /* 0 or 2 */
    struct tx *tx;    /* owned reference: the unsigned transaction */
    struct psbt_map global;
    struct psbt_map *in;  /* owned, tx->n_in */
    struct psbt_map *out; /* owned, tx->n_out */
    /* Owned; one for each input: what it spends, script.data NULL when that is not
     * known. Ready for sighash_data_init_partial. */
    struct txout *spent;
    struct arena memory;
};

/* Whether an input has a signature script or a witness. */
bool psbt_tx_is_signed(const struct tx *tx);

/* -- Life -- */
/* @version: 0 or 2. Signatures in @tx are left out. Inputs and outputs of a version 2
 * may be added and removed by others. */
void psbt_create(struct psbt *out, const struct tx *tx, uint32_t version);
void psbt_copy(struct psbt *out, const struct psbt *p);
void psbt_clear(struct psbt *p);
/* To the other version. What only version 2 can say is lost on the way to version 0. */
void psbt_convert(struct psbt *p, uint32_t version);

/* -- Bytes -- */
/* False: *error (static) says what is wrong, in bitcoind's words where it has some, and
 * nothing is to be cleared. */
NODISCARD bool psbt_read(struct psbt *out, struct bytes raw, const char **error);
NODISCARD bool psbt_from_base64(struct psbt *out, const char *text, size_t len,
                                const char **error);
void psbt_write(const struct psbt *p, struct sink *s);
void psbt_to_base64(const struct psbt *p, struct buf *out); /* appends */

/* -- Records -- */
static inline struct bytes psbt_no_key(void)
{
    return (struct bytes){NULL, 0};
}
/* NULL: there is none. */
const struct psbt_record *psbt_find(const struct psbt_map *m, uint64_t type,
                                    struct bytes key);
/* The value of the record that its type alone names; data NULL: there is none. */
struct bytes psbt_value(const struct psbt_map *m, uint64_t type);
/* The first of this type, and how many there are; they stand side by side. */
const struct psbt_record *psbt_find_all(const struct psbt_map *m, uint64_t type,
                                        size_t *n);
/* Adds a record; one that is there keeps its value. What an input spends goes through
 * psbt_set_prev_*. */
void psbt_add(struct psbt *p, struct psbt_map *m, uint64_t type, struct bytes key,
              struct bytes value);
/* Adds it or changes its value. */
void psbt_put(struct psbt *p, struct psbt_map *m, uint64_t type, struct bytes key,
              struct bytes value);
/* All of a type. */
void psbt_remove(struct psbt_map *m, uint64_t type);

/* -- Updater -- */
/* The transaction that input @i spends from; false when it is another one or has no
 * such output. */
NODISCARD bool psbt_set_prev_tx(struct psbt *p, uint32_t i, const struct tx *prev);
/* The output that input @i spends; enough where it is of a witness program. */
void psbt_set_prev_out(struct psbt *p, uint32_t i, const struct txout *prev);
/* Whether @script, spent by input @i, is (or hides, by a redeem script in @known, which
 * may be NULL, or in the PSBT) a witness program. */
bool psbt_spends_witness(const struct psbt *p, uint32_t i, struct bytes script,
                         const struct keystore *known);
/* What @known tells of output @i's scripts and keys. @origins: with derivation paths.
 */
void psbt_update_output(struct psbt *p, uint32_t i, const struct keystore *known,
                        bool origins);
/* Once every input spends taproot, previous transactions say nothing that signatures do
 * not cover: removes them (not for ANYONECANPAY). */
void psbt_drop_prev_txs(struct psbt *p, int hash_type);

/* -- Signer, and updater of inputs -- */
struct psbt_signer {
    struct keystore *keys; /* takes up the scripts and public keys of the PSBT */
    int hash_type;
    bool finalize; /* inputs that are complete then get their final scripts */
    bool origins;  /* write derivation paths of keys used */
};
/* Room for p->tx->n_in inputs' hashes; valid until what is spent changes. */
void psbt_hashes_init(struct sighash_data *d, const struct psbt *p);
/* Adds to input @i what the keys tell of its scripts, and the signatures that they can
 * make (keys without secrets: none). @missing (may be NULL; sig_missing_clear) gets
 * what is not there. True when the input can be finalized, or is final. */
bool psbt_sign_input(struct psbt *p, uint32_t i, const struct sighash_data *hashes,
                     const struct psbt_signer *how, struct sig_missing *missing);
/* The hash type that the PSBT asks for; false: it does not care. */
bool psbt_hash_type(const struct psbt *p, uint32_t i, int *out);

/* -- Combiner, joiner -- */
/* Adds what @from knows of the same transaction; false when it is another one. */
NODISCARD bool psbt_combine(struct psbt *p, const struct psbt *from);
/* Adds the inputs and outputs of @from; signatures of both are gone then. False: both
 * have input *twice (index in @from); or, with *twice as many as @from has, inputs
 * require lock times of different kinds, and @p is only good for psbt_clear. */
NODISCARD bool psbt_join(struct psbt *p, const struct psbt *from, uint32_t *twice);
/* Puts inputs and outputs into an order that nobody can know. */
void psbt_shuffle(struct psbt *p);

/* -- Finalizer, extractor -- */
bool psbt_is_final(const struct psbt *p, uint32_t i); /* has final scripts */
/* ... and they satisfy what they spend. */
bool psbt_is_satisfied(const struct psbt *p, uint32_t i,
                       const struct sighash_data *hashes);
/* Finalizes what can be; true when all inputs are. */
bool psbt_finalize(struct psbt *p);
bool psbt_is_complete(const struct psbt *p); /* all inputs are satisfied */
/* The transaction with the final scripts there are; one reference. */
struct tx *psbt_extract(const struct psbt *p);

#endif
