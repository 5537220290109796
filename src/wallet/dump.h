/* Wallet files as text and back, and what can be saved of a damaged one. For the
 * offline tool.
 *
 *     OCHRE_WALLET_DUMP,1
 *     format,sqlite
 *     network,<the magic in hex>
 *     schema,<version of the tables>
 *     <rows, see dump_row.h>
 *     checksum,<double SHA-256 of all lines above, in hex> */
#ifndef OCHRE_WALLET_DUMP_H
#define OCHRE_WALLET_DUMP_H

#include "chain/params/params.h"
#include "wallet/error.h"

/* @to must not exist. It holds private keys as the wallet does. */
NODISCARD bool wallet_dump(const char *wallet_file, const char *to,
                           const struct chain_params *p, struct wallet_error *e);
/* Makes @wallet_file, all or nothing. */
NODISCARD bool wallet_create_from_dump(const char *wallet_file, const char *dump,
                                       const struct chain_params *p,
                                       struct wallet_error *e);
/* Copies every row that can still be read into @to, a new wallet file; *rows tells how
 * many. */
NODISCARD bool wallet_salvage(const char *damaged, const char *to,
                              const struct chain_params *p, size_t *rows,
                              struct wallet_error *e);

#endif
