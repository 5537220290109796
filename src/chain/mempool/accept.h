/* One transaction on its way into the pool: what the steps learn of it. */
#ifndef OCHRE_CHAIN_MEMPOOL_ACCEPT_H
#define OCHRE_CHAIN_MEMPOOL_ACCEPT_H

#include "chain/mempool/pool.h"
#include "chain/script/sighash.h"

/* Ticket signatures wait until everything cheaper has passed. */
struct deferred_check {
    bool (*run)(void *arg);
    void (*drop)(void *arg);
    void *arg;                   /* NULL: it has run */
    struct deferred_check *next; /* newest first */
};

struct acceptance {
    struct mempool *mp;
    const struct tx *tx;
    const struct accept_options *opt;
    struct reject *rej;
    const struct tx *const *package; /* earlier ones of it; may be NULL */
    size_t n_package;
    bool forbid_replacement;

    struct coin *coins;        /* of the inputs, in the pool's arena */
    const struct coin **spent; /* pointers to them */
    struct amount fee;
    int64_t modified_fee;
    int64_t vsize;
    int64_t sigop_cost;
    bool spends_coinbase;
    bool has_locks;
    bool witness_stripped;
    bool sibling_eviction;
    struct claim_set claims;
    bool keys_may_change; /* see struct rule_env */
    struct deferred_check *deferred;

    struct entry_list ancestors; /* in the pool */
    struct entry_list conflicts; /* spend the same coins or make the same claims */
    struct entry_list replaced;  /* conflicts and all their descendants */
};

void acceptance_init(struct acceptance *a, struct mempool *mp, const struct tx *tx,
                     const struct accept_options *opt, struct reject *rej);
void acceptance_clear(struct acceptance *a);
/* Everything up to, but without, scripts. */
bool acceptance_prechecks(struct acceptance *a);
/* Input scripts and deferred signatures. */
bool acceptance_scripts(struct acceptance *a);
/* Puts it into the pool, without trimming; whatever it replaces leaves. */
void acceptance_add(struct acceptance *a);

/* ---- replace.c: what replacing and topology demand ---- */
/* Finds direct conflicts over coins, and over claims; txn-mempool-conflict. */
bool replacement_conflicts(struct acceptance *a);
bool replacement_claims(struct acceptance *a);
/* Ancestor and descendant limits, TRUC, conflicts among ancestors, which it finds. */
bool acceptance_families(struct acceptance *a);
/* BIP 125; fills a->replaced. */
bool replacement_pays(struct acceptance *a);

#endif
