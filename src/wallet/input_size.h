/* How much inputs will weigh once they are signed. */
#ifndef OCHRE_WALLET_INPUT_SIZE_H
#define OCHRE_WALLET_INPUT_SIZE_H

#include "chain/script/keystore.h"

struct chain_params;
struct wallet;
struct wallet_desc;

struct input_size {
    int64_t weight;  /* of the whole input; -1: not known */
    bool is_witness; /* it has a witness */
    bool given;      /* by the caller: weight stays as it is */
};

/* Remembers the sizes of a wallet's descriptors, so that thousands of coins cost a
 * look-up each. Zero-initialised is valid. */
#define INPUT_SIZE_MEMO 16
struct input_sizes {
    const struct wallet *w;         /* borrowed; NULL: nothing is ours */
    const struct keystore *solving; /* borrowed: of foreign inputs; may be NULL */
    struct {
        const struct wallet_desc *desc;
        struct input_size size;
    } memo[INPUT_SIZE_MEMO];
    size_t n_memo;
};

/* Of an input that spends @script in a transaction with witnesses (where inputs without
 * one have an empty one). @foreign: signed by others, who may make signatures a byte
 * longer. Wallet lock. */
struct input_size input_size(struct input_sizes *s, struct bytes script, bool foreign);
/* From keys and scripts alone; P2PKH and the like need their public key. */
struct input_size input_size_of_known(const struct chain_params *p, struct bytes script,
                                      const struct keystore *known, bool low_r);
/* Of an output, in bytes. */
int64_t output_size(struct bytes script);
/* Whole transaction, when signed, with inputs as given. @outputs_size: sum of
 * output_size. */
int64_t signed_weight(const struct input_size *inputs, size_t n_in,
                      int64_t outputs_size, size_t n_out);
/* The same with the outputs of @m, instead of their size. */
int64_t mtx_signed_weight(const struct mtx *m, const struct input_size *inputs);

#endif
