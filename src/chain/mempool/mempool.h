/* The memory pool: unconfirmed transactions that are valid on top of the tip, with Bitcoin Core
 * 28's policy. Changed on the validation thread only; read under the chain's read lock. */
#ifndef OCHRE_CHAIN_MEMPOOL_MEMPOOL_H
#define OCHRE_CHAIN_MEMPOOL_MEMPOOL_H

#include "chain/validation/chainman.h"
#include "chain/validation/hooks.h"

struct mempool_options {
    int64_t max_bytes;           /* -maxmempool */
    int64_t expiry_s;            /* -mempoolexpiry */
    int64_t min_relay_feerate;   /* units per 1000 vbytes */
    int64_t incremental_feerate;
    int64_t dust_feerate;
    uint32_t max_ancestors, max_descendants;
    int64_t max_ancestor_bytes, max_descendant_bytes;
    uint32_t max_datacarrier;    /* bytes; 0: none allowed */
    uint32_t bytes_per_sigop;
    bool permit_bare_multisig;
    bool require_standard;
    bool full_rbf;
    bool persist;                /* v1 format when persist_v1 */
    bool persist_v1;
    int check_ratio;             /* -checkmempool: 0 never, n: one in n */
};

/* One pooled transaction with what policy needs; read-only outside mempool.c. */
struct mempool_entry {
    struct tx *tx; /* owned reference */
    struct amount fee;
    struct amount delta;          /* prioritisetransaction */
    int64_t time;                 /* unix seconds */
    int32_t entry_height;
    uint32_t sigop_cost;
    int64_t vsize;                /* adjusted for sigops */
    uint64_t sequence;
    bool spends_coinbase;
    /* In-pool families, this transaction included; fees are modified fees. */
    uint64_t n_ancestors, n_descendants;
    int64_t ancestor_vsize, descendant_vsize;
    int64_t ancestor_fees, descendant_fees;
    int64_t ancestor_sigops;
    /* Links: owned arrays of borrowed entries */
    struct mempool_entry **parents, **children;
    uint32_t n_parents, n_children;
    /* private to the pool */
    struct mempool_private *priv;
};

struct mempool;

struct mempool *mempool_new(struct chainman *cm, const struct mempool_options *opt);
void mempool_free(struct mempool *mp);
const struct mempool_options *mempool_get_options(const struct mempool *mp);

/* -- Reading -------------------------------------------------------------------------------- */
const struct mempool_entry *mempool_find(const struct mempool *mp, const struct hash256 *txid);
const struct mempool_entry *mempool_find_wtxid(const struct mempool *mp,
                                               const struct hash256 *wtxid);
/* The pooled transaction that spends it, or NULL. */
const struct mempool_entry *mempool_spender(const struct mempool *mp, const struct outpoint *o);
size_t mempool_count(const struct mempool *mp);
int64_t mempool_total_vsize(const struct mempool *mp);
size_t mempool_memory(const struct mempool *mp);
struct amount mempool_total_fee(const struct mempool *mp);
int64_t mempool_min_feerate(const struct mempool *mp); /* rolling minimum, units per kvB */
uint64_t mempool_sequence(const struct mempool *mp);
uint32_t mempool_updates(const struct mempool *mp);    /* changes; for long polls */
bool mempool_loaded(const struct mempool *mp);
/* All entries in order of arrival; return false to stop. */
void mempool_each(const struct mempool *mp,
                  bool (*fn)(void *ctx, const struct mempool_entry *e), void *ctx);

/* -- Accepting: on the validation thread ---------------------------------------------------- */
struct accept_result {
    bool accepted;
    struct reject rej;         /* when not accepted */
    int64_t vsize;
    struct amount fee;
    struct hash256 *replaced;  /* owned: txids that left; free with accept_result_clear */
    size_t n_replaced;
};
void accept_result_clear(struct accept_result *r);
/* test_only leaves the pool as it was. bypass_limits: transactions of disconnected blocks.
 * accept_time 0: now. True when accepted. */
bool mempool_accept(struct mempool *mp, const struct tx *tx, bool test_only,
                    bool bypass_limits, int64_t accept_time, struct accept_result *out);

/* -- Called by chainman --------------------------------------------------------------------- */
void mempool_block_connected(struct mempool *mp, const struct block *b, int32_t height);
void mempool_block_disconnected(struct mempool *mp, const struct block *b);
/* After the tip settled: re-adds what disconnected blocks held, drops what became immature,
 * non-final or, for tickets, invalid; expires; trims. */
void mempool_tip_settled(struct mempool *mp, bool reorged);

/* -- Rest ------------------------------------------------------------------------------------ */
void mempool_prioritise(struct mempool *mp, const struct hash256 *txid, struct amount delta);
NODISCARD enum err mempool_save(struct mempool *mp, const char *path);
NODISCARD enum err mempool_load(struct mempool *mp, const char *path, bool use_current_time,
                                bool apply_deltas, bool apply_unbroadcast);
void mempool_set_loaded(struct mempool *mp);
void mempool_unbroadcast_add(struct mempool *mp, const struct hash256 *txid);
void mempool_unbroadcast_del(struct mempool *mp, const struct hash256 *txid);

#endif
