/* The file that dumptxoutset writes and loadtxoutset reads: a UTXO set at one block,
 * and on networks with tickets the ticket state of that block. Up to the coins it is
 * Bitcoin Core's version 2 of the format.
 *
 *   0    5   "utxo" ff
 *   5    2   u16 version: 2
 *   7    4   magic of the network
 *   11   32  hash of the block
 *   43   8   u64 number of coins
 *   51  ...  per transaction, rising: txid, varint n, n x { varint output number, coin
 * }
 *       ...  with tickets: entries { var key, var value }, rising; then one octet 00
 *
 * A coin is: base128 height << 1 | coinbase; base128 compressed amount; script. A
 * script is: base128 kind and the kind's octets: 0 P2PKH 20; 1 P2SH 20; 2, 3 P2PK with
 * a compressed key of that prefix 32; 4, 5 P2PK with an uncompressed key whose
 * compressed form has the prefix kind - 2: 32; n >= 6: n - 6 octets of script.
 *
 * Marks of coins (prim/coin.h) are not in the file: they follow from the ticket state.
 */
#ifndef OCHRE_CHAIN_STORE_UTXO_FILE_H
#define OCHRE_CHAIN_STORE_UTXO_FILE_H

#include <stdio.h>

#include "chain/prim/coin.h"

#define UTXO_FILE_VERSION   2
#define UTXO_FILE_MAX_KEY   255
#define UTXO_FILE_MAX_VALUE 65535

struct utxo_file_header {
    uint8_t magic[4];
    struct hash256 base;
    uint64_t n_coins;
};

/* -- Writing: errors latch and come out at the end -- */

struct utxo_writer;
/* Borrows the file, which must stand at its beginning and be seekable. */
struct utxo_writer *utxo_writer_new(FILE *f, const struct utxo_file_header *h);
/* In the order of keys of the coins' database. */
void utxo_writer_coin(struct utxo_writer *w, const struct outpoint *o,
                      const struct coin *coin);
/* After the coins. */
void utxo_writer_entry(struct utxo_writer *w, struct bytes key, struct bytes value);
void utxo_writer_end_entries(struct utxo_writer *w);
/* Puts the number of coins into the header and syncs. Frees. */
NODISCARD enum err utxo_writer_finish(struct utxo_writer *take_w, uint64_t *n_coins);

/* -- Reading: foreign octets -- */

struct utxo_reader;
struct utxo_reader *utxo_reader_new(FILE *f); /* borrows f */
void utxo_reader_free(struct utxo_reader *r); /* NULL is fine */
/* NULL, or what is wrong with the header, in bitcoind's words (static). *version is set
 * when it is the version that is not known. */
const char *utxo_reader_header(struct utxo_reader *r, struct utxo_file_header *h,
                               uint16_t *version);

enum utxo_read {
    UTXO_READ_OK,
    UTXO_READ_END,       /* all coins, or all entries, are read */
    UTXO_READ_MALFORMED, /* or the file ends too early */
    UTXO_READ_TOO_MANY,  /* a transaction claims more coins than are left */
    UTXO_READ_BAD_COIN,  /* from above the block the set stands at */
    UTXO_READ_BAD_VALUE, /* amount out of range */
};
/* The next coin; its script is borrowed until the next call. @max_height: of the block
 * the set stands at. */
enum utxo_read utxo_reader_coin(struct utxo_reader *r, uint32_t max_height,
                                struct outpoint *o, struct coin *coin);
uint64_t utxo_reader_coins_read(const struct utxo_reader *r);
/* The next entry, borrowed until the next call. */
enum utxo_read utxo_reader_entry(struct utxo_reader *r, struct bytes *key,
                                 struct bytes *value);
/* Nothing is left. */
bool utxo_reader_at_end(struct utxo_reader *r);

#endif
