/* Transactions from hex, as users hand them in: the two formats cannot always be told
 * apart. */
#ifndef OCHRE_CHAIN_SCRIPT_TX_DECODE_H
#define OCHRE_CHAIN_SCRIPT_TX_DECODE_H

#include "chain/prim/tx.h"

/* Which formats to try: with witness (BIP 144), and the old one. A transaction without
 * inputs reads as either; the one whose scripts make sense wins. One reference, or
 * NULL. */
struct tx *tx_decode_hex(const char *hex, size_t len, bool try_old, bool try_witness);

#endif
