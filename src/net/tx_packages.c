/* One parent, one child: a transaction whose fee is too low comes in together with an
 * orphan that pays for it. */
#include <stdlib.h>

#include "chain/mempool/package.h"
#include "net/txs.h"

struct candidate {
    struct net *net;
    const struct tx *parent;
};

static struct hash256 pair_hash(const struct tx *parent, const struct tx *child)
{
    return package_hash((const struct tx *const[]){parent, child}, 2);
}

static bool was_not_refused(void *ctx, const struct tx *child)
{
    const struct candidate *c = ctx;
    struct hash256 h = pair_hash(c->parent, child);
    return !recent_has_hash(&c->net->reconsiderable, &h);
}

/* The transactions to be judged: other parents that are in the mempool, ancestors
 * first, then the parent and the child. */
struct bundle {
    struct tx *txs[MAX_PACKAGE_COUNT]; /* owned references */
    size_t n;
};

static int by_ancestors(const void *x, const void *y)
{
    const struct mempool_entry *a = *(const struct mempool_entry *const *)x;
    const struct mempool_entry *b = *(const struct mempool_entry *const *)y;
    return a->n_ancestors < b->n_ancestors ? -1 : a->n_ancestors > b->n_ancestors;
}

static bool is_listed(const struct mempool_entry *const *list, size_t n,
                      const struct mempool_entry *e)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == e)
            return true;
    return false;
}

/* False: the child has more parents than a package may hold. */
static bool bundle_make(struct bundle *b, struct net *net, const struct tx *parent,
                        const struct tx *child)
{
    const struct mempool_entry *pooled[MAX_PACKAGE_COUNT - 2];
    size_t n = 0;
    for (uint32_t i = 0; i < child->n_in; i++) {
        const struct mempool_entry *e =
            mempool_find(net->mp, &child->in[i].prevout.txid);
        if (!e || is_listed(pooled, n, e))
            continue;
        if (n == MAX_PACKAGE_COUNT - 2)
            return false;
        pooled[n++] = e;
    }
    qsort(pooled, n, sizeof(const struct mempool_entry *), by_ancestors);
    for (size_t i = 0; i < n; i++)
        b->txs[b->n++] = tx_ref(pooled[i]->tx);
    b->txs[b->n++] = tx_ref(parent);
    b->txs[b->n++] = tx_ref(child);
    return true;
}

static void bundle_clear(struct bundle *b)
{
    for (size_t i = 0; i < b->n; i++)
        tx_unref(b->txs[i]);
}

static void take_verdict(struct peer *p, const struct tx *tx,
                         const struct package_tx *v, bool blame)
{
    if (v->verdict == PACKAGE_ACCEPTED)
        txs_accepted(p, tx);
    else if (v->verdict == PACKAGE_REFUSED)
        txs_refused(p, tx, &v->r, blame);
    else if (v->verdict == PACKAGE_OTHER_WITNESS)
        orphanage_erase(p->net->orphans, &tx->wtxid);
}

static void log_outcome(struct peer *p, const struct tx *parent, const struct tx *child,
                        bool ok)
{
    char a[65], b[65], c[65], d[65];
    log_debug(p->net->log, LOG_TXPACKAGES,
              "package evaluation for parent %s (wtxid=%s, sender=%lld) + child %s "
              "(wtxid=%s, sender=%lld): package %s",
              hash256_to_hex(a, &parent->txid), hash256_to_hex(b, &parent->wtxid),
              (long long)p->id, hash256_to_hex(c, &child->txid),
              hash256_to_hex(d, &child->wtxid), (long long)p->id,
              ok ? "accepted" : "rejected");
}

static void judge(struct peer *p, const struct tx *parent, const struct tx *child)
{
    struct net *net = p->net;
    struct bundle b = {0};
    struct package_tx out[MAX_PACKAGE_COUNT] = {0};
    struct reject rej = {0};
    /* Only what this peer gave us is its fault. */
    bool blame = orphanage_has_from(net->orphans, &child->wtxid, p->id);
    bool ok = false;
    if (bundle_make(&b, net, parent, child)) {
        net_release(net);
        ok = mempool_submit_package(net->mp, (const struct tx *const *)b.txs, b.n, 0,
                                    out, &rej);
        net_resume(net);
    }
    log_outcome(p, parent, child, ok);
    if (!ok) {
        struct hash256 h = pair_hash(parent, child);
        recent_add_hash(&net->reconsiderable, &h);
    }
    /* The child first, lest its parent's arrival has it tried again. */
    if (b.n) {
        take_verdict(p, child, &out[b.n - 1], blame);
        take_verdict(p, parent, &out[b.n - 2], true);
    }
    for (size_t i = 0; i < b.n; i++)
        accept_result_clear(&out[i].r);
    bundle_clear(&b);
}

void txs_try_package(struct peer *p, const struct tx *parent, const char *why)
{
    struct net *net = p->net;
    struct candidate c = {net, parent};
    char a[65], b[65];
    log_debug(net->log, LOG_TXPACKAGES,
              "tx %s (wtxid=%s) %s, looking for child in orphanage",
              hash256_to_hex(a, &parent->txid), hash256_to_hex(b, &parent->wtxid), why);
    struct tx *child =
        orphanage_child(net->orphans, parent, p->id, was_not_refused, &c);
    if (child)
        judge(p, parent, child);
    tx_unref(child);
}
