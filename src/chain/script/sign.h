/* Signing inputs with the keys at hand, and combining what several signers made. */
#ifndef OCHRE_CHAIN_SCRIPT_SIGN_H
#define OCHRE_CHAIN_SCRIPT_SIGN_H

#include "chain/script/interpreter.h"
#include "chain/script/keystore.h"

struct partial_sig {
    uint8_t pubkey[65];
    uint8_t pubkey_len;
    struct buf sig; /* owned; with the hash type byte */
};

/* A tapscript signature. */
struct tap_sig {
    uint8_t xonly[32];
    struct hash256 leaf;
    struct buf sig; /* owned; with the hash type byte unless it is the default */
};

enum preimage_kind {
    PREIMAGE_RIPEMD160,
    PREIMAGE_SHA256,
    PREIMAGE_HASH160,
    PREIMAGE_HASH256,
};

size_t preimage_hash_size(enum preimage_kind kind); /* 20 or 32 */

struct preimage {
    enum preimage_kind kind;
    uint8_t hash[32]; /* 20 bytes of it for the 160-bit kinds, zeros behind them */
    struct buf value; /* owned */
};

/* What signing looked for in vain. */
struct sig_missing {
    uint8_t (*pubkeys)[20]; /* owned; hash160 of public keys that are not known */
    size_t n_pubkeys;
    uint8_t (*sigs)[20]; /* owned; hash160 of keys that have not signed */
    size_t n_sigs;
    bool redeem_script, witness_script;
    uint8_t redeem_hash[20], witness_hash[32];
};

void sig_missing_clear(struct sig_missing *m);

/* What is known about the spending of one input. */
struct sig_data {
    bool complete;
    struct buf script_sig; /* owned */
    struct buf *witness;   /* owned */
    uint32_t n_witness;
    struct buf redeem_script, witness_script; /* owned; empty: none */
    struct partial_sig *sigs;                 /* owned */
    size_t n_sigs;
    struct buf tap_key_sig;   /* owned; empty: none */
    struct tap_sig *tap_sigs; /* owned */
    size_t n_tap_sigs;
    struct preimage *preimages; /* owned */
    size_t n_preimages;
    struct sig_missing missing; /* of the last sign_input */
};

void sig_data_clear(struct sig_data *d);
/* Each keeps what is there already. */
void sig_data_add_sig(struct sig_data *d, struct bytes pubkey, struct bytes sig);
void sig_data_add_tap_sig(struct sig_data *d, const uint8_t xonly[32],
                          const struct hash256 *leaf, struct bytes sig);
/* @hash: 20 or 32 bytes as the kind demands. */
void sig_data_add_preimage(struct sig_data *d, enum preimage_kind kind,
                           const uint8_t *hash, struct bytes value);
/* What the input of tx already holds: a complete spend, or partial signatures of a
 * multisig. */
void sig_data_from_input(struct sig_data *d, const struct sig_checker *checker,
                         struct bytes script_pubkey);
/* Adds what @from knows. */
void sig_data_merge(struct sig_data *d, const struct sig_data *from);
/* Writes script_sig and witness into the input. */
void sig_data_store(const struct sig_data *d, struct mtxin *in);

/* Signs with every key of @keys that fits, on top of what d knows, then builds
 * script_sig and witness as far as it can: multisigs with gaps while signatures are
 * missing, miniscript by its cheapest way that nobody else can change. Signatures made
 * stay in d even when they are not enough. checker->data must be of the unsigned or
 * partly signed transaction, initialised with force. True when the result verifies
 * (d->complete). hash_type SIGHASH_DEFAULT means ALL outside taproot. */
bool sign_input(struct sig_data *d, const struct keystore *keys,
                const struct sig_checker *checker, struct bytes script_pubkey,
                int hash_type);

#endif
