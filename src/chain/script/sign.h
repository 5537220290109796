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

/* What is known about the spending of one input. */
struct sig_data {
    bool complete;
    struct buf script_sig; /* owned */
    struct buf *witness;   /* owned */
    uint32_t n_witness;
    struct buf redeem_script, witness_script; /* owned; empty: none */
    struct partial_sig *sigs;                 /* owned */
    size_t n_sigs;
};

void sig_data_clear(struct sig_data *d);
/* What the input of tx already holds: a complete spend, or partial signatures of a
 * multisig. */
void sig_data_from_input(struct sig_data *d, const struct sig_checker *checker,
                         struct bytes script_pubkey);
/* Adds what @from knows. */
void sig_data_merge(struct sig_data *d, const struct sig_data *from);
/* Writes script_sig and witness into the input. */
void sig_data_store(const struct sig_data *d, struct mtxin *in);

/* Signs with every key of @keys that fits, on top of what d knows, then builds
 * script_sig and witness as far as it can. checker->data must be of the unsigned or
 * partly signed transaction, initialised with force. True when the result verifies
 * (d->complete). hash_type SIGHASH_DEFAULT means ALL outside taproot. */
bool sign_input(struct sig_data *d, const struct keystore *keys,
                const struct sig_checker *checker, struct bytes script_pubkey,
                int hash_type);

#endif
