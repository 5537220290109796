/* Transactions whose parents are missing: kept, completed, tried again. */
#include <stdlib.h>

#include "net/txs.h"

#define MAX_RESOLVERS     64    /* peers that are asked for an orphan's parents */
#define MAX_RESOLVER_WORK 10000 /* announcements that one orphan leads to */

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash256));
}

/* The txids of all parents, each once; the caller frees the list. */
static struct hash_list parents_of(const struct tx *tx)
{
    struct hash_list l = {0};
    size_t n = 0;
    for (uint32_t i = 0; i < tx->n_in; i++)
        hash_list_add(&l, &tx->in[i].prevout.txid);
    qsort(l.items, l.n, sizeof(*l.items), compare_hashes);
    for (size_t i = 0; i < l.n; i++)
        if (!i || !hash256_equal(&l.items[i], &l.items[i - 1]))
            l.items[n++] = l.items[i];
    l.n = n;
    return l;
}

/* A refused parent will not come again, and only one at a time can be paid for by its
 * child. */
static bool has_hopeless_parents(struct net *net, const struct hash_list *parents)
{
    size_t unpaid = 0;
    for (size_t i = 0; i < parents->n; i++) {
        const struct hash256 *h = &parents->items[i];
        if (recent_has_hash(&net->rejects, h))
            return true;
        unpaid += recent_has_hash(&net->reconsiderable, h) && !mempool_find(net->mp, h);
    }
    return unpaid > 1;
}

/* Leaves those that are worth asking for. What was refused for its fee is: this orphan
 * may pay for it. */
static void drop_known(struct net *net, struct hash_list *parents)
{
    size_t n = 0;
    for (size_t i = 0; i < parents->n; i++) {
        struct gtxid id = {parents->items[i], false};
        if (!txs_have(net, &id, false))
            parents->items[n++] = id.hash;
    }
    parents->n = n;
}

/* Who has the orphan must have its parents: they may be asked of it. False: it has
 * announced too much to be of use. */
static bool ask_for_parents(struct peer *p, const struct tx *orphan,
                            const struct hash_list *parents)
{
    char hex[65];
    if (!txs_may_announce(p, parents->n))
        return false;
    for (size_t i = 0; i < parents->n; i++) {
        struct gtxid id = {parents->items[i], false};
        recent_add_hash(&p->txs.known, &id.hash);
        txs_announced(p, &id);
    }
    log_debug(p->net->log, LOG_TXPACKAGES,
              "added peer=%lld as a candidate for resolving orphan %s",
              (long long)p->id, hash256_to_hex(hex, &orphan->wtxid));
    return true;
}

static void keep_from(struct peer *p, const struct tx *tx,
                      const struct hash_list *parents)
{
    struct net *net = p->net;
    if (!orphanage_has_from(net->orphans, &tx->wtxid, p->id) &&
        ask_for_parents(p, tx, parents) &&
        orphanage_add(net->orphans, tx, p->id, net_now_s(net)))
        txs_remember_extra(net, tx);
}

/* Those who announced it, as many as the number of parents permits. */
static void keep_from_announcers(struct net *net, const struct tx *tx,
                                 const struct hash256 *id,
                                 const struct hash_list *parents)
{
    int64_t peers[MAX_RESOLVERS];
    size_t n = txrequest_peers(net->txreq, id, peers, MAX_RESOLVERS);
    for (size_t i = 0; i < n && i * parents->n < MAX_RESOLVER_WORK; i++) {
        struct peer *p = net_find_peer(net, peers[i]);
        if (p)
            keep_from(p, tx, parents);
    }
}

void txs_keep_orphan(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    struct hash_list parents = parents_of(tx);
    char a[65], b[65];
    if (has_hopeless_parents(net, &parents)) {
        log_debug(net->log, LOG_MEMPOOL,
                  "not keeping orphan with rejected parents %s (wtxid=%s)",
                  hash256_to_hex(a, &tx->txid), hash256_to_hex(b, &tx->wtxid));
        recent_add_hash(&net->rejects, &tx->txid);
        recent_add_hash(&net->rejects, &tx->wtxid);
    } else {
        drop_known(net, &parents);
        keep_from(p, tx, &parents);
        keep_from_announcers(net, tx, &tx->wtxid, &parents);
        keep_from_announcers(net, tx, &tx->txid, &parents);
    }
    txs_forget(net, tx);
    hash_list_clear(&parents);
}

void txs_orphan_announced(struct peer *p, const struct tx *orphan)
{
    struct net *net = p->net;
    /* No peer makes us look at an orphan's inputs twice. */
    if (orphanage_has_from(net->orphans, &orphan->wtxid, p->id) ||
        !txs_may_announce(p, orphan->n_in))
        return;
    struct hash_list parents = parents_of(orphan);
    drop_known(net, &parents);
    if (ask_for_parents(p, orphan, &parents))
        orphanage_add_peer(net->orphans, &orphan->wtxid, p->id);
    hash_list_clear(&parents);
}

static void try_again(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    struct accept_result r;
    char a[65], b[65], why[512];
    hash256_to_hex(a, &tx->txid);
    hash256_to_hex(b, &tx->wtxid);
    if (txs_try(net, tx, &r)) {
        log_debug(net->log, LOG_TXPACKAGES, "   accepted orphan tx %s (wtxid=%s)", a,
                  b);
        txs_accepted(p, tx);
    } else if (r.rej.class != TX_MISSING_INPUTS) {
        log_debug(net->log, LOG_TXPACKAGES,
                  "   invalid orphan tx %s (wtxid=%s) from peer=%lld. %s", a, b,
                  (long long)p->id, reject_text(&r.rej, why));
        txs_refused(p, tx, &r, true);
        if (r.rej.class == TX_RECONSIDERABLE)
            txs_try_package(p, tx, "failed but reconsiderable");
    }
    accept_result_clear(&r);
}

bool txs_process_orphans(struct peer *p)
{
    struct tx *tx = orphanage_next(p->net->orphans, p->id);
    if (!tx)
        return false;
    try_again(p, tx);
    tx_unref(tx);
    return true;
}

void txs_expire_orphans(struct net *net)
{
    orphanage_expire(net->orphans, net_now_s(net));
}

/* -- For others ----------------------------------------------------------- */

struct orphan_list {
    struct net *net;
    struct net_orphan *items;
    size_t n;
};

static bool list_orphan(void *ctx, const struct tx *tx)
{
    struct orphan_list *l = ctx;
    struct net *net = l->net;
    struct net_orphan *o = &l->items[l->n++];
    o->tx = tx_ref(tx);
    o->peers = xcalloc(net->n_peers + net->n_removed, sizeof(*o->peers));
    o->n_peers = orphanage_peers(net->orphans, &tx->wtxid, o->peers,
                                 net->n_peers + net->n_removed);
    return true;
}

struct net_orphan *net_orphans(struct net *net, size_t *n)
{
    net_resume(net);
    *n = orphanage_size(net->orphans);
    struct orphan_list l = {net, xcalloc(*n + 1, sizeof(*l.items)), 0};
    orphanage_each(net->orphans, list_orphan, &l);
    net_release(net);
    return l.items;
}

void net_orphans_free(struct net_orphan *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tx_unref(list[i].tx);
        free(list[i].peers);
    }
    free(list);
}
