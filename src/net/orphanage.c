#include "net/orphanage.h"

#include <stdlib.h>

#include "util/log.h"
#include "util/map.h"
#include "util/mem.h"
#include "util/rand.h"

#define MAX_ORPHAN_WEIGHT 400000
#define EXPIRY_S          (20 * 60)
#define SWEEP_S           (5 * 60)

struct orphan {
    struct tx *tx; /* owned reference */
    int64_t peer;
    int64_t expires_s;
    uint64_t sequence;
    bool retry; /* a parent came */
};

struct orphanage {
    struct logger *log;
    struct orphan *items; /* owned; few, so looked through */
    size_t n;
    struct map by_wtxid; /* wtxid -> uint32 position */
    uint64_t next_sequence;
    int64_t next_sweep_s;
};

struct orphanage *orphanage_new(struct logger *log)
{
    struct orphanage *o = xcalloc(1, sizeof(*o));
    o->log = log;
    map_init(&o->by_wtxid, sizeof(struct hash256), sizeof(uint32_t));
    return o;
}

void orphanage_free(struct orphanage *o)
{
    for (size_t i = 0; i < o->n; i++)
        tx_unref(o->items[i].tx);
    map_clear(&o->by_wtxid);
    free(o->items);
    free(o);
}

bool orphanage_add(struct orphanage *o, const struct tx *tx, int64_t peer,
                   int64_t now_s)
{
    bool is_new;
    char txid[65], wtxid[65];
    hash256_to_hex(txid, &tx->txid);
    hash256_to_hex(wtxid, &tx->wtxid);
    if (orphanage_has(o, &tx->wtxid))
        return false;
    if (tx_weight(tx) > MAX_ORPHAN_WEIGHT) {
        log_debug(o->log, LOG_TXPACKAGES,
                  "ignoring large orphan tx (size: %lld, txid: %s, "
                  "wtxid: %s)",
                  (long long)tx_weight(tx), txid, wtxid);
        return false;
    }
    *(uint32_t *)map_put(&o->by_wtxid, &tx->wtxid, &is_new) = (uint32_t)o->n;
    o->items = xrealloc_array(o->items, o->n + 1, sizeof(*o->items));
    o->items[o->n++] = (struct orphan){
        .tx = tx_ref(tx),
        .peer = peer,
        .expires_s = now_s + EXPIRY_S,
        .sequence = o->next_sequence++,
    };
    log_debug(o->log, LOG_TXPACKAGES,
              "stored orphan tx %s (wtxid=%s), weight: %lld (mapsz "
              "%zu outsz %zu)",
              txid, wtxid, (long long)tx_weight(tx), o->n, o->n);
    return true;
}

bool orphanage_has(const struct orphanage *o, const struct hash256 *wtxid)
{
    return map_get(&o->by_wtxid, wtxid) != NULL;
}

static void erase_at(struct orphanage *o, size_t i)
{
    struct tx *tx = o->items[i].tx;
    char a[65], b[65];
    log_debug(o->log, LOG_TXPACKAGES, "   removed orphan tx %s (wtxid=%s)",
              hash256_to_hex(a, &tx->txid), hash256_to_hex(b, &tx->wtxid));
    map_del(&o->by_wtxid, &tx->wtxid);
    o->items[i] = o->items[--o->n];
    if (i < o->n)
        *(uint32_t *)map_get(&o->by_wtxid, &o->items[i].tx->wtxid) = (uint32_t)i;
    tx_unref(tx);
}

bool orphanage_erase(struct orphanage *o, const struct hash256 *wtxid)
{
    const uint32_t *at = map_get(&o->by_wtxid, wtxid);
    if (!at)
        return false;
    erase_at(o, *at);
    return true;
}

void orphanage_erase_peer(struct orphanage *o, int64_t peer)
{
    size_t before = o->n;
    for (size_t i = o->n; i > 0; i--)
        if (o->items[i - 1].peer == peer)
            erase_at(o, i - 1);
    if (o->n != before)
        log_debug(o->log, LOG_TXPACKAGES,
                  "Erased %zu orphan transaction(s) from peer=%lld", before - o->n,
                  (long long)peer);
}

void orphanage_erase_for_block(struct orphanage *o, const struct tx *txs, size_t n)
{
    struct map spent;
    size_t before = o->n;
    bool is_new;
    if (!o->n)
        return;
    map_init(&spent, sizeof(struct outpoint), 0);
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < txs[i].n_in; k++)
            map_put(&spent, &txs[i].in[k].prevout, &is_new);
    for (size_t i = o->n; i > 0; i--) {
        const struct tx *tx = o->items[i - 1].tx;
        bool hit = false;
        for (uint32_t k = 0; k < tx->n_in && !hit; k++)
            hit = map_get(&spent, &tx->in[k].prevout) != NULL;
        if (hit)
            erase_at(o, i - 1);
    }
    map_clear(&spent);
    if (o->n != before)
        log_debug(o->log, LOG_TXPACKAGES,
                  "Erased %zu orphan transaction(s) included or "
                  "conflicted by block",
                  before - o->n);
}

void orphanage_limit(struct orphanage *o, size_t max, int64_t now_s, struct rng *rng)
{
    size_t before = o->n;
    if (o->next_sweep_s <= now_s) {
        for (size_t i = o->n; i > 0; i--)
            if (o->items[i - 1].expires_s <= now_s)
                erase_at(o, i - 1);
        o->next_sweep_s = now_s + SWEEP_S;
        if (o->n != before)
            log_debug(o->log, LOG_TXPACKAGES, "Erased %zu orphan tx due to expiration",
                      before - o->n);
    }
    before = o->n;
    while (o->n > max)
        erase_at(o, (size_t)rng_below(rng, o->n));
    if (o->n != before)
        log_debug(o->log, LOG_TXPACKAGES, "orphanage overflow, removed %zu tx",
                  before - o->n);
}

static bool spends(const struct tx *tx, const struct hash256 *txid)
{
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (hash256_equal(&tx->in[i].prevout.txid, txid))
            return true;
    return false;
}

void orphanage_add_children(struct orphanage *o, const struct tx *parent)
{
    char a[65], b[65];
    for (size_t i = 0; i < o->n; i++) {
        if (!spends(o->items[i].tx, &parent->txid))
            continue;
        o->items[i].retry = true;
        log_debug(o->log, LOG_TXPACKAGES, "added %s (wtxid=%s) to peer %lld workset",
                  hash256_to_hex(a, &o->items[i].tx->txid),
                  hash256_to_hex(b, &o->items[i].tx->wtxid),
                  (long long)o->items[i].peer);
    }
}

struct tx *orphanage_next(struct orphanage *o, int64_t peer)
{
    for (size_t i = 0; i < o->n; i++)
        if (o->items[i].retry && o->items[i].peer == peer) {
            o->items[i].retry = false;
            return tx_ref(o->items[i].tx);
        }
    return NULL;
}

bool orphanage_has_work(const struct orphanage *o, int64_t peer)
{
    for (size_t i = 0; i < o->n; i++)
        if (o->items[i].retry && o->items[i].peer == peer)
            return true;
    return false;
}

size_t orphanage_children(struct orphanage *o, const struct tx *parent, int64_t peer,
                          struct tx **out, size_t max)
{
    size_t n = 0;
    uint64_t below = UINT64_MAX;
    while (n < max) {
        const struct orphan *best = NULL;
        for (size_t i = 0; i < o->n; i++) {
            const struct orphan *c = &o->items[i];
            if (c->peer == peer && c->sequence < below &&
                spends(c->tx, &parent->txid) && (!best || c->sequence > best->sequence))
                best = c;
        }
        if (!best)
            break;
        out[n++] = tx_ref(best->tx);
        below = best->sequence;
    }
    return n;
}

size_t orphanage_size(const struct orphanage *o)
{
    return o->n;
}

void orphanage_each(const struct orphanage *o,
                    bool (*fn)(void *ctx, const struct tx *tx), void *ctx)
{
    for (size_t i = 0; i < o->n && fn(ctx, o->items[i].tx); i++)
        ;
}
