/* The hash of a UTXO set that bitcoind calls hash_serialized_3: SHA256d over the octets
 * of every coin, transactions by txid, outputs of each by number. */
#ifndef OCHRE_CHAIN_STORE_UTXO_HASH_H
#define OCHRE_CHAIN_STORE_UTXO_HASH_H

#include "chain/prim/coin.h"
#include "crypto/sha256.h"

/* What hashes of UTXO sets see of a coin: outpoint, u32 height << 1 | coinbase, i64
 * amount, var script. */
void utxo_octets(struct buf *out, const struct outpoint *o, const struct coin *coin);

struct utxo_hash_coin;
struct utxo_hash {
    struct sha256 sha;
    struct hash256 txid;          /* whose coins come now */
    struct buf octets;            /* theirs */
    struct utxo_hash_coin *coins; /* owned */
    size_t n_coins, cap_coins;
};

void utxo_hash_init(struct utxo_hash *h);
/* Coins come transaction by transaction, in order of txid; those of one in any order.
 */
void utxo_hash_add(struct utxo_hash *h, const struct outpoint *o,
                   const struct coin *coin);
/* Also frees. */
void utxo_hash_final(struct utxo_hash *h, struct hash256 *out);

#endif
