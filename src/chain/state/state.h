/* The ticket state: a map from key octets to value octets that blocks change, with a
 * Merkle commitment (doc/spec/state.md). Everything but coins lives here.
 *
 * Life of a change: a block opens a state_txn on top of the state; rules read and write
 * through it; it yields the block's undo octets and is committed into memory. Changed
 * values and tree nodes reach the disk through state_flush_into, inside the same
 * LevelDB batch as coins and best-block marker. Scratch transactions (mempool,
 * templates, RPC) are opened the same way and discarded; they may be nested.
 *
 * Threads: whatever changes the state (commit of an outermost txn, flush) needs the
 * chain's exclusive lock; everything else, proofs and root included, works under a
 * shared one. An open txn becomes invalid when the state below it changes.
 *
 * Disk failures latch: the failing read says "absent", and state_error tells at the end
 * of the block (no result may be used then; the node stops). */
#ifndef OCHRE_CHAIN_STATE_STATE_H
#define OCHRE_CHAIN_STATE_STATE_H

#include "db/db.h"
#include "util/bytes.h"

/* First octets of our records in the chain state database; no other layer may use them.
 */
#define STATE_DB_VALUE 's' /* 's' key -> value */
#define STATE_DB_NODE                                                                  \
    'n' /* 'n' u8 nibbles, path prefix -> tree page, see state/tree.h */

#define STATE_MAX_KEY   255
#define STATE_MAX_VALUE 65535

struct state;
struct state_txn;

/* @cache_bytes bounds the memory of clean tree pages. Borrows db. */
struct state *state_new(struct db *db, size_t cache_bytes);
void state_free(struct state *s);
/* The first failure of the database below, or ERR_OK. */
enum err state_error(const struct state *s);
/* Octets on the heap: unflushed values and tree pages, clean and dirty. */
size_t state_memory(const struct state *s);
/* The part that a flush would free or make evictable. */
size_t state_dirty_memory(const struct state *s);
size_t state_cache_limit(const struct state *s);
void state_set_cache_limit(struct state *s, size_t cache_bytes);

/* Root of the commitment over the current content (32 zero octets when empty). Brings
 * the tree up to date, so the cost of a block's changes is paid here, once. */
struct hash256 state_root(struct state *s);

/* --- transactions --- */
struct state_txn *state_begin(struct state *s);
struct state_txn *state_begin_nested(struct state_txn *parent);
/* Value of the key into *value (replaced; may be NULL); false when absent. */
bool state_get(struct state_txn *t, struct bytes key, struct buf *value);
void state_put(struct state_txn *t, struct bytes key, struct bytes value);
void state_del(struct state_txn *t, struct bytes key); /* absent is fine */
/* Hands the changes to the parent txn, or to the state itself; frees the txn. */
void state_commit(struct state_txn *take_t);
void state_discard(struct state_txn *take_t); /* NULL is fine */
bool state_txn_changed(const struct state_txn *t);
struct state *state_of(const struct state_txn *t);

/* Appends what state_undo_apply needs to take an outermost txn's changes back once it
 * is committed; nothing at all when it changed nothing. Call before state_commit.
 * varint n, n x { var key, u8 existed, if existed: var value }, in order of SHA3(key).
 */
void state_txn_undo(struct state_txn *t, struct buf *out);
/* Puts the old values back, as changes of @t. False: malformed (t must be discarded).
 */
NODISCARD bool state_undo_apply(struct state_txn *t, struct bytes undo);

/* Calls fn for every entry whose key begins with prefix, in key order, as the txn sees
 * it; stops when fn returns false. fn must not change the txn. */
void state_each(struct state_txn *t, struct bytes prefix,
                bool (*fn)(void *ctx, struct bytes key, struct bytes value), void *ctx);

/* The same for what the txn (its parents included) has changed and not committed to the
 * state, in no order; value NULL: deleted. */
void state_each_change(struct state_txn *t, struct bytes prefix,
                       void (*fn)(void *ctx, struct bytes key,
                                  const struct bytes *value),
                       void *ctx);
/* Names (SHA3 of the key) of all values that the txn has changed; and of all that were
 * read through it by key from the state itself, if it is outermost. In no order. */
void state_each_changed(const struct state_txn *t,
                        void (*fn)(void *ctx, const uint8_t name[32]), void *ctx);
void state_each_read(const struct state_txn *t,
                     void (*fn)(void *ctx, const uint8_t name[32]), void *ctx);
/* From now on changed hears of every change that is committed to the state itself, of
 * undone blocks too, to a key with this first octet (value NULL: deleted). There is one
 * watcher. */
void state_watch(struct state *s, uint8_t first,
                 void (*changed)(void *ctx, struct bytes key,
                                 const struct bytes *value),
                 void *ctx);

/* --- flush --- */
/* Adds all unflushed values and tree pages to the batch. The caller writes the batch,
 * then calls state_flush_done (only on success). Nothing may change in between. */
void state_flush_into(struct state *s, struct db_batch *batch);
void state_flush_done(struct state *s);

/* --- proofs --- */
/* Appends a proof of the value that @key has, or of its absence, in the content that @t
 * sees. A txn that holds an applied block undo so proves the past. False: database
 * failure. */
NODISCARD bool state_prove(struct state_txn *t, struct bytes key, struct buf *proof);
struct hash256 state_txn_root(struct state_txn *t);
/* Pure. True when the proof shows, under this root, that the key is absent (!*present)
 * or has *value, which is borrowed from the proof. False: it shows nothing. */
NODISCARD bool state_proof_verify(const struct hash256 *root, struct bytes key,
                                  struct bytes proof, bool *present,
                                  struct bytes *value);

/* Rebuilds the root from all values with nothing but hashing (for tests and
 * verifychain); false when it differs from state_root or the database fails. Slow. */
bool state_check(struct state *s);

#endif
