/* The memory pool: unconfirmed transactions that are valid on top of the tip, with
 * Bitcoin Core 28's policy. Changed on the validation thread only; read under the
 * chain's read lock. */
#ifndef OCHRE_CHAIN_MEMPOOL_MEMPOOL_H
#define OCHRE_CHAIN_MEMPOOL_MEMPOOL_H

#include "chain/validation/chainman.h"
#include "chain/validation/hooks.h"

struct mempool_options {
    int64_t max_bytes;         /* -maxmempool */
    int64_t expiry_s;          /* -mempoolexpiry */
    int64_t min_relay_feerate; /* units per 1000 vbytes */
    int64_t incremental_feerate;
    int64_t dust_feerate;
    uint32_t max_ancestors, max_descendants;
    int64_t max_ancestor_bytes, max_descendant_bytes;
    uint32_t max_datacarrier; /* bytes; 0: none allowed */
    uint32_t bytes_per_sigop;
    bool permit_bare_multisig;
    bool require_standard;
    bool full_rbf;
    bool persist; /* v1 format when persist_v1 */
    bool persist_v1;
    int check_ratio;                     /* -checkmempool: 0 never, n: one in n */
    const struct consensus_hooks *hooks; /* borrowed; NULL: none */
    struct clock *clock;                 /* borrowed */
    struct logger *log;                  /* borrowed */
};
/* Bitcoin Core's defaults; hooks, clock and log stay NULL. */
struct mempool_options mempool_default_options(void);

/* One pooled transaction with what policy needs; read-only outside this folder. */
struct mempool_entry {
    struct tx *tx; /* owned reference */
    struct amount fee;
    struct amount delta;  /* prioritisetransaction */
    int64_t time;         /* unix seconds */
    int32_t entry_height; /* of the tip when it came */
    uint32_t sigop_cost;
    int64_t vsize; /* adjusted for sigops */
    int64_t weight;
    uint64_t sequence; /* peers that were told of a later one may ask for it */
    size_t usage; /* bytes of memory */
    bool spends_coinbase;
    bool from_block; /* a block that is gone held it: anyone may ask for it at once */
    bool fee_sample; /* its own fee alone let it in: fee estimation may learn of it */
    bool has_locks;  /* a locktime or relative lock that a reorg may revive */
    /* In-pool families, this transaction included; fees are modified fees. */
    uint64_t n_ancestors, n_descendants;
    int64_t ancestor_vsize, descendant_vsize;
    int64_t ancestor_fees, descendant_fees;
    int64_t ancestor_sigops;
    /* Links: owned arrays of borrowed entries, in no order */
    struct mempool_entry **parents, **children;
    uint32_t n_parents, n_children;
    /* private to the pool */
    struct mempool_entry *older, *newer; /* order of arrival */
    struct hash256 *claims; /* owned, n_claims: names only one pending ticket may use */
    uint32_t n_claims;
    uint32_t n_reliances;
    struct reliance *reliances; /* owned: what the verdict on its ticket rests on */
    uint32_t doubt;             /* its place in the list of doubtful ones, from 1 */
    uint32_t heap_pos; /* in the order of eviction */
    uint64_t mark;     /* walks: the one that visited last */
    uint64_t scratch;  /* the miner's, on the validation thread */
};

static inline int64_t entry_modified_fee(const struct mempool_entry *e)
{
    return e->fee.v + e->delta.v;
}

struct mempool;

/* Takes part in @cm's chain from now on (chainman_set_mempool). Free it after
 * chainman_close, or before import begins. */
struct mempool *mempool_new(struct chainman *cm, const struct mempool_options *opt);
void mempool_free(struct mempool *mp);
const struct mempool_options *mempool_get_options(const struct mempool *mp);

/* ---- Reading ---- */
const struct mempool_entry *mempool_find(const struct mempool *mp,
                                         const struct hash256 *txid);
const struct mempool_entry *mempool_find_wtxid(const struct mempool *mp,
                                               const struct hash256 *wtxid);
/* The pooled transaction that spends it, or NULL. */
const struct mempool_entry *mempool_spender(const struct mempool *mp,
                                            const struct outpoint *o);
/* Whether a pending ticket has this claim (hooks.h). */
bool mempool_claimed(const struct mempool *mp, const struct hash256 *claim);
struct chainman *mempool_chainman(const struct mempool *mp);
size_t mempool_count(const struct mempool *mp);
int64_t mempool_total_vsize(const struct mempool *mp);
size_t mempool_memory(const struct mempool *mp);
struct amount mempool_total_fee(const struct mempool *mp);
/* What a transaction must pay to enter (the higher of rolling minimum and relay minimum
 * is the caller's business); units per kvB, 0 when there is room. */
int64_t mempool_min_feerate(const struct mempool *mp);
uint64_t mempool_sequence(const struct mempool *mp);
/* These two need no lock. Updates: how many changes there were, for long polls. */
uint32_t mempool_updates(const struct mempool *mp);
bool mempool_loaded(const struct mempool *mp);
/* All entries in order of arrival; return false to stop. */
void mempool_each(const struct mempool *mp,
                  bool (*fn)(void *ctx, const struct mempool_entry *e), void *ctx);
/* All entries, parents before children, better fee rates first: a heap array the caller
 * frees. */
const struct mempool_entry **mempool_sorted(const struct mempool *mp, size_t *n);
/* qsort's, for arrays of pointers to entries: by the bytes of their txids. */
int mempool_compare_txid(const void *a, const void *b);
/* All in-pool ancestors or descendants but e itself, in no order; the caller frees. */
const struct mempool_entry **
mempool_ancestors(const struct mempool *mp, const struct mempool_entry *e, size_t *n);
const struct mempool_entry **
mempool_descendants(const struct mempool *mp, const struct mempool_entry *e, size_t *n);
/* BIP 125: the transaction or an unconfirmed ancestor signals. */
bool mempool_signals_rbf(const struct mempool *mp, const struct mempool_entry *e);
/* An unconfirmed transaction's output as a coin (height: next block's); script is
 * borrowed. */
bool mempool_coin(const struct mempool *mp, const struct outpoint *o, struct coin *out);
/* That, or the chain's: out->script lives in the pool or in @mem. Spent by a pooled
 * transaction or not. */
bool mempool_any_coin(const struct mempool *mp, const struct outpoint *o,
                      struct coin *out, struct arena *mem);

/* ---- Accepting: on the validation thread ---- */
struct accept_options {
    bool test_only;      /* leave the pool as it was */
    bool bypass_limits;  /* of disconnected blocks: no minimum fee, no trimming */
    int64_t time;        /* unix seconds; 0: now */
    int64_t max_fee;     /* 0: any. Above it: max-fee-exceeded, the last check */
    int64_t max_feerate; /* 0: any. Above it: max feerate exceeded */
};
struct accept_result {
    bool accepted;
    bool witness_stripped; /* it failed, but would not with another witness */
    struct reject rej;     /* when not accepted */
    int64_t vsize;
    struct amount fee; /* set as soon as known, also for max-fee-exceeded */
    struct amount modified_fee;
    struct hash256 *replaced; /* owned: txids that left */
    size_t n_replaced;
};
void accept_result_clear(struct accept_result *r);

/* test_only leaves the pool as it was. bypass_limits: transactions of disconnected
 * blocks. accept_time 0: now. True when accepted. */
bool mempool_accept(struct mempool *mp, const struct tx *tx, bool test_only,
                    bool bypass_limits, int64_t accept_time, struct accept_result *out);
/* The same with all options. */
bool mempool_accept_with(struct mempool *mp, const struct tx *tx,
                         const struct accept_options *opt, struct accept_result *out);

/* Whether the families that the transaction would join stay within their limits; it
 * need not be signed. False: too-long-mempool-chain, with the limit as the detail. */
bool mempool_check_limits(struct mempool *mp, const struct tx *tx, struct reject *rej);

/* ---- Called by chainman, through the link mempool_new sets up ---- */
void mempool_block_connected(struct mempool *mp, const struct block *b, int32_t height);
void mempool_block_disconnected(struct mempool *mp, const struct block *b,
                                bool give_back);
/* After the tip settled: re-adds what disconnected blocks held, drops what became
 * immature, non-final or, for tickets, invalid; expires; trims. */
void mempool_tip_settled(struct mempool *mp, bool reorged);

/* ---- Rest: on the validation thread unless said ---- */
/* Fee deltas outlive the transactions they are for, until a block holds these. */
void mempool_prioritise(struct mempool *mp, const struct hash256 *txid,
                        struct amount delta);
/* Every delta, in no order. Reading. */
void mempool_each_delta(const struct mempool *mp,
                        void (*fn)(void *ctx, const struct hash256 *txid,
                                   struct amount delta),
                        void *ctx);
/* mempool.dat in Bitcoin Core's format. Both are called from any other thread, without
 * lock. */
NODISCARD enum err mempool_save(struct mempool *mp, const char *path);
NODISCARD enum err mempool_load(struct mempool *mp, const char *path,
                                bool use_current_time, bool apply_deltas,
                                bool apply_unbroadcast);
void mempool_set_loaded(struct mempool *mp);
/* Transactions of ours that no peer has asked for yet. */
void mempool_unbroadcast_add(struct mempool *mp, const struct hash256 *txid);
void mempool_unbroadcast_del(struct mempool *mp, const struct hash256 *txid);
/* The rest is reading. */
bool mempool_is_unbroadcast(const struct mempool *mp, const struct hash256 *txid);
size_t mempool_unbroadcast_count(const struct mempool *mp);
void mempool_each_unbroadcast(const struct mempool *mp,
                              void (*fn)(void *ctx, const struct hash256 *txid),
                              void *ctx);
/* Recomputes everything there is to know and compares; ASSERTs. Slow. */
void mempool_check(const struct mempool *mp);

#endif
