/* Rules for one transaction: context free, and with the coins it spends. */
#ifndef OCHRE_CHAIN_RULES_TX_CHECK_H
#define OCHRE_CHAIN_RULES_TX_CHECK_H

#include "chain/params/params.h"
#include "chain/prim/coin.h"
#include "chain/rules/reject.h"

/* What holds for a transaction wherever it stands: bad-txns-*, bad-cb-length. */
bool tx_check(const struct tx *tx, const struct chain_params *params,
              struct reject *rej);

/* spent[i] is the coin of input i, NULL when it does not exist. Maturity, ranges, and
 * that inputs cover outputs; *fee is what is left. @height is that of the including
 * block. */
bool tx_check_inputs(const struct tx *tx, const struct coin *const *spent,
                     int32_t height, struct amount *fee, struct reject *rej);

/* Sigop cost: four per legacy operation, one per witness operation. @spent may be NULL
 * for a coinbase. @flags: script flags in force (P2SH and witness operations count with
 * theirs). */
int64_t tx_sigop_cost(const struct tx *tx, const struct coin *const *spent,
                      uint32_t flags);
/* Operations in all scriptSigs and scriptPubKeys, uncosted. */
uint32_t tx_legacy_sigops(const struct tx *tx);

#endif
