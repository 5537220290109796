/* Orphans by what they spend: parents that came, blocks, and whose turn it is. */
#include <stdlib.h>

#include "net/orphanage_impl.h"

/* ---- inputs ---- */

void orphan_link_spends(struct orphanage *o, struct orphan *x)
{
    x->spends = xcalloc(x->tx->n_in, sizeof(*x->spends));
    for (uint32_t i = 0; i < x->tx->n_in; i++) {
        struct spend **first = map_put(&o->by_spend, &x->tx->in[i].prevout, NULL);
        struct spend *s = &x->spends[i];
        *s = (struct spend){.orphan = x, .next = *first};
        if (*first)
            (*first)->prev = s;
        *first = s;
    }
}

void orphan_unlink_spends(struct orphanage *o, struct orphan *x)
{
    for (uint32_t i = 0; i < x->tx->n_in; i++) {
        struct spend *s = &x->spends[i];
        if (s->next)
            s->next->prev = s->prev;
        if (s->prev)
            s->prev->next = s->next;
        else if (s->next)
            *(struct spend **)map_get(&o->by_spend, &x->tx->in[i].prevout) = s->next;
        else
            map_del(&o->by_spend, &x->tx->in[i].prevout);
    }
    free(x->spends);
}

static struct spend *first_spend(const struct orphanage *o, const struct outpoint *out)
{
    struct spend **s = map_get(&o->by_spend, out);
    return s ? *s : NULL;
}

/* ---- work ---- */

void orphan_set_worker(struct orphan *x, struct holder *h)
{
    ring_remove(&x->in_work);
    x->worker = h;
    if (h)
        ring_append(&h->work, &x->in_work);
}

/* Any of its holders: none of them can keep it from being tried. */
static struct holder *random_holder(struct orphanage *o, const struct orphan *x)
{
    struct holder *chosen = NULL;
    size_t n = 0;
    for (struct holding *g = x->first; g; g = g->next)
        if (rng_below(o->rng, ++n) == 0)
            chosen = g->peer;
    return chosen;
}

void orphan_give_work(struct orphanage *o, struct orphan *x)
{
    char a[65], b[65];
    if (x->worker)
        return;
    orphan_set_worker(x, random_holder(o, x));
    log_debug(o->log, LOG_TXPACKAGES, "added %s (wtxid=%s) to peer %lld workset",
              hash256_to_hex(a, &x->tx->txid), hash256_to_hex(b, &x->tx->wtxid),
              (long long)x->worker->id);
}

/* ---- children ---- */

/* Calls @fn with every orphan that spends an output of @parent, once each. */
static void each_child(struct orphanage *o, const struct tx *parent,
                       void (*fn)(void *ctx, struct orphan *x), void *ctx)
{
    struct outpoint out = {.txid = parent->txid};
    uint64_t walk = ++o->walk;
    for (; out.n < parent->n_out; out.n++)
        for (struct spend *s = first_spend(o, &out); s; s = s->next) {
            if (s->orphan->mark == walk)
                continue;
            s->orphan->mark = walk;
            fn(ctx, s->orphan);
        }
}

static void try_again(void *ctx, struct orphan *x)
{
    orphan_give_work(ctx, x);
}

void orphanage_add_children(struct orphanage *o, const struct tx *parent)
{
    if (o->by_wtxid.len)
        each_child(o, parent, try_again, o);
}

bool orphanage_has_work(const struct orphanage *o, int64_t peer)
{
    const struct holder *h = orphanage_holder(o, peer);
    return h && !ring_empty(&h->work);
}

struct tx *orphanage_next(struct orphanage *o, int64_t peer)
{
    struct holder *h = orphanage_holder(o, peer);
    if (!h || ring_empty(&h->work))
        return NULL;
    struct orphan *x = RING_HOLDER(h->work.next, struct orphan, in_work);
    orphan_set_worker(x, NULL);
    return tx_ref(x->tx);
}

/* The child that suits best so far. */
struct child_search {
    struct orphanage *o;
    int64_t peer;
    bool (*fits)(void *ctx, const struct tx *child);
    void *ctx;
    const struct orphan *best;
    const struct holding *held; /* by the peer; NULL: only others have the best one */
    size_t others;
};

static void consider(void *arg, struct orphan *x)
{
    struct child_search *c = arg;
    const struct holding *g = orphan_holding(x, c->peer);
    if (c->held && (!g || g->sequence < c->held->sequence))
        return;
    if (!c->fits(c->ctx, x->tx))
        return;
    if (!g && rng_below(c->o->rng, ++c->others) != 0)
        return;
    c->best = x;
    c->held = g;
}

struct tx *orphanage_child(struct orphanage *o, const struct tx *parent, int64_t peer,
                           bool (*fits)(void *ctx, const struct tx *child), void *ctx)
{
    struct child_search c = {.o = o, .peer = peer, .fits = fits, .ctx = ctx};
    each_child(o, parent, consider, &c);
    return c.best ? tx_ref(c.best->tx) : NULL;
}

/* ---- blocks ---- */

static void erase_spenders(struct orphanage *o, const struct tx *tx)
{
    struct spend *s;
    for (uint32_t i = 0; i < tx->n_in; i++)
        while ((s = first_spend(o, &tx->in[i].prevout)))
            orphan_erase(o, s->orphan);
}

void orphanage_block(struct orphanage *o, const struct tx *txs, size_t n)
{
    size_t before = o->by_wtxid.len;
    for (size_t i = 0; i < n && o->by_wtxid.len; i++)
        erase_spenders(o, &txs[i]);
    if (o->by_wtxid.len != before)
        log_debug(o->log, LOG_TXPACKAGES,
                  "Erased %zu orphan transaction(s) included or conflicted by block",
                  before - o->by_wtxid.len);
    orphanage_limit(o);
    for (size_t i = 0; i < n && o->by_wtxid.len; i++)
        orphanage_add_children(o, &txs[i]);
}
