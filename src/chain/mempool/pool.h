/* The pool's inside, shared by the files of this folder only. */
#ifndef OCHRE_CHAIN_MEMPOOL_POOL_H
#define OCHRE_CHAIN_MEMPOOL_POOL_H

#include "chain/mempool/mempool.h"
#include "chain/params/params.h"
#include "chain/rules/policy.h"
#include "util/clock.h"
#include "util/heap.h"
#include "util/log.h"
#include "util/map.h"
#include "util/mem.h"

struct entry_list {
    struct mempool_entry **v; /* owned array of borrowed entries */
    size_t n, cap;
};
void entry_list_add(struct entry_list *l, struct mempool_entry *e);
void entry_list_clear(struct entry_list *l);
bool entry_list_has(const struct entry_list *l, const struct mempool_entry *e);

/* Transactions of disconnected blocks that wait for the tip to settle. */
struct disconnected {
    struct tx **txs; /* owned references: newest block first, each from its end; NULL:
                        no longer waiting */
    size_t first, n, cap; /* none waits before the first */
    size_t bytes; /* of memory */
    struct map places; /* txid -> size_t, of those that wait */
};

struct mempool {
    struct chainman *cm; /* NULL in tests of the pool alone */
    struct mempool_options opt;
    struct policy policy;
    struct map by_txid, by_wtxid; /* hash256 -> entry */
    struct map by_spend;          /* outpoint -> entry that spends it */
    struct map by_claim;          /* hash256 -> entry */
    struct map grounds;           /* name -> struct ground *, see grounds.c */
    struct entry_list doubtful;   /* tickets that are to be judged again */
    bool had_tickets;             /* ticket rules held when the tip settled last */
    struct map deltas;            /* txid -> int64_t */
    struct map unbroadcast;       /* set of txids */
    struct mempool_entry *oldest, *newest;
    struct heap eviction; /* of pointers; first: the first to be evicted */
    int64_t total_vsize, total_fee;
    size_t usage;        /* of all entries */
    int64_t oldest_time; /* no entry is older */
    uint64_t sequence;
    uint64_t mark; /* of the last walk */
    _Atomic uint32_t updates;
    _Atomic bool loaded;
    /* rolling minimum fee rate */
    double rolling_feerate;
    int64_t rolling_time;
    bool block_since_bump;
    struct disconnected disconnected;
    struct arena arena; /* scratch of one acceptance */
};

/* What one allocation takes of the heap besides its octets, on average. */
#define MALLOC_USAGE 16
/* What a slot of a map takes when the table is two thirds full. */
#define SLOT_USAGE(key, value) ((4 + (key) + (value)) * 3 / 2)

/* ---- mempool.c ---- */
/* Around every change: readers must not see it half done. Nests. */
void pool_lock(struct mempool *mp);
void pool_unlock(struct mempool *mp);
struct mempool_entry *pool_find(const struct mempool *mp, const struct hash256 *txid);
struct mempool_entry *pool_spender(const struct mempool *mp, const struct outpoint *o);
struct mempool_entry *pool_claimer(const struct mempool *mp,
                                   const struct hash256 *claim);
int64_t pool_delta(const struct mempool *mp, const struct hash256 *txid);
int64_t pool_now(const struct mempool *mp);

/* Adds an entry with tx, fee, sizes, time, locks and claims set; the pool owns it then.
 * If transactions that spend it are in the pool already, families_adopt must follow. */
void pool_add(struct mempool *mp, struct mempool_entry *take_e);
size_t pool_tx_usage(const struct tx *tx); /* bytes of memory */
struct mempool_entry *pool_entry_new(const struct tx *tx);
void pool_entry_free(struct mempool_entry *e);
/* Takes one entry out and frees it; what it leaves behind stays consistent as long as
 * nothing in the pool depends on the entry, or the entry is confirmed. */
void pool_remove(struct mempool *mp, struct mempool_entry *e, enum tx_removal why);
/* Takes out all of them; the list must hold every descendant of each member. */
void pool_remove_all(struct mempool *mp, struct entry_list *l, enum tx_removal why);
/* An entry and all that depends on it. */
void pool_remove_family(struct mempool *mp, struct mempool_entry *e,
                        enum tx_removal why);

/* ---- families.c ---- */
/* Appends all ancestors (descendants) of e that are not in the list's walk yet. Begin a
 * walk with walk_begin; entries visited (and e itself, if it shall be skipped) carry
 * mp->mark. */
void walk_begin(struct mempool *mp);
bool walk_visit(struct mempool *mp, struct mempool_entry *e); /* true the first time */
void walk_ancestors(struct mempool *mp, struct entry_list *out,
                    struct mempool_entry *e);
void walk_descendants(struct mempool *mp, struct entry_list *out,
                      struct mempool_entry *e);
/* A walk of its own: appends all descendants of those in the list. */
void walk_families(struct mempool *mp, struct entry_list *l);
/* Links e to its parents; all sums come up to date. */
void family_join(struct mempool *mp, struct mempool_entry *e);
/* After a reorganisation: links entries that came back to those that spend them and
 * were there before. All at once, since each may change the sums of very many. */
void families_adopt(struct mempool *mp, const struct entry_list *parents);
void family_leave(struct mempool *mp, struct mempool_entry *e);
void pool_check_entry(const struct mempool *mp, const struct mempool_entry *e);
bool tx_spends_from(const struct tx *tx, const struct tx *parent);
bool tx_signals_rbf(const struct tx *tx); /* BIP 125, explicitly */
/* e's modified fee has changed by @diff. */
void family_fee_changed(struct mempool *mp, struct mempool_entry *e, int64_t diff);

/* ---- grounds.c: what verdicts on tickets rest on ---- */
struct rule_env;
/* Appends the names of the grounds on which the verdict rests that hooks gave in @env.
 */
void grounds_of(struct buf *names, const struct rule_env *env);
/* From now on e relies on these, and no others. */
void grounds_rely(struct mempool *mp, struct mempool_entry *e, struct bytes names);
void grounds_leave(struct mempool *mp, struct mempool_entry *e);
void grounds_clear(struct mempool *mp);
size_t grounds_usage(const struct mempool *mp); /* what all share of mp->usage */
/* A block came or went: its changes of the state, and the height of the next one. */
void grounds_state(struct mempool *mp, const struct state_txn *st,
                   const struct map *marks);
void grounds_height(struct mempool *mp, int32_t next);
/* All blocks have, and what they gave back is in the pool. */
void grounds_settle(struct mempool *mp);
/* e has to be judged again, has been, or leaves. */
void doubt_begin(struct mempool *mp, struct mempool_entry *e);
void doubt_end(struct mempool *mp, struct mempool_entry *e);

/* ---- amount_text.c ---- */
#define POOL_AMOUNT_TEXT 64
/* "0.00001000 BTC/kvB" */
const char *pool_rate_text(const struct mempool *mp, char out[POOL_AMOUNT_TEXT],
                           int64_t rate);
/* With at least two decimals and no more zeros than needed. */
const char *pool_money_text(const struct mempool *mp, char out[POOL_AMOUNT_TEXT],
                            int64_t v);

/* ---- evict.c ---- */
/* The entry at a place of the order of eviction; 0: the first to go. */
struct mempool_entry *eviction_at(const struct mempool *mp, size_t pos);
void eviction_add(struct mempool *mp, struct mempool_entry *e);
void eviction_del(struct mempool *mp, struct mempool_entry *e);
void eviction_fix(struct mempool *mp, struct mempool_entry *e); /* its rate changed */
/* Expiry, then size. */
void pool_limit(struct mempool *mp);
/* A block came: from now on the rolling minimum may sink. */
void pool_rolling_block(struct mempool *mp);

/* ---- reorg.c ---- */
void disconnected_init(struct disconnected *d);
void disconnected_clear(struct disconnected *d); /* as after init */

/* ---- accept.c ---- */
static inline const struct block_index *pool_tip(const struct mempool *mp)
{
    return chain_tip(mp->cm);
}
static inline int32_t pool_next_height(const struct mempool *mp)
{
    return pool_tip(mp)->height + 1;
}
/* All coins of a pooled transaction, in the arena, which is reset; NULL when one is
 * gone. */
const struct coin *const *pool_entry_coins(struct mempool *mp, const struct tx *tx);
/* Whether what may change with the tip still holds: locks and maturity. */
bool pool_entry_final(struct mempool *mp, const struct mempool_entry *e);

/* ---- accept_ticket.c ---- */
/* Ticket rules hold for the next block. */
bool pool_tickets_active(const struct mempool *mp);
/* Whether they still hold for one that came in before. @names: of its grounds, may be
 * NULL. */
bool pool_ticket_judge(struct mempool *mp, const struct mempool_entry *e,
                       struct buf *names);

#endif
