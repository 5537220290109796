/* Packages inside: their form, and transactions that are judged as one. */
#ifndef OCHRE_CHAIN_MEMPOOL_GROUP_H
#define OCHRE_CHAIN_MEMPOOL_GROUP_H

#include "chain/mempool/accept.h"
#include "chain/mempool/package.h"

/* ---- package_form.c ---- */
/* Count, weight, order, no doubles, no conflicts. */
bool package_check_form(const struct tx *const *txs, size_t n, struct reject *package);
/* A child with all its unconfirmed parents, or one transaction. */
bool package_check_shape(struct mempool *mp, const struct tx *const *txs, size_t n,
                         struct reject *package);

/* ---- group.c ---- */
/* Members whose order, form and shape have been checked. */
struct group {
    struct mempool *mp;
    struct accept_options opt;
    const struct accept_rules *rules;
    struct reject *package; /* why the group failed */
    struct acceptance as[MAX_PACKAGE_COUNT];
    struct reject rejs[MAX_PACKAGE_COUNT];
    size_t n;
    size_t failed;      /* the member that failed, rejs[] says why; n: none of them */
    size_t n_passed;    /* members whose scripts hold */
    int64_t fee, vsize; /* of all */
};
/* On the heap. Free it with group_free. */
struct group *group_new(struct mempool *mp, const struct accept_rules *rules,
                        struct reject *package);
void group_free(struct group *g);
void group_append(struct group *g, const struct tx *tx);
/* Everything but changing the pool. */
bool group_judge(struct group *g);

#endif
