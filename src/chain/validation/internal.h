/* What the files of this folder share. Nobody else includes it. */
#ifndef OCHRE_CHAIN_VALIDATION_INTERNAL_H
#define OCHRE_CHAIN_VALIDATION_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "chain/params/assumeutxo.h"
#include "chain/rules/block_check.h"
#include "chain/rules/versionbits.h"
#include "chain/script/interpreter.h"
#include "chain/state/state.h"
#include "chain/store/block_db.h"
#include "chain/store/blockfile.h"
#include "chain/store/coins_cache.h"
#include "chain/store/undo.h"
#include "chain/validation/chainman.h"
#include "chain/validation/hooks.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/histogram.h"
#include "util/log.h"
#include "util/map.h"
#include "util/mem.h"
#include "util/pool.h"

/* Blocks this near the tip are kept for reorganisations and peers, whatever -prune
 * says. */
#define MIN_BLOCKS_TO_KEEP 288
#define MIN_FREE_BYTES     (UINT64_C(50) << 20)
#define MAX_SUBSCRIBERS    16
#define INDEX_CACHE        (2u << 20) /* octets, of LevelDB below each index */

/* An entry of the tree with what only this folder needs. bi is first, so that a
 * pointer to the one is a pointer to the other. */
struct tree_node {
    struct block_index bi;
    struct tree_node *waiting; /* children that have data while this chain has a gap */
    struct tree_node *next_waiting;
    bool dirty; /* in chainman.dirty */
};

/* A growing list of borrowed entries. */
struct block_list {
    struct block_index **v; /* owned */
    size_t n, cap;
};

/* The optional indexes along the chain; see indexes.c. */
struct indexes {
    struct txindex *txs;           /* owned, NULL: off */
    struct filter_index *filters;  /* owned, NULL: off */
    struct coinstats_index *stats; /* owned, NULL: off */
    bool catching_up;              /* follow_run is queued */
    enum {
        SAID_NOTHING,
        SAID_BEHIND,
        SAID_SYNCED,
    } said[MAX_INDEXES]; /* in the log */
    int64_t next_log_us[MAX_INDEXES]; /* steady time of the next word on catching up */
};

struct prefetch;
struct job;

/* Coins and ticket state, the block they stand at, and the chain that leads there. One
 * is active: rules, mempool and RPC look at it. When it was made from a UTXO snapshot,
 * another one validates the history up to the snapshot's base (background.c). */
struct chainstate {
    struct chainman *cm; /* owns it */
    /* Of one made from a snapshot: the block it began with. NULL: genesis, or the
     * history is validated. */
    struct block_index *base;
    struct db *db;             /* owned */
    struct coins_cache *coins; /* owned */
    struct state *state;       /* owned */
    struct prefetch *prefetch; /* owned */
    size_t db_cache;           /* octets, of LevelDB below them */
    uint64_t flush_count;
    bool on_disk;                 /* the database was written once */
    bool attached;                /* rules follow the state */
    struct block_list chain;      /* by height */
    struct block_list candidates; /* tips as good as its own or better; best is last */
};

struct chainman {
    struct chainman_options opt;
    const struct chain_params *params; /* borrowed, as all of opt */
    struct logger *log;

    /* disk */
    struct block_db *index;        /* owned */
    struct block_files *files;     /* owned */
    struct chainstate *active;     /* owned */
    struct chainstate *background; /* owned; NULL: the active one stands on its own */
    struct chainstate *retired;    /* owned: a background that is done, until the end */
    struct indexes indexes;        /* -txindex and its like */
    size_t coins_share;            /* octets that -dbcache leaves for all chainstates */
    size_t state_share;            /* of it, for clean pages of ticket state */
    int64_t next_flush_us;         /* steady time of the next periodic flush */
    struct histogram connect_times; /* under the write lock */
    bool have_pruned;

    /* the tree: changed under the write lock */
    struct map by_hash; /* hash -> struct tree_node * */
    struct arena nodes;
    struct block_list dirty; /* changed since the index was saved */
    struct block_index *best_header;
    struct block_index *best_invalid; /* the failed one with the most work */
    bool warned_of_invalid;
    int32_t next_sequence;     /* of the next block that arrives */
    int32_t precious_sequence; /* of the next precious one: falls from -1 */
    struct u256 precious_work;

    /* rules */
    struct versionbits versionbits;
    struct sigcache *sigcache;   /* owned */
    struct check_queue *scripts; /* owned */
    bool activating;             /* inside chainman_activate_best */
    bool scripts_skipped;        /* the last block's, for the log */
    _Atomic bool ibd;

    /* the thread and its queue */
    pthread_rwlock_t rw;
    unsigned write_depth; /* validation thread only */
    pthread_t thread;
    bool thread_started;
    _Atomic uintptr_t turn;     /* who runs a job now, see thread.c; 0: nobody */
    pthread_mutex_t jobs_mutex; /* guards the next four, and changes of turn */
    pthread_cond_t jobs_cond;
    struct job *jobs_head, **jobs_tail;
    bool jobs_closed;
    _Atomic bool interrupted;
    _Atomic bool stop_requested;
    _Atomic bool fatal; /* nothing may be written any more */
    _Atomic bool importing;

    /* who waits for the tip */
    pthread_mutex_t tip_mutex;
    pthread_cond_t tip_cond;
    struct hash256 tip_hash;

    /* UTXO snapshots */
    bool from_snapshot;                /* the active chainstate was made from one */
    const struct assumeutxo *snapshot; /* then, and while one is loaded: which */
    _Atomic bool loading_snapshot;
    bool background_posted;      /* its next step is in the queue */
    pthread_t background_hasher; /* computes the hash of what it has built */
    bool hashing;
    enum err hash_result;
    struct hash256 hash;

    struct chain_events subscribers[MAX_SUBSCRIBERS];
    size_t n_subscribers;
    struct mempool_link mempool;
    /* The block being processed: its octets, if they are what was stored, and where
     * the verdict on its hash goes. */
    const struct block *current;
    const struct hash256 *current_hash;
    struct reject *current_reject;
};

/* -- block_tree.c -- */
void block_tree_init(struct chainman *cm);
void block_tree_clear(struct chainman *cm);
/* The entry of a header whose parent is known (NULL for genesis); made when it is
 * new. */
struct block_index *block_tree_insert(struct chainman *cm, const struct block_header *h,
                                      const struct hash256 *hash,
                                      struct block_index *prev);
void block_tree_mark_dirty(struct chainman *cm, struct block_index *bi);
/* The block's data is stored at pos: counts transactions, makes it and what waited
 * for it candidates. */
void block_tree_have_data(struct chainman *cm, struct block_index *bi, uint32_t n_tx,
                          const struct filepos *pos);
/* Links a loaded entry's transaction count; parents first. */
void block_tree_link_loaded(struct chainman *cm, struct block_index *bi);
void block_tree_wait_for(struct block_index *prev, struct block_index *bi);
/* FAILED_VALID for bi, FAILED_CHILD for all that stands on it. */
void block_tree_fail(struct chainman *cm, struct block_index *bi);
void block_tree_unfail(struct chainman *cm, struct block_index *bi);
void block_tree_better_header(struct chainman *cm, struct block_index *bi);
void block_tree_find_best_header(struct chainman *cm);

bool block_better(const struct block_index *a, const struct block_index *b);
void block_list_insert(struct block_list *l, size_t at, struct block_index *bi);
void block_list_push(struct block_list *l, struct block_index *bi);
void block_list_clear(struct block_list *l);
/* -- candidates.c -- */
/* Whether the chainstate may ever go there: the active one stays above the base of its
 * snapshot, the background one goes no further than to it. */
bool candidate_in_reach(const struct chainstate *cs, const struct block_index *bi);
/* Adds the block to the candidates of every chainstate whose tip it may be. */
void candidates_consider(struct chainman *cm, struct block_index *bi);
void candidates_forget(struct chainman *cm, struct block_index *bi);
void candidates_add(struct chainstate *cs, struct block_index *bi);
void candidates_remove(struct chainstate *cs, struct block_index *bi);
void candidates_prune(struct chainstate *cs); /* drops what is worse than the tip */
/* Adds every block that may now be a tip. */
void candidates_refill(struct chainstate *cs);

/* -- chain.c -- */
void chainstate_set_tip(struct chainstate *cs, struct block_index *bi);
struct block_index *chainstate_tip(const struct chainstate *cs);
/* NULL: the chain does not reach that height. */
struct block_index *chainstate_at(const struct chainstate *cs, int32_t height);
bool chainstate_contains(const struct chainstate *cs, const struct block_index *bi);
struct block_index *chainstate_fork_point(const struct chainstate *cs,
                                          const struct block_index *bi);

/* -- chainstate.c -- */
/* @name: of the directory. Rules follow its state only from chainstate_attach on. */
NODISCARD enum err chainstate_open(struct chainstate **out, struct chainman *cm,
                                   const char *name, bool wipe, char **error);
void chainstate_free(struct chainstate *cs); /* NULL is fine */
/* Under the write lock. */
void chainstate_attach(struct chainstate *cs);
void chainstate_detach(struct chainstate *cs);
/* Marks follow from the state: a file, or blocks without their rules, leave them
 * out. */
void chainstate_mark_coins(struct chainstate *cs);
size_t chainstate_memory(const struct chainstate *cs);
/* What chainstate_memory should not exceed: two share what there is. */
size_t chainstate_limit(const struct chainstate *cs);
/* The same for clean pages of ticket state, whenever there is one more or less. */
void chainstates_share_cache(struct chainman *cm);
/* NULL-terminated. */
struct chainstates {
    struct chainstate *v[3];
};
struct chainstates chainstates_of(const struct chainman *cm);

/* -- snapshot_dir.c -- */
#define CHAINSTATE_DIR "chainstate"
#define SNAPSHOT_DIR   "chainstate_snapshot"
/* At start: finishes what the last run left. Sets cm->snapshot when the chain state of
 * one is to be opened. */
NODISCARD enum err snapshot_dir_settle(struct chainman *cm, char **error);
/* From now on a start finds the snapshot's chain state: it is whole. */
NODISCARD enum err snapshot_dir_complete(struct chainman *cm,
                                         const struct hash256 *base);
/* The history is validated: the next start drops the other chain state. */
NODISCARD enum err snapshot_dir_validated(struct chainman *cm);
/* The history says otherwise: the next start sets it aside. */
NODISCARD enum err snapshot_dir_invalid(struct chainman *cm);
void snapshot_dir_remove(struct chainman *cm);
/* Moves what is invalid aside, once its database is closed. */
void snapshot_dir_close(struct chainman *cm);

/* -- snapshot_load.c -- */
/* Makes the chain state of a snapshot the active one. */
void snapshot_activate(struct chainman *cm, struct chainstate *cs,
                       struct block_index *base);

/* -- background.c -- */
/* Lets the background chainstate go on when its turn in the queue comes. */
void background_wake(struct chainman *cm);
/* The block that it met breaks a rule: so does the snapshot. Always false. */
bool background_found_invalid(struct chainman *cm);
void background_stop(struct chainman *cm); /* at the end */

/* -- thread.c -- */
void thread_init(struct chainman *cm);
bool thread_start(struct chainman *cm);
void thread_stop(struct chainman *cm);
void thread_clear(struct chainman *cm);
/* Runs what is queued now: called between the steps of long work. */
void jobs_run_pending(struct chainman *cm);
void tip_announce(struct chainman *cm);
bool chainman_stopping(const struct chainman *cm);
void chainman_stop_wanted(struct chainman *cm); /* -stopatheight */
/* A failure that leaves no way on: asks for a stop. Always false. */
bool chainman_fatal(struct chainman *cm, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "Reading block 00..ab" and an err. */
bool chainman_fatal_err(struct chainman *cm, const char *what, enum err e);
/* The disk is full: asks for a stop, but what is in memory may still be saved in the
 * space kept for that. Always false. */
bool chainman_disk_full(struct chainman *cm, const char *what);

void event_block_connected(struct chainman *cm, const struct block *b,
                           const struct block_index *bi);
void event_block_disconnected(struct chainman *cm, const struct block *b,
                              const struct block_index *bi);
void event_tip_changed(struct chainman *cm, const struct block_index *fork);
void event_header_tip(struct chainman *cm);
void event_block_checked(struct chainman *cm, const struct hash256 *hash,
                         const struct reject *rej);
void event_new_pow_valid(struct chainman *cm, const struct block_index *bi,
                         const struct block *b);
void event_flushed(struct chainman *cm);
void event_history_connected(struct chainman *cm, const struct block *b,
                             const struct block_index *bi);
void event_snapshot(struct chainman *cm, const struct block_index *base,
                    bool validated);
void event_invalid_chain(struct chainman *cm, const char *text);

/* -- connect.c -- */
enum connect_mode {
    CONNECT_FULL,  /* and keep the result */
    CONNECT_TEST,  /* every check, then take it back */
    CONNECT_REDO,  /* -checklevel=4: keep the coins, write nothing to disk */
    CONNECT_AGAIN, /* the same without scripts, for blocks just disconnected */
};
/* Applies the block on top of what coins and state stand at. False: rej says why, or
 * (rej without code) the node is stopping; coins and state are as before then. */
bool block_connect(struct chainstate *cs, const struct block *b, struct block_index *bi,
                   enum connect_mode mode, struct reject *rej);

/* -- disconnect.c -- */
enum disconnect_result {
    DISCONNECT_OK,
    DISCONNECT_UNCLEAN, /* done, but the coins were not quite what they should be */
    DISCONNECT_FAILED,
};
enum disconnect_result block_disconnect(struct chainstate *cs, const struct block *b,
                                        const struct block_index *bi);
/* The coins alone; the set then stands at no other block than before. */
enum disconnect_result block_disconnect_coins(struct chainstate *cs,
                                              const struct block *b,
                                              const struct block_index *bi);
/* Removes what a transaction added, and gives back what it spent. False: something was
 * not (or not quite) as it should be. */
bool undo_outputs(struct chainstate *cs, const struct tx *tx, uint32_t height);
bool undo_inputs(struct chainstate *cs, const struct tx *tx, const struct tx_undo *u);

/* -- prefetch.c -- */
struct prefetch *prefetch_new(struct chainstate *cs);
void prefetch_free(struct prefetch *p); /* waits for what is under way */
/* Starts reading these blocks, which will be wanted in this order. */
void prefetch_blocks(struct prefetch *p, struct block_index *const *next, size_t n);
/* Starts reading the coins that the block will want and the cache lacks, if it is
 * parsed. */
void prefetch_coins(struct prefetch *p, const struct block_index *bi);
/* The block, from here or from disk; one reference. Coins read ahead go to the
 * cache. */
enum err prefetch_take(struct prefetch *p, struct block **out,
                       const struct block_index *bi);

/* -- activate.c -- */
/* Disconnects the tip; @give_back: its transactions may come back to the mempool. */
bool tip_disconnect(struct chainstate *cs, bool give_back);
void block_found_invalid(struct chainman *cm, struct block_index *bi,
                         const struct reject *rej);
/* Lets the mempool fit itself to where the chain stands. */
void settle_mempool(struct chainman *cm, bool reorged);
/* To the mempool, before a block's changes are committed. @marks NULL: none. */
void tell_state_changes(const struct chainstate *cs, const struct state_txn *st,
                        const struct map *marks);
/* One step towards the best chain: *done when there is nothing to do. False:
 * stopping. */
bool activate_step(struct chainstate *cs, bool *done);

/* -- accept.c -- */
bool accept_header(struct chainman *cm, const struct block_header *h,
                   bool min_pow_checked, struct block_index **out, struct reject *rej);
/* Stores a block; @known: where it already is, or NULL. */
bool accept_block(struct chainman *cm, const struct block *b, bool requested,
                  const struct filepos *known, bool min_pow_checked,
                  struct block_index **out, bool *is_new, struct reject *rej);

/* -- utxo_set.c -- */
typedef bool coin_fn(void *ctx, const struct outpoint *o, const struct coin *c);
/* Every coin of a chain state database, in the order of keys, until fn returns false.
 * @snapshot may be NULL. */
NODISCARD enum err coins_db_each(struct db *db, const struct db_snapshot *snapshot,
                                 coin_fn *fn, void *ctx);

/* -- flush.c -- */
enum flush_mode {
    FLUSH_IF_NEEDED, /* memory is short, or the time has come */
    FLUSH_ALWAYS,
    FLUSH_CLOSING, /* the same; this is what the disk's reserve is for */
};
/* False: fatal, already told. */
bool flush_chain(struct chainman *cm, enum flush_mode mode);
/* Block files and index alone. */
bool flush_index(struct chainman *cm);
/* Coins, state and best block of one; the index must know the block. */
NODISCARD enum err chainstate_write(struct chainstate *cs, bool drop);

/* -- replay.c -- */
/* Finishes the flush amid which the node stopped. */
NODISCARD enum err replay_blocks(struct chainstate *cs, char **error);

/* -- prune.c -- */
/* Deletes what -prune=<n> allows to; true when something was. */
bool prune_auto(struct chainman *cm);

/* -- import.c -- */
void import_run(void *cm);

/* -- load.c -- */
/* Writes the genesis block, unless that was done before. False: fatal. */
bool genesis_store(struct chainman *cm);

/* -- indexes.c: what each index is -- */
struct index_db;
/* A block to index. Its undo data is read when the first index asks for it. */
struct indexed_block {
    struct chainman *cm;
    const struct block *b;
    const struct block_index *bi;
    bool has_undo;
    struct block_undo undo;
    struct arena mem; /* of undo */
};
struct index_kind {
    const char *name;                                  /* as getindexinfo has it */
    struct index_db *(*base)(const struct indexes *x); /* NULL: off */
    enum err (*add)(struct indexes *x, struct indexed_block *ib);
};
extern const struct index_kind index_kinds[MAX_INDEXES];
NODISCARD enum err indexes_open(struct chainman *cm, char **error);
void indexes_close(struct chainman *cm);

/* -- follow.c: how they follow the active chain -- */
void follow_start(struct chainman *cm); /* catches up in the background, as jobs */
/* An index that needs blocks which were pruned is named. */
NODISCARD enum err follow_check(struct chainman *cm, char **error);
bool follow_connected(struct chainman *cm, const struct block *b,
                      const struct block_index *bi);
void follow_disconnected(struct chainman *cm, const struct block_index *bi);
/* The block index on disk is up to date: so may be what indexes say of themselves. */
bool follow_save(struct chainman *cm);
/* @height, or less where an index still needs what stands above. */
int32_t follow_prune_limit(const struct chainman *cm, int32_t height);

/* -- verify.c -- */
enum verify_result {
    VERIFY_OK,
    VERIFY_DAMAGED,
    VERIFY_INTERRUPTED,
};
enum verify_result verify_chain(struct chainstate *cs, int level, int blocks);
/* -checkblockindex: ASSERTs the invariants of the tree. */
void check_block_index(struct chainman *cm);

#endif
