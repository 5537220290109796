#include "chain/mempool/package.h"

#include "chain/mempool/group.h"

bool mempool_test_package(struct mempool *mp, const struct tx *const *txs, size_t n,
                          struct accept_result *results, struct reject *package)
{
    ASSERT(chainman_on_thread(mp->cm));
    memset(results, 0, n * sizeof(*results));
    if (!package_check_form(txs, n, package))
        return false;
    struct group *g = group_new(mp, &ACCEPT_DRY_GROUP, package);
    g->opt.test_only = true;
    for (size_t i = 0; i < n; i++)
        group_append(g, txs[i]);
    bool ok = group_judge(g);
    for (size_t i = 0; i < g->n_passed; i++)
        acceptance_report(&g->as[i], true, &results[i]);
    if (g->failed < n)
        results[g->failed].rej = g->rejs[g->failed];
    group_free(g);
    return ok;
}

/* ---- submitting ---- */

struct submission {
    struct mempool *mp;
    const struct tx *const *txs;
    size_t n;
    struct accept_options opt;
    struct package_tx *out;
    struct reject *package;
    bool hopeless; /* a member failed for good */
    size_t n_grouped;
};

static bool transaction_failed(struct submission *s)
{
    return reject(s->package, REJECT_PACKAGE_TX_FAILED, NULL);
}

static bool find_in_pool(const struct mempool *mp, const struct tx *tx,
                         struct package_tx *out)
{
    const struct mempool_entry *e = pool_find(mp, &tx->txid);
    if (!e)
        return false;
    bool same = hash256_equal(&e->tx->wtxid, &tx->wtxid);
    out->verdict = same ? PACKAGE_IN_POOL : PACKAGE_OTHER_WITNESS;
    out->other_wtxid = e->tx->wtxid;
    out->r.vsize = e->vsize;
    out->r.fee = e->fee;
    return true;
}

/* What others may heal: too low a fee, or a parent that has not come in. */
static bool may_pass_with_others(const struct submission *s, const struct reject *rej)
{
    return s->n > 1 &&
           (rej->class == TX_RECONSIDERABLE || rej->class == TX_MISSING_INPUTS);
}

/* Alone first: who can stand by himself needs no package, and his fee is used once. */
static void try_alone(struct submission *s, size_t i)
{
    struct package_tx *out = &s->out[i];
    if (find_in_pool(s->mp, s->txs[i], out))
        return;
    if (accept_by_rules(s->mp, s->txs[i], &s->opt, &ACCEPT_MEMBER, &out->r)) {
        out->verdict = PACKAGE_ACCEPTED;
        out->effective_feerate = feerate_of(out->r.modified_fee.v, out->r.vsize);
        return;
    }
    out->verdict = PACKAGE_REFUSED;
    out->grouped = may_pass_with_others(s, &out->r.rej);
    s->n_grouped += out->grouped;
    s->hopeless |= !out->grouped;
}

static void take_member(struct group *g, struct acceptance *a, struct package_tx *out)
{
    out->r = (struct accept_result){0};
    out->verdict = PACKAGE_ACCEPTED;
    out->effective_feerate = feerate_of(g->fee, g->vsize);
    acceptance_add(a, &out->r);
    acceptance_report(a, true, &out->r);
}

/* Only the member that fails has a new reason. */
static bool accept_group(struct submission *s)
{
    struct group *g = group_new(s->mp, &ACCEPT_GROUP, s->package);
    struct package_tx *outs[MAX_PACKAGE_COUNT];

    g->opt = s->opt;
    for (size_t i = 0; i < s->n; i++) {
        if (!s->out[i].grouped)
            continue;
        outs[g->n] = &s->out[i];
        group_append(g, s->txs[i]);
    }
    bool ok = group_judge(g);
    pool_lock(s->mp);
    for (size_t i = 0; i < g->n && ok; i++)
        take_member(g, &g->as[i], outs[i]);
    pool_unlock(s->mp);
    if (g->failed < g->n)
        outs[g->failed]->r.rej = g->rejs[g->failed];
    group_free(g);
    return ok;
}

/* Trimming may have thrown out what had just come in, or was there before. */
static bool check_evicted(struct submission *s, size_t i)
{
    struct package_tx *out = &s->out[i];
    const struct mempool_entry *e = pool_find(s->mp, &s->txs[i]->txid);
    if (e && s->mp->opt.check_ratio)
        pool_check_entry(s->mp, e);
    if (e || out->verdict == PACKAGE_REFUSED)
        return true;
    out->verdict = PACKAGE_REFUSED;
    reject(&out->r.rej, REJECT_MEMPOOL_FULL_PACKAGE, NULL);
    return transaction_failed(s);
}

/* Members are not trimmed one by one: a parent would go before its child can pay. */
static bool submit(struct submission *s)
{
    for (size_t i = 0; i < s->n; i++)
        try_alone(s, i);
    bool ok = !s->hopeless && s->n_grouped != 1; /* nobody to go with */
    ok = ok ? s->n_grouped == 0 || accept_group(s) : transaction_failed(s);
    pool_lock(s->mp);
    pool_limit(s->mp);
    pool_unlock(s->mp);
    for (size_t i = 0; i < s->n; i++)
        ok &= check_evicted(s, i);
    return ok;
}

bool mempool_submit_package(struct mempool *mp, const struct tx *const *txs, size_t n,
                            int64_t max_feerate, struct package_tx *out,
                            struct reject *package)
{
    struct submission s = {.mp = mp,
                           .txs = txs,
                           .n = n,
                           .opt = {.max_feerate = max_feerate},
                           .out = out,
                           .package = package};

    ASSERT(chainman_on_thread(mp->cm));
    memset(out, 0, n * sizeof(*out));
    if (!package_check_form(txs, n, package) ||
        !package_check_shape(mp, txs, n, package))
        return false;
    return submit(&s);
}
