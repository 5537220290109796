/* UTXO sets that the program vouches for: loadtxoutset takes no others. */
#ifndef OCHRE_CHAIN_PARAMS_ASSUMEUTXO_H
#define OCHRE_CHAIN_PARAMS_ASSUMEUTXO_H

#include "chain/params/params.h"

/* The set that stands at a block; NULL: none. */
const struct assumeutxo *assumeutxo_at_block(const struct chain_params *p,
                                             const struct hash256 *block);
/* "110, 200, 299"; caller frees. */
char *assumeutxo_heights(const struct chain_params *p);
/* The highest; NULL: there are none. */
const struct assumeutxo *assumeutxo_highest(const struct chain_params *p);

/* -assumeutxo=<height>:<blockhash>:<txoutset_hash>[:<nchaintx>[:<stateroot>]], for
 * regtest. error: caller frees. */
NODISCARD bool chain_params_assumeutxo(struct chain_params *p, const char *spec,
                                       char **error);

#endif
