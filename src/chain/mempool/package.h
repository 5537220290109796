/* Packages: several transactions that are judged together, by the package policy of
 * Bitcoin Core 28 (doc/policy.md). Everything that takes the pool runs on the
 * validation thread. */
#ifndef OCHRE_CHAIN_MEMPOOL_PACKAGE_H
#define OCHRE_CHAIN_MEMPOOL_PACKAGE_H

#include "chain/mempool/mempool.h"

#define MAX_PACKAGE_COUNT  25
#define MAX_PACKAGE_WEIGHT 404000

/* A dry run of several transactions, parents before children, without replacements.
 * results[i] has neither accepted nor a reject when a failure elsewhere ended the run.
 * False: the package (a PKG_POLICY reject) or one transaction (PKG_TX) failed. */
bool mempool_test_package(struct mempool *mp, const struct tx *const *txs, size_t n,
                          struct accept_result *results, struct reject *package);

/* What became of one transaction of a submitted package. */
enum package_verdict {
    PACKAGE_NOT_VALIDATED, /* the package's form was wrong: no member has a verdict */
    PACKAGE_ACCEPTED,
    PACKAGE_IN_POOL,       /* it was there before */
    PACKAGE_OTHER_WITNESS, /* the pool has it with another witness */
    PACKAGE_REFUSED,
};
struct package_tx {
    enum package_verdict verdict;
    /* The caller clears it. PACKAGE_REFUSED: r.rej says why, as for a transaction
     * alone. Fee and size are those of the pool's entry when it is there. */
    struct accept_result r;
    struct hash256 other_wtxid; /* PACKAGE_OTHER_WITNESS */
    bool grouped;               /* paid for together with all others that are grouped */
    int64_t effective_feerate;  /* of the group, or its own */
};
/* One transaction, or a child, last, and all its parents that are not confirmed. Each
 * is tried alone first, in order; those that fail for their fee, or for want of such a
 * parent, are then tried as one group, which may replace others when it is one parent
 * and one child. @max_feerate (0: any) holds for each alone.
 *
 * out[0..n): a verdict for every member, or for none when the package's form is wrong.
 * False: *package tells why (PKG_POLICY: all of it, PKG_TX: a member, see its verdict);
 * other members may have been accepted all the same. */
bool mempool_submit_package(struct mempool *mp, const struct tx *const *txs, size_t n,
                            int64_t max_feerate, struct package_tx *out,
                            struct reject *package);
/* Refused for its fee alone: it may pass in another package. */
static inline bool package_tx_reconsiderable(const struct package_tx *t)
{
    return t->verdict == PACKAGE_REFUSED && t->r.rej.class == TX_RECONSIDERABLE;
}

/* Every parent is spent by the last transaction, and by no other parent. */
bool package_is_tree(const struct tx *const *txs, size_t n);
/* Names the set of transactions, in whatever order: SHA-256 of their wtxids in the
 * order of these as text. At most MAX_PACKAGE_COUNT. */
struct hash256 package_hash(const struct tx *const *txs, size_t n);

#endif
