/* What a PSBT still needs. */
#ifndef OCHRE_WALLET_PSBT_ANALYZE_H
#define OCHRE_WALLET_PSBT_ANALYZE_H

#include "wallet/psbt.h"

struct chain_params;

/* In the order in which they work. */
enum psbt_role {
    PSBT_CREATOR,
    PSBT_UPDATER,
    PSBT_SIGNER,
    PSBT_FINALIZER,
    PSBT_EXTRACTOR,
};
const char *psbt_role_name(enum psbt_role r); /* "creator" */

struct psbt_input_state {
    bool has_utxo, is_final;
    enum psbt_role next;
    struct sig_missing missing; /* owned */
};

struct psbt_analysis {
    char *error; /* owned; the PSBT makes no sense: the rest is not set but @next */
    struct psbt_input_state *in; /* owned */
    uint32_t n_in;
    enum psbt_role next;
    bool has_fee;
    struct amount fee;
    int64_t vsize; /* once signed; -1: not known */
};

void psbt_analyze(struct psbt_analysis *out, const struct chain_params *params,
                  const struct psbt *p);
void psbt_analysis_clear(struct psbt_analysis *a);

/* False: an amount is not known or out of range. */
bool psbt_amount_in(const struct psbt *p, struct amount *out);
bool psbt_amount_out(const struct psbt *p, struct amount *out);

#endif
