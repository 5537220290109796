/* Inside of PSBTs: the scripts behind an output, and records about its keys. */
#ifndef OCHRE_WALLET_PSBT_UPDATE_H
#define OCHRE_WALLET_PSBT_UPDATE_H

#include "chain/script/solver.h"
#include "wallet/psbt.h"
#include "wallet/psbt_tree.h"

/* Scripts from a PSBT's records, or from what is known. */
struct psbt_scripts {
    const struct keystore *known; /* may be NULL */
    struct bytes redeem, witness; /* borrowed; before solving: the records' */
    bool has_redeem, has_witness; /* these are behind the output */
    struct bytes code;            /* the innermost script found */
    enum script_type type;        /* of the redeem script, or the output */
};

void psbt_scripts_solve(struct psbt_scripts *k, struct bytes script);
/* Of @script, which input @i spends. */
void psbt_in_scripts(struct psbt_scripts *out, const struct psbt *p, uint32_t i,
                     struct bytes script, const struct keystore *known);
bool psbt_type_is_witness(enum script_type t);
/* Paths of the keys in k->code. */
void psbt_add_origins(struct psbt *p, struct psbt_map *m, uint64_t type,
                      const struct psbt_scripts *k);
/* Paths of a taproot output's keys, with the leaves that they stand in. */
void psbt_add_tap_origins(struct psbt *p, struct psbt_map *m, uint64_t type,
                          const struct keystore *known, const uint8_t output[32]);

#endif
