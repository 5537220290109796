#include <stdlib.h>

#include "net/orphanage_impl.h"

#define EXPIRY_S (20 * 60)

struct orphanage *orphanage_new(struct logger *log, struct rng *rng, size_t max)
{
    struct orphanage *o = xcalloc(1, sizeof(*o));
    o->log = log;
    o->rng = rng;
    o->max = max;
    ring_init(&o->all);
    map_init(&o->by_wtxid, sizeof(struct hash256), sizeof(struct orphan *));
    map_init(&o->by_spend, sizeof(struct outpoint), sizeof(struct spend *));
    map_init(&o->holders, sizeof(int64_t), sizeof(struct holder *));
    return o;
}

static struct orphan *find(const struct orphanage *o, const struct hash256 *wtxid)
{
    struct orphan **x = map_get(&o->by_wtxid, wtxid);
    return x ? *x : NULL;
}

struct holder *orphanage_holder(const struct orphanage *o, int64_t peer)
{
    struct holder **h = map_get(&o->holders, &peer);
    return h ? *h : NULL;
}

struct holding *orphan_holding(const struct orphan *x, int64_t peer)
{
    struct holding *g = x ? x->first : NULL;
    while (g && g->peer->id != peer)
        g = g->next;
    return g;
}

/* ---- coming and going ---- */

static struct holder *make_holder(struct orphanage *o, int64_t peer)
{
    bool is_new;
    struct holder **h = map_put(&o->holders, &peer, &is_new);
    if (is_new) {
        *h = xcalloc(1, sizeof(**h));
        (*h)->id = peer;
        ring_init(&(*h)->holdings);
        ring_init(&(*h)->work);
    }
    return *h;
}

static void hold(struct orphanage *o, struct orphan *x, int64_t peer)
{
    struct holder *h = make_holder(o, peer);
    struct holding *g = xmalloc(sizeof(*g));
    *g = (struct holding){
        .orphan = x,
        .peer = h,
        .next = x->first,
        .sequence = o->next_sequence++,
    };
    x->first = g;
    ring_append(&h->holdings, &g->in_peer);
    h->n++;
    h->weight += tx_weight(x->tx);
}

/* The holding is off the orphan's list already. */
static void release(struct orphanage *o, struct holding *g)
{
    struct holder *h = g->peer;
    ring_remove(&g->in_peer);
    h->n--;
    h->weight -= tx_weight(g->orphan->tx);
    if (g->orphan->worker == h)
        orphan_set_worker(g->orphan, NULL);
    free(g);
    if (h->n)
        return;
    map_del(&o->holders, &h->id);
    free(h);
}

void orphan_erase(struct orphanage *o, struct orphan *x)
{
    char a[65], b[65];
    log_debug(o->log, LOG_TXPACKAGES, "   removed orphan tx %s (wtxid=%s)",
              hash256_to_hex(a, &x->tx->txid), hash256_to_hex(b, &x->tx->wtxid));
    for (struct holding *g; (g = x->first);) {
        x->first = g->next;
        release(o, g);
    }
    o->weight -= tx_weight(x->tx);
    map_del(&o->by_wtxid, &x->tx->wtxid);
    orphan_unlink_spends(o, x);
    ring_remove(&x->by_age);
    tx_unref(x->tx);
    free(x);
}

/* One peer does not have it any more. Whoever else has it takes over. */
static void let_go(struct orphanage *o, struct holding *g)
{
    struct orphan *x = g->orphan;
    struct holding **link = &x->first;
    bool had_work = x->worker != NULL;
    while (*link != g)
        link = &(*link)->next;
    *link = g->next;
    release(o, g);
    if (!x->first)
        orphan_erase(o, x);
    else if (had_work && !x->worker)
        orphan_give_work(o, x);
}

void orphanage_free(struct orphanage *o)
{
    o->log = NULL;
    while (!ring_empty(&o->all))
        orphan_erase(o, RING_HOLDER(o->all.next, struct orphan, by_age));
    map_clear(&o->by_wtxid);
    map_clear(&o->by_spend);
    map_clear(&o->holders);
    free(o);
}

/* ---- bounds ---- */

static bool has_more(const struct holder *a, const struct holder *b, bool by_weight)
{
    int64_t x = by_weight ? a->weight : (int64_t)a->n;
    int64_t y = by_weight ? b->weight : (int64_t)b->n;
    return x != y ? x > y : a->id > b->id; /* among equals who came last gives way */
}

/* The holder with the most orphans, or with the greatest weight. */
static struct holder *largest_holder(const struct orphanage *o, bool by_weight)
{
    struct holder *worst = NULL;
    const void *k;
    void *v;
    for (size_t i = 0; map_next(&o->holders, &i, &k, &v);) {
        struct holder *h = *(struct holder **)v;
        if (!worst || has_more(h, worst, by_weight))
            worst = h;
    }
    return worst;
}

static bool too_many(const struct orphanage *o)
{
    return o->by_wtxid.len > o->max;
}

static bool too_heavy(const struct orphanage *o)
{
    return o->weight > ORPHANAGE_PEER_WEIGHT * (int64_t)o->holders.len;
}

void orphanage_limit(struct orphanage *o)
{
    size_t before = o->by_wtxid.len;
    while (too_many(o) || too_heavy(o)) {
        struct ring *oldest = largest_holder(o, !too_many(o))->holdings.next;
        let_go(o, RING_HOLDER(oldest, struct holding, in_peer));
    }
    if (o->by_wtxid.len != before)
        log_debug(o->log, LOG_TXPACKAGES, "orphanage overflow, removed %zu tx",
                  before - o->by_wtxid.len);
}

void orphanage_expire(struct orphanage *o, int64_t now_s)
{
    size_t before = o->by_wtxid.len;
    while (!ring_empty(&o->all)) {
        struct orphan *x = RING_HOLDER(o->all.next, struct orphan, by_age);
        if (x->expires_s > now_s)
            break;
        orphan_erase(o, x);
    }
    if (o->by_wtxid.len != before)
        log_debug(o->log, LOG_TXPACKAGES, "Erased %zu orphan tx due to expiration",
                  before - o->by_wtxid.len);
    orphanage_limit(o);
}

/* ---- in and out ---- */

static bool may_keep(const struct orphanage *o, const struct tx *tx)
{
    char a[65], b[65];
    if (tx_weight(tx) <= MAX_ORPHAN_WEIGHT)
        return true;
    log_debug(o->log, LOG_TXPACKAGES,
              "ignoring large orphan tx (size: %lld, txid: %s, wtxid: %s)",
              (long long)tx_weight(tx), hash256_to_hex(a, &tx->txid),
              hash256_to_hex(b, &tx->wtxid));
    return false;
}

static void log_added(const struct orphanage *o, const struct orphan *x)
{
    char a[65], b[65];
    log_debug(o->log, LOG_TXPACKAGES,
              "stored orphan tx %s (wtxid=%s), weight: %lld (mapsz %zu outsz %zu)",
              hash256_to_hex(a, &x->tx->txid), hash256_to_hex(b, &x->tx->wtxid),
              (long long)tx_weight(x->tx), o->by_wtxid.len, o->by_spend.len);
}

bool orphanage_add(struct orphanage *o, const struct tx *tx, int64_t peer,
                   int64_t now_s)
{
    orphanage_expire(o, now_s);
    if (orphanage_has(o, &tx->wtxid)) {
        orphanage_add_peer(o, &tx->wtxid, peer);
        return false;
    }
    if (!may_keep(o, tx))
        return false;
    struct orphan *x = xcalloc(1, sizeof(*x));
    x->tx = tx_ref(tx);
    x->expires_s = now_s + EXPIRY_S;
    ring_init(&x->in_work);
    ring_append(&o->all, &x->by_age);
    *(struct orphan **)map_put(&o->by_wtxid, &tx->wtxid, NULL) = x;
    o->weight += tx_weight(tx);
    orphan_link_spends(o, x);
    hold(o, x, peer);
    log_added(o, x);
    orphanage_limit(o);
    return true;
}

void orphanage_add_peer(struct orphanage *o, const struct hash256 *wtxid, int64_t peer)
{
    struct orphan *x = find(o, wtxid);
    char hex[65];
    if (!x || orphan_holding(x, peer))
        return;
    hold(o, x, peer);
    log_debug(o->log, LOG_TXPACKAGES, "added peer=%lld as announcer of orphan tx %s",
              (long long)peer, hash256_to_hex(hex, wtxid));
}

bool orphanage_has(const struct orphanage *o, const struct hash256 *wtxid)
{
    return find(o, wtxid) != NULL;
}

bool orphanage_has_from(const struct orphanage *o, const struct hash256 *wtxid,
                        int64_t peer)
{
    return orphan_holding(find(o, wtxid), peer) != NULL;
}

const struct tx *orphanage_get(const struct orphanage *o, const struct hash256 *wtxid)
{
    const struct orphan *x = find(o, wtxid);
    return x ? x->tx : NULL;
}

bool orphanage_erase(struct orphanage *o, const struct hash256 *wtxid)
{
    struct orphan *x = find(o, wtxid);
    if (!x)
        return false;
    orphan_erase(o, x);
    orphanage_limit(o);
    return true;
}

void orphanage_drop_peer(struct orphanage *o, int64_t peer)
{
    size_t before = o->by_wtxid.len;
    for (struct holder *h; (h = orphanage_holder(o, peer));)
        let_go(o, RING_HOLDER(h->holdings.next, struct holding, in_peer));
    if (o->by_wtxid.len != before)
        log_debug(o->log, LOG_TXPACKAGES,
                  "Erased %zu orphan transaction(s) from peer=%lld",
                  before - o->by_wtxid.len, (long long)peer);
    orphanage_limit(o);
}

/* ---- reading ---- */

size_t orphanage_size(const struct orphanage *o)
{
    return o->by_wtxid.len;
}

int64_t orphanage_weight(const struct orphanage *o)
{
    return o->weight;
}

size_t orphanage_peer_size(const struct orphanage *o, int64_t peer)
{
    const struct holder *h = orphanage_holder(o, peer);
    return h ? h->n : 0;
}

int64_t orphanage_peer_weight(const struct orphanage *o, int64_t peer)
{
    const struct holder *h = orphanage_holder(o, peer);
    return h ? h->weight : 0;
}

void orphanage_each(const struct orphanage *o,
                    bool (*fn)(void *ctx, const struct tx *tx), void *ctx)
{
    for (const struct ring *r = o->all.next; r != &o->all; r = r->next)
        if (!fn(ctx, RING_HOLDER(r, struct orphan, by_age)->tx))
            return;
}

size_t orphanage_peers(const struct orphanage *o, const struct hash256 *wtxid,
                       int64_t *out, size_t max)
{
    const struct orphan *x = find(o, wtxid);
    size_t n = 0;
    for (const struct holding *g = x ? x->first : NULL; g && n < max; g = g->next)
        out[n++] = g->peer->id;
    return n;
}

void orphanage_check(const struct orphanage *o)
{
    size_t n = 0, holdings = 0, held = 0, spends = 0, by_spend = 0;
    int64_t weight = 0;
    const void *k;
    void *v;
    for (const struct ring *r = o->all.next; r != &o->all; r = r->next, n++) {
        const struct orphan *x = RING_HOLDER(r, struct orphan, by_age);
        ASSERT(x->first && find(o, &x->tx->wtxid) == x);
        ASSERT(!x->worker || orphan_holding(x, x->worker->id));
        ASSERT(ring_empty(&x->in_work) == !x->worker);
        weight += tx_weight(x->tx);
        spends += x->tx->n_in;
        for (const struct holding *g = x->first; g; g = g->next)
            holdings++;
    }
    for (size_t i = 0; map_next(&o->holders, &i, &k, &v);)
        held += (*(struct holder **)v)->n;
    for (size_t i = 0; map_next(&o->by_spend, &i, &k, &v);)
        for (const struct spend *s = *(struct spend **)v; s; s = s->next)
            by_spend++;
    ASSERT(n == o->by_wtxid.len && weight == o->weight && !too_many(o) &&
           !too_heavy(o));
    ASSERT(holdings == held && spends == by_spend);
}
