/* An unspent output with what spending rules need to know about its origin. */
#ifndef OCHRE_CHAIN_PRIM_COIN_H
#define OCHRE_CHAIN_PRIM_COIN_H

#include "chain/prim/tx.h"

/* Hints for the ticket rules, kept with the coin: "a record may name this outpoint".
 * They may be set without need, never missing; they are no part of what UTXO hashes
 * cover. */
#define COIN_MARK_COLLATERAL 1u
#define COIN_MARK_ANCHOR     2u
#define COIN_MARKS           3u

/* Scripts longer than this, and those that begin with OP_RETURN, cannot be spent. */
#define MAX_SCRIPT_SIZE 10000

#define COIN_VALUE_BITS 51 /* every valid amount fits */

struct coin {
    struct amount value;
    uint32_t height; /* of the block that holds it; below 2^31 */
    bool coinbase;
    uint8_t marks;
    struct bytes script; /* scriptPubKey, borrowed: the function that fills a coin says
                            from what */
};

/* Never enters the UTXO set. */
static inline bool script_is_unspendable(struct bytes script)
{
    return (script.len > 0 && script.data[0] == 0x6a) || script.len > MAX_SCRIPT_SIZE;
}

/* The compact form of chain state and undo files:
 *   base128  height << 3 | marks << 1 | coinbase
 *   base128  amount, with its trailing decimal zeros as an exponent
 *   base128  script kind, then the kind's octets:
 *            0 P2PKH 20, 1 P2SH 20, 2 P2WPKH 20, 3 P2WSH 32, 4 P2TR 32, 5 and 6 P2PK
 * with a compressed key of prefix 02 and 03: 32; n >= 7: n - 7 octets of script */
void coin_write(struct sink *s, const struct coin *c);
/* Largest script that coin_read builds in @scratch. */
#define COIN_SCRATCH 40
/* c->script points into @scratch for kinds 0 to 6, else into the input. False:
 * malformed. */
NODISCARD bool coin_read(struct coin *c, struct reader *r,
                         uint8_t scratch[COIN_SCRATCH]);

/* Bitcoin's reversible packing of amounts, exact for every value up to MAX_MONEY and
 * more. */
uint64_t amount_compress(uint64_t v);
uint64_t amount_decompress(uint64_t v);

#endif
