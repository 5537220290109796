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

/* What the occasion allows. */
struct accept_rules {
    bool replaces;        /* what it conflicts with in the pool may leave */
    bool evicts_siblings; /* and so may the only child of its version 3 parent */
    bool carve_outs;      /* families may pass their limits by one small member */
    bool group_pays;      /* the group as a whole answers for fees and replacement */
    bool alone;           /* it comes by itself: the pool is trimmed right after */
};
extern const struct accept_rules ACCEPT_ALONE;     /* the usual way */
extern const struct accept_rules ACCEPT_MEMBER;    /* of a package, by its own means */
extern const struct accept_rules ACCEPT_GROUP;     /* of a package, with others */
extern const struct accept_rules ACCEPT_DRY_GROUP; /* the same, to see what would be */

struct acceptance {
    struct mempool *mp;
    const struct tx *tx;
    const struct accept_options *opt;
    const struct accept_rules *rules;
    struct reject *rej;
    const struct acceptance *earlier; /* those of its group that come before it */
    size_t n_earlier;

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
    bool asks_for_coins;  /* the ticket rules did, beyond its own inputs */
    struct buf grounds;   /* names of those that the verdict on its ticket rests on */
    struct deferred_check *deferred;

    struct entry_list ancestors; /* in the pool */
    struct entry_list conflicts; /* spend the same coins or make the same claims */
    struct entry_list replaced;  /* conflicts and all their descendants */
};

/* ---- accept.c ---- */
void acceptance_init(struct acceptance *a, struct mempool *mp, const struct tx *tx,
                     const struct accept_options *opt, const struct accept_rules *rules,
                     struct reject *rej);
void acceptance_clear(struct acceptance *a);
/* Everything up to, but without, scripts. */
bool acceptance_prechecks(struct acceptance *a);
/* Input scripts and deferred signatures. */
bool acceptance_scripts(struct acceptance *a);
/* Puts it into the pool, without trimming; out->replaced: what leaves for it. */
void acceptance_add(struct acceptance *a, struct accept_result *out);
/* What else there is to say of it. */
void acceptance_report(const struct acceptance *a, bool accepted,
                       struct accept_result *out);
/* The ladder from its foot to the pool. */
bool accept_by_rules(struct mempool *mp, const struct tx *tx,
                     const struct accept_options *opt, const struct accept_rules *rules,
                     struct accept_result *out);
/* Whether so many vbytes pay enough for the pool; if not, more fees would help. */
bool pool_check_fee(const struct mempool *mp, int64_t fee, int64_t vsize,
                    struct reject *rej);

/* ---- accept_ticket.c ---- */
/* Everything but signatures, which wait in a->deferred. */
bool acceptance_ticket(struct acceptance *a);
bool acceptance_ticket_signatures(struct acceptance *a);

/* ---- limits.c: how far families may grow ---- */
/* Finds a->ancestors; too-long-mempool-chain. */
bool limits_check(struct acceptance *a);
/* Several at once, as one lump; package-mempool-limits. */
bool limits_check_group(const struct acceptance *as, size_t n, struct reject *package);

/* ---- truc.c: version 3 transactions (BIP 431) ---- */
/* Against the pool; adds a sibling that has to go to a->conflicts. */
bool truc_check(struct acceptance *a);
/* Against each other, all of them having passed truc_check. */
bool truc_check_group(const struct acceptance *as, size_t n, struct reject *package);

/* ---- replace.c: what replacing demands ---- */
/* Finds direct conflicts over coins, and over claims; txn-mempool-conflict. */
bool replacement_conflicts(struct acceptance *a);
bool replacement_claims(struct acceptance *a);
/* It spends nothing of what would leave. */
bool replacement_disjoint(struct acceptance *a);
/* BIP 125; fills a->replaced. */
bool replacement_pays(struct acceptance *a);
/* A parent and its child replace together; fills as[0].replaced. Passes when there is
 * nothing to replace. */
bool replacement_group_pays(struct acceptance *as, size_t n, struct reject *package);

/* ---- diagram.c ---- */
/* Whether miners are better off, whatever the room they have, when all @replaced
 * (the @conflicts and their descendants) make place for a lump of that fee and size.
 * False: *why says so, also when the families are too complex to tell. */
bool diagram_improves(const struct entry_list *conflicts,
                      const struct entry_list *replaced, int64_t fee, int64_t vsize,
                      char why[256]);

#endif
