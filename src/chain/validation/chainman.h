/* The chain manager: block tree, active chain, coins and ticket state, and the one
 * validation thread that alone changes them (and the mempool).
 *
 * Locking: the validation thread takes the lock for writing while it changes what
 * readers can see (the connection of one block at a time); RPC handlers take it for
 * reading. The lock prefers writers and is not recursive for readers. On the validation
 * thread itself no read lock is needed. Whoever holds the read lock must release it
 * before chainman_call.
 *
 * Everything that must happen in order (blocks and transactions from peers,
 * submitblock, sendrawtransaction, invalidateblock, ...) is a job on the validation
 * thread's FIFO queue. */
#ifndef OCHRE_CHAIN_VALIDATION_CHAINMAN_H
#define OCHRE_CHAIN_VALIDATION_CHAINMAN_H

#include "chain/prim/block.h"
#include "chain/rules/block_index.h"
#include "chain/rules/reject.h"

struct arena;
struct block_files;
struct block_undo;
struct chain_params;
struct chainman;
struct clock;
struct coin;
struct coinstats_index;
struct coins_cache;
struct consensus_hooks;
struct logger;
struct pool;
struct sigcache;
struct state;
struct map;
struct state_txn;
struct tx;
struct filter_index;
struct histogram;
struct txindex;
struct versionbits;

struct chainman_options {
    const struct chain_params *params;   /* borrowed */
    const struct consensus_hooks *hooks; /* borrowed; NULL: none */
    struct clock *clock;
    struct logger *log;
    struct pool *workers;    /* script checks, prefetch */
    const char *datadir;     /* network directory: holds chainstate/ and blocks/index */
    const char *blocksdir;   /* holds blk*.dat and rev*.dat */
    size_t dbcache;          /* bytes */
    size_t db_batch_bytes;   /* -dbbatchsize */
    uint64_t db_crash_ratio; /* -dbcrashratio; 0: never */
    bool reindex, reindex_chainstate;
    bool compact;           /* -forcecompactdb */
    bool blocks_xor;        /* -blocksxor */
    bool small_block_files; /* -fastprune: 64 KiB files, to test pruning */
    uint64_t prune_target;  /* bytes; 0 off, 1 manual only */
    bool txindex;
    bool filter_index;      /* -blockfilterindex */
    bool coinstats_index;   /* -coinstatsindex */
    int32_t stop_at_height; /* 0: never */
    int64_t max_tip_age;    /* seconds */
    int check_blocks, check_level;
    bool check_block_index;
    uint64_t sigcache_bytes;
    const char *const *load_blocks; /* -loadblock files, NULL-terminated */
    /* Progress of start-up in bitcoind's words ("Loading block index…", "Verifying
     * blocks…"). */
    void (*init_message)(void *ctx, const char *text);
    void *init_ctx;
    /* A disk failure, a corrupt database, stop_at_height: the node must stop
     * cleanly. Called once, from any thread; @fatal is NULL for a wanted stop, else
     * a sentence for the user. */
    void (*request_stop)(void *ctx, const char *fatal);
    void *stop_ctx;
};

/* Opens databases, loads the block tree, verifies the last blocks, starts the
 * validation thread. On failure *error (caller frees) says what is wrong and the way
 * out. */
NODISCARD enum err chainman_open(struct chainman **out,
                                 const struct chainman_options *opt, char **error);
/* Starts -reindex/-loadblock imports and the activation of the best chain, in order,
 * as jobs. */
void chainman_start_import(struct chainman *cm);
bool chainman_importing(const struct chainman *cm);
/* Interrupts long work; later jobs are refused. */
void chainman_interrupt(struct chainman *cm);
/* Stops the thread, flushes everything, frees. */
void chainman_close(struct chainman *cm);
NODISCARD enum err chainman_flush(struct chainman *cm); /* on the validation thread */

/* Runs fn(arg) on the validation thread, after everything queued before, and waits
 * for it. On the validation thread itself it is called at once. ERR_CLOSED: shutting
 * down, not run. */
NODISCARD enum err chainman_call(struct chainman *cm, void (*fn)(void *arg), void *arg);
/* The same without waiting. False: shutting down, not queued. */
bool chainman_post(struct chainman *cm, void (*fn)(void *arg), void *arg);
bool chainman_on_thread(const struct chainman *cm);

void chainman_read_lock(struct chainman *cm);
void chainman_read_unlock(struct chainman *cm);
/* On the validation thread only, where it nests: around changes that readers must
 * not see half done (the mempool's own). */
void chainman_write_lock(struct chainman *cm);
void chainman_write_unlock(struct chainman *cm);

/* -- Reading: under the read lock or on the validation thread -- */
const struct chain_params *chainman_params(const struct chainman *cm);
struct block_index *chain_tip(const struct chainman *cm); /* never NULL after open */
int32_t chain_height(const struct chainman *cm);
/* The active chain's block of that height, or NULL. */
struct block_index *chain_at(const struct chainman *cm, int32_t height);
bool chain_contains(const struct chainman *cm, const struct block_index *bi);
struct block_index *chain_fork_point(const struct chainman *cm,
                                     const struct block_index *bi);
struct block_index *chain_next(const struct chainman *cm, const struct block_index *bi);
struct block_index *block_tree_find(const struct chainman *cm,
                                    const struct hash256 *hash);
struct block_index *best_header(const struct chainman *cm);
size_t block_tree_size(const struct chainman *cm);
/* Every known block, in no order; return false to stop. */
void block_tree_each(const struct chainman *cm,
                     bool (*fn)(void *ctx, struct block_index *bi), void *ctx);
/* Initial block download; latches to false. */
bool chainman_ibd(const struct chainman *cm);
struct coins_cache *chainman_coins(const struct chainman *cm);
struct state *chainman_state(const struct chainman *cm);
struct block_files *chainman_files(const struct chainman *cm);
struct sigcache *chainman_sigcache(const struct chainman *cm);
struct pool *chainman_workers(const struct chainman *cm);
struct versionbits *chainman_versionbits(const struct chainman *cm);
struct txindex *chainman_txindex(const struct chainman *cm);           /* NULL: off */
struct filter_index *chainman_filters(const struct chainman *cm);      /* NULL: off */
struct coinstats_index *chainman_coinstats(const struct chainman *cm); /* NULL: off */
struct index_status {
    const char *name; /* "txindex" */
    bool synced;      /* stands at the tip */
    int32_t height;
    uint64_t bytes; /* on disk, roughly */
};
#define MAX_INDEXES 3
/* The indexes that are on; @out holds MAX_INDEXES. Under the read lock. */
size_t chainman_indexes(const struct chainman *cm, struct index_status *out);
uint64_t chainman_prune_target(const struct chainman *cm); /* as in the options */
/* Block files were deleted, once. */
bool chainman_has_pruned(const struct chainman *cm);
/* How long the connection of blocks took since the start. */
const struct histogram *chainman_connect_times(const struct chainman *cm);
/* Share of all transactions that the chain up to @bi holds, from the rate so far: 0
 * to 1. */
double chainman_progress(const struct chainman *cm, const struct block_index *bi);
/* Lowest height from which on all blocks up to the tip are stored. */
int32_t chainman_prune_height(const struct chainman *cm);

/* ERR_NOT_FOUND: never had it or pruned. ERR_CORRUPT, ERR_IO. Needs no lock. */
NODISCARD enum err chainman_read_block(struct chainman *cm, struct block **out,
                                       const struct block_index *bi);
/* The coins that the block spent; everything in *out lives in @mem. */
NODISCARD enum err chainman_read_undo(struct chainman *cm, struct block_undo *out,
                                      const struct block_index *bi, struct arena *mem);

/* -- Changing: on the validation thread -- */
/* Accepts headers that connect; *last is the last accepted one. min_work: refuse
 * (low-work "too-little-chainwork") when the chain they end in has less than
 * minimumchainwork. */
bool chainman_accept_headers(struct chainman *cm, const struct block_header *headers,
                             size_t n, bool min_work, struct block_index **last,
                             struct reject *rej);
/* Checks, stores and connects a block (ProcessNewBlock). requested: peers asked for
 * it, so it is stored even if it does not help at once. *is_new: it was not known.
 * True: it was accepted for storage. rej is set when this very block is found
 * invalid, also while it is connected (the result is true then); no reject and not
 * in the active chain means that a better one is. */
bool chainman_process_block(struct chainman *cm, const struct block *b, bool requested,
                            bool min_pow_checked, bool *is_new, struct reject *rej);
/* Full check of a block on top of the tip without storing it (proposals, templates). */
bool chainman_test_block(struct chainman *cm, const struct block *b, bool check_pow,
                         bool check_merkle, struct reject *rej);
/* Each of these ends with the activation of what is best then. False: the node is
 * stopping. */
bool chainman_invalidate(struct chainman *cm, struct block_index *bi);
bool chainman_reconsider(struct chainman *cm, struct block_index *bi);
bool chainman_precious(struct chainman *cm, struct block_index *bi);
/* Connects towards the most-work valid chain. */
bool chainman_activate_best(struct chainman *cm);
/* Checks the last @blocks (0: all) at -checklevel @level (0 to 4). False: damaged. */
bool chainman_verify(struct chainman *cm, int level, int blocks);
/* Deletes block files that hold nothing above @height (manual pruning). */
void chainman_prune_to(struct chainman *cm, int32_t height);

/* -- The UTXO set as a whole -- */
/* From any thread but the validation thread, without lock: flushes, then walks a
 * snapshot in the order of keys (txid, n) while the chain goes on. @tip (may be
 * NULL) is the block it stands at. fn returns false to stop. ERR_CLOSED: shutting
 * down. */
NODISCARD enum err chainman_utxo_walk(struct chainman *cm,
                                      bool (*fn)(void *ctx, const struct outpoint *o,
                                                 const struct coin *c),
                                      void *ctx, const struct block_index **tip);

/* What the coins take on disk, roughly. */
uint64_t chainman_utxo_disk_size(struct chainman *cm);
/* Limits of memory that -dbcache left for coins and for the database below them,
 * octets. */
size_t chainman_coins_limit(const struct chainman *cm);
size_t chainman_coins_db_limit(const struct chainman *cm);

/* -- Chainstates (doc/assumeutxo.md) -- */
/* Under the read lock: the active one last; before it, the one that validates the
 * history below a UTXO snapshot. */
struct chainstate_info {
    const struct block_index *tip;
    size_t coins_db_cache, coins_cache; /* octets, limits */
    bool validated;
    bool from_snapshot;
    struct hash256 snapshot_base;
};
#define MAX_CHAINSTATES 2
size_t chainman_chainstates(const struct chainman *cm,
                            struct chainstate_info out[MAX_CHAINSTATES]);
/* The block that the active chain began with, while what lies below is not validated;
 * else NULL. */
const struct block_index *chainman_snapshot_base(const struct chainman *cm);
/* What the validation of the history needs next: the blocks above *from, up to and with
 * *to. For whoever fetches blocks. False: nothing. */
bool chainman_history_wanted(const struct chainman *cm, struct block_index **from,
                             struct block_index **to);

/* -- The mempool -- */
/* How the layer above takes part; called on the validation thread, under the write
 * lock. */
struct mempool_link {
    void *ctx;
    void (*block_connected)(void *ctx, const struct block *b, int32_t height);
    /* @give_back: its transactions may come back to the pool. */
    void (*block_disconnected)(void *ctx, const struct block *b, bool give_back);
    /* A block's changes of the ticket state, or a block's undone, are about to be
     * committed; @marks: what coins were marked (NULL: none). Comes before the two
     * above. */
    void (*state_changes)(void *ctx, const struct state_txn *st,
                          const struct map *marks);
    /* The tip has settled (for now): see mempool_tip_settled. */
    void (*tip_settled)(void *ctx, bool reorged);
    bool (*is_empty)(void *ctx);
};
/* @link is copied. */
void chainman_set_mempool(struct chainman *cm, const struct mempool_link *link);

/* -- Events -- */
/* Called on the validation thread, in order. The write lock is not held, but for the
 * tx_* events, which come while the mempool changes. A subscriber must not block. */
enum tx_removal {
    TX_REMOVED_EXPIRY,
    TX_REMOVED_SIZE_LIMIT,
    TX_REMOVED_REORG,
    TX_REMOVED_BLOCK,
    TX_REMOVED_CONFLICT,
    TX_REMOVED_REPLACED,
};
struct chain_events {
    void *ctx;
    void (*block_connected)(void *ctx, const struct block *b,
                            const struct block_index *bi);
    void (*block_disconnected)(void *ctx, const struct block *b,
                               const struct block_index *bi);
    /* The tip moved; fork is the common ancestor; initial: still in initial block
     * download. */
    void (*tip_changed)(void *ctx, const struct block_index *tip,
                        const struct block_index *fork, bool initial);
    void (*header_tip)(void *ctx, const struct block_index *best, bool initial);
    /* A block's verdict, for whoever sent or submitted it. */
    void (*block_checked)(void *ctx, const struct hash256 *hash,
                          const struct reject *rej);
    /* A new valid block with valid proof of work that extends the tip, before it is
     * connected. */
    void (*new_pow_valid)(void *ctx, const struct block_index *bi,
                          const struct block *b);
    void (*tx_added)(void *ctx, const struct tx *tx, uint64_t mempool_sequence);
    void (*tx_removed)(void *ctx, const struct tx *tx, enum tx_removal why,
                       uint64_t mempool_sequence);
    void (*flushed)(void *ctx, const struct block_index *tip);
    /* The validation of the history below a UTXO snapshot connected a block. */
    void (*history_connected)(void *ctx, const struct block *b,
                              const struct block_index *bi);
    /* The active chain begins with a UTXO snapshot that stands at @base; @validated:
     * the history below has led to the same. */
    void (*snapshot)(void *ctx, const struct block_index *base, bool validated);
    /* A chain that we refuse has clearly more work than ours: what the user should
     * know. NULL: none has any more. */
    void (*invalid_chain)(void *ctx, const char *text);
};
/* Before chainman_start_import; @ev is copied. */
void chainman_subscribe(struct chainman *cm, const struct chain_events *ev);
/* For the mempool: tells the subscribers. */
void chainman_tx_added(struct chainman *cm, const struct tx *tx,
                       uint64_t mempool_sequence);
void chainman_tx_removed(struct chainman *cm, const struct tx *tx, enum tx_removal why,
                         uint64_t mempool_sequence);

/* Wakes when the tip changes or at shutdown: waitfornewblock, long polls. Blocks the
 * caller (an RPC thread) until the tip differs from *known or the time (ms, 0: none)
 * is over. */
void chainman_wait_tip(struct chainman *cm, const struct hash256 *known,
                       int64_t timeout_ms);

#endif
