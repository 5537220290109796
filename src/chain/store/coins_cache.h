/* The UTXO set: coins in the chain state database and, in front of it, a cache in which
 * every block works. Entries are slots of fixed size in slabs, found by an
 * open-addressing table of 32-bit slot numbers; only scripts that do not fit a slot
 * live on the heap.
 *
 * Key in the database: 'C' txid, base128 n. Value: see prim/coin.h.
 *
 * A flush may take several batches. The first one of them then replaces the best block
 * by where the flush comes from and where it goes: whoever opens the database before
 * the last one is written finds that, and has to bring every coin that a block between
 * the two touches to what it is at the second (validation/replay.c).
 *
 * Changing (fetch included): the validation thread, readers excluded by the chain's
 * lock. A disk failure latches: the coin reads as absent and coins_cache_error
 * tells. */
#ifndef OCHRE_CHAIN_STORE_COINS_CACHE_H
#define OCHRE_CHAIN_STORE_COINS_CACHE_H

#include "chain/prim/coin.h"
#include "db/db.h"
#include "util/mem.h"

#define COINS_DB_COIN 'C' /* 'C' outpoint -> coin */
#define COINS_DB_BEST 'B' /* -> hash of the block the chain state stands at */
#define COINS_DB_HEADS                                                                 \
    'H' /* instead, amid a flush: -> the blocks it goes to and comes from */

struct coins_cache;

struct coins_cache *coins_cache_new(struct db *db); /* borrows db */
void coins_cache_free(struct coins_cache *cc);      /* unsaved changes are lost */
enum err coins_cache_error(const struct coins_cache *cc);

/* -- Reading: under the read lock -- */
/* *out with its script copied into @mem (NULL: out->script is not set). Does not
 * change the cache. False: spent or never there. */
bool coins_peek(const struct coins_cache *cc, const struct outpoint *o,
                struct coin *out, struct arena *mem);
/* The block the set stands at: zero for an empty one. */
struct hash256 coins_best_block(const struct coins_cache *cc);

/* Amid which flush the node stopped that wrote the database. False: it is whole. While
 * it is not, the set stands at no block. */
struct coins_heads {
    struct hash256 to, from; /* from zero: the set was empty */
};
bool coins_torn(const struct coins_cache *cc, struct coins_heads *out);

/* -- Changing -- */
/* Reads through into the cache; out->script is borrowed until the cache changes. */
bool coins_fetch(struct coins_cache *cc, const struct outpoint *o, struct coin *out);
bool coins_have(struct coins_cache *cc, const struct outpoint *o);
/* Adds a coin that is not there; @may_overwrite: it may be (a coinbase that repeats
 * one). */
void coins_add(struct coins_cache *cc, const struct outpoint *o, const struct coin *c,
               bool may_overwrite);
/* All spendable outputs of a transaction; a coinbase's may always overwrite. */
void coins_add_tx(struct coins_cache *cc, const struct tx *tx, uint32_t height,
                  bool may_overwrite);
/* Takes the coin out; *out (may be NULL) as in coins_peek. False: it is not there. */
bool coins_spend(struct coins_cache *cc, const struct outpoint *o, struct coin *out,
                 struct arena *mem);
/* Sets hint bits of an unspent coin; it makes no difference to what the coin is. */
void coins_mark(struct coins_cache *cc, const struct outpoint *o, uint8_t marks);
void coins_set_best_block(struct coins_cache *cc, const struct hash256 *hash);

/* -- Prefetch: misses are read by any thread, then put in by the validation thread  */
bool coins_cached(const struct coins_cache *cc, const struct outpoint *o);
/* Thread-safe; touches the database only. */
NODISCARD enum err coins_db_read(struct db *db, const struct outpoint *o,
                                 struct coin *out, struct arena *mem);
void coins_insert_clean(struct coins_cache *cc, const struct outpoint *o,
                        const struct coin *c);

/* -- Memory and flush -- */
/* How often a coin that was asked for stood in the cache, and how often not. */
struct coins_lookups {
    uint64_t hits, misses;
};
struct coins_lookups coins_cache_lookups(const struct coins_cache *cc);
size_t coins_cache_count(const struct coins_cache *cc);
/* Heap octets of the cache, without the database. */
size_t coins_cache_memory(const struct coins_cache *cc);
/* What writing the changed coins in batches of @batch_bytes would take on top: a batch
 * and LevelDB's own copy. */
size_t coins_cache_flush_memory(const struct coins_cache *cc, size_t batch_bytes);
/* What it would take on the disk. */
uint64_t coins_cache_flush_disk(const struct coins_cache *cc);
bool coins_cache_dirty(const struct coins_cache *cc);
struct coins_flush {
    uint32_t next; /* slot */
    bool parted;
};
/* Adds changed coins to the batch until it is larger than @batch_bytes, or all are in
 * it. True: there is more; write the batch, synced, and call again with an empty one.
 * The last one holds the best block. Nothing may change until coins_flush_done, which
 * is called only when all is written; @drop empties the cache. *f begins as zeros. */
NODISCARD bool coins_flush_into(const struct coins_cache *cc, struct coins_flush *f,
                                struct db_batch *batch, size_t batch_bytes);
void coins_flush_done(struct coins_cache *cc, bool drop);

/* Octets of a coin in the database. */
struct bytes coin_key(uint8_t out[40], const struct outpoint *o);
NODISCARD bool coin_key_read(struct outpoint *o, struct bytes key);

#endif
